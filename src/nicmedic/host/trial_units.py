# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.boot_trial.TrialUnits``: one unit goes on with a trial after each boot, one reboots when it has not ended by its deadline.

The second is plain sh (``host/trial_script.py``) and waits for nothing but process 1: no disk but the root, no network, no Python. It is there under
emergency.target too (``IgnoreOnIsolate=``). What stops process 1 itself, or the kernel, is for the hardware's watchdog, which is armed where there is
one that nobody else uses: by a file of process 1's own settings, which counts from the next boot on. Process 1 tries to open the device again and
again, so a driver that is loaded late will do (src/shared/watchdog.c, ``watchdog_ping()``).
"""

import contextlib
import os
import re
import time
from glob import glob

from nicmedic.host.files import make_folder, remove_torn, sync_folder, tell_state, write_file
from nicmedic.host.run import run_limited
from nicmedic.host.service import Unit, find_program_line, install_units, is_systemd, remove_files, remove_units
from nicmedic.host.trial_folder import find_trials_folder
from nicmedic.host.trial_script import ENDED, LIFE, render_deadline, render_exec_start
from nicmedic.model.boot_trial import BootTrial, find_first_s
from nicmedic.model.errors import MissingToolError, StateError
from nicmedic.persist.systemd_words import quote_command, quote_word

__all__ = ["DEADLINE_NAME", "TRIAL_NAME", "HostTrialUnits", "Watchdog", "read_watchdog", "render_deadline_unit", "render_trial_unit"]

TRIAL_NAME = "nicmedic-trial.service"
DEADLINE_NAME = "nicmedic-trial-deadline.service"
_DROP_IN = "/etc/systemd/system.conf.d/nicmedic-trial.conf"
_WATCHDOG = "/sys/class/watchdog/watchdog0"
_SETTINGS = tuple(
    f"{folder}/systemd/{name}"
    for folder in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
    for name in ("system.conf", "system.conf.d/*.conf")
)
_RUNTIME = re.compile(r"^[ \t]*RuntimeWatchdogSec[ \t]*=(.*)$", re.MULTILINE)
_PATIENCE_S = 60
_OFF = frozenset({"", "0", "infinity"})
_ASK_S = 10


def render_trial_unit() -> str:
    """The file. Not Type=oneshot: multi-user.target would wait for the whole soak. It is started anew when it fails, and goes on then."""
    state = os.environ.get("NICMEDIC_STATE")
    program = find_program_line()
    return "\n".join(
        [
            "# Made by nicmedic trial; it goes when the trial ends, or with nicmedic trial abort.",
            "[Unit]",
            "Description=nicmedic: go on with the trial of a kernel",
            "Documentation=man:nicmedic-trial(1)",
            "# No wait for the network: that it does not come up is one of the things to see.",
            "After=local-fs.target network.target nicmedic-recover.service",
            f"RequiresMountsFor={quote_word(find_trials_folder())} {quote_word(program[0])}",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            "Type=exec",
            *([f"Environment={quote_word(f'NICMEDIC_STATE={state}')}"] if state else []),
            f"ExecStart={quote_command((*program, 'trial', 'resume'))}",
            "Restart=on-failure",
            "RestartSec=10",
            "RestartPreventExitStatus=2",
            "TimeoutStopSec=10",
            "SyslogIdentifier=nicmedic",
            "OOMScoreAdjust=-900",
            "Nice=-5",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )


def render_deadline_unit(number: int, at_s: int, first_s: int) -> str:
    """The file.

    Args:
        number: of the trial.
        at_s: when it reboots, in seconds since the kernel began.
        first_s: the same, where nobody has begun to look after that kernel by then.
    """
    return "\n".join(
        [
            "# Made by nicmedic trial; it goes when the trial ends, or with nicmedic trial abort.",
            "[Unit]",
            f"Description=nicmedic: reboot {at_s} s after the kernel began, unless its trial has ended by then",
            "Documentation=man:nicmedic-trial(1)",
            "# It waits for nothing, and no target stops it.",
            "DefaultDependencies=no",
            "IgnoreOnIsolate=yes",
            f"ConditionKernelCommandLine=nicmedic.trial={number}",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            "Type=simple",
            render_exec_start(DEADLINE_NAME.removesuffix(".service"), render_deadline(at_s, first_s)),
            "# No wait for the journal either.",
            "StandardOutput=null",
            "StandardError=null",
            "# Whatever ends it but its own end: it is there again, and the time is still the same.",
            "Restart=on-failure",
            "RestartSec=1",
            "TimeoutStopSec=2",
            "OOMScoreAdjust=-1000",
            "",
            "[Install]",
            "WantedBy=sysinit.target",
            "",
        ]
    )


class Watchdog:
    """The hardware's, as it is now."""

    def __init__(self, *, seconds: int | None, told: str) -> None:
        """``seconds``: what to arm it with; None: it is left alone, and ``told`` says why."""
        self.seconds, self.told = seconds, told


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123  # strings throughout
            return file.read(200).strip()
    except OSError:
        return None


