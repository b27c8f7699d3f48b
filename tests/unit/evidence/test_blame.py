# SPDX-License-Identifier: GPL-2.0-or-later
"""From a history to the answer: the story, what else came with it, what boots are worth, and what would decide it."""

import dataclasses
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nicmedic.evidence.blame import build_blame
from nicmedic.evidence.boot_commands import render_boot_commands, render_trial_command
from nicmedic.evidence.compare import compare_arms, judge_hold, weigh_arms
from nicmedic.evidence.confounders import find_change, find_confounders, find_unknown_factors
from nicmedic.evidence.kernels import list_changes
from nicmedic.evidence.moments import parse_moment
from nicmedic.evidence.planning import estimate_chance
from nicmedic.evidence.saved_history import merge_histories, parse_history
from nicmedic.evidence.spells import Card, to_spells, watch_boot
from nicmedic.evidence.statistics.spell import Arm, Spell
from nicmedic.model.blame import ArmFigures, KernelFigures, TwinWord, Verdict
from nicmedic.model.errors import NotAHistoryError, UsageError
from nicmedic.model.history import BootRecord, Gap, HangRecord, History, PackageChange, Source
from nicmedic.model.plain import to_plain
from nicmedic.report.blame_text import render_blame_text
from nicmedic.report.style import Style
from tests.unit.evidence.story import NEW, OLD, boot, here, twin

NONE = ArmFigures(boots=0, boots_hung=0, hours_at_risk=0.0)


def spell(hours: float, hung: bool = False) -> Spell:
    return Spell(arm=Arm.OTHER, hours=hours, hung=hung)


def test_the_story_is_proven_in_time_and_the_rest_is_named() -> None:
    answer = build_blame(here(), interface="eth0", twins=(twin(),))
    compared = answer.comparison
    assert compared is not None
    assert (answer.before, answer.after, compared.verdict) == (OLD, NEW, Verdict.PROVEN)
    assert compared.p == pytest.approx(0.005029, abs=1e-6)
    assert compared.p_one_outage == pytest.approx(1 / 6)
    old, new = answer.kernels
    assert (old.figures.boots, old.figures.boots_hung, old.figures.hours_at_risk) == (5, 0, 3100.0)
    assert (new.figures.boots, new.figures.boots_hung) == (3, 3)
    assert new.figures.first_hangs_h == pytest.approx((480 / 3600, 551.3 / 3600, 600 / 3600))
    assert [one.what for one in answer.confounders] == ["Xen", "load", "package xen-hypervisor-4.1-amd64", "package libc6"]
    assert {one.how for one in answer.confounders if one.what.startswith("package")} == {"in the same transaction"}
    assert answer.unknown_factors == ("link partner and speed", "MTU")
    (said,) = answer.twins
    assert (said.host, said.word) == ("srv5", TwinWord.CONTRADICTS)
    assert {one.what for one in said.differences} == {"Xen", "load"}
    assert [leg.package for leg in answer.next_steps.legs] == [OLD, NEW, OLD]
    assert answer.drivers == ("r8169",)
    assert any("WARN_ONCE" in note for note in answer.notes)


def test_what_hangs_everywhere_is_not_blamed_on_a_kernel() -> None:
    boots = [boot(f"2016-01-{day:02}T00:00:00Z", OLD if day < 8 else NEW, 20.0, 36_000.0) for day in range(1, 15)]
    answer = build_blame(History(boots=tuple(boots)))
    assert answer.comparison is not None
    assert answer.comparison.verdict is Verdict.NOT_SHOWN
    assert not answer.next_steps.reachable


def test_an_outage_that_brought_the_new_kernel_up_is_not_its_fault() -> None:
    boots = [*here().boots[:4], boot("2016-01-01T20:00:00Z", OLD, 300, 1_000_000.0), *here().boots[5:]]
    compared = build_blame(History(boots=tuple(boots))).comparison
    assert compared is not None
    assert (compared.verdict, compared.carried) == (Verdict.NOT_SHOWN, 3)


