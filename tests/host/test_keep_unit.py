# SPDX-License-Identifier: GPL-2.0-or-later
"""The unit that looks after a boot is one that systemd reads; without systemd there is none; what a program said is told."""

import shutil
import subprocess
from pathlib import Path

import pytest

from nicmedic.host import kept_unit, service
from nicmedic.host.kept_programs import HostRefresher, survey_place
from nicmedic.host.kept_unit import VERIFY_NAME, HostBootCheck, render_verify_unit
from nicmedic.host.machine import HostMachine
from nicmedic.remedy.planning import build_identity

pytestmark = pytest.mark.host


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("state", [None, "/srv/100% [odd]/state"])
def test_systemd_reads_it(state: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if state is not None:
        monkeypatch.setenv("NICMEDIC_STATE", state)
    program = tmp_path / "my programs" / "nicmedic"  # below a home that is mounted late, maybe
    program.parent.mkdir()
    program.symlink_to("/bin/true")
    monkeypatch.setattr(kept_unit, "find_program_line", lambda: (str(program),))
    path = tmp_path / VERIFY_NAME
    path.write_text(render_verify_unit(), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (mounts,) = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("RequiresMountsFor=")]
    assert mounts.endswith(f' "{program}"')


def test_without_systemd_there_is_no_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_SYSTEMD", "/nonexistent")
    assert "This host has no systemd" in (HostBootCheck().install_check() or "")
    HostBootCheck().remove_check()


def test_from_a_rescue_disk_the_unit_goes_with_the_link_that_starts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_SYSTEMD", "/nonexistent")
    monkeypatch.setattr(service, "_FOLDER", str(tmp_path))
    (tmp_path / VERIFY_NAME).write_text(render_verify_unit(), encoding="utf-8")
    (tmp_path / "multi-user.target.wants").mkdir()
    (tmp_path / "multi-user.target.wants" / VERIFY_NAME).symlink_to(tmp_path / VERIFY_NAME)
    HostBootCheck().remove_check()
    assert [each.name for each in tmp_path.rglob("*")] == ["multi-user.target.wants"]


def test_what_a_power_cut_has_left_beside_the_unit_goes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_SYSTEMD", "/nonexistent")
    monkeypatch.setattr(service, "_FOLDER", str(tmp_path))
    theirs = (f"{VERIFY_NAME}.d", f"{VERIFY_NAME}.805.tmp.bak", f"{VERIFY_NAME}.old.tmp")
    for name in (f"{VERIFY_NAME}.805.tmp", *theirs):
        (tmp_path / name).write_text("[Un", encoding="utf-8")
    HostBootCheck().remove_check()
    assert {each.name for each in tmp_path.iterdir()} == set(theirs)


@pytest.mark.skipif(shutil.which("systemctl") is None, reason="systemctl is not installed")
def test_what_somebody_masked_or_disabled_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_SYSTEMD", str(tmp_path))
    monkeypatch.setattr(service, "_FOLDER", str(tmp_path))
    (tmp_path / VERIFY_NAME).symlink_to("/dev/null")
    assert "is masked here" in (HostBootCheck().install_check() or "")
    HostBootCheck().remove_check()
    assert (tmp_path / VERIFY_NAME).is_symlink()
    (tmp_path / VERIFY_NAME).unlink()
    (tmp_path / VERIFY_NAME).write_text("[Unit]\n", encoding="utf-8")
    monkeypatch.setattr(kept_unit, "find_enablement", lambda _name: "disabled")
    assert "was disabled by somebody" in (HostBootCheck().install_check() or "")
    assert (tmp_path / VERIFY_NAME).read_text(encoding="utf-8") == "[Unit]\n"
    assert service.find_enablement("no-such-nicmedic.service") != "enabled"


def test_a_program_tells_how_it_ended() -> None:
    refresher = HostRefresher()
    assert refresher.run_refresh(("true",)).ok
    assert refresher.run_refresh(("sh", "-c", "echo 'no\x1b[2J disk' >&2; exit 3")).said == "status 3: no\\x1b[2J disk"
    missing = refresher.run_refresh(("no-such-program",))
    assert (missing.absent, "not installed" in missing.said) == (True, True)


@pytest.mark.skipif(shutil.which("udevadm") is None or Path("/run/udev/control").exists(), reason="needs udevadm without its daemon")
def test_a_daemon_that_does_not_run_is_told_from_one_that_refuses() -> None:
    told = HostRefresher().run_refresh(("udevadm", "control", "--reload"))
    assert (told.ok, told.absent) == (False, True)
    assert not HostRefresher().run_refresh(("sh", "-c", "exit 8")).absent


def test_a_card_of_this_machine_is_surveyed() -> None:
    nics = HostMachine().read_host().nics
    if not nics:
        pytest.skip("no network card")
    place = survey_place(nics[0], build_identity(nics[0]), 5)
    assert (place.number, place.target.interface) == (5, nics[0].interface)
    assert "sh" in place.tools
    assert all(version for version in place.versions.values())
