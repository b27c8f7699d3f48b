# SPDX-License-Identifier: GPL-2.0-or-later
"""The unit that looks, after each boot, for what the boot before has left open: written, enabled, and taken away again.

It comes after the local file systems, and nothing waits for it: what a boot interrupted ended with that boot, so there is nothing to be undone before
the network comes up, and a unit ahead of network-pre.target that hangs, or stands in a circle with cloud-init, would keep the host off the network.
"""

import os
import shlex
import shutil
import sys

from nicmedic.host.files import tell_state, write_file
from nicmedic.host.run import run_limited
from nicmedic.host.transactions import find_transactions_folder
from nicmedic.model.errors import MissingToolError, StateError

__all__ = ["UNIT_NAME", "find_program_line", "install_unit", "is_systemd", "remove_unit", "render_unit"]

UNIT_NAME = "nicmedic-recover.service"
_PATH = f"/etc/systemd/system/{UNIT_NAME}"
_SYSTEMD = "/run/systemd/system"
_SECONDS = 30


def is_systemd() -> bool:
    """Whether systemd is process 1 (man sd_booted)."""
    return os.path.isdir(_SYSTEMD)  # noqa: PTH112  # strings throughout


def find_program_line() -> tuple[str, ...]:
    """What starts this very nicmedic, from any folder and without a PATH."""
    found = shutil.which("nicmedic", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    started = os.path.abspath(sys.argv[0])  # noqa: PTH100  # as above
    if os.path.basename(started) == "nicmedic" and os.access(started, os.X_OK):  # noqa: PTH119  # as above
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
            f"RequiresMountsFor={folder}",
            f"ConditionPathExistsGlob={folder}/*",
            "",
            "[Service]",
            "Type=oneshot",
            *([f"Environment=NICMEDIC_STATE={state}"] if state else []),
            f"ExecStart={shlex.join(find_program_line())} transactions --recover",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )


def _systemctl(*arguments: str) -> None:
    try:
        status, said = run_limited(["systemctl", *arguments], _SECONDS)
    except OSError as error:
        raise MissingToolError(f"systemctl: {error.strerror or error}", hint="systemctl --version") from None
    if status != 0:
        told = " ".join(said.split()) or f"status {status}" if status is not None else f"no answer for {_SECONDS} s"
        raise StateError(f"systemctl {' '.join(arguments)}: {told}", hint=f"systemctl status {UNIT_NAME}")


def install_unit() -> None:
    """Write and enable it; it need not run now, for every command of root does the same.

    Raises:
        StateError: it cannot be written or enabled.
        MissingToolError: there is no systemctl.
    """
    write_file(_PATH, render_unit(), 0o644)
    _systemctl("daemon-reload")
    _systemctl("enable", UNIT_NAME)


def remove_unit() -> bool:
    """Take it away; False: there was none.

    Raises:
        StateError: it cannot be removed.
        MissingToolError: there is no systemctl.
    """
    if not os.path.lexists(_PATH):
        return False
    _systemctl("disable", UNIT_NAME)
    with tell_state(_PATH):
        os.unlink(_PATH)  # noqa: PTH108  # as above
    _systemctl("daemon-reload")
    return True
