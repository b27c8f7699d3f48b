# SPDX-License-Identifier: GPL-2.0-or-later
"""What of a plan can be kept, and which transaction is meant."""

import dataclasses

import pytest

from nicmedic.app.keep.wishes import build_boot_wish, build_wishes, choose_transaction, list_risks, split_boot_wishes
from nicmedic.model.errors import NoSuchTransactionError, RefusedError
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Aspm, Host
from nicmedic.model.plan import Change, Plan, Refusal, Setting
from nicmedic.model.step import Write
from nicmedic.model.transaction import Confirm, Entry, Transaction, Word
from nicmedic.remedy.planning import build_plan
from nicmedic.testing.answers import shipped_knowledge
from tests.unit.app.keep.keeping import IDENTITY, mtu_wish
from tests.unit.remedy.toy_card import make_host as make_toy_host

MTU = Change(
    remedy=RemedyId.MTU,
    argument="1400",
    title="MTU 1400",
    steps=(Write(path="set/mtu", text="1400"),),
    undo=(Write(path="set/mtu", text="1500"),),
    before=(Setting(name="mtu", value="1500"),),
    wanted=(Setting(name="mtu", value="1400"),),
)


def refusal(remedy: RemedyId, argument: str = "") -> Refusal:
    return Refusal(remedy=remedy, argument=argument, reasons=("it needs a boot",), settle=("cat /proc/cmdline",))


def test_the_risks_of_a_plan_are_told_with_their_remedies() -> None:
    plan = build_plan(make_toy_host(), "eth0", ["link-force-100", "mtu:1400", "eee-off"], knowledge=shipped_knowledge())
    told = list_risks(plan)
    assert any(one.startswith("link-force-100: The other end negotiates now: a duplex mismatch is certain") for one in told)
    assert "mtu:1400: All hosts of a segment must have the same MTU." in told
    assert not [one for one in told if one.startswith("eee-off")]


