# SPDX-License-Identifier: GPL-2.0-or-later
"""All knowledge together: which signals to look for, and what is known of one driver.

Made from files' tables; signals are built at once (every log needs them), the rest of a driver's file when that driver is asked for.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from functools import cached_property

from nicmedic.knowledge.parse import SHARED_FILES, parse_driver, parse_names, parse_signals, parse_trials
from nicmedic.knowledge.values import DriverKnowledge, Problem
from nicmedic.model.finding import Trial
from nicmedic.model.signal import Signal

__all__ = ["KnowledgeBase", "KnowledgeFile"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeFile:
    """One file's tables. ``name`` is the file's name without ``.toml``; ``path`` is what a person is told."""

    name: str
    path: str
    data: Mapping[str, object]
    shipped: bool = False
    """It came with nicmedic, and was checked when that was built; others are checked as soon as they are read."""


def _merge(first: DriverKnowledge, second: DriverKnowledge) -> DriverKnowledge:
    """An operator's file adds to the shipped one; its head is not taken."""
    return dataclasses.replace(
        first,
        names=tuple(dict.fromkeys((*first.names, *second.names))),
        signals=(*first.signals, *second.signals),
        causes=(*first.causes, *second.causes),
        trials=(*first.trials, *second.trials),
        cautions=(*first.cautions, *second.cautions),
    )


class KnowledgeBase:
    """Everything that is known; ask it for signals and for drivers."""

    def __init__(self, files: Iterable[KnowledgeFile], problems: Iterable[Problem] = ()) -> None:
        """Take the files in order: shipped ones first, an operator's additions after them."""
        self._files: dict[str, list[KnowledgeFile]] = {}
        self._parsed: dict[str, DriverKnowledge] = {}
        self._signals: dict[str, tuple[Signal, ...]] = {}
        self._problems: dict[Problem, None] = dict.fromkeys(problems)
        self._names: dict[str, str] = {}
        for file in files:
            self._files.setdefault(file.name, []).append(file)
            for driver in parse_names(file.data):
                self._names.setdefault(driver, file.name)
            if not file.shipped:
                self._note(parse_driver(file.data, file.name)[1], file)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be used, as far as files were needed up to now."""
        return tuple(self._problems)

    @property
    def file_names(self) -> tuple[str, ...]:
        """All files, core and platform included, in order."""
        return tuple(self._files)

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """All signals of all files: for looking at them and for the lint; a log needs few of them."""
        signals: list[Signal] = []
        for name, files in self._files.items():
            for file in files:
                found, bad = parse_signals(file.data, name)
                signals += found
                self._note(bad, file)
        return tuple(signals)

    @cached_property
    def literals(self) -> tuple[bytes, ...]:
        """The literal strings of all signals, each once."""
        return tuple(literal.encode() for literal in self._by_literal)

    @cached_property
    def scan_literals(self) -> tuple[bytes, ...]:
        """Those of the signals that big logs are searched for."""
        return tuple(
            literal.encode() for literal, found in self._by_literal.items() if any(table.get("scan", True) is True for _, table in found)
        )

    @cached_property
    def _by_literal(self) -> dict[str, list[tuple[KnowledgeFile, Mapping[str, object]]]]:
        """The tables of signals as they are in the files, by literal."""
        found: dict[str, list[tuple[KnowledgeFile, Mapping[str, object]]]] = {}
        for files in self._files.values():
            for file in files:
                tables = file.data.get("signal", ())
                for table in tables if isinstance(tables, list) else ():
                    literal = table.get("literal") if isinstance(table, dict) else None
                    if isinstance(literal, str) and literal:
                        found.setdefault(literal, []).append((file, table))
        return found

    def find_signals(self, literal: str) -> tuple[Signal, ...]:
        """The signals with this literal; each is made when it is first asked for."""
        if literal not in self._signals:
            made: list[Signal] = []
            for file, table in self._by_literal.get(literal, ()):
                signals, bad = parse_signals({**file.data, "signal": [table]}, file.name)
                made += signals
                self._note(bad, file)
            self._signals[literal] = tuple(made)
        return self._signals[literal]

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """What was tried, over all drivers."""
        trials: list[Trial] = []
        for name, files in self._files.items():
            for file in files:
                found, bad = parse_trials(file.data, name)
                trials += found
                self._note(bad, file)
        return tuple(trials)

    @cached_property
    def driver_names(self) -> frozenset[str]:
        """Every driver name and alias that is known."""
        return frozenset(self._names)

    @property
    def shared(self) -> tuple[DriverKnowledge, ...]:
        """The files that speak of every driver: core and platform."""
        return tuple(self.read_file(name) for name in self._files if name in SHARED_FILES)

    def find_driver(self, driver: str | None) -> DriverKnowledge | None:
        """What is known of a driver by the name the log prints; None: nothing."""
        name = self._names.get(driver) if driver else None
        return self.read_file(name) if name else None

    def read_file(self, name: str) -> DriverKnowledge:
        """All of one file, merged with an operator's additions.

        Raises:
            KeyError: there is no such file.
        """
        if name not in self._parsed:
            merged: DriverKnowledge | None = None
            for file in self._files[name]:
                parsed, bad = parse_driver(file.data, name)
                self._note(bad, file)
                merged = parsed if merged is None else _merge(merged, parsed)
            assert merged is not None  # noqa: S101  # a name is only there with at least one file
            self._parsed[name] = merged
        return self._parsed[name]

    def _note(self, problems: Iterable[Problem], file: KnowledgeFile) -> None:
        for problem in problems:
            self._problems[dataclasses.replace(problem, file=file.path)] = None
