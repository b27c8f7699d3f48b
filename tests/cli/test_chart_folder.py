# SPDX-License-Identifier: GPL-2.0-or-later
"""matplotlib leaves nothing behind in a home folder, nor anywhere else."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from nicmedic.cli.chart_folder import open_chart_folder

DRAW = """
from nicmedic.cli.chart_folder import open_chart_folder
from nicmedic.report.bug.charts_svg import draw_svg, has_library
with open_chart_folder():
    print(has_library())
    if has_library():
        print(draw_svg("x", lambda figure: None, size=(1, 1), title="t", description="d").tag)
"""


def draw(folder: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own, with a home and a place for temporary files in the folder."""
    for name in ("home", "temporary"):
        (folder / name).mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MPL", "XDG_"))}
    environment = {**kept, "HOME": str(folder / "home"), "TMPDIR": str(folder / "temporary")}
    done = subprocess.run(
        [sys.executable, "-c", DRAW], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=True
    )
    assert [*(folder / "home").iterdir(), *(folder / "temporary").iterdir()] == []
    return done


def test_drawing_leaves_no_file_and_minds_no_settings_of_the_working_folder(tmp_path: Path) -> None:
    """One of them would have matplotlib start LaTeX."""
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nsvg.fonttype: path\n")
    done = draw(tmp_path)
    assert (done.stdout, done.stderr) == ("True\nsvg\n", "")


def test_settings_that_cannot_be_read_cost_the_charts_only(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_bytes(b"text.usetex: \xff\xfe\n")
    assert draw(tmp_path).stdout == "False\n"


def test_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", "/somebody's")
    with open_chart_folder():
        folder = Path(os.environ["MPLCONFIGDIR"])
        assert folder.is_dir()
    assert not folder.exists()
    assert os.environ["MPLCONFIGDIR"] == "/somebody's"
    monkeypatch.delenv("MPLCONFIGDIR")
    with open_chart_folder():
        pass
    assert "MPLCONFIGDIR" not in os.environ


def test_where_nothing_is_writable_it_has_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*, prefix: str) -> None:
        raise FileNotFoundError(prefix)

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)
    with open_chart_folder():
        assert os.environ["MPLCONFIGDIR"] == os.devnull
