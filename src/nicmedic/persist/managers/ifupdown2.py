# SPDX-License-Identifier: GPL-2.0-or-later
"""ifupdown2, which Proxmox and Cumulus have. It reads ifupdown's file (see ``persist/interfaces.py``), with keywords of its own.

It is told apart by ``/sbin/ifup``, which its package makes a link to ``/usr/share/ifupdown2/ifupdown2``; /etc/network/ifupdown2 stays behind when
the package is removed. Its state is a Python pickle, which is not read; that /run/network/ifstatenew is there says that it ran.
Reference: the Debian package ifupdown2 3.0.0-1.1; ``statemanager.py`` there.
"""

from nicmedic.persist.files import FoundFiles
from nicmedic.persist.manager import Manager, find_enabled
from nicmedic.persist.stanza_claims import PATHS, PROGRAMS, find_installed, follow_sources, is_interfaces_text, read_what_is_said
from nicmedic.persist.values import Claim, Target

__all__ = ["MANAGER"]

_STATES = ("/run/network/ifstatenew", "/var/tmp/network/ifstatenew")  # noqa: S108  # its own default, state_dir in ifupdown2.conf


def _claim(files: FoundFiles, target: Target) -> Claim | None:
    installed = find_installed(files)
    if installed == "ifupdown" or (installed is None and not files.exists("/etc/network/ifupdown2/ifupdown2.conf")):
        return None
    said = read_what_is_said(files, target)
    if said is None:
        return None
    active = True if files.exists(*_STATES) else find_enabled(files, "networking.service")
    why = said.why or f"no stanza of ifupdown2 names {target.interface}"
    return Claim(manager="ifupdown2", strength=said.strength, files=said.files, why=why, active=active, undecided=said.undecided)


MANAGER = Manager(name="ifupdown2", paths=(*PATHS, *PROGRAMS, *_STATES), claim=_claim, follow=follow_sources, keep=is_interfaces_text)
