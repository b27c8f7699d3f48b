# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known of a driver, for a person and as JSON (``nicmedic.knowledge-show/1``)."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from nicmedic.knowledge.values import Advice, Cause, DriverKnowledge
from nicmedic.model.finding import RemedyId, Trial
from nicmedic.report.style import Style

__all__ = ["SCHEMA", "render_driver", "render_driver_json", "render_driver_list"]

SCHEMA = "nicmedic.knowledge-show/1"


def _advice(advice: Advice) -> str:
    return f"{advice.id}:{','.join(advice.arguments)}" if advice.arguments else str(advice.id)


def render_driver_list(drivers: Sequence[DriverKnowledge], style: Style) -> str:
    """One line a driver."""
    width = max((len(driver.name) for driver in drivers), default=0)
    lines = [
        style.wrap(f"{driver.title} ({len(driver.signals)} messages, {len(driver.causes)} causes)", first=f"{driver.name:<{width}}  ")
        for driver in drivers
    ]
    return "\n".join(lines) + "\n"


def _head(driver: DriverKnowledge, style: Style) -> Iterator[str]:
    yield style.paint(f"{driver.name}: {driver.title}", "bold")
    if len(driver.names) > 1:
        yield style.wrap(f"also called {', '.join(driver.names[1:])}", first="  ")
    if not driver.tx_timeout_handler:
        yield style.wrap("This driver has no tx-timeout handler: the kernel's watchdog never speaks for it.", first="  ")
    if driver.watchdog_timeo_ms is not None:
        yield f"  The watchdog waits {driver.watchdog_timeo_ms} ms."
    if driver.names:
        yield style.wrap(f"When a log shows only the hang: {driver.default.blames}. {driver.default.because}", first="  ", rest="    ")
        yield style.wrap(f"Then try: {', '.join(map(_advice, driver.default.remedies))}", first="  ", rest="    ")


def _tallies(trials: Sequence[Trial]) -> Iterator[tuple[RemedyId, Counter[str]]]:
    remedies = dict.fromkeys(trial.remedy for trial in trials)
    for remedy in remedies:
        yield remedy, Counter(str(trial.result) for trial in trials if trial.remedy is remedy)


def _cause(cause: Cause, style: Style) -> Iterator[str]:
    yield style.wrap(f"{cause.id}: {cause.title} [{cause.blames}]", first="  ", rest="    ", paint=("yellow",))
    for sign, clauses in (("+", cause.speaks_for), ("-", cause.speaks_against)):
        yield from (style.wrap(f"{clause.because} ({sign}{clause.weight})", first=f"    {sign} ", rest="      ") for clause in clauses)
    yield style.wrap(f"try: {', '.join(map(_advice, cause.remedies))}", first="    ", rest="      ")


def render_driver(driver: DriverKnowledge, style: Style) -> str:
    """Everything of one file."""
    lines = list(_head(driver, style))
    if driver.causes:
        lines += ["", style.paint("Causes", "bold")]
        lines += [line for cause in driver.causes for line in _cause(cause, style)]
    if driver.trials:
        lines += ["", style.paint("What others tried", "bold")]
        for remedy, counts in sorted(_tallies(driver.trials), key=lambda item: (-item[1]["worked"], item[0])):
            words = ", ".join(f"{word} {counts[word]}" for word in ("worked", "partial", "failed") if counts[word])
            lines.append(style.wrap(f"{remedy}: {words}", first="  "))
            sources = dict.fromkeys(trial.source for trial in driver.trials if trial.remedy is remedy)
            lines += [f"    {source}" for source in sources]
    if driver.signals:
        lines += ["", style.paint("Messages", "bold")]
        lines += [
            style.wrap(f"{signal.id} ({signal.kind or 'fact'}): {signal.means}", first="  ", rest="    ") for signal in driver.signals
        ]
    return "\n".join(lines) + "\n"


def render_driver_json(driver: DriverKnowledge) -> str:
    """The same for scripts."""
    document = {
        "schema": SCHEMA,
        "name": driver.name,
        "names": list(driver.names),
        "title": driver.title,
        "bus": driver.bus or None,
        "watchdog_timeo_ms": driver.watchdog_timeo_ms,
        "tx_timeout_handler": driver.tx_timeout_handler,
        "blames": driver.default.blames,
        "because": driver.default.because,
        "remedies": [_advice(advice) for advice in driver.default.remedies],
        "causes": [
            {"id": cause.id, "title": cause.title, "blames": cause.blames, "remedies": [_advice(advice) for advice in cause.remedies]}
            for cause in driver.causes
        ],
        "signals": [{"id": signal.id, "kind": signal.kind, "pattern": signal.pattern, "means": signal.means} for signal in driver.signals],
        "tried": [{"remedy": trial.remedy, "result": trial.result, "source": trial.source, "note": trial.note} for trial in driver.trials],
    }
    return json.dumps(document, ensure_ascii=True, indent=1) + "\n"