def test_several_changes_are_paid_for() -> None:
    boots = [boot(f"2014-{month:02}-01T00:00:00Z", f"3.2.{month}-1", 600.0) for month in range(1, 4)]
    history = dataclasses.replace(here(), boots=(*boots, *here().boots))
    answer = build_blame(history)
    assert answer.comparison is not None
    assert (answer.before, answer.after, answer.comparison.looks, answer.comparison.verdict) == (OLD, NEW, 4, Verdict.LIKELY)
    assert any("multiplied by 4" in note and "was chosen" in note for note in answer.notes)
    assert any("could have been chosen" in note for note in build_blame(history, before=OLD, after=NEW).notes)


def test_a_pair_that_was_never_changed_between_pays_for_all_pairs() -> None:
    boots = [boot(f"2014-{month:02}-01T00:00:00Z", f"3.2.{month}-1", 600.0) for month in range(1, 4)]
    answer = build_blame(dataclasses.replace(here(), boots=(*boots, *here().boots)), before="3.2.1-1", after=NEW)
    assert answer.comparison is not None
    assert answer.comparison.looks == 10
    assert any("10 pairs of kernels, and this one could have been chosen" in note for note in answer.notes)


def test_several_cards_are_declared() -> None:
    other = dataclasses.replace(HANG, interface="eth1")
    answer = build_blame(
        dataclasses.replace(here(), boots=(*here().boots, boot("2016-02-01T00:00:00Z", NEW, 3.0, hangs=(other,)))), interface="eth0"
    )
    assert any("2 cards hung here. If eth0 was chosen" in note for note in answer.notes)


def test_a_plan_says_how_often_it_proves_something() -> None:
    """Boots that hang now and then: what would do on average does too seldom."""
    bad = [boot(f"2016-01-{day:02}T00:00:00Z", NEW, 90.0, 36_000.0 if day % 2 else None) for day in range(2, 6)]
    answer = build_blame(History(boots=(boot("2015-12-01T00:00:00Z", OLD, 100.0), *bad)))
    found = re.search(r"(\d+) more boots on .* prove it in (\d+) of 100 cases", answer.next_steps.summary)
    assert found is not None
    assert int(found[2]) >= 80
    old, new = (kernel.figures for kernel in answer.kernels)
    spells = to_spells([one for one in map(watch_boot, (boot("2015-12-01T00:00:00Z", OLD, 100.0), *bad)) if one is not None], OLD, NEW)
    assert estimate_chance(spells, old, new, 1, int(found[1]) - 1) == 0.0


def test_back_and_forth_is_one_change_and_helps() -> None:
    more = (boot("2016-01-03T00:00:00Z", OLD, 3.0), boot("2016-01-03T04:00:00Z", NEW, 0.3, 500.0), boot("2016-01-03T05:00:00Z", OLD, 3.0))
    history = dataclasses.replace(here(), boots=(*here().boots, *more))
    assert list_changes(history) == [(OLD, NEW)]
    once, again = build_blame(here()).comparison, build_blame(history).comparison
    assert once is not None
    assert again is not None
    assert (again.p or 1) < (once.p or 0)
    assert (again.outages_suspect, again.p_one_outage) == (2, None)


def test_two_boots_are_not_enough_and_it_says_how_many_are() -> None:
    history = dataclasses.replace(here(), boots=here().boots[3:6])
    answer = build_blame(history)
    assert answer.comparison is not None
    assert answer.comparison.verdict is Verdict.NOT_SHOWN
    steps = answer.next_steps
    assert steps.reachable
    assert (
        "2 more boots on 3.2.68-1+deb7u6, of 2 h each, and as many on 3.2.73-2+deb7u1, in turn, prove it in 100 of 100 cases"
        in steps.summary
    )
    watched = [one for one in map(watch_boot, history.boots) if one is not None]
    projected = [*to_spells(watched, OLD, NEW)]
    for _ in range(2):
        projected += [Spell(arm=Arm.CONTROL, hours=2.0, hung=False), Spell(arm=Arm.SUSPECT, hours=0.15, hung=True)]
    assert compare_arms(projected).verdict is Verdict.PROVEN


