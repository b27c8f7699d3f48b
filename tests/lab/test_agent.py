# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's way into a machine keeps questions and answers together, whenever the guest gets round to answering."""

import pytest

from lab.errors import LabError
from lab.fixtures import MachineMaker


def test_an_answer_that_comes_late_is_not_taken_for_that_to_the_next_question(vm: MachineMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.agent.ANSWER_S", 2.0)
    machine = vm("")
    machine.qemu.ask("stop")
    with pytest.raises(LabError, match="timed out"):
        machine.check("echo", "first")
    machine.qemu.ask("cont")
    assert machine.check("echo", "second") == "second\n"
