# SPDX-License-Identifier: GPL-2.0-or-later
"""The services of a trial: systemd reads them, what they start does what it should, and they come and go whole."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nicmedic.host import saved_modules, service, trial_units
from nicmedic.host.saved_modules import HostSavedModules, render_dpkg_hook, render_unit
from nicmedic.host.trial_boots import render_reboot_unit
from nicmedic.host.trial_script import render_deadline, render_reboot
from nicmedic.host.trial_units import HostTrialUnits, read_watchdog, render_deadline_unit, render_trial_unit
from nicmedic.model.boot_trial import BootTrial, KernelChoice, TrialPhase
from nicmedic.model.errors import StateError

pytestmark = pytest.mark.host

TRIAL = BootTrial(id=7, phase=TrialPhase.PREPARED, old=KernelChoice(release="6.1.0", image="/boot/vmlinuz-6.1.0"), made_at="")
needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/run/calls
case $1 in
show) cat /run/runtime 2>/dev/null || echo 0 ;;
enable) SYSTEMD_OFFLINE=1 /run/real --quiet "$@" && exit $(cat /run/reload 2>/dev/null || echo 0) ;;
disable) SYSTEMD_OFFLINE=1 exec /run/real "$@" ;;
esac
"""
ROOM = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
cp /usr/bin/systemctl /run/real
install -m 755 /dev/stdin /run/systemctl
mount --bind /run/systemctl /usr/bin/systemctl
mkdir -p /run/systemd/system /run/units /run/dpkg /run/conf /run/wants
mount --bind /run/units /etc/systemd/system
mount --bind /run/dpkg /etc/dpkg/dpkg.cfg.d
exec "$@"
"""


def in_room(script: str, before: str = ":") -> subprocess.CompletedProcess[str]:
    """Where systemd seems to run: its systemctl takes note, and enables and disables really, in an empty /etc/systemd/system."""
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", ROOM.replace('exec "$@"', before + '\nexec "$@"'), "sh", sys.executable, "-c", script],
        input=SYSTEMCTL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )


def verify(path: Path, *more: str, **environment: str) -> str:
    """What systemd has to say of a unit."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *more, str(path)], capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin", **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


# --------------------------------------------------------------------------------------------------------------------------- the texts