@pytest.mark.parametrize(
    ("boots", "summary"),
    [
        ((), "no two kernel packages"),
        ((boot("2016-01-01T00:00:00Z", OLD, 5.0), boot("2016-01-02T00:00:00Z", NEW, 5.0)), "Neither kernel has hung"),
        (
            (boot("2016-01-01T00:00:00Z", OLD, 50.0, 36_000.0), boot("2016-01-03T00:00:00Z", NEW, 5.0)),
            "190 h on it without a hang would show with 95 %",
        ),
        ((boot("2016-01-01T00:00:00Z", OLD, 50.0, 36_000.0), boot("2016-01-03T00:00:00Z", NEW, 191.0)), "191 h, which shows with 95 %"),
        ((boot("2016-01-01T00:00:00Z", OLD, 5.0, 36.0), boot("2016-01-03T00:00:00Z", NEW, 0.05)), "684 s on it without a hang"),
        ((boot("2016-01-01T00:00:00Z", OLD, 5.0, 0.0), boot("2016-01-03T00:00:00Z", NEW, 5.0)), "is not known"),
    ],
)
def test_where_there_is_nothing_to_prove(boots: tuple[BootRecord, ...], summary: str) -> None:
    steps = build_blame(History(boots=boots)).next_steps
    assert summary in steps.summary
    assert not steps.reachable


def test_a_package_that_never_ran_is_refused_with_those_that_did() -> None:
    with pytest.raises(UsageError, match="no boot of this history ran it") as error:
        build_blame(here(), before=OLD, after="9.9")
    assert OLD in error.value.hint


def test_what_was_wrong_with_a_source_is_told() -> None:
    history = dataclasses.replace(here(), sources=(Source(name="journal", trouble="cut off"), Source(name="kern.log")))
    assert [note for note in build_blame(history).notes if "kern.log" in note or "journal" in note] == ["journal: cut off"]


def test_another_cards_hangs_are_left_out_and_told() -> None:
    answer = build_blame(here(), interface="eth1")
    assert any("No hang of eth1 is told. Cards that hung: eth0." in note for note in answer.notes)
    assert any("that one warning went to another card" in note for note in answer.notes)
    assert [kernel.figures.boots_hung for kernel in answer.kernels] == [0, 0]


def test_cards_are_counted_together_only_with_a_word() -> None:
    other = HangRecord(interface="eth1", driver="e1000e", began=None, uptime_s=99.0, lines=1)
    boots = (*here().boots, boot("2016-02-01T00:00:00Z", NEW, 3.0, hangs=(other,)))
    assert any("eth0, eth1 are counted together" in note for note in build_blame(History(boots=boots)).notes)


def test_unknown_boots_are_told_and_not_compared() -> None:
    boots = (
        *here().boots,
        boot("2016-02-01T00:00:00Z", None, 3.0, suspends=2),
        boot("2016-02-02T00:00:00Z", NEW, 30.0, covered_h=0.0, ran_h=None),
    )
    answer = build_blame(History(boots=boots, notes=("strange",)))
    assert answer.kernels[-1].package is None
    assert (answer.kernels[1].boots_unwatched, answer.kernels[1].ran_h) == (1, None)
    text = " ".join(answer.notes)
    assert "1 of 10 boots is covered by no log" in text
    assert "Of 1 watched boot nothing tells the kernel package" in text
    assert "suspended 2 times" in text
    assert answer.notes[-1] == "strange"


# ------------------------------------------------------------------------------------------------------------------ boots


HANG = HangRecord(interface="eth0", driver="r8169", began=None, uptime_s=7200.0, lines=64)
ETH0 = Card(interface="eth0", drivers=frozenset({"r8169"}))
OURS = dataclasses.replace(HANG, sources=("incidents",))


