# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole program keeps and releases in a mount namespace of its own, where /etc/network is a scratch folder and systemd is not to be seen.

The card stays as it is: only files are written. Where another network manager has the card nothing is tried, for its files are the real ones.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nicmedic.host.kept_files import HostConfigFiles
from nicmedic.host.machine import HostMachine

pytestmark = pytest.mark.host

INTERFACES = "auto lo\niface lo inet loopback\n\n# the office\nallow-hotplug {0}\niface {0} inet dhcp\n\twpa-psk hunter2"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def card() -> tuple[str, int]:
    """Name and MTU of a card of this machine."""
    nics = [nic for nic in HostMachine().read_host().nics if nic.mtu is not None and nic.interface.isalnum()]
    if not nics or not Path("/etc/network").is_dir():
        pytest.skip("no network card, or no ifupdown here")
    return nics[0].interface, nics[0].mtu or 0


@pytest.fixture
def run(tmp_path: Path, card: tuple[str, int]) -> Run:
    """Runs nicmedic with a scratch /etc/network."""
    network = tmp_path / "network"
    shutil.copytree("/etc/network", network, symlinks=True)
    (network / "interfaces").write_text(INTERFACES.format(card[0]), encoding="ascii")
    (network / "interfaces").chmod(0o640)
    hide = "if [ -d /run/systemd/system ]; then mount -t tmpfs none /run/systemd || exit 9; fi; "
    script = hide + 'mount --bind "$1" /etc/network && shift && exec "$@"'

    def run_it(*arguments: str, before: str = "", kill_after_s: float | None = None) -> "subprocess.CompletedProcess[str]":
        program = ["unshare", "-m", "sh", "-c", f"{before}{script}", "sh", str(network), sys.executable, "-m", "nicmedic", *arguments]
        environment = {**os.environ, "NICMEDIC_STATE": str(tmp_path / "state")}
        if kill_after_s is None:
            return subprocess.run(program, capture_output=True, text=True, check=False, env=environment, timeout=120)
        with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
            time.sleep(kill_after_s)
            process.send_signal(signal.SIGKILL)
        return subprocess.CompletedProcess(program, process.returncode)

    if "+++ /etc/network/interfaces\n" not in run_it("keep", card[0], "--remedy", f"mtu:{card[1] - 100}", "--dry-run").stdout:
        pytest.skip("ifupdown does not have the card here")
    return run_it


def test_kept_shown_released_and_every_byte_is_as_it_was(run: Run, card: tuple[str, int], tmp_path: Path) -> None:
    name, mtu = card
    file = tmp_path / "network/interfaces"
    before = file.read_bytes()
    shown = run("keep", name, "--remedy", f"mtu:{mtu - 100}", "--dry-run")
    assert (shown.returncode, file.read_bytes()) == (0, before), shown.stderr
    assert "hunter2" not in shown.stdout
    assert "All hosts of a segment must have the same MTU." in " ".join(shown.stdout.split())
    kept = run("keep", name, "--remedy", f"mtu:{mtu - 100}", "--json")
    assert kept.returncode == 0, kept.stderr
    assert file.read_bytes() != before
    assert file.stat().st_mode & 0o7777 == 0o640
    listed = json.loads(run("kept", "--json").stdout)["kept"]
    assert [(one["id"], one["state"], one["remedies"]) for one in listed] == [(1, "kept", [f"mtu:{mtu - 100}"])]
    assert listed[0]["files"][0]["path"] == "/etc/network/interfaces"
    verified = run("verify", "--json")
    assert (verified.returncode, json.loads(verified.stdout)["verified"][0]["check"]["word"]) == (1, "drifted")
    checked = run("check", name, "--wait", "0", "--json")
    (shown_here,) = json.loads(checked.stdout)["nics"][0]["kept"]
    assert (checked.returncode, shown_here["word"], shown_here["differences"]) == (1, "drifted", [f"mtu is {mtu}, not {mtu - 100}"])
    again = run("keep", name, "--remedy", f"mtu:{mtu - 200}")
    assert (again.returncode, "is kept already" in again.stderr) == (23, True)
    released = run("release", "1")
    assert released.returncode == 0, released.stderr
    assert (file.read_bytes(), file.stat().st_mode & 0o7777) == (before, 0o640)
    assert sorted(each.name for each in file.parent.iterdir()) == sorted(
        {"interfaces", *(each.name for each in Path("/etc/network").iterdir())}
    )


def test_a_read_only_etc_is_refused_before_anything(run: Run, card: tuple[str, int], tmp_path: Path) -> None:
    name, mtu = card
    before = (tmp_path / "network/interfaces").read_bytes()
    done = run("keep", name, "--remedy", f"mtu:{mtu - 100}", before='set -e; mount -o bind "$1" "$1"; mount -o remount,bind,ro "$1"; ')
    assert done.returncode == 23, done.stderr
    assert "is read-only" in done.stderr
    assert (tmp_path / "network/interfaces").read_bytes() == before
    assert not list((tmp_path / "state/kept").glob("[0-9]*"))


def test_killed_at_any_time_the_next_command_finds_all_or_nothing(run: Run, card: tuple[str, int], tmp_path: Path) -> None:
    name, mtu = card
    file = tmp_path / "network/interfaces"
    before = file.read_bytes()
    began = time.monotonic()
    assert run("keep", name, "--remedy", f"mtu:{mtu - 100}").returncode == 0
    took_s = time.monotonic() - began
    assert run("release", "1").returncode == 0
    for part in (0.7, 0.85, 0.95):
        run("keep", name, "--remedy", f"mtu:{mtu - 100}", kill_after_s=took_s * part)
        live = [one for one in json.loads(run("kept", "--json").stdout)["kept"] if one["state"] != "released"]
        assert [one["state"] for one in live] in ([], ["kept"])
        assert (file.read_bytes() == before) is not bool(live)
        for one in live:
            assert run("release", str(one["id"])).returncode == 0


def test_an_etc_in_memory_is_passed_over(run: Run, card: tuple[str, int], tmp_path: Path) -> None:
    """What is written there is gone after a boot; systemd is not to be seen, so that there is no unit to go to."""
    name, mtu = card
    in_memory = 'set -e; cp -a "$1" "$1.copy"; mount -t tmpfs none "$1"; cp -a "$1.copy/." "$1"; '
    done = run("keep", name, "--remedy", f"mtu:{mtu - 100}", before=in_memory)
    assert done.returncode == 23, done.stderr
    assert "ifupdown: /etc/network/interfaces is in memory (tmpfs at /etc/network), and gone after a boot" in done.stderr
    assert not list((tmp_path / "state/kept").glob("[0-9]*"))


def test_a_file_that_is_immutable_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    if shutil.which("chattr") is None or subprocess.run(["chattr", "+i", file], capture_output=True, check=False).returncode:
        pytest.skip("no such flags on this file system")
    try:
        assert HostConfigFiles(str(tmp_path)).find_obstacle("/file") == "/file is immutable (lsattr)"
    finally:
        subprocess.run(["chattr", "-i", file], check=True)
