# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether frames leave the card: a few of our own are sent, and the counters must show that they are done.

The frames are addressed to the card itself, with a protocol number for experiments (IEEE 802, 0x88B5): a switch drops what came in by the port
that it would go out. What the counters mean, ``nicmedic.diagnosis.stall`` says.
"""

import errno
import socket
import time
from collections.abc import Iterable, Sequence

from nicmedic.diagnosis.completions import COUNTS_COMPLETIONS
from nicmedic.diagnosis.stall import find_stall
from nicmedic.host.nics import NET
from nicmedic.host.probes.target import Place, Said, Target
from nicmedic.host.qdisc_counts import QdiscCounts, read_qdisc_counts
from nicmedic.host.second_look import read_counters
from nicmedic.host.sysfs import Folder
from nicmedic.model.counters import Counters
from nicmedic.model.nic import Nic
from nicmedic.model.queue import Qdisc
from nicmedic.model.transaction import ProbeState

__all__ = ["probe_tx"]

_ETHERNET = 1
_EXPERIMENTAL = 0x88B5
_EVERY_S = 0.05
_SHUT = {errno.ENETDOWN, errno.ENXIO, errno.ENODEV}
_FRAMES = 3
_LOAD_S = 0.5
"""Looks less far apart prove nothing under load."""


class _Sender:
    """Sends a frame to nobody, as often as it is told."""

    def __init__(self, interface: str, folder: Folder) -> None:
        self.sent = 0
        self.error: OSError | None = None
        self._interface = interface
        text = folder.text("address") or ""
        self._address = bytes.fromhex(text.replace(":", "")) if folder.number("type") == _ETHERNET else b""
        self._socket: socket.socket | None = None
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0)
        except OSError as error:
            self.error = error

    def send(self) -> None:
        """What goes wrong is kept: the counters may still tell."""
        if self._socket is None or not self._address:
            return
        try:
            self._socket.sendto(bytes(46), (self._interface, _EXPERIMENTAL, 0, _ETHERNET, self._address))
            self.sent += 1
        except OSError as error:
            self.error = error


def _look(name: str) -> Counters:
    return read_counters(Folder(), [name], netlink=True)[0]


def _describe(folder: Folder, name: str, disciplines: Iterable[QdiscCounts]) -> Nic:
    """As much of the card as tells how to take its counters."""
    driver = (folder.target("device/driver") or "").rsplit("/", 1)[-1] or None
    kinds = tuple(Qdisc(kind=one.kind.decode("ascii", "replace"), parent="") for one in disciplines)
    return Nic(interface=name, driver=driver, qdiscs=kinds)


def _tells(nic: Nic, folder: Folder) -> bool:
    """Whether the driver tells when a frame is done: by byte queue limits, of which it has one since its first frames, or by its counter."""
    limits = (folder.number(f"queues/{queue}/byte_queue_limits/limit") for queue in folder.names("queues"))
    return nic.driver in COUNTS_COMPLETIONS or any(limits)


def _counted(first: Counters, now: Counters) -> int:
    return 0 if now.tx_packets is None or first.tx_packets is None else now.tx_packets - first.tx_packets


def _is_done(nic: Nic, looks: Sequence[Counters], *, tells: bool) -> bool:
    """Whether frames were sent and none is stuck: nothing is left in flight, or under load after a while nothing stands still."""
    if not tells or _counted(looks[0], looks[-1]) <= 0:
        return False
    if not any(queue.inflight for queue in looks[-1].queues):
        return True
    stall = find_stall(nic, looks[1:])
    return stall.elapsed_s >= _LOAD_S and not stall.reasons


def _judge(nic: Nic, looks: Sequence[Counters], sender: _Sender, *, tells: bool) -> Said:
    """At the end of the time. The first look was before the first frame, the second after it."""
    first, last = looks[0], looks[-1]
    elapsed, counted = f"{last.monotonic_s - first.monotonic_s:.1f} s", _counted(first, last)
    if reasons := find_stall(nic, looks[1:]).reasons:
        return ProbeState.FAILED, "; ".join(reason.text for reason in reasons)
    if counted > 0:
        said = f"{counted} packets were counted as sent within {elapsed}"
        return (ProbeState.PASSED, said) if tells else (ProbeState.UNKNOWN, f"{said}, but this driver counts before they are")
    if sender.error is not None:
        state = ProbeState.FAILED if sender.error.errno in _SHUT else ProbeState.UNKNOWN
        return state, f"nothing can be sent over {last.interface}: {sender.error.strerror}"
    if sender.sent and tells:
        return ProbeState.FAILED, f"{sender.sent} frames were handed over, and none was counted as sent within {elapsed}"
    return ProbeState.UNKNOWN, f"nothing was seen to be sent within {elapsed}, nor to wait"


def probe_tx(place: Place, _: Target) -> Said:
    """Send, and look until it is done or the time is over."""
    folder = Folder().folder(f"{NET}/{place.card}")
    nic = _describe(folder, place.card, (read_qdisc_counts() or {}).get(folder.number("ifindex") or 0, ()))
    looks, sender = [_look(place.card)], _Sender(place.card, folder)
    while True:
        if len(looks) <= _FRAMES:
            sender.send()
        time.sleep(min(_EVERY_S, place.left_s))
        looks.append(_look(place.card))
        if looks[-1].ifindex is None or looks[-1].ifindex != looks[0].ifindex:
            return ProbeState.FAILED, "its interface went away meanwhile"
        tells = _tells(nic, folder)
        if _is_done(nic, looks, tells=tells):
            return (
                ProbeState.PASSED,
                f"{_counted(looks[0], looks[-1])} packets were sent within {looks[-1].monotonic_s - looks[0].monotonic_s:.1f} s",
            )
        blind = not tells and looks[-1].monotonic_s - looks[1].monotonic_s > _LOAD_S and not find_stall(nic, looks[1:]).reasons
        if blind or place.left_s < _EVERY_S:
            return _judge(nic, looks, sender, tells=tells)