@pytest.mark.parametrize(
    ("hang", "gaps", "hours"),
    [
        (HANG, (), 2.0),
        (HANG, (Gap(began_uptime_s=0.0, hours=1.5, why="no log"),), 0.5),
        (HANG, (Gap(began_uptime_s=3600.0, hours=5.0, why="no log"),), 1.0),
        (HANG, (Gap(began_uptime_s=9000.0, hours=1.0, why="no log"), Gap(began_uptime_s=0.0, hours=1.0, why="suspended")), 2.0),
        (HANG, (Gap(began_uptime_s=None, hours=1.0, why="no log"), Gap(began_uptime_s=0.0, hours=None, why="no log")), 2.0),
        (dataclasses.replace(HANG, uptime_s=None, began="2016-01-01T03:00:00Z"), (), 3.0),
        (dataclasses.replace(HANG, interface=None), (), 2.0),
        (dataclasses.replace(HANG, sources=("incidents",)), (), 2.0),
        (dataclasses.replace(HANG, sources=("incidents",)), (Gap(began_uptime_s=0.0, hours=1.5, why="no log"),), 0.5),
    ],
)
def test_a_boot_is_at_risk_up_to_its_first_hang_where_it_was_watched(hang: HangRecord, gaps: tuple[Gap, ...], hours: float) -> None:
    watched = watch_boot(boot("2016-01-01T00:00:00Z", OLD, 9.0, hangs=(hang,), gaps=gaps), ETH0)
    assert watched is not None
    assert (watched.hours, watched.hung, watched.time_guessed) == (hours, True, False)


@pytest.mark.parametrize(
    ("hang", "more"),
    [
        (OURS, {"covered_h": 0.0}),
        (OURS, {"covered_h": 1.0}),
        (OURS, {"gaps": (Gap(began_uptime_s=3600.0, hours=5.0, why="no log"),)}),
        (dataclasses.replace(OURS, uptime_s=None), {}),
        (HANG, {"covered_h": 0.0}),
        (HANG, {"gaps": (Gap(began_uptime_s=0.0, hours=2.0, why="no log"),)}),
    ],
)
def test_a_hang_counts_only_where_a_boot_without_one_would_be_known(hang: HangRecord, more: dict[str, Any]) -> None:
    assert watch_boot(boot("2016-01-01T00:00:00Z", NEW, 9.0, hangs=(hang,), **more), ETH0) is None


def test_hangs_that_only_our_own_watcher_saw_prove_nothing() -> None:
    bad = [boot(f"2016-01-{day:02}T00:00:00Z", NEW, 40.0, hangs=(OURS,) * (day % 2), covered_h=0.0) for day in range(2, 8)]
    answer = build_blame(History(boots=(*here().boots[:5], *bad)))
    assert answer.comparison is not None
    assert answer.comparison.verdict is Verdict.NOT_SHOWN
    assert answer.kernels[-1].figures.boots_hung == 0
    text = " ".join(answer.notes)
    assert "3 hangs are known only from incidents; not compared" in text
    assert "3 of 11 boots are covered by no log" in text


def test_hangs_of_boots_that_no_log_covers_are_told_and_not_compared() -> None:
    for count, told in ((1, "1 hang is not compared: no log covers"), (2, "2 hangs are not compared: no log covers")):
        dark = [boot(f"2016-02-{day:02}T00:00:00Z", NEW, 40.0, hangs=(HANG,), covered_h=0.0) for day in range(2, 2 + count)]
        assert told in " ".join(build_blame(History(boots=(*here().boots[:5], *dark))).notes)


def test_a_first_hang_is_told_by_the_time_since_the_boot() -> None:
    late = dataclasses.replace(HANG, uptime_s=36_000.0)
    dark = (Gap(began_uptime_s=0.0, hours=9.5, why="no log"),)
    answer = build_blame(History(boots=(boot("2016-01-01T00:00:00Z", NEW, 11.0, hangs=(late,), gaps=dark, covered_h=1.5),)))
    assert answer.kernels[0].figures.first_hangs_h == (10.0,)
    assert answer.kernels[0].figures.hours_at_risk == 0.5