def test_a_change_becomes_a_wish_with_its_way_back() -> None:
    assert build_wishes(Plan(nic=IDENTITY, changes=(MTU,))) == (mtu_wish(),)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (dataclasses.replace(MTU, remedy=RemedyId.LINK_BOUNCE), "is done once"),
        (dataclasses.replace(MTU, boots=True), "is done once"),
        (dataclasses.replace(MTU, wanted=()), "sets nothing that can be read again"),
        (dataclasses.replace(MTU, wanted=(Setting(name="interrupts.30.affinity", value="f"),)), "which each boot gives anew"),
    ],
)
def test_what_cannot_be_kept_is_refused(change: Change, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        build_wishes(Plan(nic=IDENTITY, changes=(MTU, change)))


def test_two_values_of_one_setting_are_refused() -> None:
    """The later one holds, and the check after the boot would ask for both."""
    other = dataclasses.replace(MTU, argument="1300", wanted=(Setting(name="mtu", value="1300"),))
    with pytest.raises(RefusedError, match="mtu:1400 sets mtu to 1400, and mtu:1300 to 1300; only one of them can be kept"):
        build_wishes(Plan(nic=IDENTITY, changes=(MTU, other)))
    assert len(build_wishes(Plan(nic=IDENTITY, changes=(MTU, MTU)))) == 2


@pytest.mark.parametrize(
    ("remedy", "argument", "setting"),
    [
        (RemedyId.ASPM_OFF, "", ("cmdline.pcie_aspm.policy", "performance")),
        (RemedyId.IOMMU, "", ("cmdline.iommu", "pt")),
        (RemedyId.IOMMU, "off", ("cmdline.iommu", "off")),
        (RemedyId.INTERRUPT_MODE, "irqpoll", ("cmdline.irqpoll", "")),
        (RemedyId.INTERRUPT_MODE, "pci=nomsi", ("cmdline.pci", "nomsi")),
    ],
)
def test_what_only_a_boot_brings_becomes_a_parameter(remedy: RemedyId, argument: str, setting: tuple[str, str]) -> None:
    wish = build_boot_wish(refusal(remedy, argument), Host(aspm=Aspm(policy="default", owner="os")))
    assert wish is not None
    assert [(one.name, one.value) for one in wish.settings] == [setting]
    assert wish.steps == ()


@pytest.mark.parametrize(
    ("remedy", "argument", "aspm"),
    [
        (RemedyId.ASPM_OFF, "", Aspm(owner="firmware")),
        (RemedyId.ASPM_OFF, "", None),
        (RemedyId.ASPM_OFF, "", Aspm(owner="os", policy="performance")),
        (RemedyId.IOMMU, "rm -rf", None),
        (RemedyId.INTERRUPT_MODE, "init=/bin/sh", None),
        (RemedyId.HARDWARE, "", None),
    ],
)
def test_nothing_else_gets_onto_the_command_line(remedy: RemedyId, argument: str, aspm: Aspm | None) -> None:
    host = Host(aspm=aspm)
    assert build_boot_wish(refusal(remedy, argument), host) is None
    with pytest.raises(RefusedError, match="it needs a boot") as caught:
        split_boot_wishes(Plan(nic=IDENTITY, changes=(MTU,), refusals=(refusal(remedy, argument),)), host)
    assert caught.value.hint == "cat /proc/cmdline"


def test_a_plan_may_hold_both() -> None:
    plan, wishes = split_boot_wishes(Plan(nic=IDENTITY, changes=(MTU,), refusals=(refusal(RemedyId.IOMMU),)), Host())
    assert (plan.refusals, [wish.title for wish in wishes]) == ((), ["Boot with iommu=pt"])
    assert [wish.remedy for wish in build_wishes(plan, wishes)] == [RemedyId.MTU, RemedyId.IOMMU]


def transaction(number: int, *words: Word, decided: str | None = None) -> Transaction:
    entries = tuple(Entry(uptime_s=1.0, time="", boot_id="b", word=word) for word in words)
    return Transaction(id=number, plan=Plan(nic=IDENTITY), confirm=Confirm.PROBES, timeout_s=60, entries=entries, decided=decided)


def test_the_newest_that_was_confirmed_is_meant_also_of_an_earlier_boot() -> None:
    kept = transaction(1, Word.CONFIRMED, Word.REBOOTED, decided="confirmed")
    undone = transaction(2, Word.CONFIRMED, Word.UNDONE, decided="confirmed")
    lost = transaction(3, Word.APPLIED, Word.REBOOTED)
    assert choose_transaction((kept, undone, lost), None) is kept
    assert choose_transaction((kept, undone, lost), 1) is kept
    for number, told in ((2, "is undone"), (3, "is rebooted"), (9, "there is no transaction 9")):
        with pytest.raises(NoSuchTransactionError, match=told):
            choose_transaction((kept, undone, lost), number)


def test_what_lifted_a_kept_remedy_for_a_trial_is_never_kept() -> None:
    """Kept, it would hold the very opposite of what helped."""
    first, lift = transaction(1, Word.CONFIRMED, decided="confirmed"), transaction(2, Word.CONFIRMED, decided="confirmed")
    lift = dataclasses.replace(lift, plan=dataclasses.replace(lift.plan, lifts=1))
    for number in (None, 2):
        with pytest.raises(NoSuchTransactionError, match="transaction 2 on eth0 is the trial that lifted what was kept under number 1"):
            choose_transaction((first, lift), number)
    assert choose_transaction((first, lift), 1) is first


def test_without_any_the_next_command_is_told() -> None:
    with pytest.raises(NoSuchTransactionError) as caught:
        choose_transaction((), None)
    assert caught.value.hint.startswith("nicmedic treat")
    with pytest.raises(NoSuchTransactionError) as caught:
        choose_transaction((transaction(4, Word.APPLIED),), None)
    assert caught.value.hint.startswith("nicmedic confirm 4")
