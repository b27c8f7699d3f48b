# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known of a driver, for a person and as JSON (``nicmedic.knowledge-show/1``, described in ``docs/knowledge-json.md``)."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from nicmedic.knowledge.values import Advice, Cause, DriverKnowledge
from nicmedic.model.finding import Blame, RemedyId, Trial
from nicmedic.report.style import Style
from nicmedic.report.words import say_count

__all__ = ["SCHEMA", "render_driver", "render_driver_json", "render_driver_list", "render_driver_list_json"]

SCHEMA = "nicmedic.knowledge-show/1"

_RESULTS = {"worked": "worked", "partial": "helped in part", "failed": "failed"}


def _advice(advice: Advice) -> str:
    return f"{advice.id}:{','.join(advice.arguments)}" if advice.arguments else str(advice.id)


def render_driver_list(drivers: Sequence[DriverKnowledge], style: Style) -> str:
    """One line a driver."""
    width = max((len(driver.name) for driver in drivers), default=0)
    lines = [
        style.wrap(
            f"{driver.title} ({say_count(len(driver.signals), 'message')}, {say_count(len(driver.causes), 'cause')})",
            first=f"{driver.name:<{width}}  ",
        )
        for driver in drivers
    ]
    return "\n".join(lines) + "\n"


def _head(driver: DriverKnowledge, style: Style) -> Iterator[str]:
    yield style.wrap(f"{driver.name}: {driver.title}", rest="  ", paint=("bold",))
    if len(driver.names) > 1:
        yield style.wrap(f"Also called {', '.join(driver.names[1:])}.", first="  ")
    if not driver.tx_timeout_handler:
        yield style.wrap("It has no tx-timeout handler: the kernel's watchdog never speaks for it.", first="  ")
    if driver.watchdog_timeo_ms is not None:
        yield style.wrap(f"The kernel's watchdog speaks after {driver.watchdog_timeo_ms} ms without a frame sent.", first="  ")
    if driver.names:
        blames = driver.default.blames
        suspect = "nothing in particular" if blames is Blame.UNKNOWN else f"the {blames}"
        because = f": {driver.default.because}" if driver.default.because else ""
        yield style.wrap(f"When a log shows only the hang, suspect {suspect}{because}.", first="  ", rest="    ")
        yield style.wrap(f"Then try: {', '.join(map(_advice, driver.default.remedies))}", first="  ", rest="    ")


def _tallies(trials: Sequence[Trial]) -> Iterator[tuple[RemedyId, Counter[str]]]:
    remedies = dict.fromkeys(trial.remedy for trial in trials)
    for remedy in remedies:
        yield remedy, Counter(str(trial.result) for trial in trials if trial.remedy is remedy)


def _cause(cause: Cause, style: Style) -> Iterator[str]:
    yield style.wrap(f"{cause.id}: {cause.title} [{cause.blames}]", first="  ", rest="    ", paint=("yellow",))
    for sign, clauses in (("+", cause.speaks_for), ("-", cause.speaks_against)):
        yield from (style.wrap(f"{clause.because} ({sign}{clause.weight:g})", first=f"    {sign} ", rest="      ") for clause in clauses)
    if cause.remedies:
        yield style.wrap(f"Try: {', '.join(map(_advice, cause.remedies))}", first="    ", rest="      ")


def _tried(driver: DriverKnowledge, style: Style) -> Iterator[str]:
    for remedy, counts in sorted(_tallies(driver.trials), key=lambda item: (-item[1]["worked"], item[1]["failed"], item[0])):
        words = ", ".join(f"{counts[result]} {word}" for result, word in _RESULTS.items() if counts[result])
        yield style.wrap(f"{remedy}: {words}", first="  ")
        sources = dict.fromkeys(trial.source for trial in driver.trials if trial.remedy is remedy)
        yield from (style.wrap(source, first="    ", rest="      ") for source in sources)


def render_driver(driver: DriverKnowledge, style: Style) -> str:
    """Everything of one file."""
    lines = list(_head(driver, style))
    if driver.causes:
        lines += ["", style.title("Causes, with what speaks for and against each")]
        lines += [line for cause in driver.causes for line in _cause(cause, style)]
    if driver.trials:
        lines += ["", style.title("What others tried"), *_tried(driver, style)]
    if driver.cautions:
        lines += ["", style.title("Beware")]
        lines += [style.wrap(f"{caution.remedy}: {caution.text}", first="  ", rest="    ") for caution in driver.cautions]
    if driver.signals:
        lines += ["", style.title("Messages")]
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
        "cautions": [{"remedy": caution.remedy, "text": caution.text} for caution in driver.cautions],
        "sources": list(driver.sources),
    }
    return json.dumps(document, ensure_ascii=True, indent=1) + "\n"


def render_driver_list_json(drivers: Sequence[DriverKnowledge]) -> str:
    """The list for scripts."""
    rows = [
        {"name": item.name, "title": item.title, "bus": item.bus or None, "signals": len(item.signals), "causes": len(item.causes)}
        for item in drivers
    ]
    return json.dumps({"schema": SCHEMA, "drivers": rows}, ensure_ascii=True, indent=1) + "\n"
