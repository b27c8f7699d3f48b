# SPDX-License-Identifier: GPL-2.0-or-later
r"""ifupdown of Debian, and its kin that read the same file (busybox, ifupdown-ng).

The configuration is shown in ``persist/interfaces.py``. The state that ``ifup`` leaves, /run/network/ifstate (interface=stanza)::

    lo=lo
    eth0=eth0

Since 0.8 there is also ``/run/network/ifstate.eth0`` with the stanza's name. A NIC that is not in the file gets no hook at all.
Reference: ifup(8) and interfaces(5) of ifupdown 0.8.41.
"""

from nicmedic.persist.files import FoundFiles
from nicmedic.persist.ini import parse_ini
from nicmedic.persist.manager import Manager, find_enabled
from nicmedic.persist.stanza_claims import PATHS, PROGRAMS, Said, find_installed, follow_sources, is_interfaces_text, read_what_is_said
from nicmedic.persist.values import Claim, FileLine, Strength, Target

__all__ = ["MANAGER"]

_STATES = ("/run/network/ifstate", "/etc/network/run/ifstate")


def _read_state(files: FoundFiles, target: Target) -> FileLine | None:
    for path in _STATES:
        for setting in parse_ini(files.texts.get(path, ""), joined=False):
            if setting.key == target.interface:
                return FileLine(path=path, line=setting.line, role="state")
    own = f"/run/network/ifstate.{target.interface}"
    return FileLine(path=own, role="state") if files.texts.get(own, "").strip() else None


def _claim(files: FoundFiles, target: Target) -> Claim | None:
    if find_installed(files) == "ifupdown2" or (find_installed(files) is None and files.exists("/etc/network/ifupdown2/ifupdown2.conf")):
        return None
    said = read_what_is_said(files, target) or Said(strength=None, files=(), why="", undecided=())
    state = _read_state(files, target)
    if state:
        why = f"ifup brought up {target.interface} in this boot ({state.path}), " + (said.why or "though no stanza names it now")
        return Claim(
            manager="ifupdown", strength=Strength.RUNNING, files=(*said.files, state), why=why, active=True, undecided=said.undecided
        )
    if not said.why and not said.undecided:
        return None
    active = find_enabled(files, "networking.service")
    why = said.why or f"no stanza of ifupdown names {target.interface}"
    return Claim(manager="ifupdown", strength=said.strength, files=said.files, why=why, active=active, undecided=said.undecided)


MANAGER = Manager(
    name="ifupdown",
    paths=(*PATHS, *PROGRAMS, *_STATES, "/run/network/ifstate.*"),
    claim=_claim,
    follow=follow_sources,
    keep=is_interfaces_text,
)
