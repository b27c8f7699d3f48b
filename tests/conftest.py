# SPDX-License-Identifier: GPL-2.0-or-later
"""The rings: which are on, why not, and what ``NICMEDIC_REQUIRE=host,…`` makes of a skip.

A ring is a folder below ``tests/``; every test in it carries the marker of that name.
"""

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from lab import needs

TESTS = Path(__file__).parent
RINGS = ("unit", "cli", "host", "lab")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # begun behind a shell; every program that a test starts would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # begun by nohup(1), and inherited likewise
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

os.environ.pop("COLUMNS", None)  # pytest-xdist sets it; what programs print must not depend on who starts them

settings.register_profile("default", deadline=None, database=None)
settings.register_profile("ci", deadline=None, database=None, print_blob=True)
settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "20000")),
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--long``."""
    parser.addoption("--long", action="store_true", help="run the tests that are marked long too")


def why_off(ring: str) -> str:
    """Why the ring cannot run here; empty if it can."""
    if ring == "lab":
        return needs.why_not()
    if ring == "host" and os.geteuid() != 0:
        return "needs root"
    return ""


def required_rings() -> frozenset[str]:
    """The rings whose skips are failures."""
    names = frozenset(os.environ.get("NICMEDIC_REQUIRE", "").replace(",", " ").split())
    if unknown := names.difference(RINGS):
        msg = f"NICMEDIC_REQUIRE: no ring is called {', '.join(sorted(unknown))}; there are {', '.join(RINGS)}"
        raise pytest.UsageError(msg)
    return names


def ring_of(item: pytest.Item) -> str:
    """The ring a test belongs to."""
    ring = item.path.relative_to(TESTS).parts[0]
    if ring not in RINGS:
        msg = f"{item.path}: a test belongs into one of {', '.join(f'tests/{name}' for name in RINGS)}"
        raise pytest.UsageError(msg)
    return ring


def pytest_report_header() -> str:
    """Say which rings run."""
    states = []
    for ring in RINGS:
        reason = why_off(ring)
        state = f"off ({reason})" if reason else "on"
        states.append(f"{ring} {state}{', required' if ring in required_rings() else ''}")
    return "rings: " + "; ".join(states)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with its ring; skip those of a ring that is off; refuse a required ring without tests."""
    found = set()
    if not config.option.long:
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    for item in items:
        ring = ring_of(item)
        found.add(ring)
        item.add_marker(ring)
        if reason := why_off(ring):
            item.add_marker(pytest.mark.skip(reason=f"ring {ring} is off: {reason}"))
    everything = config.args_source is config.ArgsSource.TESTPATHS
    if everything and not config.option.keyword and not config.option.markexpr:
        for ring in required_rings().difference(found):
            msg = f"NICMEDIC_REQUIRE={ring}: this ring holds no test"
            raise pytest.UsageError(msg)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip in a required ring into a failure."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and ring_of(item) in required_rings():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, but NICMEDIC_REQUIRE names this ring\n{reason}"
    return report