def _read_runtime() -> str | None:
    """What process 1 itself is set to; None: it cannot be asked."""
    try:
        status, said = run_limited(("systemctl", "show", "--property=RuntimeWatchdogUSec", "--value"), _ASK_S)
    except OSError:
        return None
    return said.strip() if status == 0 else None


def _is_configured(ours: str) -> bool:
    """Whether another file of process 1's settings than ours arms it (man systemd-system.conf).

    If it is armed and none does, it was by an earlier trial, or an earlier boot of this one: the file that did it may be gone.
    """
    for path in (path for pattern in _SETTINGS for path in glob(pattern) if path != ours):  # noqa: PTH207  # strings throughout
        try:
            with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # strings throughout
                found = _RUNTIME.findall(file.read(1 << 20))
        except OSError:
            continue
        if any(value.strip() not in {*_OFF, "off"} for value in found):
            return True
    return False


def read_watchdog(folder: str = _WATCHDOG, ours: str = _DROP_IN) -> Watchdog:
    """Whether there is one, and whether it is free (Documentation/ABI/testing/sysfs-class-watchdog: ``state``, ``max_timeout``).

    Args:
        folder: of the first one in sysfs.
        ours: the file with which we arm it.
    """
    if not os.path.isdir(folder):  # noqa: PTH112  # strings throughout
        told = "no hardware watchdog: a kernel that stands still without a panic stays so until somebody resets the host"
        return Watchdog(seconds=None, told=told)
    name = _read(f"{folder}/identity") or "watchdog0"
    runtime = _read_runtime()
    if runtime is None:
        return Watchdog(seconds=None, told=f"the hardware watchdog ({name}) is left alone: systemd does not tell how it uses it")
    if runtime not in _OFF and _is_configured(ours):
        return Watchdog(seconds=None, told=f"the hardware watchdog ({name}) is armed by systemd already, with {runtime}")
    if runtime in _OFF and _read(f"{folder}/state") != "inactive":
        return Watchdog(seconds=None, told=f"the hardware watchdog ({name}) is left alone: another program has it, or may have it")
    most = _read(f"{folder}/max_timeout") or ""
    seconds = min(_PATIENCE_S, int(most)) if most.isdecimal() and int(most) > 0 else _PATIENCE_S
    return Watchdog(seconds=seconds, told=f"the hardware watchdog ({name}) resets the host when process 1 stands still for {seconds} s")