def test_a_hang_without_a_name_is_not_of_the_card_that_is_asked_about() -> None:
    nameless = dataclasses.replace(HANG, interface=None, driver="mlx5_core")
    bad = [boot(f"2016-01-{day:02}T00:00:00Z", NEW, 9.0, hangs=(nameless,)) for day in range(2, 5)]
    history = History(boots=(*here().boots[:5], *bad))
    answer = build_blame(history, interface="eth0")
    assert answer.kernels[-1].figures == dataclasses.replace(answer.kernels[-1].figures, boots=3, boots_hung=0, hours_at_risk=6.0)
    assert answer.drivers == ()
    assert any("3 hangs name no card, and nothing tells whether they are of eth0" in note for note in answer.notes)
    named = boot("2016-01-09T00:00:00Z", NEW, 9.0, hangs=(HANG,))
    figures = build_blame(dataclasses.replace(history, boots=(*history.boots, named)), interface="eth0").kernels[-1].figures
    assert (figures.boots_hung, figures.hours_at_risk) == (1, 29.0)


def test_a_hang_at_an_unknown_time_counts_and_is_told() -> None:
    unknown = boot("2016-01-01T00:00:00Z", OLD, 9.0, hangs=(dataclasses.replace(HANG, uptime_s=None),))
    watched = watch_boot(unknown)
    assert watched is not None
    assert (watched.hours, watched.hung, watched.time_guessed) == (9.0, True, True)
    assert any("not known how long after" in note for note in build_blame(History(boots=(unknown,))).notes)


def test_the_one_warning_of_a_boot_silences_the_other_cards() -> None:
    other = dataclasses.replace(HANG, interface="eth1", warn_once=True)
    watched = watch_boot(boot("2016-01-01T00:00:00Z", OLD, 9.0, hangs=(other,)), ETH0)
    assert watched is not None
    assert (watched.hours, watched.hung, watched.silenced) == (2.0, False, True)
    nowhere = dataclasses.replace(other, uptime_s=None)
    assert watch_boot(boot("2016-01-01T00:00:00Z", OLD, 9.0, hangs=(nowhere,)), ETH0) is None


@settings(max_examples=40)
@given(st.lists(st.sampled_from([OLD, NEW, None]), max_size=9), st.data())
def test_no_history_is_too_strange(packages: list[str | None], data: st.DataObject) -> None:
    times = st.sampled_from(["2016-01-01T00:00:00Z", "2016-01-01", "", None, "never"])
    seconds = st.one_of(st.none(), st.floats(0, 1e6))
    boots = tuple(
        dataclasses.replace(
            boot("", package, data.draw(st.floats(0, 500)), data.draw(seconds)), began=data.draw(times), kernel_release=None
        )
        for package in packages
    )
    answer = build_blame(History(boots=boots), twins=(History(boots=boots),))
    assert sum(kernel.figures.boots + kernel.boots_unwatched for kernel in answer.kernels) == len(boots)


# ---------------------------------------------------------------------------------------------------------------- factors


def test_packages_between_two_boots_are_named_with_how_they_came() -> None:
    changes = (
        PackageChange(time="2016-01-02T08:40:00Z", package="linux-image-3.2.0-4-amd64", before=OLD, after=NEW),
        PackageChange(time="2015-12-30T08:40:00Z", package="zsh", before="1", after="2"),
        PackageChange(time="2015-12-30T08:40:00Z", package="firmware-realtek", before="1", after="2"),
        PackageChange(time="2015-11-30T08:40:00Z", package="too-early", after="2"),
        PackageChange(time="whenever", package="no-time", after="2"),
    )
    found = find_confounders(dataclasses.replace(here(), changes=changes), OLD, NEW)
    assert [one.what for one in found] == ["Xen", "load", "package firmware-realtek", "package zsh"]
    assert found[-1].how == "installed between the two boots"


