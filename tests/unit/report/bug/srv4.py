# SPDX-License-Identifier: GPL-2.0-or-later
"""The story of January 2016 as a whole report: card, machine, log, and what was tried."""

import dataclasses

from nicmedic.app.bug_report.build import Material, build_report
from nicmedic.app.bug_report.tried import Done
from nicmedic.evidence.blame import build_blame
from nicmedic.model.bug_report import BugReport, Excerpt, ExcerptLine
from nicmedic.model.finding import RemedyId
from nicmedic.model.history import BootEnd, HangRecord, History
from nicmedic.model.host import Host, Machine, Virtualization
from nicmedic.model.incident import Action, ActionState, Incident, IncidentVerdict
from nicmedic.model.link import Link
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.pcie import Pcie, PciFunction
from nicmedic.model.plan import Change, Identity, Ladder, Plan
from nicmedic.model.step import INTERFACE, Run
from nicmedic.model.transaction import Confirm, Entry, Transaction, Word
from tests.unit.evidence.story import NEW, boot, here, twin

__all__ = ["BOOT_ID", "EXCERPT", "HOST", "Entry", "change", "done", "history", "incident", "make_report"]

BOOT_ID = "8f1b3c1e8a3e4f3e9d676a2f5d1f1a11"
FUNCTION = PciFunction(
    address="0000:02:00.0", vendor="10ec", device="8168", subsystem_vendor="1462", subsystem_device="7693", revision="06"
)
HOST = Host(
    hostname="srv4",
    kernel_release="3.2.0-4-amd64",
    kernel_version=f"#1 SMP Debian {NEW}",
    kernel_package=NEW,
    architecture="x86_64",
    command_line="BOOT_IMAGE=/vmlinuz root=/dev/md0 ro quiet",
    distro="Debian GNU/Linux 7 (wheezy)",
    distro_id="debian",
    distro_version="7",
    machine=Machine(vendor="MSI", product="MS-7693", bios_vendor="AMI", bios_version="V22.3", bios_date="09/23/2013"),
    virtualization=Virtualization(kind="xen-dom0", found_by="/proc/xen/capabilities"),
    boot_id="8f1b3c1e-8a3e-4f3e-9d67-6a2f5d1f1a11",
    nics=(
        Nic(
            interface="eth0",
            driver="r8169",
            firmware_version="rtl_nic/rtl8168e-3.fw",
            bus=Bus.PCI,
            bus_address="0000:02:00.0",
            pcie=Pcie(device=FUNCTION),
            link=Link(speed_mbps=1000),
            address="52:54:00:ab:cd:ef",
            permanent_address="52:54:00:ab:cd:ef",
        ),
        Nic(interface="eth1", driver="e1000e"),
    ),
)
EXCERPT = Excerpt(
    source="/var/log/kern.log",
    kernel_package=NEW,
    lines=(
        ExcerptLine(text="[  540.000000] r8169 0000:02:00.0: eth0: link up"),
        ExcerptLine(text="[  551.326415] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out", tells=True),
        ExcerptLine(text="[  551.327549] Call Trace:"),
    ),
    left_out=2,
)


def history() -> History:
    """The story, then a boot of 33 h on the new kernel: ten hangs within two hours, and none after something was set."""
    hangs = tuple(
        HangRecord(interface="eth0", driver="r8169", began=None, uptime_s=720.0 * number - 10, lines=1, sources=("kern.log",))
        for number in range(1, 11)
    )
    last = boot("2016-01-02T11:00:00Z", NEW, 33, boot_id=BOOT_ID, hangs=hangs, end=BootEnd.RUNNING)
    told = here()
    return dataclasses.replace(told, boots=(*told.boots, last))


def change(remedy: RemedyId = RemedyId.OFFLOAD_OFF, argument: str = "tso") -> Change:
    """One, with the command that an operator would type."""
    return Change(
        remedy=remedy, argument=argument, title=f"Try {remedy}", steps=(Run(argv=("ethtool", "-K", INTERFACE, argument or "tx", "off")),)
    )


def done(number: int, changes: tuple[Change, ...], *entries: tuple[Word, float], ladder: Ladder | None = None) -> Transaction:
    """A transaction with these words at these seconds after the boot."""
    told = tuple(
        Entry(uptime_s=at, time=f"2016-01-02T{11 + int(at // 3600):02}:00:00Z", boot_id=HOST.boot_id or "", word=word)
        for word, at in entries
    )
    plan = Plan(nic=Identity(interface="eth0", driver="r8169"), boot_id=HOST.boot_id, kernel_package=NEW, changes=changes, ladder=ladder)
    return Transaction(id=number, plan=plan, confirm=Confirm.OPERATOR, timeout_s=120, entries=told)


def incident(transaction: int, state: ActionState) -> Incident:
    """On behalf of which a transaction was done."""
    return Incident(
        id=5,
        boot_id=BOOT_ID,
        interface="eth0",
        verdict=IncidentVerdict.NIC_HUNG,
        reasons=("it hangs",),
        began="2016-01-02T11:12:00Z",
        began_uptime_s=710.0,
        detected="2016-01-02T11:12:01Z",
        detected_uptime_s=711.0,
        actions=(Action(what="restore", state=state, began="2016-01-02T11:12:02Z", transactions=(transaction,)),),
    )


def make_report(**more: object) -> BugReport:
    """All of it, as ``build_report`` puts it together."""
    told = history()
    bounce = done(1, (change(RemedyId.LINK_BOUNCE, ""),), (Word.APPLIED, 712.0), (Word.CONFIRMED, 720.0), ladder=Ladder.RESTORE)
    offload = done(2, (change(),), (Word.APPLIED, 7200.0), (Word.CONFIRMED, 7300.0))
    plain = Material(
        interface="eth0",
        history=told,
        blame=build_blame(told, interface="eth0", twins=(twin(),)),
        host=HOST,
        excerpt=EXCERPT,
        done=Done(transactions=(bounce, offload), incidents=(incident(1, ActionState.HELPED),)),
        troubles=("Not read: /var/log/wtmp: damaged.",),
    )
    material = dataclasses.replace(plain, **more)  # type: ignore[arg-type]  # the material's own fields
    return build_report(material, made="2016-01-03T20:00:00+01:00", version="0.1.0")
