# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a remedy held is judged by what was watched of the same kernel before, and silence that says nothing is not counted."""

import pytest

from nicmedic.evidence.holds import judge_spans
from nicmedic.evidence.spells import Card
from nicmedic.evidence.treated import Span
from nicmedic.model.blame import Verdict
from nicmedic.model.history import BootRecord, Gap, HangRecord, History

CARD = Card(interface="eth0", drivers=frozenset({"r8169"}))
PACKAGE = "6.1.153-1"


def hang(at_h: float, *, warn_once: bool = False, interface: str | None = "eth0", sources: tuple[str, ...] = ("journal",)) -> HangRecord:
    return HangRecord(interface=interface, driver="r8169", began=None, uptime_s=at_h * 3600, lines=1, warn_once=warn_once, sources=sources)


def boot(name: str, hours: float, *hangs: HangRecord, package: str | None = PACKAGE, **more: object) -> BootRecord:
    plain = {"boot_id": name, "kernel_package": package, "ran_h": hours, "covered_h": hours, "hangs": hangs}
    return BootRecord(**{**plain, **more})  # type: ignore[arg-type]  # as given


def span(name: str, began_h: float, ended_h: float | None = None) -> Span:
    return Span(boot_id=name, began_s=began_h * 3600, ended_s=None if ended_h is None else ended_h * 3600)


def test_hangs_in_one_boot_and_then_none() -> None:
    """31 h without a hang; before, one every 0.2 h."""
    history = History(boots=(boot("b", 33, *(hang(0.199 * number) for number in range(1, 11))),))
    held = judge_spans(history, (span("b", 2.0),), (), CARD)
    assert held.hold is not None
    assert held.hold.verdict is Verdict.PROVEN
    assert (held.hours, held.hangs) == (31.0, 0)
    assert held.before is not None
    assert held.before.boots_hung == 10
    assert held.before.hours_at_risk == pytest.approx(2.0)
    assert held.notes == ()


def test_hangs_of_earlier_boots_of_the_same_kernel_count_and_those_of_others_do_not() -> None:
    bad = [boot(f"a{number}", 0.3, hang(0.2)) for number in range(6)]
    other = [boot(f"o{number}", 500, package="6.1.147-1") for number in range(3)]
    history = History(boots=(*other, *bad, boot("b", 400)))
    held = judge_spans(history, (span("b", 0.1),), (), CARD)
    assert held.before is not None
    assert (held.before.boots, held.before.boots_hung) == (7, 6)
    assert held.hold is not None
    assert held.hold.verdict is Verdict.NOT_SHOWN  # one quiet boot may be good by itself
    assert not held.same_boot


def test_a_boot_that_hung_several_times_is_compared_with_itself() -> None:
    bad = [boot(f"a{number}", 0.3, hang(0.2)) for number in range(3)]
    hangs = [hang(0.199 * number) for number in range(1, 11)]
    held = judge_spans(History(boots=(*bad, boot("b", 33, *hangs))), (span("b", 2.0),), (), CARD)
    assert held.same_boot
    assert held.hold is not None
    assert held.hold.verdict is Verdict.PROVEN
    one = judge_spans(History(boots=(*bad, boot("b", 33, hang(0.2)))), (span("b", 2.0),), (), CARD)
    assert not one.same_boot  # a single hang may be of how the boot began


def test_what_was_set_before_is_no_part_of_the_time_before() -> None:
    """Of the time before, only that in which nothing was set counts."""
    history = History(boots=(boot("b", 100, hang(0.5), hang(1.0), hang(4.0)),))
    held = judge_spans(history, (span("b", 10),), (span("b", 2, 9),), CARD)
    assert held.before is not None
    assert (held.before.boots_hung, held.before.hours_at_risk) == (2, 2.0)


def test_a_hang_while_it_was_set_is_told() -> None:
    history = History(boots=(boot("b", 10, hang(0.5), hang(3.0), hang(9.0)),))
    held = judge_spans(history, (span("b", 1, 5),), (), CARD)
    assert (held.hangs, held.hours) == (1, 4.0)
    assert held.after is not None
    assert held.after.boots_hung == 1
    assert held.hold is not None
    assert held.hold.verdict is Verdict.NOT_SHOWN


def test_silence_after_the_one_warning_of_a_boot_says_nothing() -> None:
    history = History(boots=(boot("b", 40, hang(0.2, warn_once=True)),))
    held = judge_spans(history, (span("b", 1),), (), CARD)
    assert (held.hours, held.hold, held.after) == (None, None, None)
    assert "WARN_ONCE" in held.notes[0]


def test_a_hang_that_the_watcher_saw_is_told_even_then() -> None:
    history = History(boots=(boot("b", 40, hang(0.2, warn_once=True), hang(7.0, sources=("incidents",))),))
    held = judge_spans(history, (span("b", 1),), (), CARD)
    assert held.hangs == 1
    assert held.after is not None
    assert held.after.boots_hung == 1


def test_a_hang_that_may_be_this_cards_ends_the_count() -> None:
    history = History(boots=(boot("b", 40, hang(0.2), hang(3.0, interface=None)),))
    doubtful = Card(interface="eth0", drivers=frozenset())
    assert judge_spans(history, (span("b", 1),), (), doubtful).hours is None
    assert judge_spans(history, (span("b", 1),), (), CARD).hangs == 1


def test_nothing_to_compare_with_is_said() -> None:
    held = judge_spans(History(boots=(boot("b", 40),)), (span("b", 1),), (), CARD)
    assert (held.hold, held.hours) == (None, 39.0)
    assert held.notes == ("Before it no hang of this card was watched on this kernel, so its quiet afterwards says nothing.",)


def test_a_boot_that_no_log_knows_is_said() -> None:
    held = judge_spans(History(), (span("b", 1),), (), CARD)
    assert held.notes == ("The boot in which it was set is in no log that was read.",)


@pytest.mark.parametrize(
    ("gap", "hours"),
    [
        (Gap(began_uptime_s=7200.0, hours=3.0, why="no log"), 7.0),
        (
            Gap(began_uptime_s=1800.0, hours=3.0, why="suspended"),
            12.5,
        ),  # 1 h by the clock that counts sleep is half an hour of the kernel's
        (Gap(began_uptime_s=None, hours=3.0, why="no log"), 8.0),
    ],
)
def test_hours_that_no_log_covers_do_not_count(gap: Gap, hours: float) -> None:
    covered = 13.0 if gap.why == "suspended" else 8.0
    ran = 13.0 if gap.why == "suspended" else 11.0
    history = History(boots=(boot("b", ran, hang(0.1), gaps=(gap,), covered_h=covered),))
    held = judge_spans(history, (span("b", 1),), (), CARD)
    assert held.hours == pytest.approx(hours if gap.began_uptime_s is not None else 7.0)


def test_a_boot_with_hyphens_in_its_name_is_the_same() -> None:
    history = History(boots=(boot("8f1b3c1e8a3e4f3e9d676a2f5d1f1a11", 5),))
    assert judge_spans(history, (span("8f1b3c1e-8a3e-4f3e-9d67-6a2f5d1f1a11", 1),), (), CARD).hours == 4.0


def test_nothing_watched_is_said() -> None:
    history = History(boots=(boot("a", 1, hang(0.5)), boot("b", 5, covered_h=0.0)))
    held = judge_spans(history, (span("b", 1),), (), CARD)
    assert held.notes == ("Of the time in which it was set nothing was watched.",)
    assert held.hold is None