def test_without_a_boot_before_there_is_no_change() -> None:
    history = History(boots=here().boots[5:])
    assert find_change(history, OLD, NEW) is None
    assert find_confounders(history, OLD, NEW) == ()
    assert find_unknown_factors(history, OLD, NEW) == ()


def test_what_nobody_tells_may_have_changed() -> None:
    bare = tuple(dataclasses.replace(one, xen=None, firmware=None, command_line=None, circumstances={}) for one in here().boots)
    assert find_unknown_factors(History(boots=bare), OLD, NEW) == (
        "Xen",
        "firmware",
        "command line",
        "link partner and speed",
        "MTU",
        "load",
    )


def ask(*boots: BootRecord, host: str = "srv6", of: History | None = None) -> TwinWord:
    """What a twin says of the story."""
    (said,) = build_blame(of or here(), twins=(History(host=host, boots=boots),)).twins
    return said.word


def test_a_twin_supports_only_if_it_hung_less_before() -> None:
    bad, good = boot("2016-01-02T09:00:00Z", NEW, 3.0, 900.0), boot("2015-12-02T09:00:00Z", OLD, 30.0)
    assert ask(good, bad) is TwinWord.SUPPORTS
    assert ask(bad) is TwinWord.SILENT
    assert ask(boot("2015-12-02T09:00:00Z", OLD, 3.0, 900.0), bad) is TwinWord.SILENT
    usb = dataclasses.replace(HANG, interface="usb0", driver="cdc_ether")
    assert ask(good, boot("2016-01-02T09:00:00Z", NEW, 3.0, hangs=(usb,))) is TwinWord.CONTRADICTS


def test_a_short_twin_is_silent() -> None:
    assert ask(boot("2016-01-02T09:00:00Z", NEW, 0.05)) is TwinWord.SILENT
    (said,) = build_blame(here(), twins=(History(host="srv8", boots=(boot("2016-01-02T09:00:00Z", OLD, 500.0),)),)).twins
    assert (said.word, said.p) == (TwinWord.SILENT, None)


def test_hangs_of_one_outage_are_one_for_a_twin() -> None:
    (said,) = build_blame(here(), twins=(History(host="srv6", boots=(boot("2016-01-02T09:00:00Z", NEW, 2.0),)),)).twins
    assert said.word is TwinWord.SILENT
    assert said.p == pytest.approx(551.3 / (551.3 + 7200))


def test_a_host_is_not_its_own_twin() -> None:
    known = tuple(dataclasses.replace(one, boot_id=f"{place:032x}") for place, one in enumerate(here().boots))
    for twins in ((here(),), (dataclasses.replace(here(), host="SRV4.example.org"),), (History(boots=known[:1]),)):
        with pytest.raises(UsageError, match="history of srv4 itself"):
            build_blame(dataclasses.replace(here(), boots=known), twins=twins)


# ------------------------------------------------------------------------------------------------------------------- plan


def kernel(package: str, *releases: str) -> KernelFigures:
    return KernelFigures(package=package, releases=releases, figures=NONE)


AMD64 = "3.2.0-4-amd64"
NEXT = '$(grep -o "gnulinux-{}advanced-[^\']*" /boot/grub/grub.cfg | head -n 1)'
APT = "apt-get install --yes --allow-downgrades --allow-change-held-packages "


