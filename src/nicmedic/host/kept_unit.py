# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.keeping.BootCheck``: the unit that looks after each boot whether what is kept is in force.

It is there exactly while something is kept. Not Type=oneshot: multi-user.target would wait for it, and it waits for the network managers itself.
"""

import os
from glob import escape as escape_glob

from nicmedic.host.files import remove_torn
from nicmedic.host.kept_folder import find_kept_folder
from nicmedic.host.service import Unit, find_enablement, find_program_line, install_units, is_systemd, remove_files, remove_units
from nicmedic.persist.systemd_words import quote_command, quote_word

__all__ = ["VERIFY_NAME", "HostBootCheck", "render_verify_unit"]

VERIFY_NAME = "nicmedic-verify.service"
_BY_HAND = "nicmedic verify --boot in a start-up file of your own does."
_NO_SYSTEMD = f"This host has no systemd, so nothing looks after a boot: {_BY_HAND}"
_MASKED = (
    f"{VERIFY_NAME} is masked here, and stays so: nothing looks after a boot. systemctl unmask {VERIFY_NAME} lets the next keep install it."
)
_DISABLED = (
    f"{VERIFY_NAME} was disabled by somebody, and stays so: nothing looks after a boot. systemctl enable {VERIFY_NAME} changes that."
)


def render_verify_unit() -> str:
    """The file."""
    state = os.environ.get("NICMEDIC_STATE")
    folder, program = find_kept_folder(), find_program_line()
    return "\n".join(
        [
            "# Made by nicmedic keep; nicmedic release takes it away with the last that is kept.",
            "[Unit]",
            "Description=nicmedic: look whether what is kept for network cards is in force",
            "Documentation=man:nicmedic-verify(1)",
            "# No wait for the network: a card that hangs may keep that from coming up, and this is to tell of it.",
            "After=local-fs.target network.target nicmedic-recover.service",
            f"RequiresMountsFor={quote_word(folder)} {quote_word(program[0])}",
            f"ConditionPathExistsGlob={escape_glob(folder).replace('%', '%%')}/*",  # taken as it stands, to the end of the line
            "",
            "[Service]",
            *([f"Environment={quote_word(f'NICMEDIC_STATE={state}')}"] if state else []),
            f"ExecStart={quote_command((*program, 'verify', '--boot'))}",
            "SyslogIdentifier=nicmedic",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123  # strings throughout
            return file.read()
    except FileNotFoundError:
        return None


class HostBootCheck:
    """Of this machine."""

    def install_check(self) -> str | None:
        if not is_systemd():
            return _NO_SYSTEMD
        unit = Unit(name=VERIFY_NAME, text=render_verify_unit())
        if os.path.islink(unit.path):  # noqa: PTH114  # strings throughout; how systemctl masks a unit
            return _MASKED
        there = _read(unit.path)
        if there is not None and find_enablement(VERIFY_NAME) == "disabled":
            return _DISABLED
        if there != unit.text:
            install_units([unit])
        return None

    def remove_check(self) -> None:
        path = Unit(name=VERIFY_NAME, text="").path
        remove_torn(path)
        if not os.path.lexists(path) or os.path.islink(path):  # noqa: PTH114  # a mask is not ours
            return
        if is_systemd():
            remove_units([VERIFY_NAME])
        else:
            remove_files([VERIFY_NAME])
