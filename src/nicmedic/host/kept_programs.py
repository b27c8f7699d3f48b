# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs for keeping a remedy: those that make files known, and what this host has of network managers and boot loaders."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from nicmedic.host.config_files import read_config_files
from nicmedic.host.run import run_limited
from nicmedic.host.tools import find_tools
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Identity
from nicmedic.persist.back_end import Place
from nicmedic.persist.back_ends.looks import LOOKS
from nicmedic.persist.owner import build_target, find_owner
from nicmedic.persist.udev import complete_target
from nicmedic.ports.keeping import Refreshed
from nicmedic.report.escape import escape_terminal

__all__ = ["HostRefresher", "parse_version", "survey_place"]

_REFRESH_S = 600
"""An initramfs for each kernel, on a slow disk."""
_DAEMONS: Final[Mapping[str, str]] = {"udevadm": "/run/udev/control", "systemctl": "/run/systemd/private"}
"""Sockets on which those listen who are told."""
_NO_MANAGER = 8
"""Of nmcli: "NetworkManager is not running" (man nmcli, exit status)."""
_ASK_S = 5
_MOST_SAID = 300
_TOOLS: Final = (
    "ethtool", "ip", "ifup", "ifquery", "ifreload", "nmcli", "netplan", "networkctl", "udevadm", "systemctl", "update-grub", "grub-mkconfig",
    "grub2-mkconfig", "grubby", "kernel-install", "proxmox-boot-tool", "update-initramfs", "dracut", "mkinitcpio", "uci", "wicked", "tlp",
    "powertop", "sh",
)  # fmt: skip
_ASK: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "systemd": (("systemctl", "--version"),),
    "networkmanager": (("NetworkManager", "--version"), ("nmcli", "--version")),
    "ethtool": (("ethtool", "--version"),),
    "netplan": (("dpkg-query", "-W", "-f", "${Version}", "netplan.io"), ("rpm", "-q", "--qf", "%{VERSION}", "netplan")),
    "ifupdown2": (("dpkg-query", "-W", "-f", "${Version}", "ifupdown2"),),
}
"""The first that answers: programs where they tell their version, else the package."""
_VERSION = re.compile(r"(?:\A|[\s:])(\d+(?:\.\d+)*)")


def parse_version(said: str) -> tuple[int, ...] | None:
    """The first number of what a program says of itself; the epoch of a package stands before a colon.

    >>> parse_version("systemd 252 (252.39-1~deb12u1)"), parse_version("1:6.1-1"), parse_version("no packages found")
    ((252,), (6, 1), None)
    """
    found = _VERSION.search(re.sub(r"\A\d+:", "", said.strip()))
    return None if found is None else tuple(int(part) for part in found[1].split(".") if len(part) < 9)


def _ask_version(ways: Sequence[Sequence[str]]) -> tuple[int, ...] | None:
    for argv in ways:
        try:
            status, said = run_limited(argv, _ASK_S)
        except OSError:
            continue
        version = parse_version(said) if status == 0 else None
        if version:
            return version
    return None


def survey_place(nic: Nic, identity: Identity, number: int, root: str = "/") -> Place:
    """A card, and what configures it on this host."""
    files = read_config_files(root, LOOKS)
    target = complete_target(files, build_target(nic))
    versions = {name: version for name, ways in _ASK.items() if (version := _ask_version(ways)) is not None}
    return Place(
        number=number,
        nic=identity,
        target=target,
        owner=find_owner(files, target),
        files=files,
        versions=versions,
        tools=find_tools(_TOOLS),
    )


class HostRefresher:
    """On this machine."""

    def run_refresh(self, argv: Sequence[str]) -> Refreshed:
        try:
            status, said = run_limited(argv, _REFRESH_S)
        except OSError as error:
            return Refreshed(ok=False, said=error.strerror or str(error), absent=isinstance(error, FileNotFoundError))
        if status is None:
            return Refreshed(ok=False, said=f"no answer for {_REFRESH_S} s")
        told = escape_terminal(" ".join(said.split()))[-_MOST_SAID:]
        if status == 0:
            return Refreshed(ok=True, said=told)
        return Refreshed(ok=False, said=f"status {status}: {told}", absent=_is_nobody_there(argv[0], status))


def _is_nobody_there(program: str, status: int) -> bool:
    """Whether a program failed since the daemon that it tells does not run."""
    socket = _DAEMONS.get(program)
    return (program == "nmcli" and status == _NO_MANAGER) or (socket is not None and not Path(socket).exists())