@pytest.mark.parametrize(
    ("package", "release", "moves", "lines"),
    [
        (
            OLD,
            AMD64,
            False,
            (
                f"# if it is not to be had any more: https://snapshot.debian.org/binary/linux-image-{AMD64}/",
                f"{APT}linux-image-{AMD64}={OLD} && apt-mark hold linux-image-{AMD64} && reboot",
                f"uname -v   # must name {OLD}",
            ),
        ),
        (
            "5.4.0-42.46",
            "5.4.0-42-generic",
            True,
            (
                "# if it is not to be had any more: https://launchpad.net/ubuntu/+source/linux",
                (
                    f"{APT}linux-image-5.4.0-42-generic=5.4.0-42.46 && apt-mark hold linux-image-5.4.0-42-generic && "
                    f'grub-reboot "{NEXT.format("")}>{NEXT.format("5.4.0-42-generic-")}" && reboot'
                ),
                "uname -r   # must be 5.4.0-42-generic",
            ),
        ),
        (
            "5.15.30-3",
            "5.15.30-2-pve",
            True,
            (
                (
                    f"{APT}pve-kernel-5.15.30-2-pve=5.15.30-3 && apt-mark hold pve-kernel-5.15.30-2-pve && "
                    "proxmox-boot-tool kernel pin 5.15.30-2-pve --next-boot && reboot"
                ),
                "uname -v   # must name 5.15.30-3",
            ),
        ),
        (
            "6.1.4-200.fc37.x86_64",
            "6.1.4-200.fc37.x86_64",
            True,
            (
                (
                    "dnf install --assumeyes kernel-6.1.4-200.fc37.x86_64 && grubby --set-default /boot/vmlinuz-6.1.4-200.fc37.x86_64 && "
                    "systemctl reboot"
                ),
                "uname -r   # must be 6.1.4-200.fc37.x86_64",
            ),
        ),
        (
            "5.14.21-150400.24.41.1",
            "5.14.21-150400.24.41-default",
            True,
            (
                "# in the boot menu, under the advanced options: 5.14.21-150400.24.41-default",
                "zypper --non-interactive install --oldpackage kernel-default=5.14.21-150400.24.41.1 && systemctl reboot",
                "uname -r   # must be 5.14.21-150400.24.41-default",
            ),
        ),
        (
            "6.1.3.arch1-1",
            "6.1.3-arch1-1",
            True,
            (
                (
                    "pacman --upgrade --noconfirm https://archive.archlinux.org/packages/l/linux/linux-6.1.3.arch1-1-x86_64.pkg.tar.zst && "
                    "systemctl reboot"
                ),
                "uname -r   # must be 6.1.3-arch1-1",
            ),
        ),
        ("6.1-x", "6.1.3", True, ("# install the kernel package 6.1-x by hand, choose it in the boot menu, then: reboot",)),
        ("#46-Ubuntu", "5.4.0-42-generic", True, ("# install the kernel package by hand, choose it in the boot menu, then: reboot",)),
        ("6.1", "6.1 -o x=1-amd64", True, ("# install the kernel package 6.1 by hand, choose it in the boot menu, then: reboot",)),
        ("6.1\nevil", AMD64, True, ("# install the kernel package by hand, choose it in the boot menu, then: reboot",)),
        (NEW, "", True, (f"# install the kernel package {NEW} by hand, choose it in the boot menu, then: reboot",)),
    ],
)
def test_commands_for_each_kind_of_package(package: str, release: str, moves: bool, lines: tuple[str, ...]) -> None:
    other = kernel("9.9", "9.9" if moves else release)
    assert render_boot_commands(package, kernel(package, *([release] if release else [])), other) == lines


def test_the_whole_plan_is_one_command_where_both_kernels_can_stand_side_by_side() -> None:
    old, new = kernel("6.1.148-1", "6.1.0-55-amd64"), kernel("6.1.153-1", "6.1.0-56-amd64")
    assert render_trial_command(old, new, 12.5, 5) == "nicmedic trial aba 6.1.0-55-amd64 6.1.0-56-amd64 --hours 12.5 --boots 5"
    assert render_trial_command(old, kernel("6.1.150-1", "6.1.0-55-amd64"), 2, 3) is None
    assert render_trial_command(kernel("6.9.6", "6.9.6-200.fc40.x86_64"), kernel("6.9.7", "6.9.7-200.fc40.x86_64"), 2, 3) is None
    assert render_trial_command(old, kernel(NEW), 2, 3) is None
    assert build_blame(here()).next_steps.command is None, "a point release takes the other's place on disk"


