# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks of knowledge files that go beyond reading them: patterns compile, examples match, ids exist, every claim has a source."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from nicmedic.kernlog.match import SignalIndex
from nicmedic.knowledge.base import KnowledgeBase
from nicmedic.knowledge.parse import SHARED_FILES, parse_driver, parse_signals
from nicmedic.knowledge.values import Clause, DriverKnowledge, Problem
from nicmedic.model.signal import Where

__all__ = ["find_line", "lint_file", "lint_signals"]

Item = TypeVar("Item")
SHORTEST_LITERAL = 6
_SHORTEST_SHAPE = 4
_SHAPELESS = dict.fromkeys(map(ord, "0123456789abcdef.: "))
"""What ``kernlog/scan/shapes.py`` leaves out of a line before it looks at it."""
_SURE_ALONE = 1.0
_ANYTHING = re.compile(r"\^?(?:\(\?:)?(?:\.|\[\^\\n\])[*+{]")
_OPEN = "pattern begins with anything, so a file's name in some other message of the kernel would do: say what stands in front"
_NESTED_QUANTIFIER = re.compile(r"\([^()]*[+*][^()]*\)[+*]")
_IDENTITY_KEYS = {"kernel", "release", "chip", "virtualization", "hardware"}


def find_line(text: str, reason: str) -> int | None:
    """Line of a file's text on which the table named in a problem's reason begins."""
    named = re.match(r"\[\[(?:signal|cause)\]\] ([\w.-]+)", reason)
    if named is None:
        return None
    found = re.search(rf'^id\s*=\s*"{re.escape(named[1])}"', text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else None


def _examples(table: Mapping[str, object]) -> tuple[str, ...]:
    value = table.get("example", ())
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, Sequence) else ()


def _lint_literal(literal: str, *, scanned: bool) -> Iterator[str]:
    if len(literal) < SHORTEST_LITERAL:
        yield f"literal {literal!r} is shorter than {SHORTEST_LITERAL} characters"
    if scanned and len(literal.translate(_SHAPELESS)) < _SHORTEST_SHAPE:
        yield f"literal {literal!r} is little but digits and a to f, which big logs are full of: find another, or set scan = false"


def _lint_signal(table: Mapping[str, object], index: SignalIndex, key: str) -> Iterator[str]:
    """Reasons why one signal's table is not good."""
    pattern, literal = str(table.get("pattern", "")), str(table.get("literal", ""))
    try:
        re.compile(pattern)
    except re.error as error:
        yield f"pattern does not compile: {error}"
        return
    if _NESTED_QUANTIFIER.search(pattern):
        yield "pattern nests quantifiers, which can take exponential time on hostile text"
    yield from _lint_literal(literal, scanned=table.get("scan", True) is True)
    if not table.get("printed_by"):
        yield "printed_by is missing: which function of which file prints this line?"
    examples = _examples(table)
    if not examples:
        yield "example is missing: a line that shows the signal"
    expect = table.get("expect")
    for number, example in enumerate(examples):
        found = [match for match in index.find_matches(example) if match.signal.key == key]
        if literal not in example:
            yield f"literal {literal!r} is not in the example {example!r}"
        elif not found:
            others = ", ".join(match.signal.key for match in index.find_matches(example)) or "nothing"
            yield f"example {example!r} shows {others}, not this signal"
        elif number == 0 and isinstance(expect, Mapping):
            for field, value in expect.items():
                if found[0].fields.get(field) != str(value):
                    yield f"{field} is {found[0].fields.get(field)!r}, expected {str(value)!r}"


def lint_signals(data: Mapping[str, object], file: str, others: KnowledgeBase) -> list[Problem]:
    """Signals of one file: each example must show its own signal, also among the signals of all other files."""
    own, problems = parse_signals(data, file)
    index = SignalIndex.of([*own, *(signal for signal in others.signals if signal.file != file)])
    tables = data.get("signal", ())
    counted = Counter(signal.id for signal in own)
    problems += [
        Problem(file=file, line=None, reason=f"[[signal]] {name}: id is used {count} times") for name, count in counted.items() if count > 1
    ]
    problems += [
        Problem(file=file, line=None, reason=f"[[signal]] {signal.id}: {_OPEN}")
        for signal in own
        if signal.hang and signal.where is Where.MESSAGE and _ANYTHING.match(signal.pattern)
    ]
    for table in tables if isinstance(tables, Sequence) else ():
        if isinstance(table, Mapping):
            key = f"{file}/{table.get('id')}"
            problems += [
                Problem(file=file, line=None, reason=f"[[signal]] {table.get('id')}: {reason}")
                for reason in _lint_signal(table, index, key)
            ]
    return problems


def _clauses(driver: DriverKnowledge) -> Iterator[tuple[str, Clause]]:
    for cause in driver.causes:
        for clause in (*cause.speaks_for, *cause.speaks_against):
            yield f"[[cause]] {cause.id}", clause
    for caution in driver.cautions:
        if caution.when is not None:
            yield f"[[caution]] {caution.remedy}", caution.when


def _unknown_signals(clause: Clause, file: str, known: set[str]) -> list[str]:
    wanted = (*(clause.signal or ()), *(clause.no_signal or ()))
    return [name for name in wanted if (name if "/" in name else f"{file}/{name}") not in known]


def _is_identity_only(clause: Clause) -> bool:
    """Whether a clause only says what the NIC or the machine is, and nothing that happened."""
    used = {name for name in Clause.__dataclass_fields__ if name not in {"weight", "because"} and getattr(clause, name) is not None}
    return bool(used) and used <= _IDENTITY_KEYS


def lint_file(data: Mapping[str, object], file: str, others: KnowledgeBase) -> list[Problem]:
    """Everything that is wrong with one file. ``others`` holds all files, for ids and for clashes of patterns."""
    driver, problems = parse_driver(data, file)
    reasons: list[str] = []
    if not driver.names and file not in SHARED_FILES:
        reasons.append("driver is missing: the name as the log prints it")
    known = {signal.key for signal in (*driver.signals, *others.signals)}
    causes = {cause.id for cause in driver.causes}
    for where, clause in _clauses(driver):
        reasons += [f"{where}: no signal {name!r}" for name in _unknown_signals(clause, file, known)]
        if where.startswith("[[cause]]") and not clause.because:
            reasons.append(f"{where}: a clause without because; people are told the reason")
        if _is_identity_only(clause) and clause.weight > _SURE_ALONE:
            reasons.append(f"{where}: a clause that only says what the NIC is weighs {clause.weight}, at most {_SURE_ALONE}")
    for cause in driver.causes:
        if not cause.speaks_for and cause.base <= 0:
            reasons.append(f"[[cause]] {cause.id}: nothing speaks for it, so it is never told")
        if not cause.explains:
            reasons.append(f"[[cause]] {cause.id}: explains is missing")
    reasons += [
        f"[[tried]] {trial.remedy}: no cause {trial.cause!r}" for trial in driver.trials if trial.cause and trial.cause not in causes
    ]
    reasons += [f"[[tried]] {trial.remedy}: no source" for trial in driver.trials if not trial.source]
    problems += [Problem(file=file, line=None, reason=reason) for reason in _unique(reasons)]
    return _unique([*problems, *lint_signals(data, file, others)])


def _unique(items: Iterable[Item]) -> list[Item]:
    return list(dict.fromkeys(items))
