# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.boot_trial.Boots`` on the real machine: which boot this is, what is worth keeping of it, and how it is ended."""

import contextlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from nicmedic.host.files import make_folder, write_bytes, write_file
from nicmedic.host.log_copies import read_kernel_logs
from nicmedic.host.machine import HostMachine
from nicmedic.host.present import find_interface
from nicmedic.host.raw_files import Member
from nicmedic.host.run import find_program, run_limited, start_program
from nicmedic.host.service import is_systemd
from nicmedic.host.trial_folder import find_trials_folder
from nicmedic.host.trial_script import PATIENT_S, render_exec_start, render_reboot
from nicmedic.model.boot_trial import BootTrial, Card
from nicmedic.model.errors import NicmedicError, StateError
from nicmedic.model.plain import to_plain

__all__ = ["HostBoots", "render_reboot_unit"]

_NAME = "nicmedic-trial-reboot"
_UNITS = "/run/systemd/system"
_ASK_S = 20
_LOGS_S = 15.0
_PICTURE_S = 40.0
_SYNC_S = 30
_WORD = re.compile(r"nicmedic\.trial=([1-9]\d{0,8})\Z", re.ASCII)
_LINES = 3000
"""Of all that services said."""
_MOST_SAID = 2 << 20


def render_reboot_unit(lines: tuple[str, ...]) -> str:
    """The file: begun once, and spared by whatever a reboot stops. A shell that cannot fork ends; it is begun again.

    Args:
        lines: of the script.
    """
    return "\n".join(
        [
            "[Unit]",
            "Description=nicmedic: reboot, in good order or not",
            "DefaultDependencies=no",
            "IgnoreOnIsolate=yes",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            "Type=simple",
            render_exec_start(_NAME, lines),
            "Restart=on-failure",
            "RestartSec=1",
            "StandardOutput=null",
            "StandardError=null",
            "OOMScoreAdjust=-1000",
            "",
        ]
    )


def _run(command: Sequence[str], within_s: float) -> bool:
    try:
        return run_limited(command, within_s)[0] == 0
    except OSError:
        return False


def _read_services(boot: str) -> bytes:
    """The last that the journal has of a boot, whoever said it; nothing, if it does not answer in its time."""
    program = find_program("journalctl")
    if program is None:
        return b""
    command = (program, "--quiet", "--no-pager", "--output=short-iso-precise", f"--boot={boot}", f"--lines={_LINES}")
    try:
        started = start_program(command)
    except OSError:
        return b""
    until = time.monotonic() + _LOGS_S
    while (status := started.read_status()) is None and time.monotonic() < until:
        time.sleep(0.05)
    said = started.read_output(_MOST_SAID) if status in {0, None} else b""
    started.close()
    return said


class HostBoots:
    """Of this machine."""

    def __init__(self, take_picture: Callable[[str], object], *, proc: str = "/proc", units: str = _UNITS) -> None:
        """``take_picture``: writes a snapshot of the host into a folder; ``proc``, ``units``: where these are, for tests."""
        self._take_picture, self._proc, self._units = take_picture, proc, units

    def _read(self, name: str) -> str:
        path = f"{self._proc}/{name}"
        try:
            with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # strings throughout
                return file.read(1 << 16).strip()
        except OSError as error:
            raise StateError(f"{path}: {error.strerror or error}", hint="mount -t proc proc /proc") from None

    def read_boot_id(self) -> str:
        return self._read("sys/kernel/random/boot_id")

    def read_release(self) -> str:
        return self._read("sys/kernel/osrelease")

    def read_trial(self) -> int | None:
        words = self._read("cmdline").partition(" -- ")[0].split()
        found = [match for word in words if (match := _WORD.match(word))]
        return int(found[-1][1]) if found else None

    def is_rebooting(self) -> bool:
        """By the unit's file, which goes with the boot."""
        return os.path.exists(f"{self._units}/{_NAME}.service")  # noqa: PTH110  # strings throughout

    def reboot(self, why: str) -> None:
        """Outside of our own unit, which the reboot ends; where process 1 does not begin it, in a session of our own.

        The kernel on trial has a minute for it: its card may be dead, and services may wait for the network. On the old one nothing presses, and
        guests may take minutes to shut down.
        """
        lines = render_reboot(why) if self.read_trial() is not None else render_reboot(why, polite_s=PATIENT_S)
        if is_systemd() and self._begin_unit(lines):
            return
        start_program(("/bin/sh", "-c", " ".join(lines))).close()

    def _begin_unit(self, lines: tuple[str, ...]) -> bool:
        try:
            write_file(f"{self._units}/{_NAME}.service", render_reboot_unit(lines), 0o644, sync=False)
        except StateError:
            return False
        _run(("systemctl", "daemon-reload"), _ASK_S)
        return _run(("systemctl", "start", "--no-block", f"{_NAME}.service"), _ASK_S)

    def keep_evidence(self, trial: BootTrial, number: int, cards: Sequence[Card]) -> str | None:
        """What is gone first comes first. Whatever cannot be had in its time is done without, for a host that hangs waits for its reboot."""
        folder = f"{trial.folder or f'{find_trials_folder()}/{trial.id}'}/leg-{number}"
        kept = 0
        try:
            make_folder(folder)
        except StateError:
            return None
        for name, data in self._collect(cards):
            path = f"{folder}/{name}"
            with contextlib.suppress(StateError):
                make_folder(os.path.dirname(path))  # noqa: PTH120  # strings throughout
                write_bytes(path, data, sync=False)
                kept += 1
        _sync(folder)
        kept += self._keep_picture(folder)
        _sync(folder)
        return folder if kept else None

    def _collect(self, cards: Sequence[Card]) -> Iterator[tuple[str, bytes]]:
        for part in read_kernel_logs(time.monotonic() + _LOGS_S):
            if isinstance(part, Member):
                yield part.name, part.data
        boot = "0" if self.read_trial() is not None else "-1"
        said = _read_services(boot)
        if said:
            yield "services.txt", said
        found = [find_interface(card.nic) or card.interface for card in cards]
        with contextlib.suppress(NicmedicError, OSError):
            counters = HostMachine().read_counters(found)
            yield "counters.json", json.dumps(to_plain(counters), ensure_ascii=True, indent=1).encode("ascii") + b"\n"

    def _keep_picture(self, folder: str) -> bool:
        """In a thread: a driver that hangs may hold whoever looks at its card."""
        done: list[bool] = []

        def take() -> None:
            with contextlib.suppress(NicmedicError, OSError):
                self._take_picture(folder)
                done.append(True)

        thread = threading.Thread(target=take, daemon=True, name="nicmedic-picture")
        try:
            thread.start()
        except RuntimeError:  # no more processes are allowed
            return False
        thread.join(_PICTURE_S)
        return bool(done)


def _sync(folder: str) -> None:
    """The whole file system; a disk that does not answer is left."""
    _run(("sync", "-f", folder), _SYNC_S)