class HostTrialUnits:
    """Of this machine."""

    def __init__(self, *, drop_in: str = _DROP_IN, watchdog: str = _WATCHDOG, ended: str = ENDED, life: str = LIFE) -> None:
        """``drop_in``, ``watchdog``, ``ended``, ``life``: where these files are, for tests."""
        self._drop_in, self._watchdog, self._ended, self._life = drop_in, watchdog, ended, life

    def find_obstacle(self) -> str | None:
        if not is_systemd():
            return "this host has no systemd, so nothing would go on with the trial after the boot"
        masked = [name for name in (TRIAL_NAME, DEADLINE_NAME) if os.path.islink(Unit(name=name, text="").path)]  # noqa: PTH114  # strings
        return f"masked here, so nothing would go on with the trial after the boot: {', '.join(masked)}" if masked else None

    def install(self, trial: BootTrial, deadline_s: float) -> tuple[str, ...]:
        obstacle = self.find_obstacle()
        if obstacle is not None:
            raise StateError(obstacle, hint=f"ls -d /run/systemd/system\nsystemctl unmask {TRIAL_NAME} {DEADLINE_NAME}")
        units = (
            Unit(name=TRIAL_NAME, text=render_trial_unit()),
            Unit(name=DEADLINE_NAME, text=render_deadline_unit(trial.id, round(deadline_s), round(find_first_s(trial)))),
        )
        watchdog = read_watchdog(self._watchdog, self._drop_in)
        try:
            install_units(units)
            self._arm(watchdog)
        except (StateError, MissingToolError) as error:
            with contextlib.suppress(StateError):
                self.remove()
            raise StateError(error.message, hint=error.hint) from None
        return (watchdog.told,)

    def _arm(self, watchdog: Watchdog) -> None:
        if watchdog.seconds is None:
            self._disarm()
            return
        folder = os.path.dirname(self._drop_in)  # noqa: PTH120  # strings throughout
        with tell_state(folder):
            os.makedirs(folder, mode=0o755, exist_ok=True)  # noqa: PTH103  # strings throughout
            sync_folder(os.path.dirname(folder))  # noqa: PTH120  # strings throughout
        text = f"# Made by nicmedic trial; it goes when the trial ends.\n[Manager]\nRuntimeWatchdogSec={watchdog.seconds}\nRebootWatchdogSec=120\n"
        write_file(self._drop_in, text, 0o644)

    def _disarm(self) -> None:
        folder = os.path.dirname(self._drop_in)  # noqa: PTH120  # strings throughout
        remove_torn(self._drop_in)
        with tell_state(self._drop_in), contextlib.suppress(FileNotFoundError):
            os.unlink(self._drop_in)  # noqa: PTH108  # strings throughout
            sync_folder(folder)
            with contextlib.suppress(OSError):
                os.rmdir(folder)  # noqa: PTH106  # only an empty one goes

    def remove(self) -> None:
        """The running soak is not stopped, for it may be what calls.

        A watchdog that is armed stays so until the next boot: process 1 could be asked to let it go, but one that cannot be stopped any more
        (``nowayout``) would reset the host a minute later.
        """
        self.stand_down()
        self._disarm()
        for name in (TRIAL_NAME, DEADLINE_NAME):
            remove_torn(Unit(name=name, text="").path)
        there = [name for name in (TRIAL_NAME, DEADLINE_NAME) if self._is_ours(name)]
        if not there:
            return
        if not is_systemd():
            remove_files(there)
            return
        try:
            remove_units(there)
        except MissingToolError as error:
            raise StateError(error.message, hint=error.hint) from None

    @staticmethod
    def _is_ours(name: str) -> bool:
        path = Unit(name=name, text="").path
        return os.path.lexists(path) and not os.path.islink(path)  # noqa: PTH114  # a mask is not ours

    def stand_down(self) -> None:
        make_folder(os.path.dirname(self._ended))  # noqa: PTH120  # strings throughout
        write_file(self._ended, "", 0o644, sync=False)

    def show_life(self) -> None:
        make_folder(os.path.dirname(self._life))  # noqa: PTH120  # strings throughout
        write_file(self._life, f"{time.monotonic():.2f}\n", 0o644, sync=False)
