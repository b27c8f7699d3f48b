# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines in the card's stanza of ``/etc/network/interfaces``, for ifupdown of Debian and its kin (busybox, ifupdown-ng).

The keywords that a script of Debian's package ethtool reads (``/etc/network/if-up.d/ethtool``, 1:6.1-1: ``link-speed``, ``link-duplex``,
``ethernet-autoneg`` with ``on``, ``off`` or a mask, ``offload-NAME``, ``ethernet-pause-NAME``, ``hardware-dma-ring-NAME``,
``hardware-irq-coalesce-NAME``), where that script is there and is carried out for the stanza; else a line that runs the program after the
interface is up and cannot make ifup fail. The script turns underscores of a name into dashes, so a feature with an underscore gets such a line.
Not a keyword at all, and so a line: EEE.

``mtu`` is an option of inet's methods static and manual (inet.defn of ifupdown 0.8.41); dhcp does not know it, and inet6 only ever raises it
(inet6.defn: ``if [ mtu -lt %mtu% ]``), so elsewhere a line sets it. A line of the user's that says the same is never touched: the setting is refused.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from nicmedic.model.keeping import NoPlace, Placement, Wish
from nicmedic.persist.back_end import BackEnd, Found, Place
from nicmedic.persist.calls import Call
from nicmedic.persist.marks import take_out_marked
from nicmedic.persist.stanza_claims import PROGRAMS
from nicmedic.persist.stanza_edit import has_no_scripts, list_interfaces_files
from nicmedic.persist.stanza_placing import (
    Ready,
    Written,
    find_clash,
    list_calls,
    list_claims,
    place_lines,
    prepare,
    render_hook,
    tell_passed_over,
    why_not_owned,
)

__all__ = ["BACK_END"]

_NAME: Final = "ifupdown"
_SCRIPT = "/etc/network/if-up.d/ethtool"
_MTU = {"mtu": ("mtu",)}
_KEYS = {
    "link": ("link-speed", "link-duplex", "ethernet-autoneg"),
    "pause": ("ethernet-pause-",),
    "ring": ("hardware-dma-ring-",),
    "coalesce": ("hardware-irq-coalesce-",),
    **_MTU,
}
_PREFIXES = {
    "features": "offload-",
    "pause": "ethernet-pause-",
    "ring": "hardware-dma-ring-",
    "coalesce": "hardware-irq-coalesce-",
}
_OFFLOAD_NOTE = (
    "If a later kernel does not let one of these features be changed, the script of the package ethtool fails, and ifup calls the interface not "
    "configured, though it is up."
)
_DHCP_NOTE = "A DHCP server that gives an MTU (option 26) sets it again with every lease."


def _list_files(place: Place, _: Wish) -> tuple[str, ...]:
    return () if why_not_owned(place, _NAME, _NAME) else (*list_interfaces_files(place), _SCRIPT)


def _reads_keywords(ready: Ready, found: Found) -> bool:
    """Whether keywords in the stanza are carried out, and for this card alone."""
    script = found.get(_SCRIPT) or b""
    kept_out = any(has_no_scripts(ready.stanzas, name) for name in ready.chosen.stanza.names)
    return ready.chosen.own and b"IF_ETHERNET_AUTONEG" in script and b"gather_settings" in script and not kept_out


def _split_features(calls: tuple[Call, ...]) -> Iterator[Call]:
    """Features that keywords can name, and those with an underscore, in calls of their own."""
    for call in calls:
        if call.family != "features":
            yield call
            continue
        pairs = list(zip(call.words[::2], call.words[1::2], strict=True))
        for odd in (False, True):
            words = tuple(word for name, value in pairs if ("_" in name) is odd for word in (name, value))
            if words:
                names = tuple(f"features.{name}" for name in words[::2])
                yield dataclasses.replace(call, settings=names, words=words, argv=(*call.argv[:3], *words))


