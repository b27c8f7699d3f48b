# SPDX-License-Identifier: GPL-2.0-or-later
"""Queueing disciplines that somebody set on the card. They go with the interface; the kernel's own choice (handle ``0:``) it makes again.

Put back are those whose settings are all known as numbers; filters and classes are not read, so whatever has them is a loss.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from nicmedic.model.queue import Qdisc
from nicmedic.model.step import Run, Shown, Step

__all__ = ["find_set_qdiscs", "put_back_qdiscs", "tell_lost_qdiscs"]


def _number(word: str) -> Callable[[int], tuple[str, ...]]:
    return lambda value: (word, str(value))


def _time(word: str) -> Callable[[int], tuple[str, ...]]:
    return lambda value: (word, f"{value}us")


def _switch(on: str, off: str) -> Callable[[int], tuple[str, ...]]:
    return lambda value: (on if value else off,)


_OPTIONS: Mapping[str, Mapping[str, Callable[[int], tuple[str, ...]]]] = {
    "fq_codel": {
        "fq_codel_limit": _number("limit"),
        "fq_codel_flows": _number("flows"),
        "fq_codel_quantum": _number("quantum"),
        "fq_codel_target": _time("target"),
        "fq_codel_interval": _time("interval"),
        "fq_codel_ce_threshold": _time("ce_threshold"),
        "fq_codel_memory_limit": _number("memory_limit"),
        "fq_codel_drop_batch_size": _number("drop_batch"),
        "fq_codel_ecn": _switch("ecn", "noecn"),
    },
    "codel": {
        "codel_limit": _number("limit"),
        "codel_target": _time("target"),
        "codel_interval": _time("interval"),
        "codel_ecn": _switch("ecn", "noecn"),
        "codel_ce_threshold": _time("ce_threshold"),
    },
    "mq": {},
    "noqueue": {},
    "pfifo_fast": {},
}
"""By the kernel's attribute names (include/uapi/linux/pkt_sched.h): the words of tc."""
_NO_ANSWER = {"pfifo_fast": frozenset({"bands", "priomap"})}
"""Settings of a kind that has none to set."""


def find_set_qdiscs(qdiscs: Iterable[Qdisc] | None) -> tuple[Qdisc, ...]:
    """Those that somebody made."""
    return tuple(qdisc for qdisc in qdiscs or () if qdisc.handle is not None or qdisc.parent in {"ingress", "clsact"})


def _words(qdisc: Qdisc) -> tuple[str, ...] | None:
    """Its settings; None: not all are known."""
    known = _OPTIONS.get(qdisc.kind)
    if known is None:
        return None
    options = {name: value for name, value in (qdisc.options or {}).items() if name not in _NO_ANSWER.get(qdisc.kind, ())}
    if not set(options) <= set(known) or (known and not options):
        return None
    return tuple(word for name, value in options.items() for word in known[name](value))


def tell_lost_qdiscs(interface: str, qdiscs: Iterable[Qdisc] | None) -> Iterator[str]:
    """Sentences on those that cannot be put back."""
    kinds = dict.fromkeys(qdisc.kind for qdisc in find_set_qdiscs(qdiscs) if _words(qdisc) is None or qdisc.parent in {"ingress", "clsact"})
    for kind in kinds:
        yield f"The queueing discipline {kind} of {interface}, with the classes and filters that it may have, cannot be put back."


def put_back_qdiscs(interface: str, qdiscs: Iterable[Qdisc] | None) -> Iterator[Step]:
    """The root, then those below it."""
    for qdisc in find_set_qdiscs(qdiscs):
        words = _words(qdisc)
        if words is None or qdisc.handle is None:
            continue
        place = ("root",) if qdisc.parent == "root" else ("parent", qdisc.parent or "")
        there = Shown(argv=("tc", "qdisc", "show", "dev", interface), text=f"qdisc {qdisc.kind} {qdisc.handle} {' '.join(place)}")
        argv = ("tc", "qdisc", "replace", "dev", interface, *place, "handle", qdisc.handle, qdisc.kind, *words)
        yield Run(argv=argv, unless=there, needed=False)
