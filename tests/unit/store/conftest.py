# SPDX-License-Identifier: GPL-2.0-or-later
"""The store in memory and the one on disk, and where that one is."""

from pathlib import Path

import pytest

from nicmedic.ports.watching import IncidentStore
from nicmedic.store import HostIncidents
from nicmedic.testing.incidents import FakeIncidents


@pytest.fixture(params=["fake", "keeper", "guest"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> IncidentStore:
    return (
        FakeIncidents()
        if request.param == "fake"
        else HostIncidents(str(tmp_path / "state"), evidence_bytes=None if request.param == "guest" else 64 << 20)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"
