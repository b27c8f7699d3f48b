# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.probes.Prober`` on the machine we run on: each probe in a child of its own, for a driver that hangs may keep who asks."""

import functools
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import replace

from nicmedic.host.nics import NET
from nicmedic.host.present import find_interface
from nicmedic.host.probes.choose import Asked, choose, find_gateways, parse_asked
from nicmedic.host.probes.table import PROBES, Kind
from nicmedic.host.probes.target import Place, Said, Target, parse_target
from nicmedic.host.rtnl_asks import list_neighbours
from nicmedic.host.session import find_session_interface, prove_session
from nicmedic.host.side_by_side import LeftBehindError, ask_side_by_side, is_left
from nicmedic.host.sysfs import Folder
from nicmedic.host.uppers import find_above
from nicmedic.model.errors import UsageError
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Identity
from nicmedic.model.probe_words import parse_address
from nicmedic.model.transaction import ProbeResult, ProbeState
from nicmedic.ports.probes import Proof

__all__ = ["HostProber"]

_LOOK_UP_S = 3.0
_EARLY_S, _LATE_S = 0.2, 0.4
"""A probe ends so much before its time, and is waited for so much longer: on a busy machine a child gets no processor for a while."""
_MOST_NEIGHBOURS = 2
_KINDS = {kind.name: kind for kind in PROBES}


def _look_up(name: str) -> str:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return str(found[0][4][0])


def _resolve(asked: Asked) -> Asked:
    """Look host names up, once: while a transaction runs, names may not resolve."""
    names = tuple(asked.names or {})
    said = ask_side_by_side([functools.partial(_look_up, name) for name in names], _LOOK_UP_S)
    targets = list(asked.targets)
    for name, answer in zip(names, said, strict=True):
        address = None if isinstance(answer, OSError) else parse_address(answer)
        if address is None:
            raise UsageError(
                f"--probe tcp:{name}: the name cannot be looked up: {answer}", hint="give its address: --probe tcp:ADDRESS:PORT"
            )
        targets += [replace(target, address=address) for target in (asked.names or {})[name]]
    return Asked(targets=tuple(targets), left_out=asked.left_out)


def _list_known(host: Host, nic: Nic) -> tuple[Target, ...]:
    """Neighbours of the card and of what stands on it that answered not long ago."""
    indices = {nic.ifindex: None, **{link.ifindex: link.interface for link in host.links if link.interface in _above(nic)}}
    jobs = [functools.partial(_name_neighbours, index) for index in indices if index is not None]
    said = ask_side_by_side(jobs, _LOOK_UP_S)
    found = []
    for over, answer in zip((over for index, over in indices.items() if index is not None), said, strict=True):
        if not isinstance(answer, OSError):
            addresses = [parse_address(word) for word in answer.split()[:_MOST_NEIGHBOURS]]
            found += [Target(kind="neighbour", address=address, over=over) for address in addresses if address is not None]
    return tuple(found[:_MOST_NEIGHBOURS])


def _above(nic: Nic) -> frozenset[str]:
    return frozenset(upper.interface for upper in nic.uppers or ())


def _name_neighbours(ifindex: int) -> str:
    return " ".join(str(one.address) for one in list_neighbours(ifindex))


def _find_card(host: Host, nic: Identity) -> Nic | None:
    """The card as the host was read: by its device, else by its name."""
    same = (one for one in host.nics if nic.sysfs_path is not None and (one.sysfs_path, one.dev_port) == (nic.sysfs_path, nic.dev_port))
    return next(same, None) or host.find_nic(nic.interface)


def _carry_out(kind: Kind, nic: Identity, target: Target, until: float, process: int) -> Said:
    """In the child: card and interface are found anew each time."""
    card = find_interface(nic)
    interface = card if target.over in {None, nic.interface} else target.over
    if kind.needs_interface and (card is None or interface is None):
        return ProbeState.FAILED, f"the card has no interface; it was {nic.interface}"
    if kind.needs_interface and not Folder().folder(NET).has(f"{interface}/ifindex"):
        return ProbeState.FAILED, f"{interface} is not there"
    if kind.needs_interface and card is not None and interface not in {card, *find_above(card)}:
        return ProbeState.FAILED, f"{interface} does not stand on {card} any more"
    return kind.run(Place(card=card or "", interface=interface or "", until=until, process=process), target)


def _tell(kind: Kind, nic: Identity, target: Target, until: float, process: int) -> str:
    state, detail = _carry_out(kind, nic, target, until, process)
    return f"{state} {detail}"


def _read_result(words: str, said: str | OSError) -> ProbeResult:
    if isinstance(said, OSError):
        return ProbeResult(probe=words, state=ProbeState.UNKNOWN, detail=said.strerror or str(said))
    state, _, detail = said.partition(" ")
    return ProbeResult(probe=words, state=ProbeState(state), detail=detail)


def _name_session(process: int) -> str:
    return find_session_interface(process) or ""


class HostProber:
    """Sends a few frames and listens."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}

    def choose_probes(self, host: Host, nic: Identity, asked: Sequence[str]) -> tuple[str, ...]:
        wanted = _resolve(parse_asked(asked, _KINDS))
        card = _find_card(host, nic)
        if card is None:
            return ("carrier", "tx")
        known = () if host.locked or find_gateways(host, card) else _list_known(host, card)
        (session,) = ask_side_by_side([functools.partial(_name_session, os.getpid())], _LOOK_UP_S)
        ssh = None if isinstance(session, OSError) else session or None
        return tuple(target.words for target in choose(host, card, wanted, known=known, ssh=ssh))

    def run_probes(self, nic: Identity, probes: Sequence[str], within_s: float = 2.0) -> tuple[ProbeResult, ...]:
        until, process = time.monotonic() + max(within_s - _EARLY_S, within_s / 2), os.getpid()
        self._left = {words: child for words, child in self._left.items() if is_left(child)}
        jobs = {}
        made = {}
        for words in probes:
            target = parse_target(words)
            kind = None if target is None else _KINDS.get(target.kind)
            if target is None or kind is None:
                made[words] = ProbeResult(probe=words, state=ProbeState.UNKNOWN, detail="no such probe")
            elif words in self._left:
                made[words] = ProbeResult(probe=words, state=ProbeState.UNKNOWN, detail="the last one still waits in the kernel")
            else:
                jobs[words] = functools.partial(_tell, kind, nic, target, until, process)
        for words, said in zip(jobs, ask_side_by_side(tuple(jobs.values()), within_s + _LATE_S), strict=True):
            if isinstance(said, LeftBehindError):
                self._left[words] = said.child
            made[words] = _read_result(words, said)
        return tuple(made[words] for words in probes)

    def prove_session(self, nic: Identity) -> Proof:
        return prove_session(nic)
