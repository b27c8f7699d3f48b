# SPDX-License-Identifier: GPL-2.0-or-later
"""What the makers of changes look at, and how they say what they made: one place for titles and risks, which come from the recipes."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypedDict, Unpack

from nicmedic.knowledge.kernels import parse_kernel_version
from nicmedic.knowledge.values import Packages
from nicmedic.model.boot import Boot
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.note import Lack
from nicmedic.model.plan import Change, Refusal, Setting
from nicmedic.model.step import Step
from nicmedic.remedy.catalog import MAKERS
from nicmedic.remedy.recipe import Recipe
from nicmedic.remedy.script.words import quote_word
from nicmedic.remedy.settings import take_settings
from nicmedic.remedy.target import Target, build_names

__all__ = ["Fields", "Maker", "Site", "build_change", "find_settings", "recipe_of", "refuse", "target_of", "why_unknown", "without_caution"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One card on its host, and what may be done there."""

    nic: Nic
    host: Host
    put_back: tuple[Step, ...] = ()
    """Puts back what stood on the card."""
    tools: frozenset[str] | None = None
    """Programs that are installed; None: not known (the host is a saved one), and taken as there."""
    told: bool = False
    """The operator said that losses are accepted."""
    packages: Packages = Packages()  # noqa: RUF009  # frozen
    """Of the card's driver."""

    @property
    def name(self) -> str:
        """The interface as a word of a command that somebody may paste."""
        return quote_word(self.nic.interface)


Maker = Callable[[Site, str], Change | Refusal]
"""A site and what stands after the colon of ``--remedy ID:ARG``, empty for nothing."""

_DISTROS: Final[Mapping[str, str]] = {
    "debian": "Debian",
    "ubuntu": "Ubuntu",
    "linuxmint": "Ubuntu",
    "raspbian": "Raspberry Pi OS",
    "fedora": "Fedora",
    "rhel": "RHEL",
    "centos": "RHEL",
    "rocky": "RHEL",
    "almalinux": "RHEL",
    "ol": "Oracle Linux",
    "amzn": "Amazon Linux",
    "opensuse-leap": "openSUSE",
    "opensuse-tumbleweed": "openSUSE",
    "sles": "SUSE",
    "arch": "Arch Linux",
    "haos": "Home Assistant OS",
    "hassos": "Home Assistant OS",
    "openwrt": "OpenWrt",
}
"""``ID`` of os-release(5) in the words of ``Boot.distro``."""
_HINTS: Final[Mapping[Bus, str]] = {
    Bus.PCI: "pci",
    Bus.USB: "usb",
    Bus.PLATFORM: "platform",
    Bus.VIRTIO: "virtual",
    Bus.XEN: "virtual",
    Bus.VMBUS: "virtual",
}


def _name_distro(host: Host) -> str | None:
    """Proxmox and Raspberry Pi OS call themselves Debian; their kernels tell."""
    release = host.kernel_release or ""
    if release.endswith("-pve"):
        return "Proxmox VE"
    if "-rpi" in release or "+rpt" in release:
        return "Raspberry Pi OS"
    name = _DISTROS.get(host.distro_id or "", host.distro)
    version = (host.distro_version or "").partition(".")[0]
    return f"{name} {version}".strip() if name is not None else None


def target_of(site: Site) -> Target:
    """The card in the words of the recipes."""
    nic, host = site.nic, site.host
    boot = Boot(
        index=0, host=None, kernel_release=host.kernel_release, kernel_package=host.kernel_package, distro=None, virtualization=None,
        hardware=None, boot_id=None, first_time=None, last_time=None, first_uptime_s=None, last_uptime_s=None, started="first",
    )  # fmt: skip
    virtual = host.virtualization
    return Target(
        interface=nic.interface,
        driver=nic.driver,
        bus=nic.bus_address,
        virtualization=None if virtual is None or virtual.kind == "none" else virtual.kind,
        kernel=parse_kernel_version(boot),
        distro=_name_distro(host),
        bus_hint="" if nic.bus is None else _HINTS.get(nic.bus, ""),
        packages=site.packages,
    )


def recipe_of(remedy: RemedyId, site: Site, *arguments: str) -> Recipe:
    """What ``explain`` prints for the remedy, for this card."""
    return MAKERS[remedy](build_names(target_of(site), arguments))


def without_caution(recipe: Recipe) -> Recipe:
    """For a recipe that warns of what was found out by looking."""
    return dataclasses.replace(recipe, caution="")


def refuse(remedy: RemedyId, argument: str, *reasons: str, settle: Iterable[str] = (), may_be_told: bool = False) -> Refusal:
    """A refusal."""
    return Refusal(remedy=remedy, argument=argument, reasons=reasons, settle=tuple(settle), may_be_told=may_be_told)


def find_settings(site: Site, *names: str) -> tuple[Setting, ...]:
    """What is set now, of these."""
    return take_settings(site.nic, names, site.host)


def why_unknown(nic: Nic, what: str, words: str) -> str:
    """One sentence on a thing that could not be read.

    Args:
        nic: the card.
        what: the field.
        words: how a person calls it.
    """
    note = next((note for note in nic.notes if note.what == what), None)
    detail = f" ({note.detail})" if note is not None and note.detail else ""
    if note is not None and note.why is Lack.UNSUPPORTED:
        return f"the driver knows nothing of {words}{detail}"
    if note is not None and note.root_would_help:
        return f"only root can read {words}{detail}"
    return f"{words} cannot be read, so there would be no way back{detail}"


class Fields(TypedDict, total=False):
    """Further fields of a ``Change``; any iterable does for its tuples."""

    undo: Iterable[Step]
    before: Iterable[Setting]
    wanted: Iterable[Setting]
    settle_s: int
    takes_stack: bool
    boots: bool


def build_change(
    site: Site,
    remedy: RemedyId,
    argument: str,
    steps: Iterable[Step],
    *,
    recipe: Recipe | None = None,
    risks: Iterable[str] = (),
    **fields: Unpack[Fields],
) -> Change:
    """A change with the recipe's title, disruption and cautions.

    Args:
        site: where.
        remedy: which.
        argument: as it was asked for.
        steps: that carry it out.
        recipe: None: that of the remedy without arguments.
        risks: beside the recipe's own caution.
        fields: the other fields of the change.
    """
    made = recipe_of(remedy, site) if recipe is None else recipe
    # What recipes warn of is what a person who types them would lose; a plan puts it back, or tells it as a loss.
    caution = "" if recipe is None and fields.get("takes_stack") else made.caution
    return Change(
        remedy=remedy,
        argument=argument,
        title=made.title,
        steps=tuple(steps),
        undo=tuple(fields.get("undo", ())),
        before=tuple(fields.get("before", ())),
        wanted=tuple(fields.get("wanted", ())),
        disruption=made.disruption,
        settle_s=fields.get("settle_s", 5),
        takes_stack=fields.get("takes_stack", False),
        boots=fields.get("boots", False),
        risks=tuple(dict.fromkeys(text for text in (caution, *risks) if text)),
    )
