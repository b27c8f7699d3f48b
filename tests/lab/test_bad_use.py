# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong before a machine runs is one line, with the command that mends it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from lab import cache, faults, kernels, nics
from lab.errors import LabError
from lab.kernel_vm import KernelVM
from lab.machine import AT_A_TIME
from lab.segment import Segment

ROOT = Path(__file__).parents[2]


def lab(*arguments: str, env: Mapping[str, str] | None = None, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run ``python -m lab`` as a person would."""
    variables = {**os.environ, **(env or {})}
    command = [*before, sys.executable, "-m", "lab", *arguments]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False)


def test_an_unknown_card_is_told_with_those_that_there_are() -> None:
    done = lab("shell", "r8169")
    assert done.returncode == 2
    assert done.stderr == (
        "lab: no network card is called 'r8169'; there are e1000, e1000e, e1000e-intx, 8139cp, pcnet32, e100, virtio-net, vmxnet3, hangsim\n"
        "     type: make lab-shell NIC=e1000e\n"
    )


def test_without_root_it_says_so() -> None:
    done = lab("shell", before=("setpriv", "--reuid", "65534", "--clear-groups"))
    assert (done.returncode, done.stderr) == (
        2,
        "lab: the lab needs root: it makes network namespaces and tap devices\n     type: sudo make test\n",
    )


def test_without_qemu_it_names_the_packages(tmp_path: Path) -> None:
    done = lab("shell", env={"PATH": str(tmp_path)})
    assert done.returncode == 2
    assert done.stderr.startswith("lab: not installed: qemu-system-x86, ")
    assert "type: apt-get update && apt-get install -y qemu-system-x86 " in done.stderr


def test_a_kernel_package_that_is_missing_is_told_with_those_that_there_are() -> None:
    with pytest.raises(LabError, match=r"linux-image-2\.6\.32-5-amd64 cannot be had .*there are .*6\.1\.0") as caught:
        kernels.find("2.6.32-5-amd64")
    assert caught.value.hint == "apt-get update"


def test_a_full_disk_is_told_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NICMEDIC_LAB_CACHE", str(tmp_path))
    with pytest.raises(LabError, match=r"^no disk space: .* MB free, the lab needs 900000000 MB there"):
        cache.entry("images", "huge", lambda _: None, megabytes=900_000_000)
    assert not list(tmp_path.glob("images/*"))


def test_what_fails_half_way_leaves_nothing_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NICMEDIC_LAB_CACHE", str(tmp_path))

    def make(folder: Path) -> None:
        (folder / "half").touch()
        raise LabError("no")

    with pytest.raises(LabError, match="no"):
        cache.entry("images", "key", make)
    assert not list(tmp_path.glob("images/*"))


def test_what_nobody_asked_for_in_a_fortnight_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NICMEDIC_LAB_CACHE", str(tmp_path))
    old, used = (cache.entry("states", key, lambda _: None, megabytes=1) for key in ("old", "used"))
    for path in (old, used):
        os.utime(path, (0, 0))
    assert cache.entry("states", "used", lambda _: None, megabytes=1) == used
    cache.entry("states", "new", lambda _: None, megabytes=1)
    assert sorted(path.name for path in (tmp_path / "states").iterdir()) == ["new", "used"]


def test_names_that_are_not_there_are_errors_with_a_list() -> None:
    with pytest.raises(LabError, match="no network card is called 'r8169'; there are e1000, "):
        nics.find("r8169")
    with pytest.raises(LabError, match="no fault is called 'gremlin'; there are bus-master-off, "):
        faults.find("gremlin")


def test_a_third_machine_at_a_time_is_refused() -> None:
    machines = [KernelVM() for _ in range(AT_A_TIME)]
    try:
        with pytest.raises(LabError, match=f"^{AT_A_TIME} machines run already; end one first$"):
            KernelVM()
    finally:
        for machine in machines:
            machine.end()


def test_a_lab_that_is_killed_leaves_no_machine_and_no_network() -> None:
    """Its QEMU dies with it; its namespaces are swept away by the next one."""
    script = (
        "import os, signal\n"
        "from lab.kernel_vm import KernelVM\n"
        "from lab.segment import Segment\n"
        "with Segment() as segment, KernelVM() as machine:\n"
        "    print(machine.qemu.pid, segment.namespace, machine.folder, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    pid, namespace, folder = done.stdout.split()
    with Segment(), KernelVM():
        assert not Path("/run/netns", namespace).exists()
        assert not Path("/proc", pid).exists() or not Path("/proc", pid, "cmdline").read_bytes()  # a zombie has none
        assert not Path(folder).exists()
