# SPDX-License-Identifier: GPL-2.0-or-later
"""One knowledge file's tables (as ``tomllib`` gives them) into values. What cannot be used is named and left out; the rest stands."""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, TypeVar

from nicmedic.knowledge.kernels import parse_kernel_range
from nicmedic.knowledge.values import Advice, Cause, Caution, Clause, Danger, Default, DriverKnowledge, Packages, Problem
from nicmedic.model.event import HANG_KINDS, EventKind
from nicmedic.model.finding import Blame, RemedyId, Trial, TrialResult
from nicmedic.model.signal import Signal, Where

__all__ = ["SCHEMA", "parse_advice", "parse_driver", "parse_names", "parse_signals", "parse_trials"]

SCHEMA = "nicmedic.knowledge/1"
SHARED_FILES = frozenset({"core", "platform"})
"""Files that speak of every driver."""

Table = Mapping[str, object]
Value = TypeVar("Value")

_CLAUSE_TYPES: dict[str, str] = {
    field.name: next(word for word in ("tuple", "float", "int", "str") if word in str(field.type)) for field in dataclasses.fields(Clause)
}


class _RefusalError(Exception):
    """One table cannot be used."""


def _refuse(reason: str) -> NoReturn:
    raise _RefusalError(reason)


def _text(table: Table, key: str, default: str | None = None) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        _refuse(f"{key} must be a text" if key in table else f"{key} is missing")
    return value


def _texts(table: Table, key: str) -> tuple[str, ...]:
    value = table.get(key, ())
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        _refuse(f"{key} must be a list of texts")
    return tuple(value)


def _tables(table: Table, key: str) -> Sequence[Table]:
    value = table.get(key, ())
    if not isinstance(value, Sequence) or not all(isinstance(item, Mapping) for item in value):
        _refuse(f"{key} must be a list of tables")
    return value


def _no_other_keys(table: Table, known: Sequence[str]) -> None:
    for key in table:
        if key not in known:
            _refuse(f"unknown key {key!r}; known here: {', '.join(known)}")


def parse_advice(text: str) -> Advice:
    """Parse ``offload-off:tso,gso``.

    Raises:
        ValueError: not one of the canonical remedy ids.
    """
    name, _, arguments = text.partition(":")
    return Advice(id=RemedyId(name), arguments=tuple(part for part in arguments.split(",") if part))


def _advices(table: Table) -> tuple[Advice, ...]:
    try:
        return tuple(parse_advice(text) for text in _texts(table, "remedies"))
    except ValueError as error:
        _refuse(f"remedies: {error}")


def parse_names(data: Table) -> tuple[str, ...]:
    """Driver name and aliases of a file, from its head alone; empty for core and platform files."""
    driver = data.get("driver")
    aliases = data.get("aliases", ())
    if not isinstance(driver, str) or driver in SHARED_FILES or not isinstance(aliases, Sequence):
        return ()
    return (driver, *(alias for alias in aliases if isinstance(alias, str)))


_SIGNAL_KEYS = ("id", "kind", "where", "literal", "pattern", "example", "expect", "printed_by", "since", "hang", "scan", "means")


def _signal(table: Table, file: str, names: tuple[str, ...]) -> Signal:
    _no_other_keys(table, _SIGNAL_KEYS)
    kind_word = _text(table, "kind")
    kind = None if kind_word == "fact" else EventKind(kind_word)
    where = Where(_text(table, "where", "driver" if names else "message"))
    if where in (Where.DRIVER, Where.INTERFACE) and not names:
        _refuse("where = driver and where = interface are for the files of one driver")
    hang = table.get("hang", kind in HANG_KINDS)
    return Signal(
        file=file,
        id=_text(table, "id"),
        kind=kind,
        where=where,
        literal=_text(table, "literal"),
        pattern=_text(table, "pattern"),
        hang=hang is True,
        means=_text(table, "means"),
        scan=table.get("scan", True) is True,
        drivers=names,
    )


def parse_signals(data: Table, file: str) -> tuple[list[Signal], list[Problem]]:
    """The signals of one file. Patterns are not compiled here: that is done when one is needed, and by the lint."""
    names = parse_names(data)
    return _each(data, "signal", file, lambda table: _signal(table, file, names))


def _clause(table: Table) -> Clause:
    values: dict[str, object] = {}
    for key, value in table.items():
        wanted = _CLAUSE_TYPES.get(key)
        if wanted is None:
            _refuse(f"unknown condition {key!r}; known: {', '.join(_CLAUSE_TYPES)}")
        if wanted == "tuple":
            values[key] = _texts(table, key)
        elif wanted == "float" and isinstance(value, (int, float)):
            values[key] = float(value)
        elif (wanted == "int" and isinstance(value, int)) or (wanted == "str" and isinstance(value, str)):
            values[key] = value
        else:
            _refuse(f"condition {key}: {value!r} is not of the right type")
    clause = Clause(**values)  # type: ignore[arg-type]  # each value was checked against its field just above
    if clause.kind is not None:
        EventKind(clause.kind)
    if clause.kernel is not None:
        parse_kernel_range(clause.kernel)
    for pattern in (clause.release, clause.chip, clause.hardware, clause.process):
        if pattern is not None:
            re.compile(pattern)
    return clause


_CAUSE_KEYS = ("id", "title", "blames", "base", "for", "against", "remedies", "explains", "settle", "sources")