@needs_analyze
@pytest.mark.parametrize("state", [None, "/srv/100% [odd]/state"])
def test_systemd_reads_the_units(state: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if state is not None:
        monkeypatch.setenv("NICMEDIC_STATE", state)
    monkeypatch.setattr(trial_units, "find_program_line", lambda: ("/bin/true",))
    texts = {
        trial_units.TRIAL_NAME: render_trial_unit(),
        trial_units.DEADLINE_NAME: render_deadline_unit(7, 4000, 1200),
        saved_modules.name_unit(7): render_unit(7, "/usr/lib/modules/.nicmedic/7/6.1.0-56-amd64", "/usr/lib/modules/6.1.0-56-amd64"),
        "nicmedic-trial-reboot.service": render_reboot_unit(render_reboot('it\'s 100 % "hung" $HOME \\')),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert verify(tmp_path / name) == "", text


def test_saved_modules_are_there_before_any_unit_of_systemd_asks_for_one() -> None:
    units = [path for path in Path("/lib/systemd/system").iterdir() if path.is_file()]
    asked = {found for path in units for found in re.findall(r"modprobe@\w+\.service", path.read_text(encoding="utf-8"))}
    assert "modprobe@configfs.service" in asked
    before = [line for line in render_unit(7, "/a", "/b").splitlines() if line.startswith("Before=")]
    assert asked <= set(" ".join(before).replace("Before=", "").split())


@needs_analyze
def test_what_systemd_starts_at_the_deadline_is_the_script(tmp_path: Path) -> None:
    path = tmp_path / trial_units.DEADLINE_NAME
    path.write_text(render_deadline_unit(7, 4000, 1200), encoding="utf-8")
    lines = [line.strip() for line in verify(path, SYSTEMD_LOG_LEVEL="debug").splitlines()]
    (line,) = [line.removeprefix("Command Line: ") for line in lines if line.startswith("Command Line: ")]
    split = subprocess.run(["sh", "-c", f"printf '%s\\0' {line}"], capture_output=True, text=True, check=True).stdout.split("\0")[:-1]
    words = [word.replace("$$", "$") for word in split]
    assert words[0] == "@nicmedic-trial-deadline"  # systemd-shutdown spares it
    assert [" ".join(word.split()) for word in words[1:]] == ["-c", " ".join(" ".join(render_deadline(4000, 1200)).split())]
    for shell in ("dash", "bash"):
        subprocess.run([shell, "-n", "-c", words[2]], check=True)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="needs dpkg")
def test_dpkg_takes_the_modules_away_while_it_writes_and_never_fails_for_it() -> None:
    script = f"""
import subprocess
open('/etc/dpkg/dpkg.cfg.d/nicmedic-saved-modules-7', 'w').write({render_dpkg_hook(7)!r})
for code in (0, 1):
    open('/run/systemctl', 'w').write(f'#!/bin/sh\\necho "$*" >>/run/calls\\nexit {{code}}\\n')
    print(subprocess.run(['dpkg', '--admindir=/run/db', '--configure', '--pending']).returncode, flush=True)
print(open('/run/calls').read())
"""
    done = in_room(script, before="mkdir -p /run/db/updates /run/db/info /run/db/triggers; touch /run/db/status /run/db/available")
    once = "stop nicmedic-saved-modules-7.service\nstart nicmedic-saved-modules-7.service\n"
    assert done.stdout == f"0\n0\n{once}{once}\n", done.stderr


def test_the_saved_modules_stand_where_the_kernel_looks_and_go_again(tmp_path: Path) -> None:
    source, target = tmp_path / "saved 7", tmp_path / "modules"
    source.mkdir()
    (source / "old.ko").touch()
    text = render_unit(7, str(source), str(target))
    commands = [line.split("=", 1)[1].lstrip("-") for line in text.splitlines() if line.startswith("Exec")]
    look = f"ls '{target}'"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", f"{commands[0]}; {commands[1]}; {look}; {commands[2]}; echo gone; {look}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "old.ko\ngone\n"


# ------------------------------------------------------------------------------------------------------------------ coming and going


INSTALL = """
from tests.host.test_trial_units import TRIAL
from nicmedic.host.trial_units import HostTrialUnits
from nicmedic.host.saved_modules import HostSavedModules
from nicmedic.model.errors import StateError
import subprocess
units = HostTrialUnits(drop_in="/run/conf/system.conf.d/nicmedic-trial.conf", watchdog="/run/watchdog", ended="/run/nicmedic/trial-ended")
saved = HostSavedModules()
def show(*folders):
    print(subprocess.run(["find", *folders, "-not", "-type", "d"], text=True, capture_output=True).stdout, end="", flush=True)
"""


def test_they_are_enabled_and_gone_again() -> None:
    done = in_room(
        INSTALL
        + """
print(units.install(TRIAL, 1234.5))
saved.install(7, "/usr/lib/modules/.nicmedic/7/x", "/usr/lib/modules/x")
show("/etc/systemd/system", "/etc/dpkg/dpkg.cfg.d", "/run/conf")
open("/run/runtime", "w").write("1min")  # as our own file has set process 1 since the boot
assert "resets the host" in units.install(TRIAL, 1234.5)[0]
units.remove(); units.remove()
print(subprocess.run(["ls", "/run/conf"], text=True, capture_output=True).stdout, end="")
print("then"); show("/etc/systemd/system", "/etc/dpkg/dpkg.cfg.d", "/run/conf", "/run/nicmedic")
saved.remove(7); saved.remove(7)
print("at last"); show("/etc/systemd/system", "/etc/dpkg/dpkg.cfg.d", "/run/conf")
print(open("/run/calls").read())
""",
        before="mkdir /run/watchdog; echo inactive >/run/watchdog/state; echo 'iTCO_wdt' >/run/watchdog/identity",
    )
    assert done.returncode == 0, done.stderr
    parts = done.stdout.replace("at last\n", "then\n").split("then\n")
    assert sorted(parts[0].splitlines()[1:]) == [
        "/etc/dpkg/dpkg.cfg.d/nicmedic-saved-modules-7",
        "/etc/systemd/system/multi-user.target.wants/nicmedic-trial.service",
        "/etc/systemd/system/nicmedic-saved-modules-7.service",
        "/etc/systemd/system/nicmedic-trial-deadline.service",
        "/etc/systemd/system/nicmedic-trial.service",
        "/etc/systemd/system/sysinit.target.wants/nicmedic-saved-modules-7.service",
        "/etc/systemd/system/sysinit.target.wants/nicmedic-trial-deadline.service",
        "/run/conf/system.conf.d/nicmedic-trial.conf",
    ]
    assert "the hardware watchdog (iTCO_wdt) resets the host when process 1 stands still for 60 s" in parts[0]
    assert sorted(parts[1].splitlines()) == [
        "/etc/dpkg/dpkg.cfg.d/nicmedic-saved-modules-7",
        "/etc/systemd/system/nicmedic-saved-modules-7.service",
        "/etc/systemd/system/sysinit.target.wants/nicmedic-saved-modules-7.service",
        "/run/nicmedic/trial-ended",
    ]
    assert "/etc" not in parts[2]
    assert "stop nicmedic-saved-modules-7.service" in parts[2]
    assert "stop nicmedic-trial" not in parts[2]  # it may be what calls


def test_what_cannot_be_installed_leaves_nothing() -> None:
    done = in_room(
        INSTALL
        + """
for install in (lambda: units.install(TRIAL, 1), lambda: saved.install(7, "/a", "/b")):
    try:
        install()
    except StateError as error:
        print(error.message)
subprocess.run(["rm", "/run/reload"])
show("/etc/systemd/system", "/etc/dpkg/dpkg.cfg.d", "/run/conf")
""",
        before="echo 1 >/run/reload",
    )
    assert done.stdout.splitlines() == [
        "systemctl enable nicmedic-trial.service nicmedic-trial-deadline.service: status 1",
        "systemctl enable nicmedic-saved-modules-7.service: status 1",
    ], done.stderr


def test_a_unit_that_is_masked_is_left_so() -> None:
    done = in_room(
        INSTALL
        + """
try:
    units.install(TRIAL, 1)
except StateError as error:
    print(error.message, error.hint)
units.remove()
show("/etc/systemd/system")
""",
        before="ln -s /dev/null /etc/systemd/system/nicmedic-trial.service",
    )
    assert done.stdout == (
        "masked here, so nothing would go on with the trial after the boot: nicmedic-trial.service ls -d /run/systemd/system\n"
        "systemctl unmask nicmedic-trial.service nicmedic-trial-deadline.service\n/etc/systemd/system/nicmedic-trial.service\n"
    ), done.stderr


def test_without_systemd_there_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(service, "_SYSTEMD", "/nonexistent")
    monkeypatch.setattr(service, "_FOLDER", str(tmp_path))
    units = HostTrialUnits(drop_in=f"{tmp_path}/drop-in", watchdog="/nonexistent", ended=f"{tmp_path}/run/ended")
    with pytest.raises(StateError, match="no systemd"):
        units.install(TRIAL, 1)
    with pytest.raises(StateError, match="no systemd"):
        HostSavedModules(str(tmp_path)).install(7, "/a", "/b")
    (tmp_path / trial_units.TRIAL_NAME).touch()  # as seen from a rescue disk
    (tmp_path / saved_modules.name_unit(7)).touch()
    units.remove()
    HostSavedModules(str(tmp_path)).remove(7)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert (tmp_path / "run/ended").exists()


@needs_analyze
def test_no_boot_has_a_circle_in_its_order() -> None:
    """One is broken by leaving a service out."""
    done = in_room(
        INSTALL
        + """
units.install(TRIAL, 1)
saved.install(7, "/usr/lib/modules/.nicmedic/7/x", "/usr/lib/modules/x")
for target in ("multi-user.target", "emergency.target"):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", target], text=True, capture_output=True)
    print("loaded", *[line for line in done.stderr.splitlines() if "cycle" in line or "nicmedic" in line])
""",
    )
    assert done.stdout == "loaded\nloaded\n", done.stderr


# ---------------------------------------------------------------------------------------------------------------------- the watchdog


def set_process_1(monkeypatch: pytest.MonkeyPatch, folder: Path, *, theirs: bool, **settings: str) -> None:
    """With two files of settings, of which one is ours, and one says nothing unless it is told to."""
    text = "".join(f"{name}={value}\n" for name, value in settings.items())
    (folder / "conf").mkdir()
    (folder / "conf/nicmedic-trial.conf").write_text(f"[Manager]\n{text}", encoding="utf-8")
    (folder / "conf/theirs.conf").write_text(f"[Manager]\n#{text}RuntimeWatchdogSec=off\n{text if theirs else ''}", encoding="utf-8")
    monkeypatch.setattr(trial_units, "_SETTINGS", (f"{folder}/none", f"{folder}/conf/*.conf"))


@pytest.mark.parametrize(
    ("runtime", "files", "seconds", "told"),
    [
        ("0", None, None, "no hardware watchdog"),
        ("0", {"state": "inactive", "identity": "iTCO_wdt"}, 60, "(iTCO_wdt) resets the host"),
        ("infinity", {"state": "inactive", "max_timeout": "39"}, 39, "for 39 s"),
        ("0", {"state": "inactive", "max_timeout": "0"}, 60, "for 60 s"),
        ("30s", {"state": "active"}, None, "armed by systemd already, with 30s"),
        ("1min", {"state": "active"}, 60, "for 60 s"),  # by our own file, which a trial before this one took away
        ("0", {"state": "active"}, None, "another program has it"),
        ("0", {"identity": "no state is told"}, None, "or may have it"),
    ],
)
def test_a_watchdog_is_taken_only_where_nobody_has_it(
    runtime: str, files: dict[str, str] | None, seconds: int | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_units, "_read_runtime", lambda: runtime)
    set_process_1(monkeypatch, tmp_path, RuntimeWatchdogSec="30s", theirs=runtime == "30s")
    for name, text in (files or {}).items():
        (tmp_path / name).write_text(text + "\n", encoding="utf-8")
    found = read_watchdog(str(tmp_path) if files is not None else f"{tmp_path}/none", f"{tmp_path}/conf/nicmedic-trial.conf")
    assert found.seconds == seconds
    assert told in found.told


def test_a_systemd_that_does_not_answer_has_its_watchdog_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_units, "_read_runtime", lambda: None)
    (tmp_path / "state").write_text("inactive\n", encoding="utf-8")
    assert read_watchdog(str(tmp_path)).seconds is None


def test_each_sign_of_life_is_another(tmp_path: Path) -> None:
    units, path = HostTrialUnits(life=str(tmp_path / "run/trial-life")), tmp_path / "run/trial-life"
    units.show_life()
    first = path.read_text(encoding="ascii")
    time.sleep(0.05)
    units.show_life()
    assert first != path.read_text(encoding="ascii")
    assert first.endswith("\n")  # as read of a shell wants it
