# SPDX-License-Identifier: GPL-2.0-or-later
"""Is what is kept in force: after a boot, after a flap, with another card or kernel; set again by treat where that is wanted."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from nicmedic.app.keep.release import release
from nicmedic.app.keep.shown import add_kept
from nicmedic.app.keep.verify import Verified, VerifyEdges, select_kept, verify, verify_boot
from nicmedic.model.checkup import Checkup, NicVerdict, Verdict
from nicmedic.model.counters import Counters
from nicmedic.model.errors import ProbesFailedError
from nicmedic.model.event import Duplex
from nicmedic.model.host import Host
from nicmedic.model.keeping import CheckWord, KeptState, MadeFor, OnDrift
from nicmedic.model.link import Link
from nicmedic.model.nic import Nic
from nicmedic.model.note import Lack, Note
from nicmedic.model.plan import Plan, Setting
from nicmedic.model.stack import Address
from nicmedic.model.transaction import Confirm, Entry, Transaction, Word
from nicmedic.testing.clock import FakeClock
from nicmedic.testing.keeping import FilesWorld, build_keep_edges
from nicmedic.testing.world import Process
from tests.unit.app.keep.keeping import BACK_ENDS, BEFORE, IDENTITY, do_keep, make_host, make_nic, make_request, mtu_wish


class Moments:
    """``nicmedic.ports.machine.Machine`` that shows one host after the other, the last one for ever."""

    def __init__(self, *hosts: Host, flap_after: int | None = None) -> None:
        self.hosts = list(hosts)
        self.flap_after = flap_after
        """So many cheap looks."""
        self.looks, self.changes = 0, 1
        self.at_look: Callable[[int], None] | None = None

    def read_host(self) -> Host:
        return self.hosts.pop(0) if len(self.hosts) > 1 else self.hosts[0]

    def read_counters(self, interfaces: Iterable[str]) -> tuple[Counters, ...]:
        self.looks += 1
        changes = self.changes + (self.flap_after is not None and self.looks > self.flap_after)
        if self.at_look is not None:
            self.at_look(self.looks)
        return tuple(Counters(interface=name, monotonic_s=0.0, carrier_changes=changes) for name in interfaces)


class Repairs:
    """Notes what it is asked for."""

    def __init__(self, machine: Moments, after: Host | None = None) -> None:
        self.machine, self.after = machine, after
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, _host: Host, nic: Nic, names: Sequence[str]) -> object:
        self.asked.append((nic.interface, *names))
        if self.after is None:
            raise ProbesFailedError("no answer")
        self.machine.hosts = [self.after]
        return None


def make_kept(*, on_drift: OnDrift = OnDrift.ALARM) -> FilesWorld:
    world = FilesWorld(BEFORE)
    do_keep(world, request=make_request(on_drift=on_drift))
    return world


def make_edges(
    world: FilesWorld, machine: Moments, repair: Repairs | None = None, process: Process | None = None, *transactions: Transaction
) -> VerifyEdges:
    store = build_keep_edges(world, BACK_ENDS, process).store
    return VerifyEdges(
        machine=machine, clock=FakeClock(), store=store, repair=repair or Repairs(machine), list_transactions=lambda: tuple(transactions)
    )


def look(world: FilesWorld, host: Host, *, repair: bool | None = False, repairs: Repairs | None = None) -> Verified:
    edges = make_edges(world, Moments(host), repairs)
    (found,) = verify(edges, host, select_kept(edges.store, host, None), "operator", repair=repair)
    return found


GOOD = make_host(1400, "on")
BAD = make_host(1500, "on")


def test_what_is_in_force_is_written_down() -> None:
    world = make_kept()
    found = look(world, GOOD)
    assert (found.check.word, found.check.differences, found.expiry, found.trouble) == (CheckWord.IN_FORCE, (), None, ())
    assert world.kept[1].checks == (found.check,)
    assert (found.check.boot_id, found.check.kernel_package, found.check.occasion) == ("boot-1", "6.1.148-1", "operator")


def test_what_drifted_is_named() -> None:
    found = look(make_kept(), BAD)
    assert (found.check.word, found.check.differences) == (CheckWord.DRIFTED, ("mtu is 1500, not 1400",))


def test_only_what_drifted_is_set_again() -> None:
    repairs = Repairs(Moments(BAD), GOOD)
    world = make_kept(on_drift=OnDrift.REPAIR)
    edges = make_edges(world, repairs.machine, repairs)
    (found,) = verify(edges, BAD, select_kept(edges.store, BAD, "eth0"), "operator", repair=None)
    assert repairs.asked == [("eth0", "mtu:1400")]
    assert (found.check.word, found.check.differences) == (CheckWord.REPAIRED, ("mtu is 1500, not 1400",))


def test_a_repair_that_fails_is_told() -> None:
    found = look(make_kept(), BAD, repair=True)
    assert (found.check.word, found.trouble) == (CheckWord.DRIFTED, ("no answer",))


def test_alarm_sets_nothing_again() -> None:
    repairs = Repairs(Moments(BAD), GOOD)
    assert look(make_kept(), BAD, repair=None, repairs=repairs).check.word is CheckWord.DRIFTED
    assert repairs.asked == []


def test_the_command_line_takes_a_boot() -> None:
    world = make_kept()
    wish = dataclasses.replace(mtu_wish(), settings=(Setting(name="cmdline.iommu", value="pt"),), steps=())
    world.kept[1] = dataclasses.replace(world.kept[1], wishes=(wish,))
    host = dataclasses.replace(GOOD, command_line="ro quiet")
    found = look(world, host, repair=True)
    assert found.check.differences == ("cmdline.iommu is not there, not pt",)
    assert found.trouble == ("mtu:1400 takes a boot",)
    assert look(world, dataclasses.replace(GOOD, command_line="ro iommu=off iommu=pt")).check.word is CheckWord.IN_FORCE


def test_what_cannot_be_told_is_unknown() -> None:
    world = make_kept()
    stuck = dataclasses.replace(BAD, notes=(Note(what="netlink", why=Lack.STUCK, detail="no answer"),))
    other = dataclasses.replace(GOOD, nics=(dataclasses.replace(make_nic(1400, "on"), driver="e1000e"),))
    for host in (Host(), stuck, other):
        assert look(world, host, repair=True).check.word is CheckWord.UNKNOWN
    wish = dataclasses.replace(mtu_wish(), settings=(Setting(name="flux.capacitor", value="on"),))
    world.kept[1] = dataclasses.replace(world.kept[1], wishes=(wish,))
    assert look(world, GOOD).check.differences == ("a newer nicmedic has kept a setting that this one does not know",)


def test_another_kernel_expires_it() -> None:
    world = make_kept()
    assert look(world, make_host(1400, "on", "6.1.150-1")).expiry == "kept for kernel 6.1.148-1, this is 6.1.150-1"
    world.kept[1] = dataclasses.replace(world.kept[1], made_for=MadeFor(kernel_release="6.1.0-39-amd64", driver="r8169"))
    assert look(world, GOOD).expiry == "kept for kernel 6.1.0-39-amd64, this is 6.1.0-40-amd64"
    world.kept[1] = dataclasses.replace(world.kept[1], made_for=MadeFor(driver="r8168"))
    assert look(world, GOOD).expiry == "kept for driver r8168, this is r8169"
    world.kept[1] = dataclasses.replace(world.kept[1], made_for=MadeFor())
    assert look(world, GOOD).expiry is None


def test_a_check_that_cannot_be_written_down_is_told_all_the_same() -> None:
    from nicmedic.model.errors import StateError

    world = make_kept()
    process = Process(fail_at=2, error=StateError("disk full"))
    edges = make_edges(world, Moments(GOOD), None, process)
    (found,) = verify(edges, GOOD, select_kept(edges.store, GOOD, None), "operator", repair=False)
    assert (found.check.word, found.trouble) == (CheckWord.IN_FORCE, ("this cannot be written down: disk full",))


def test_a_card_is_found_by_its_present_name_and_by_the_former() -> None:
    world = make_kept()
    renamed = dataclasses.replace(GOOD, nics=(dataclasses.replace(make_nic(1400, "on"), interface="lan0"),))
    store = build_keep_edges(world, BACK_ENDS).store
    assert [one.id for one in select_kept(store, renamed, "lan0")] == [1]
    assert [one.id for one in select_kept(store, renamed, "eth0")] == [1]
    assert select_kept(store, renamed, "eth7") == ()


# After a boot ----------------------------------------------------------------------------------------------------------------


def with_nic(host: Host, **fields: object) -> Host:
    return dataclasses.replace(host, nics=(dataclasses.replace(host.nics[0], **fields),))  # type: ignore[arg-type]  # names are fields


def test_after_a_boot_the_manager_is_waited_for() -> None:
    world = make_kept()
    tentative = with_nic(BAD, addresses=(Address(family="inet6", address="fe80::1", prefix_length=64, flags=("tentative",)),))
    machine = Moments(Host(), with_nic(BAD, carrier=None), tentative, BAD, GOOD)
    edges = make_edges(world, machine)
    (found,) = verify_boot(edges, None)
    assert (found.check.word, found.check.occasion) == (CheckWord.IN_FORCE, "boot")
    assert [check.occasion for check in world.kept[1].checks] == ["boot"]


def test_a_card_that_never_settles_is_judged_after_a_minute() -> None:
    world = make_kept()
    edges = make_edges(world, Moments(with_nic(BAD, carrier=False)))
    (found,) = verify_boot(edges, None)
    assert found.check.word is CheckWord.DRIFTED


def test_a_flap_is_looked_at_once_more() -> None:
    world = make_kept()
    edges = make_edges(world, Moments(GOOD, flap_after=5))
    (found,) = verify_boot(edges, None)
    assert found.check.occasion == "link flap"
    assert [check.occasion for check in world.kept[1].checks] == ["boot", "link flap"]


def test_each_flap_in_those_minutes_counts_from_what_was_judged() -> None:
    """The first comes before anybody counts, the second undoes the remedy."""
    world = make_kept()
    machine = Moments(with_nic(GOOD, carrier_changes=1))
    machine.changes = 2

    def flap(looks: int) -> None:
        machine.hosts = [with_nic(GOOD, carrier_changes=2)] if looks < 10 else [with_nic(BAD, carrier_changes=3)]
        machine.changes = 2 if looks < 10 else 3

    machine.at_look = flap
    (found,) = verify_boot(make_edges(world, machine), None)
    assert found.check.word is CheckWord.DRIFTED
    assert [check.occasion for check in world.kept[1].checks] == ["boot", "link flap", "link flap"]


def test_what_is_released_meanwhile_is_let_alone() -> None:
    world = make_kept(on_drift=OnDrift.REPAIR)
    machine = Moments(GOOD, flap_after=6)

    def let_go(looks: int) -> None:
        if looks == 5:
            release(build_keep_edges(world, BACK_ENDS), 1, lambda _: None)
            machine.hosts = [BAD]

    machine.at_look = let_go
    repairs = Repairs(machine, GOOD)
    assert verify_boot(make_edges(world, machine, repairs), None) == ()
    assert (repairs.asked, world.kept[1].state) == ([], KeptState.RELEASED)


def test_what_is_released_between_the_look_and_the_repair_is_not_set_again() -> None:
    world = make_kept()
    repairs = Repairs(Moments(BAD), GOOD)
    edges = make_edges(world, repairs.machine, repairs)
    known = select_kept(edges.store, BAD, None)
    world.holder = Process()
    (found,) = verify(edges, BAD, known, "operator", repair=True)
    assert found.trouble == ("somebody keeps or releases something this moment, so it was not set again",)
    world.holder = None
    release(build_keep_edges(world, BACK_ENDS), 1, lambda _: None)
    assert verify(edges, BAD, known, "operator", repair=True) == ()
    assert repairs.asked == []


def test_while_a_transaction_is_open_what_is_set_says_nothing() -> None:
    world = make_kept()
    repairs = Repairs(Moments(BAD), GOOD)
    entry = Entry(uptime_s=1.0, time="", boot_id="boot-1", word=Word.APPLIED)
    trial = Transaction(id=7, plan=Plan(nic=IDENTITY, lifts=1), confirm=Confirm.OPERATOR, timeout_s=60, entries=(entry,))
    edges = make_edges(world, repairs.machine, repairs, None, trial)
    (found,) = verify(edges, BAD, select_kept(edges.store, BAD, None), "operator", repair=True)
    assert (found.check.word, found.busy, repairs.asked) == (CheckWord.UNKNOWN, True, [])
    assert world.kept[1].checks == (), "nothing was found out that a later boot could be held against"
    assert found.check.differences == ("transaction 7 on the card is open, which lifts 1 for a trial",)


def test_a_card_with_another_driver_is_not_called_another_card() -> None:
    world = make_kept()
    for driver, told in (("r8168", "driver r8168 has the card now, not r8169"), (None, "no driver has the card now; it was r8169")):
        found = look(world, with_nic(GOOD, driver=driver))
        assert (found.check.word, found.check.differences[0][: len(told)]) == (CheckWord.UNKNOWN, told)


def test_a_twin_in_its_place_is_not_called_in_force() -> None:
    world = make_kept()
    world.kept[1] = dataclasses.replace(world.kept[1], nic=dataclasses.replace(IDENTITY, permanent_address="52:54:00:00:00:01"))
    assert look(world, with_nic(GOOD, permanent_address="52:54:00:00:00:01")).check.word is CheckWord.IN_FORCE
    assert look(world, GOOD).check.word is CheckWord.IN_FORCE  # it does not tell
    twin = with_nic(GOOD, permanent_address="52:54:00:00:00:02")
    found = look(world, twin, repair=True)
    told = "another card is in its place: its permanent address is 52:54:00:00:00:02, not 52:54:00:00:00:01"
    assert (found.check.word, found.check.differences) == (CheckWord.UNKNOWN, (told,))
    assert [one.id for one in select_kept(make_edges(world, Moments(twin)).store, twin, "eth0")] == [1]


def test_what_only_a_link_can_tell_is_unknown_without_one() -> None:
    world = make_kept()
    names = (("link.autoneg", "off"), ("link.speed", "100"), ("link.duplex", "full"))
    forced = dataclasses.replace(mtu_wish(), settings=tuple(Setting(name=name, value=value) for name, value in names))
    world.kept[1] = dataclasses.replace(world.kept[1], wishes=(forced,))
    for speed in (10, None):
        found = look(world, with_nic(GOOD, carrier=False, link=Link(autoneg=False, speed_mbps=speed)))
        assert (found.check.word, found.check.differences) == (CheckWord.UNKNOWN, ("no link: link.speed, link.duplex cannot be told",))
    right = Link(autoneg=False, speed_mbps=100, duplex=Duplex.FULL)
    assert look(world, with_nic(GOOD, carrier=False, link=right)).check.word is CheckWord.IN_FORCE


def test_without_the_card_there_is_no_flap_to_wait_for() -> None:
    world = make_kept()
    (found,) = verify_boot(make_edges(world, Moments(Host())), None)
    assert found.check.differences == ("the card is not there",)
    assert verify_boot(make_edges(FilesWorld(BEFORE), Moments(GOOD)), None) == ()


# Beside a verdict ------------------------------------------------------------------------------------------------------------


def show(world: FilesWorld, host: Host, *transactions: Transaction, only: str | None = None) -> Checkup:
    verdicts = tuple(
        NicVerdict(interface=nic.interface, verdict=Verdict.HEALTHY, headline="works") for nic in host.nics if only in {None, nic.interface}
    )
    return add_kept(Checkup(host=host, verdicts=verdicts), tuple(world.kept.values()), transactions)


def test_check_shows_what_is_kept_for_each_card() -> None:
    world = make_kept()
    world.kept[2] = dataclasses.replace(world.kept[1], id=2, state=KeptState.RELEASED)
    world.kept[3] = dataclasses.replace(world.kept[1], id=3, state=KeptState.RELEASING)
    checkup = show(world, make_host(1400, "on", "6.1.150-1"))
    (one,) = checkup.verdicts
    assert one.kept is not None
    assert [(kept.id, kept.remedies, kept.interface, kept.word, kept.expiry) for kept in one.kept] == [
        (1, ("mtu:1400", "runtime-pm-off"), "eth0", CheckWord.IN_FORCE, "kept for kernel 6.1.148-1, this is 6.1.150-1"),
        (3, ("mtu:1400", "runtime-pm-off"), "eth0", None, "kept for kernel 6.1.148-1, this is 6.1.150-1"),
    ]
    assert (checkup.kept_absent, checkup.drifted, checkup.has_findings) == ((), (), False)


def test_check_says_as_verify_does_that_it_drifted_and_writes_nothing_down() -> None:
    world = make_kept()
    checkup = show(world, BAD)
    ((interface, kept),) = checkup.drifted
    assert (interface, kept.word, kept.differences) == ("eth0", CheckWord.DRIFTED, ("mtu is 1500, not 1400",))
    assert checkup.has_findings
    assert world.kept[1].checks == ()
    off = dataclasses.replace(checkup, verdicts=tuple(dataclasses.replace(one, wanted=False) for one in checkup.verdicts))
    assert not off.has_findings


def test_while_a_transaction_is_open_check_says_nothing_of_a_drift_either() -> None:
    entry = Entry(uptime_s=1.0, time="", boot_id="boot-1", word=Word.APPLIED)
    treated = Transaction(id=7, plan=Plan(nic=IDENTITY), confirm=Confirm.OPERATOR, timeout_s=60, entries=(entry,))
    (one,) = show(make_kept(), BAD, treated).verdicts
    assert one.kept is not None
    assert [(kept.word, kept.differences) for kept in one.kept] == [(CheckWord.UNKNOWN, ("transaction 7 on the card is open",))]


def test_check_tells_what_is_kept_for_a_card_that_is_gone() -> None:
    world = make_kept()
    world.kept[2] = dataclasses.replace(world.kept[1], id=2, state=KeptState.WRITING)
    other = Nic(interface="eth7", sysfs_path="/sys/devices/pci0/0000:07:00.0")
    host = dataclasses.replace(
        GOOD, nics=(other, dataclasses.replace(other, interface="eth8", sysfs_path="/sys/devices/pci0/0000:08:00.0"))
    )
    (gone,) = show(world, host).kept_absent
    assert (gone.id, gone.interface, gone.word, gone.differences) == (1, "eth0", CheckWord.UNKNOWN, ("the card is not there",))
    assert show(world, host, only="eth7").kept_absent == ()
    unread = dataclasses.replace(host, nics=(), notes=(Note(what="nics", why=Lack.STUCK, detail="no sysfs"),))
    assert show(world, unread).kept_absent == ()


def test_a_twin_in_its_place_is_told_with_what_was_kept_for_the_card_before() -> None:
    world = make_kept()
    world.kept[1] = dataclasses.replace(world.kept[1], nic=dataclasses.replace(IDENTITY, permanent_address="52:54:00:00:00:01"))
    twin = dataclasses.replace(GOOD.nics[0], interface="lan0", permanent_address="52:54:00:00:00:02")
    host = dataclasses.replace(GOOD, nics=(twin, Nic(interface="eth7", sysfs_path="/sys/devices/pci0/0000:07:00.0")))
    (gone,) = show(world, host, only="lan0").kept_absent
    assert gone.differences[0].startswith("another card is in its place")