def test_the_plan_names_that_command() -> None:
    boots = tuple(
        dataclasses.replace(boot, kernel_release="3.2.0-4-amd64" if boot.kernel_package == OLD else "3.2.0-5-amd64")
        for boot in here().boots
    )
    answer = build_blame(dataclasses.replace(here(), boots=boots))
    command = answer.next_steps.command
    assert command is not None
    assert re.fullmatch(r"nicmedic trial aba 3\.2\.0-4-amd64 3\.2\.0-5-amd64 --hours [\d.]+ --boots \d+", command)
    assert int(command.rsplit(" ", 1)[1]) == len(answer.next_steps.legs)
    assert f"       {command}\n" in render_blame_text(answer, Style())


def test_the_plan_asks_the_same_question_again() -> None:
    legs = build_blame(here(), interface="eth0").next_steps.legs
    assert {leg.commands[-1] for leg in legs} == {f"nicmedic blame eth0 --before {OLD} --after {NEW}"}


# ------------------------------------------------------------------------------------------------------------------- hold


def test_a_remedy_held() -> None:
    found = judge_hold([spell(0.2, hung=True)] * 10, [spell(31.0)], same_boot=True)
    assert found.verdict is Verdict.PROVEN
    assert (found.p or 1) < 1e-6


def test_boots_that_hung_and_boots_that_did_not() -> None:
    bad, good = [spell(5.0, hung=True), spell(3.0, hung=True), spell(7.0, hung=True)], [spell(90.0)] * 5
    assert judge_hold(bad, good).verdict is Verdict.PROVEN
    assert judge_hold(bad[:1], good[:1]).verdict is Verdict.NOT_SHOWN
    assert judge_hold(bad, [spell(4.0, hung=True)] * 3, same_boot=True).verdict is Verdict.NOT_SHOWN
    assert judge_hold([], good).p is None
    assert judge_hold([], good, same_boot=True).ratio is None


@pytest.mark.parametrize(
    ("p", "verdict"), [(None, "not_shown"), (0.01, "proven"), (0.011, "likely"), (0.05, "likely"), (0.051, "not_shown")]
)
def test_words_for_p(p: float | None, verdict: str) -> None:
    assert weigh_arms(p) == verdict


# ------------------------------------------------------------------------------------------------------------------ files


def document(history: History) -> str:
    return json.dumps({"schema": "nicmedic.history/1", "history": to_plain(history)})


def test_a_saved_history_is_read_back() -> None:
    assert parse_history(document(here()), "a.json") == here()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no JSON"),
        ("[]", "its schema is None"),
        ('{"schema": "x/9"}', "'x/9'"),
        ('{"schema": "nicmedic.history/1"}', "expected an object"),
    ],
)
def test_what_is_no_history(text: str, says: str) -> None:
    with pytest.raises(NotAHistoryError, match=says):
        parse_history(text, "a.json")


def test_parts_of_one_past_are_put_together_once() -> None:
    whole = here()
    parts = [dataclasses.replace(whole, boots=whole.boots[:5]), dataclasses.replace(whole, boots=whole.boots[3:])]
    assert merge_histories(parts[::-1]).boots == whole.boots
    assert merge_histories(parts).changes == whole.changes
    assert merge_histories(parts[:1]) is parts[0]
    unknown = dataclasses.replace(whole.boots[0], began=None)
    assert merge_histories([whole, History(boots=(unknown,))]).boots[0] == unknown
    with pytest.raises(UsageError, match="srv4, srv5"):
        merge_histories([whole, twin()])


def test_moments() -> None:
    assert parse_moment("x") is parse_moment(None) is None
    assert parse_moment("2016-01-02T10:00:00") == parse_moment("2016-01-02T11:00:00+01:00")
