# SPDX-License-Identifier: GPL-2.0-or-later
"""The script that reboots whatever is broken: under each shell, with seconds for minutes and programs that only take note."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from nicmedic.host.trial_script import render_deadline, render_reboot
from tests.rooms import wait_for

pytestmark = pytest.mark.host

PROGRAMS = ("systemctl", "reboot", "shutdown")
GOOD_ORDER = ["kexec -u", "systemctl reboot"]


class Bench:
    """A folder of programs, and what they and the kernel were asked."""

    def __init__(self, folder: Path, shell: tuple[str, ...]) -> None:
        self.folder, self.shell = folder, shell
        self.trigger, self.ended, self.calls = folder / "sysrq-trigger", folder / "ended of it", folder / "calls"
        self.life, self.settings = folder / "life of it", folder / "sys/kernel"
        self.trigger.touch()
        self.calls.touch()
        (folder / "bin").mkdir()
        self._environment = {"PATH": f"{folder}/bin:{os.environ['PATH']}"}
        for name in ("kexec", *PROGRAMS):
            self.put(name, "exit 0")

    def put(self, name: str, then: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f'#!/bin/sh\nread up rest </proc/uptime\necho "{name} $*" >>{self.calls}\n{then}\n', encoding="utf-8")
        path.chmod(0o755)

    def start(self, lines: tuple[str, ...]) -> subprocess.Popen[str]:
        """As ``sh -c`` with all on one line.

        In a namespace of processes, where reboot(2) ends only that (kernel/pid_namespace.c, ``reboot_pid_ns()``): Debian's busybox-static takes its
        own ``reboot`` before any in PATH.
        """
        return subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", *self.shell, "-c", " ".join(lines)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment,
            start_new_session=True,
        )

    def has_own(self, name: str) -> bool:
        """Whether the shell brings a program along, and prefers it."""
        done = subprocess.run(
            [*self.shell, "-c", f"command -v {name}"],
            capture_output=True,
            text=True,
            check=True,
            env=self._environment,
        )
        return not done.stdout.startswith("/")

    def reboot(self, guests_s: int = 60) -> tuple[str, ...]:
        groups = [f"{self.folder}/none/*/cgroup.events", f"{self.folder}/guests/*/cgroup.events"]
        why = "it's a test; $(false)"
        return render_reboot(why, polite_s=3, guests_s=guests_s, forced_s=3, trigger=str(self.trigger), groups=groups)

    def deadline(self, in_s: int, *, first_in_s: int = 600, silence_s: int = 600) -> tuple[str, ...]:
        now_s = int(float(Path("/proc/uptime").read_text(encoding="ascii").split()[0]))
        return render_deadline(
            now_s + in_s,
            now_s + first_in_s,
            silence_s=silence_s,
            polite_s=2,
            forced_s=2,
            ended=str(self.ended),
            life=str(self.life),
            proc=str(self.folder),
        )

    def list_calls(self) -> list[str]:
        return self.calls.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def bench(shell: tuple[str, ...], tmp_path: Path) -> Bench:
    return Bench(tmp_path, shell)


def test_it_is_done_in_good_order_then_by_force_then_by_the_kernel(bench: Bench) -> None:
    begin = time.monotonic()
    keys: list[str] = []
    with bench.start(bench.reboot()) as process:
        wait_for(lambda: bench.list_calls() == GOOD_ORDER, 3)
        while process.poll() is None:
            key = bench.trigger.read_text(encoding="ascii").strip()
            keys += [key] if key and keys[-1:] != [key] else []
            time.sleep(0.05)
        assert process.communicate()[0] == ""
    keys.append(bench.trigger.read_text(encoding="ascii").strip())
    assert bench.list_calls() == [*GOOD_ORDER, "systemctl reboot --force", "systemctl reboot --force --force"]
    assert list(dict.fromkeys(keys)) == ["s", "u", "b"]
    assert 11 <= time.monotonic() - begin < 20


def test_guests_have_more_time_as_long_as_there_are_any_and_not_for_ever(bench: Bench) -> None:
    names = [bench.folder / "guests" / name for name in ("machine-qemu\\x2d1.scope", "machine-qemu\\x2d2.scope")]
    for name in names:
        name.mkdir(parents=True)
        (name / "cgroup.events").write_text("populated 1\nfrozen 0\n", encoding="ascii")
    begin = time.monotonic()
    with bench.start(bench.reboot()) as process:
        (names[0] / "cgroup.events").write_text("populated 0\nfrozen 0\n", encoding="ascii")
        time.sleep(6)
        assert bench.list_calls() == GOOD_ORDER
        (names[1] / "cgroup.events").write_text("populated 0\nfrozen 0\n", encoding="ascii")
        wait_for(lambda: "systemctl reboot --force" in bench.list_calls(), 4)
        process.wait(30)
    assert 14 <= time.monotonic() - begin < 25
    (names[1] / "cgroup.events").write_text("populated 1\nfrozen 0\n", encoding="ascii")
    begin = time.monotonic()
    with bench.start(bench.reboot(guests_s=5)) as process:
        process.wait(30)
    assert 13 <= time.monotonic() - begin < 20


def test_programs_that_stand_and_programs_that_fail_do_not_hold_it_up(bench: Bench) -> None:
    bench.put("systemctl", "[ $# = 1 ] || exit 1; exec sleep 60")
    bench.put("reboot", "exit 1")
    bench.trigger.unlink()
    bench.trigger.mkdir()  # a kernel without it: it cannot be written
    with bench.start(bench.reboot()) as process:
        process.wait(30)
    asked = [
        *GOOD_ORDER,
        "systemctl reboot --force",
        "reboot -f",
        "systemctl reboot --force --force",
        "reboot -f",
    ]
    # a reboot of the shell's own does not fail: it ends the namespace
    assert bench.list_calls() == (asked[:3] if bench.has_own("reboot") else asked)


def test_a_sleep_that_cannot_be_started_or_is_killed_does_not_make_it_hasty(bench: Bench) -> None:
    bench.put("sleep", "kill -9 $$")
    (bench.folder / "bin/sleep").write_text("#!/bin/sh\nkill -9 $$\n", encoding="utf-8")
    begin = time.monotonic()
    with bench.start(bench.reboot()) as process:
        process.communicate(timeout=60)
    assert 11 <= time.monotonic() - begin < 30


def test_the_deadline_reboots_at_its_time_and_not_before(bench: Bench) -> None:
    with bench.start(bench.deadline(4)) as process:
        time.sleep(2)
        assert bench.list_calls() == []
        wait_for(lambda: bench.list_calls() == GOOD_ORDER, 6)
        process.communicate(timeout=60)
    assert bench.trigger.read_text(encoding="ascii") == "b\n"


def test_a_trial_that_ends_before_calls_it_off(bench: Bench) -> None:
    with bench.start(bench.deadline(4)) as process:
        time.sleep(1)
        bench.ended.touch()
        process.communicate(timeout=10)
        assert process.returncode == 0
    with bench.start(bench.deadline(-5)) as process:
        process.communicate(timeout=10)
    assert bench.list_calls() == []


def test_a_deadline_that_is_over_when_it_begins_reboots_at_once(bench: Bench) -> None:
    with bench.start(bench.deadline(-5)) as process:
        wait_for(lambda: bench.list_calls() == GOOD_ORDER, 3)
        process.communicate(timeout=60)


def test_nobody_who_begins_to_look_after_it_is_not_waited_for_until_the_deadline(bench: Bench) -> None:
    with bench.start(bench.deadline(600, first_in_s=4)) as process:
        time.sleep(2)
        assert bench.list_calls() == []
        wait_for(lambda: bench.list_calls() == GOOD_ORDER, 6)
        assert process.communicate(timeout=60)[0] == ""


def test_whoever_looks_after_it_shows_life_and_is_missed(bench: Bench) -> None:
    with bench.start(bench.deadline(600, first_in_s=2, silence_s=5)) as process:
        for number in range(8):
            bench.life.write_text(f"{number}\n", encoding="ascii")
            time.sleep(1)
        bench.life.unlink()
        time.sleep(2)
        assert bench.list_calls() == [], "it may be gone for a moment"
        wait_for(lambda: bench.list_calls() == GOOD_ORDER, 8)
        assert process.communicate(timeout=60)[0] == ""


def test_a_panic_on_trial_ends_in_a_reboot_whatever_the_host_has_set(bench: Bench) -> None:
    bench.settings.mkdir(parents=True)
    held = {"panic": "0", "panic_on_oops": "0", "softlockup_panic": "1"}
    for name, value in held.items():
        (bench.settings / name).write_text(f"{value}\n", encoding="ascii")
    with bench.start(bench.deadline(600)) as process:
        wait_for(lambda: (bench.settings / "panic").read_text(encoding="ascii") == "30\n", 5)
        wait_for(lambda: (bench.settings / "panic_on_oops").read_text(encoding="ascii") == "1\n", 5)
        (bench.settings / "panic").write_text("10\n", encoding="ascii")
        time.sleep(2.5)
        assert (bench.settings / "panic").read_text(encoding="ascii") == "10\n"
        bench.ended.touch()
        assert process.communicate(timeout=10)[0] == ""