def _cause(table: Table, file: str) -> Cause:
    _no_other_keys(table, _CAUSE_KEYS)
    base = table.get("base", 0.0)
    return Cause(
        file=file,
        id=_text(table, "id"),
        title=_text(table, "title"),
        blames=Blame(_text(table, "blames")),
        base=float(base) if isinstance(base, (int, float)) else _refuse("base must be a number"),
        speaks_for=tuple(_clause(clause) for clause in _tables(table, "for")),
        speaks_against=tuple(_clause(clause) for clause in _tables(table, "against")),
        remedies=_advices(table),
        explains=_text(table, "explains", ""),
        settle=_texts(table, "settle"),
        sources=_texts(table, "sources"),
    )


_TRIED_KEYS = ("remedy", "result", "source", "chip", "kernel", "cause", "note")


def _trial(table: Table, driver: str, bus: str) -> Trial:
    _no_other_keys(table, _TRIED_KEYS)
    advice = parse_advice(_text(table, "remedy"))
    return Trial(
        remedy=advice.id,
        arguments=advice.arguments,
        result=TrialResult(_text(table, "result")),
        source=_text(table, "source"),
        driver=driver,
        bus=bus,
        chip=_text(table, "chip", ""),
        kernel=_text(table, "kernel", ""),
        cause=_text(table, "cause", ""),
        note=_text(table, "note", ""),
    )


def parse_trials(data: Table, file: str) -> tuple[list[Trial], list[Problem]]:
    """What was tried, of one file alone."""
    bus = str(data.get("bus", ""))
    return _each(data, "tried", file, lambda table: _trial(table, file, bus))


def _caution(table: Table) -> Caution:
    _no_other_keys(table, ("remedy", "when", "text", "source", "dangerous"))
    when = table.get("when")
    return Caution(
        remedy=RemedyId(_text(table, "remedy")),
        when=_clause(when) if isinstance(when, Mapping) else None,
        text=_text(table, "text"),
        source=_text(table, "source", ""),
        dangerous=Danger(_text(table, "dangerous")) if "dangerous" in table else None,
    )


def _default(table: Table) -> Default:
    _no_other_keys(table, ("blames", "because", "remedies"))
    return Default(blames=Blame(_text(table, "blames", "unknown")), because=_text(table, "because", ""), remedies=_advices(table))


_PACKAGE = re.compile(r"(?:[a-z0-9][a-z0-9.+-]*)?\Z")


def _packages(table: Table) -> Packages:
    known = tuple(field.name for field in dataclasses.fields(Packages))
    _no_other_keys(table, known)
    texts = {key: _text(table, key, "") for key in known}
    for key in ("firmware", "vendor_driver"):
        if not _PACKAGE.match(texts[key].replace("{driver}", "x")):  # it becomes a word of a command
            _refuse(f"packages.{key}: {texts[key]!r} is no name of a package")
    return Packages(**texts)


def _each(data: Table, key: str, file: str, parse: Callable[[Table], Value]) -> tuple[list[Value], list[Problem]]:
    """Parse every table of ``[[key]]``; one that is bad becomes a problem and does not harm the others."""
    values: list[Value] = []
    problems: list[Problem] = []
    try:
        tables = _tables(data, key)
    except _RefusalError as error:
        return [], [Problem(file=file, line=None, reason=str(error))]
    for number, table in enumerate(tables, 1):
        try:
            values.append(parse(table))
        except (_RefusalError, ValueError, re.error) as error:
            name = table.get("id", table.get("remedy", f"number {number}"))
            problems.append(Problem(file=file, line=None, reason=f"[[{key}]] {name}: {error}"))
    return values, problems


_HEAD_KEYS = [
    "schema",
    "driver",
    "aliases",
    "title",
    "bus",
    "watchdog_timeo_ms",
    "tx_timeout_handler",
    "sources",
    "packages",
    "default",
    "signal",
    "cause",
    "tried",
    "caution",
]


def parse_driver(data: Table, file: str) -> tuple[DriverKnowledge, list[Problem]]:
    """Everything of one file. ``data`` is what ``tomllib`` made of it; ``file`` its name without ``.toml``."""
    problems: list[Problem] = []
    default, packages = Default(), Packages()
    bus = str(data.get("bus", ""))
    try:
        _no_other_keys(data, _HEAD_KEYS)
        if data.get("schema") != SCHEMA:
            _refuse(f"schema is {data.get('schema')!r}, this nicmedic reads {SCHEMA!r}")
        head = data.get("default")
        if isinstance(head, Mapping):
            default = _default(head)
        named = data.get("packages", {})
        packages = _packages(named) if isinstance(named, Mapping) else _refuse("packages must be a table")
    except (_RefusalError, ValueError) as error:
        problems.append(Problem(file=file, line=None, reason=str(error)))
    names = parse_names(data)
    signals, bad_signals = parse_signals(data, file)
    causes, bad_causes = _each(data, "cause", file, lambda table: _cause(table, file))
    trials, bad_trials = parse_trials(data, file)
    cautions, bad_cautions = _each(data, "caution", file, _caution)
    timeo = data.get("watchdog_timeo_ms")
    knowledge = DriverKnowledge(
        name=file,
        names=names,
        title=str(data.get("title", file)),
        bus=bus,
        watchdog_timeo_ms=timeo if isinstance(timeo, int) else None,
        tx_timeout_handler=data.get("tx_timeout_handler", True) is True,
        sources=tuple(str(item) for item in data.get("sources", ()) or ()),  # type: ignore[attr-defined]  # lint checks the type
        packages=packages,
        default=default,
        signals=tuple(signals),
        causes=tuple(causes),
        trials=tuple(trials),
        cautions=tuple(cautions),
    )
    return knowledge, [*problems, *bad_signals, *bad_causes, *bad_trials, *bad_cautions]
