# SPDX-License-Identifier: GPL-2.0-or-later
"""The units: one ends, after each boot, what the boot before has left open; the other watches. Written, enabled, started, and taken away again.

The first comes after the local file systems, and nothing waits for it: what a boot interrupted ended with that boot, so there is nothing to be
undone before the network comes up, and a unit ahead of network-pre.target that hangs, or stands in a circle with cloud-init, would keep the host off
the network.
What the second may do, and why, stands in ``host/watch_unit.py``.
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape as escape_glob
from glob import glob

from nicmedic.host.files import make_folder, remove_torn, sync_folder, tell_state, write_file
from nicmedic.host.run import run_limited
from nicmedic.host.transactions import find_transactions_folder
from nicmedic.host.watch_unit import render_watch_unit
from nicmedic.model.errors import MissingToolError, StateError
from nicmedic.persist.systemd_words import quote_command, quote_word
from nicmedic.report.escape import escape_terminal

__all__ = [
    "RECOVER_NAME",
    "WATCH_NAME",
    "Unit",
    "find_enablement",
    "find_program_line",
    "install_units",
    "is_systemd",
    "list_commands",
    "list_installed",
    "list_removal",
    "plan_units",
    "remove_files",
    "remove_units",
    "render_unit",
]

RECOVER_NAME = "nicmedic-recover.service"
WATCH_NAME = "nicmedic-watch.service"
_FOLDER = "/etc/systemd/system"
_SYSTEMD = "/run/systemd/system"
_SECONDS = 30
_RELOAD_SECONDS = 190
"""Longer than systemctl itself waits for process 1 to read its units anew: 180 s (DAEMON_RELOAD_TIMEOUT_SEC, src/basic/constants.h)."""
_START_SECONDS = 130
"""Longer than process 1 itself waits for the watcher to say that it is ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One, as it is to stand on disk."""

    name: str
    text: str

    @property
    def path(self) -> str:
        """Where."""
        return f"{_FOLDER}/{self.name}"


def is_systemd() -> bool:
    """Whether systemd is process 1 (man sd_booted)."""
    return os.path.isdir(_SYSTEMD)  # noqa: PTH112  # strings throughout


def find_program_line() -> tuple[str, ...]:
    """What starts this very nicmedic, from any folder and without a PATH."""
    found = shutil.which("nicmedic", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    started = os.path.abspath(sys.argv[0])  # noqa: PTH100  # strings throughout
    if os.path.basename(started) == "nicmedic" and os.access(started, os.X_OK):  # noqa: PTH119  # strings throughout
        return (started,)
    return (found,) if found else (sys.executable, "-m", "nicmedic")


def render_unit() -> str:
    """The file."""
    state = os.environ.get("NICMEDIC_STATE")
    folder = find_transactions_folder()
    return "\n".join(
        [
            "# Made by nicmedic install-service; nicmedic install-service --remove takes it away.",
            "[Unit]",
            "Description=nicmedic: end what a crash or a boot has left of changes to network cards",
            "Documentation=man:nicmedic-transactions(1)",
            "After=local-fs.target",
            f"RequiresMountsFor={quote_word(folder)}",
            f"ConditionPathExistsGlob={escape_glob(folder).replace('%', '%%')}/*",  # taken as it stands, to the end of the line
            "",
            "[Service]",
            "Type=oneshot",
            *([f"Environment={quote_word(f'NICMEDIC_STATE={state}')}"] if state else []),
            f"ExecStart={quote_command((*find_program_line(), 'transactions', '--recover'))}",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )


def plan_units(*, watch: bool, metrics_folder: str | None = None) -> tuple[Unit, ...]:
    """What ``install-service`` writes."""
    recover = Unit(name=RECOVER_NAME, text=render_unit())
    if not watch:
        return (recover,)
    state = os.environ.get("NICMEDIC_STATE")
    text = render_watch_unit(find_program_line(), state=state, metrics_folder=metrics_folder)
    return (recover, Unit(name=WATCH_NAME, text=text))


def list_commands(units: Sequence[Unit]) -> tuple[tuple[str, ...], ...]:
    """What follows when their files are written. The first need not run now, for every command of root does the same.

    Enabling comes at once, and has process 1 read its units anew by itself (man systemctl): a file that a power cut leaves alone does nothing.
    """
    names = [unit.name for unit in units]
    begin = [("systemctl", "restart", WATCH_NAME)] if WATCH_NAME in names else []
    return (("systemctl", "enable", *names), *begin)


def list_removal(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """What takes them away."""
    end = [("systemctl", "stop", WATCH_NAME)] if WATCH_NAME in names else []
    return (*end, ("systemctl", "disable", *names), ("rm", *(f"{_FOLDER}/{name}" for name in names)), ("systemctl", "daemon-reload"))


def list_installed() -> tuple[str, ...]:
    """Which of the two are there."""
    return tuple(name for name in (RECOVER_NAME, WATCH_NAME) if os.path.lexists(f"{_FOLDER}/{name}"))


def _systemctl(command: Sequence[str]) -> None:
    limit = _START_SECONDS if "restart" in command else _RELOAD_SECONDS
    try:
        status, said = run_limited(command, limit)
    except OSError as error:
        raise MissingToolError(f"systemctl: {error.strerror or error}", hint="systemctl --version") from None
    if status != 0:
        told = escape_terminal(" ".join(said.split())) or f"status {status}" if status is not None else f"no answer for {limit} s"
        look = f"journalctl -u {command[-1]} -n 30" if "restart" in command else f"{' '.join(command)}   # by hand: does it answer?"
        raise StateError(f"{' '.join(command)}: {told}", hint=look)


def _read_units(units: Sequence[Unit]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for unit in units:
        try:
            with open(unit.path, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123  # strings throughout
                found[unit.name] = file.read()
        except FileNotFoundError:
            found[unit.name] = None
    return found


def _put_back(before: dict[str, str | None]) -> None:
    """As it was; what goes wrong here is less than what is told already."""
    commands = [("systemctl", "disable", "--now", name) for name, text in before.items() if text is None]
    for name, text in before.items():
        if text is not None:
            with contextlib.suppress(StateError):
                write_file(f"{_FOLDER}/{name}", text, 0o644)
    _try_all(commands)
    for name, text in before.items():
        if text is None:
            with contextlib.suppress(OSError):
                os.unlink(f"{_FOLDER}/{name}")  # noqa: PTH108  # strings throughout
    _try_all([("systemctl", "daemon-reload"), *([("systemctl", "restart", WATCH_NAME)] if before.get(WATCH_NAME) else [])])


def _try_all(commands: Sequence[Sequence[str]]) -> None:
    for command in commands:
        with contextlib.suppress(StateError, MissingToolError):
            _systemctl(command)


def _find_links(name: str) -> list[str]:
    """Those that have a unit started."""
    return [path for kind in ("wants", "requires") for path in glob(f"{_FOLDER}/*.{kind}/{escape_glob(name)}")]  # noqa: PTH207  # strings throughout


def _sync_links(units: Sequence[Unit]) -> None:
    """Systemctl leaves that to the kernel; after a power cut the unit must not be missing where what is written after it is there."""
    folders = {os.path.dirname(link) for unit in units for link in _find_links(unit.name)}  # noqa: PTH120  # strings throughout
    for folder in (*sorted(folders), _FOLDER):
        with tell_state(folder):
            sync_folder(folder)


def install_units(units: Sequence[Unit]) -> None:
    """Write and enable them, and start the one that watches. If that fails, all is as it was.

    Raises:
        StateError: a file cannot be written, or systemctl failed.
        MissingToolError: there is no systemctl.
    """
    before = _read_units(units)
    try:
        if WATCH_NAME in before:
            make_folder(os.path.dirname(find_transactions_folder()))  # noqa: PTH120  # the unit writes in it, and must find it
        for unit in units:
            remove_torn(unit.path)
            write_file(unit.path, unit.text, 0o644)
        for command in list_commands(units):
            _systemctl(command)
        _sync_links(units)
    except (StateError, MissingToolError):
        _put_back(before)
        raise


def find_enablement(name: str) -> str | None:
    """What ``systemctl is-enabled`` says of a unit: ``enabled``, ``disabled``; None: it cannot be asked."""
    try:
        _, said = run_limited(("systemctl", "is-enabled", name), _SECONDS)
    except OSError:
        return None
    return said.split()[-1] if said.split() else None


def remove_files(names: Sequence[str]) -> None:
    """Remove units where no systemd runs that could disable them: from a rescue disk, in a chroot. The links that would start them go too.

    Raises:
        StateError: one cannot be removed.
    """
    for name in names:
        for path in (*_find_links(name), f"{_FOLDER}/{name}"):
            with tell_state(path), contextlib.suppress(FileNotFoundError):
                os.unlink(path)  # noqa: PTH108  # strings throughout


def remove_units(names: Sequence[str]) -> None:
    """Stop, disable and remove them.

    Raises:
        StateError: one cannot be removed.
        MissingToolError: there is no systemctl.
    """
    for command in list_removal(names):
        if command[0] == "systemctl":
            _systemctl(command)
            continue
        for path in command[1:]:
            with tell_state(path):
                os.unlink(path)  # noqa: PTH108  # strings throughout
