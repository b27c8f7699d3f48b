# SPDX-License-Identifier: GPL-2.0-or-later
"""Which signals a kernel message shows, and what they read out of it."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from nicmedic.kernlog.chosen_words import has_chosen_words
from nicmedic.kernlog.device import DevicePrefix, parse_device_prefix
from nicmedic.model.event import EventKind
from nicmedic.model.signal import Signal, Where

__all__ = ["SignalIndex", "SignalMatch"]


class SignalMatch(NamedTuple):
    """A signal seen in a message. ``fields`` holds the pattern's groups that matched, over those of the prefix."""

    signal: Signal
    fields: dict[str, str]


_RANK = {Where.DRIVER: 0, Where.INTERFACE: 1, Where.DEVICE: 2, Where.MESSAGE: 3}
_OF_THE_HOST = frozenset({EventKind.CPU_STALL, EventKind.MEMORY_FAULT, EventKind.OTHER})
"""What a message may still mean whose first words somebody else chose: that a process found no memory, or died."""
_NO_DIGITS = dict.fromkeys(map(ord, "0123456789"))
_MOST_SHAPES = 2000
_LONGEST_MESSAGE = 4096
"""Longer messages are cut before patterns see them: the longest printk record is 1 KiB, dumps of several lines about 2 KiB."""


class SignalIndex:
    """All signals, ready to be looked for in messages."""

    def __init__(self, literals: Iterable[str], find_signals: Callable[[str], Sequence[Signal]]) -> None:
        """Take the literals of all signals, and what gives the signals of one of them: most logs need few."""
        literals = tuple(dict.fromkeys(literals))
        self._numbered = tuple(literal for literal in literals if literal.translate(_NO_DIGITS) != literal)
        self._plain = tuple(literal for literal in literals if literal.translate(_NO_DIGITS) == literal)
        self._find_signals = find_signals
        self._candidates: dict[str, tuple[Signal, ...]] = {}

    @classmethod
    def of(cls, signals: Iterable[Signal]) -> "SignalIndex":
        """An index of signals that are all there already."""
        by_literal: dict[str, list[Signal]] = {}
        for signal in signals:
            by_literal.setdefault(signal.literal, []).append(signal)
        return cls(by_literal, by_literal.__getitem__)

    def find_matches(self, text: str) -> list[SignalMatch]:
        """Signals of one message: at most one event (the most specific) first, then facts."""
        text = text[:_LONGEST_MESSAGE]
        candidates = self._find_candidates(text)
        if candidates and has_chosen_words(text):
            candidates = [candidate for candidate in candidates if candidate.where is Where.MESSAGE and candidate.kind in _OF_THE_HOST]
        if not candidates:
            return []
        prefix = parse_device_prefix(text)
        events: list[SignalMatch] = []
        facts: list[SignalMatch] = []
        for signal in sorted(candidates, key=lambda candidate: (_RANK[candidate.where], -len(candidate.literal))):
            fields = _match(signal, text, prefix)
            if fields is not None:
                (facts if signal.kind is None else events).append(SignalMatch(signal, fields))
        event = _choose(events, prefix)
        return [event, *facts] if event else facts

    def _find_candidates(self, text: str) -> list[Signal]:
        """Signals whose literal is in the text, and perhaps some more.

        Messages that differ in numbers only share one answer: else a log that repeats one message for days costs a test of every
        literal at every line.
        A literal without digits that is in the text is also in the text without its digits.
        """
        shape = text.translate(_NO_DIGITS)
        found = self._candidates.get(shape)
        if found is None:
            found = tuple(signal for literal in self._plain if literal in shape for signal in self._find_signals(literal))
            if len(self._candidates) < _MOST_SHAPES:
                self._candidates[shape] = found
        return [*found, *(signal for literal in self._numbered if literal in text for signal in self._find_signals(literal))]


def _choose(events: list[SignalMatch], prefix: DevicePrefix) -> SignalMatch | None:
    """The most specific of several readings. A line that names no driver and fits those of several is nobody's: it keeps its kind only."""
    if not events:
        return None
    claimants = {match.signal.file for match in events if match.signal.where is Where.INTERFACE}
    if prefix.driver is not None or len(claimants) < 2:  # one claim is a claim
        return events[0]
    shared = [match for match in events if match.signal.where is not Where.INTERFACE]
    chosen = shared[0] if shared else events[0]
    return chosen._replace(fields={name: value for name, value in chosen.fields.items() if name != "driver"})


def _match(signal: Signal, text: str, prefix: DevicePrefix) -> dict[str, str] | None:
    """The groups, with the prefix's fields beneath them; None: no match."""
    driver = prefix.driver
    if signal.where is Where.MESSAGE:
        if prefix.interface is None and not any(mark in (prefix.bus or "") for mark in ":.-"):
            prefix = DevicePrefix(None, None, None, text)  # "WARNING: " and "irq 18: " name no driver
            driver = None
        found = signal.match(text)
    elif signal.where is Where.DEVICE:
        found = signal.match(prefix.rest) if (prefix.driver or prefix.interface) else None
    elif prefix.driver is not None:
        found = signal.match(prefix.rest) if prefix.driver in signal.drivers else None
    elif signal.where is Where.INTERFACE and prefix.interface is not None:
        found = signal.match(prefix.rest)
        driver = signal.drivers[0] if found else None
    else:
        found = None
    if found is None:
        return None
    fields = {key: value for key, value in (("interface", prefix.interface), ("driver", driver), ("bus", prefix.bus)) if value}
    groups = found.groupdict()
    if "driver" in groups and signal.where is Where.MESSAGE:
        fields.pop("driver", None)
    fields.update((key, value) for key, value in groups.items() if value is not None)
    return fields
