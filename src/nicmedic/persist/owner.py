# SPDX-License-Identifier: GPL-2.0-or-later
"""Which network manager configures a NIC: what all of them claim, weighed against each other.

No daemon is asked, since the host may be broken: files alone speak, the state of this boot louder than configuration. Where two claims are as good as
each other, or a file could not be read, the answer is that it cannot be told, and what would settle it.
"""

import dataclasses
from collections.abc import Iterable, Sequence

from nicmedic.model.names import shell_name
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.ownership import Manager, Ownership, OwningFile
from nicmedic.persist.files import FoundFiles
from nicmedic.persist.managers import netplan
from nicmedic.persist.managers.networkd import find_link_file
from nicmedic.persist.managers.table import MANAGERS
from nicmedic.persist.udev import complete_target
from nicmedic.persist.values import Claim, FileLine, Owner, Strength, Target

__all__ = ["build_target", "describe_owner", "find_owner"]

_SETTLES = {
    "ifupdown": "ifquery --state {interface}",
    "ifupdown2": "ifquery --running {interface}",
    "networkd": "networkctl status {interface}",
    "networkmanager": "nmcli device show {interface}",
    "netplan": "netplan status {interface}",
    "wicked": "wicked ifstatus {interface}",
    "netifd": "ubus call network.device status",
    "ifcfg": "systemctl status network NetworkManager",
}


_ROLES = ("defines", "port-of", "template", "drop-in", "maps", "activates", "generated", "unmanaged", "state")
"""The file to edit first."""


def build_target(nic: Nic) -> Target:
    """What a configuration may name a card by. udev's ID_PATH of a PCI function is its address (systemd's udev-builtin-path_id.c)."""
    return Target(
        interface=nic.interface,
        ifindex=nic.ifindex,
        address=nic.address,
        permanent_address=nic.permanent_address,
        driver=nic.driver,
        path=f"pci-{nic.bus_address}" if nic.bus is Bus.PCI and nic.bus_address else None,
        altnames=nic.altnames or (),
    )


def describe_owner(owner: Owner) -> Ownership:
    """The answer in the words that everybody shares."""
    renderers = {each.value: each for each in (Manager.NETWORKD, Manager.NETWORKMANAGER)}
    ordered = sorted(owner.files, key=lambda place: _ROLES.index(place.role))
    reason = owner.why + (f"; {'; '.join(owner.undecided)}; {owner.settle} would settle it" if owner.manager is None else "")
    return Ownership(
        manager=Manager.UNKNOWN if owner.manager is None else Manager(owner.manager),
        renderer=renderers.get(owner.renderer or ""),
        files=tuple(OwningFile(path=place.path, line=place.line) for place in ordered),
        reason=reason,
    )


def find_owner(files: FoundFiles, target: Target) -> Owner:
    """Who configures the NIC, by which files, and why that is so."""
    target = complete_target(files, target)
    claims = [netplan.adopt(claim, files) for manager in MANAGERS if (claim := manager.claim(files, target))]
    link_file, undecided = find_link_file(files, target)
    standing = _merge(claim for claim in claims if claim.strength is not None)
    standing = [claim for claim in standing if claim.active is not False] or standing
    best = max((claim.strength for claim in standing if claim.strength), default=None)
    first = [claim for claim in standing if claim.strength == best]
    if best is not None and best < Strength.RUNNING and len(first) > 1:
        first = [claim for claim in first if claim.active] or first
    if len(first) == 1 and not (best == Strength.POSSIBLE and first[0].undecided):
        owned = _own(target, first[0], standing)
    elif first:
        owned = _dispute(target, first)
    else:
        owned = _nobody(target, claims)
    return dataclasses.replace(owned, link_file=link_file, undecided=(*owned.undecided, *undecided))


def _merge(claims: Iterable[Claim]) -> list[Claim]:
    """One claim a manager: its strongest, with the places and doubts of the others."""
    merged: dict[str, Claim] = {}
    for claim in sorted(claims, key=lambda each: -(each.strength or 0)):
        held = merged.get(claim.manager)
        if held is None:
            merged[claim.manager] = claim
        else:
            known = {(place.path, place.line) for place in held.files}
            merged[claim.manager] = dataclasses.replace(
                held,
                renderer=held.renderer or claim.renderer,
                files=(*held.files, *(place for place in claim.files if (place.path, place.line) not in known)),
                active=held.active if held.active is not None else claim.active,
                undecided=tuple(dict.fromkeys((*held.undecided, *claim.undecided))),
            )
    return list(merged.values())


def _own(target: Target, claim: Claim, standing: Sequence[Claim]) -> Owner:
    others = [f"{each.manager} may have it too: {each.why}" for each in standing if each is not claim and each.strength == Strength.DEFINED]
    return Owner(
        interface=target.interface,
        manager=claim.manager,
        renderer=claim.renderer,
        files=claim.files,
        why=claim.why,
        undecided=(*claim.undecided, *others),
    )


def _dispute(target: Target, claims: Sequence[Claim]) -> Owner:
    name = shell_name(target.interface, "IFACE")
    return Owner(
        interface=target.interface,
        manager=None,
        files=tuple(place for claim in claims for place in claim.files),
        why="; ".join(f"{claim.manager}: {claim.why}" for claim in claims),
        contenders=tuple(claim.manager for claim in claims),
        undecided=tuple(doubt for claim in claims for doubt in claim.undecided),
        settle="   # or: ".join(_SETTLES[claim.manager].format(interface=name) for claim in claims),
    )


def _nobody(target: Target, claims: Sequence[Claim]) -> Owner:
    doubts = tuple(doubt for claim in claims for doubt in claim.undecided)
    places: tuple[FileLine, ...] = tuple(place for claim in claims for place in claim.files)
    denials = "; ".join(f"{claim.manager}: {claim.why}" for claim in claims if claim.why)
    if doubts:
        return Owner(
            interface=target.interface,
            manager=None,
            files=places,
            why=denials or "files that may speak of it could not be judged",
            contenders=tuple(claim.manager for claim in claims if claim.undecided),
            undecided=doubts,
            settle="ask again as root",
        )
    why = f"no network manager's file names {target.interface}" + (f" ({denials})" if denials else "")
    return Owner(interface=target.interface, manager="none", files=places, why=why)