def _say_keywords(call: Call) -> list[str]:
    """The lines for a call; none: there is no keyword."""
    if call.family == "link":
        said = dict(zip(call.words[::2], call.words[1::2], strict=True))
        if said["autoneg"] == "on":
            return [f"ethernet-autoneg {said['advertise']}"]
        return [f"link-speed {said['speed']}", f"link-duplex {said['duplex']}", "ethernet-autoneg off"]
    prefix = _PREFIXES.get(call.family)
    if prefix is None or not call.settings or "_" in call.words[0]:
        return []
    return [f"{prefix}{name} {value}" for name, value in zip(call.words[::2], call.words[1::2], strict=True)]


def _knows_mtu(place: Place, ready: Ready) -> bool:
    """Whether ``mtu`` is an option of the stanza's method."""
    stanza = ready.chosen.stanza
    is_debian = not any(path in place.files.links for path in PROGRAMS)  # else a link to busybox or ifupdown-ng
    return ready.chosen.own and is_debian and stanza.family == "inet" and stanza.method in {"static", "manual"}


def _say_mtu(place: Place, ready: Ready, call: Call) -> str:
    return f"mtu {call.words[1]}" if _knows_mtu(place, ready) else render_hook(ready, call, "up")


def _write(place: Place, ready: Ready, calls: tuple[Call, ...], found: Found) -> Written:
    keywords = _reads_keywords(ready, found)
    lines: list[str] = []
    settings: list[str] = []
    reasons: list[str] = []
    notes: list[str] = []
    for call in _split_features(calls) if keywords else calls:
        clash = find_clash(ready, call, _KEYS, ("offload-", "")) if found.get(_SCRIPT) else find_clash(ready, call, _MTU, None)
        if clash:
            reasons.append(clash)
            continue
        said = _say_keywords(call) if keywords else []
        if call.family == "mtu":
            said = [_say_mtu(place, ready, call)]
            notes += [_DHCP_NOTE] if ready.chosen.stanza.method == "dhcp" else []
        elif said and call.family == "features":
            notes.append(_OFFLOAD_NOTE)
        program = "" if call.family == "mtu" and said[0].startswith("mtu") else call.argv[0]
        if program and program not in place.tools:
            reasons.append(f"{', '.join(call.settings)}: {program} is not installed")
            continue
        lines += said or [render_hook(ready, call, "up")]
        settings += call.settings
    return Written(lines=tuple(lines), settings=tuple(settings), reasons=tuple(reasons), notes=tuple(notes))


def _place(place: Place, wish: Wish, found: Found) -> Placement | NoPlace:
    refusal = why_not_owned(place, _NAME, _NAME)
    if refusal:
        return refusal
    ready = prepare(place, found, _NAME, second=False)
    if isinstance(ready, NoPlace):
        return tell_passed_over(place, wish, ready)
    listed = list_calls(place, wish)
    written = _write(place, ready, listed.calls, found)
    brought_up = ready.chosen.stanza.names[0] if ready.chosen.as_port else ready.interface
    return place_lines(place, wish, _NAME, ready, listed.left, written, takes_hold=f"at the next boot, or the next ifup of {brought_up}")


def _find_claims(place: Place, wish: Wish, found: Found) -> Mapping[str, str]:
    ready = prepare(place, found, _NAME, second=False) if why_not_owned(place, _NAME, _NAME) is None else None
    if not isinstance(ready, Ready):
        return {}
    keys, offloads = (_KEYS, ("offload-", "")) if found.get(_SCRIPT) else (_MTU, None)
    knows_mtu = _knows_mtu(place, ready)
    return list_claims(ready, list_calls(place, wish).calls, keys, offloads, lambda call: call.family == "mtu" and knows_mtu)


BACK_END = BackEnd(name=_NAME, list_files=_list_files, place=_place, take_out=partial(take_out_marked, _NAME), find_claims=_find_claims)
