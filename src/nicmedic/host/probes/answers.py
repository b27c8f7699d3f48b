# SPDX-License-Identifier: GPL-2.0-or-later
"""Ask, wait, ask again; and what it means whether an answer came, and whether it came through the treated card."""

import contextlib
import errno
import select
import time
from collections.abc import Callable
from typing import Protocol

from nicmedic.host.packet_watch import Pattern, Watch
from nicmedic.host.probes.target import Place, Said
from nicmedic.model.transaction import ProbeState

__all__ = ["Asker", "ask"]

_AGAIN_AFTER_S = (0.2, 0.4, 0.6, 1.0)
"""One frame may be lost; a gateway may answer only some requests a second."""
_NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENODEV, errno.ENXIO, errno.EADDRNOTAVAIL}
"""Sending is not possible as things are. Other errors (no permission, a firewall of this host) say nothing of the card."""
_FULL = {errno.ENOBUFS, errno.EAGAIN}
"""A queue has no room: on a busy card for a moment, on one that hangs for good."""
_TURN_S = 0.05


class Asker(Protocol):
    """One way to ask. Nothing is sent before it is told to."""

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """Which packets on the card belong to it, as the kernel sorts them out."""

    def is_ours(self, data: bytes, out: bool) -> bool:  # noqa: FBT001  # as Watch calls it
        """Whether one of those does; on its way out, or in."""

    def send(self) -> None:
        """Ask, or ask again."""

    def has_answer(self) -> bool:
        """Whether an answer is there; does not wait."""

    def fileno(self) -> int:
        """What to wait on."""

    def close(self) -> None:
        """Leave nothing open."""


def _watch(stack: contextlib.ExitStack, place: Place, asker: Asker) -> Watch | str:
    try:
        return stack.enter_context(Watch(place.card, asker.patterns, asker.is_ours))
    except OSError as error:
        return error.strerror or str(error)


def _wait(asker: Asker, watch: Watch | str, place: Place) -> bool:
    """Whether an answer came in time."""
    began = time.monotonic()
    times = [began, *(began + after for after in _AGAIN_AFTER_S)]
    while place.left_s:
        if times and time.monotonic() >= times[0]:
            times.pop(0)
            try:
                asker.send()
            except OSError as error:
                if error.errno not in _FULL:
                    raise
        if asker.has_answer():
            return True
        waiting: list[Asker | Watch] = [asker] if isinstance(watch, str) or watch.passed else [asker, watch]
        select.select(waiting, [], [], min(place.left_s, _TURN_S))
        if isinstance(watch, Watch):
            watch.read()
    return False


def _tell(place: Place, watch: Watch | str, began: float) -> Said:
    """An answer came. Over the card itself it can only have come by that; what stands on it may have other ways."""
    took = f"answered after {max(1, round(1000 * (time.monotonic() - began)))} ms"
    if place.interface == place.card or (isinstance(watch, Watch) and watch.passed):
        return ProbeState.PASSED, took
    if isinstance(watch, str):
        return ProbeState.UNKNOWN, f"{took}, but whether through {place.card} is not known: {watch}"
    way = "was asked over" if watch.sent else "was not even asked over"
    return ProbeState.UNKNOWN, f"{took}, but not through {place.card}, and {way} that"


def ask(place: Place, make: Callable[[], Asker]) -> Said:
    """Ask until an answer comes or the time is over. The card is watched before the first request."""
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        try:
            asker = make()
            stack.callback(asker.close)
            watch = _watch(stack, place, asker)
            answered = _wait(asker, watch, place)
        except OSError as error:
            state = ProbeState.FAILED if error.errno in _NO_WAY else ProbeState.UNKNOWN
            return state, f"nothing can be sent over {place.interface}: {error.strerror or error}"
        if isinstance(watch, Watch):
            watch.read()
        if answered:
            return _tell(place, watch, began)
        left = "it was asked" if isinstance(watch, Watch) and watch.sent else f"no request was seen to leave {place.card}"
        return ProbeState.FAILED, f"no answer within {time.monotonic() - began:.1f} s; {left}"
