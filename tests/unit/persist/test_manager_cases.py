# SPDX-License-Identifier: GPL-2.0-or-later
"""Who owns a NIC, as data: ``tests/cases/managers/<case>/`` holds the files of a host below ``root`` and ``expected.json``.

A new case needs no Python. In ``expected.json``: ``target`` is what is known of the NIC; ``owner`` has ``manager`` (null: cannot be told),
``renderer``, ``files`` in order, each ``path[:line] role``, ``link_file``, ``contenders``, and ``undecided``, how many doubts are told;
what is not there is empty.
``unreadable`` maps paths to reasons, since a test that runs as root can read everything. ``about`` is for people.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from nicmedic.host.config_files import read_config_files
from nicmedic.model.ownership import Manager
from nicmedic.persist.owner import describe_owner, find_owner
from nicmedic.persist.values import FileLine, Owner, Target

CASES = sorted((Path(__file__).parents[2] / "cases" / "managers").iterdir())


def name(case: Path) -> str:
    """The test's id."""
    return case.name


def describe_place(place: FileLine) -> str:
    return place.path + (f":{place.line}" if place.line else "")


def describe(owner: Owner) -> dict[str, object]:
    """An answer in the words of ``expected.json``."""
    told: dict[str, object] = {
        "manager": owner.manager,
        "renderer": owner.renderer,
        "files": [f"{describe_place(place)} {place.role}" for place in owner.files],
        "link_file": describe_place(owner.link_file) if owner.link_file else None,
        "contenders": list(owner.contenders),
        "undecided": len(owner.undecided),
    }
    return {key: value for key, value in told.items() if value or key == "manager"}


def find(case: Path) -> tuple[Mapping[str, object], Owner]:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    assert set(expected) <= {"about", "target", "owner", "unreadable"}
    files = read_config_files(str(case / "root"))
    files = dataclasses.replace(files, unreadable={**files.unreadable, **expected.get("unreadable", {})})
    assert "hunter2" not in repr(files)
    wanted = {key: value for key, value in expected["owner"].items() if value or key == "manager"}
    return wanted, find_owner(files, Target(**expected["target"]))


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_host_tells_who_owns_its_nic_and_by_which_file(case: Path) -> None:
    wanted, owner = find(case)
    assert describe(owner) == wanted, owner


@pytest.mark.parametrize("case", CASES, ids=name)
def test_an_answer_has_a_reason_and_an_open_one_tells_what_would_settle_it(case: Path) -> None:
    owner = find(case)[1]
    assert owner.why
    assert bool(owner.settle) == (owner.manager is None)
    short = describe_owner(owner)
    assert short.manager == (owner.manager or Manager.UNKNOWN)
    assert len(short.files) == len(owner.files)
