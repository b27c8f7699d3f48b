# SPDX-License-Identifier: GPL-2.0-or-later
"""What no command does on a running host: planned for a boot, or refused with what to do instead, in the words of the recipes."""

import re
import shlex
from collections.abc import Mapping
from typing import Final

from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Change, Refusal
from nicmedic.model.step import Run
from nicmedic.remedy.changes.site import Maker, Site, build_change, recipe_of, refuse

__all__ = ["REFUSED", "boot_previous_kernel", "reboot"]

_BY_HAND = re.compile(r"\b(?:VERSION|PACKAGE_FILE)\b")
_WHY: Final[Mapping[RemedyId, str]] = {
    RemedyId.IOMMU: "it is a word of the kernel's command line, so it needs a boot",
    RemedyId.POWER_DRAIN: "somebody must go to the machine",
    RemedyId.KERNEL_UPGRADE: "it installs software and needs a boot, which no undo takes back",
    RemedyId.VENDOR_DRIVER: "it installs software and needs a boot, which no undo takes back",
    RemedyId.FIRMWARE_UPDATE: "firmware cannot be put back by an undo",
    RemedyId.BIOS_SETTING: "it is set in the machine's own set-up, at a console",
    RemedyId.NIC_MODEL: "it is done in the hypervisor",
    RemedyId.HARDWARE: "somebody must go to the machine",
    RemedyId.HOST_FIX: "what starves or breaks the card from outside is mended there",
}


def reboot(site: Site, argument: str) -> Change:
    """With everything saved first."""
    steps = (
        Run(argv=("nicmedic", "snapshot", "-o", "/root"), within_s=60, needed=False),
        Run(argv=("sync",), within_s=60, needed=False),
        Run(argv=("reboot",)),
    )
    return build_change(site, RemedyId.REBOOT, argument, steps, settle_s=300, boots=True)


def boot_previous_kernel(site: Site, argument: str) -> Change | Refusal:
    """Where the boot loader can be told for one boot; else what to do by hand."""
    remedy = RemedyId.KERNEL_PREVIOUS
    made = recipe_of(remedy, site)
    if not made.commands or any(_BY_HAND.search(command) for command in made.commands):
        return refuse(
            remedy,
            argument,
            "which kernel that is, a person must choose",
            *made.steps,
            settle=(*made.look, *made.commands),
        )
    steps = [Run(argv=tuple(shlex.split(part)), within_s=60) for command in made.commands for part in command.split(" && ")]
    return build_change(site, remedy, argument, steps, recipe=made, settle_s=300, boots=True)


def _make_refuser(remedy: RemedyId, why: str) -> Maker:
    def refuse_it(site: Site, argument: str) -> Change | Refusal:
        made = recipe_of(remedy, site, *(part for part in argument.split(",") if part))
        return refuse(
            remedy, argument, f"nicmedic does not do this on a running host: {why}", *made.steps, settle=(*made.look, *made.commands)
        )

    return refuse_it


REFUSED: Final[Mapping[RemedyId, Maker]] = {remedy: _make_refuser(remedy, why) for remedy, why in _WHY.items()}
"""Makers that only say what to do instead."""
