# SPDX-License-Identifier: GPL-2.0-or-later
"""What the real modprobe reads in a file of ours, among others."""

import shutil
import subprocess
from pathlib import Path

import pytest

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import Placement, Wish
from nicmedic.model.plan import Identity, Setting
from nicmedic.persist.back_end import Place
from nicmedic.persist.back_ends.modprobe import BACK_END
from nicmedic.persist.files import FoundFiles
from nicmedic.persist.values import Owner, Target

pytestmark = [pytest.mark.host, pytest.mark.skipif(shutil.which("modprobe") is None, reason="needs modprobe")]


def test_modprobe_has_our_parameters_and_those_of_others(tmp_path: Path) -> None:
    place = Place(
        number=3,
        nic=Identity(interface="lan0", driver="r8125"),
        target=Target(interface="lan0"),
        owner=Owner(interface="lan0", manager="none", why="test"),
        files=FoundFiles(),
    )
    wish = Wish(remedy=RemedyId.EEE_OFF, title="eee-off", settings=(Setting(name="eee.enabled", value="off"),))
    answer = BACK_END.place(place, wish, {})
    assert isinstance(answer, Placement), answer
    (edit,) = answer.edits
    (tmp_path / edit.path.rpartition("/")[2]).write_bytes(edit.after or b"")
    (tmp_path / "r8125.conf").write_text("options r8125 timer_count=1\n")
    told = subprocess.run(["modprobe", "--config", str(tmp_path), "--showconfig"], capture_output=True, text=True, check=True)
    options = [line for line in told.stdout.splitlines() if line.startswith("options r8125 ")]
    assert options == ["options r8125 eee_enable=0", "options r8125 timer_count=1"]
    assert "nicmedic" not in told.stdout + told.stderr
