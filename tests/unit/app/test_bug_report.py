# SPDX-License-Identifier: GPL-2.0-or-later
"""What a report is put together of: which card, which lines of the log, what was tried, and what is not known."""

import dataclasses

import pytest

from nicmedic.app.bug_report.build import choose_interface
from nicmedic.app.bug_report.excerpt import Meant, find_meant, read_excerpt
from nicmedic.app.bug_report.tried import Done, list_treated_spans, list_tried
from nicmedic.app.explain import Request, explain
from nicmedic.app.keep.trial import _turn_round
from nicmedic.evidence.blame import build_blame
from nicmedic.host.knowledge import read_knowledge
from nicmedic.model.blame import Verdict
from nicmedic.model.bug_report import BugReport, Came, Excerpt, Tried
from nicmedic.model.finding import Hang, RemedyId
from nicmedic.model.history import BootRecord, HangRecord, History, Source
from nicmedic.model.host import Host
from nicmedic.model.incident import ActionState
from nicmedic.model.keeping import Check, CheckWord, Kept, KeptState, MadeFor, OnDrift, Wish
from nicmedic.model.plan import Ladder
from nicmedic.model.step import INTERFACE, Run
from nicmedic.model.transaction import Transaction, Word
from nicmedic.report.bug.words import is_hung, list_summary, say_title, say_tried
from nicmedic.testing.logs import FakeLogs
from tests.unit.evidence.story import NEW, OLD, boot
from tests.unit.report.bug.srv4 import BOOT_ID, HOST, change, done, history, incident, make_report

KNOWLEDGE = read_knowledge()
WATCHDOG = "NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out"


def stamp(seconds: float, text: str) -> str:
    return f"Jan  2 19:12:45 srv4 kernel: [{seconds:12.6f}] {text}"


def excerpt_of(text: str, *, name: str = "kern.log", interface: str | None = "eth0", package: str | None = None) -> Excerpt | None:
    logs = FakeLogs({name: text.encode()})
    explanation = explain(logs, KNOWLEDGE, Request(names=(name,)))
    return read_excerpt(FakeLogs({name: text.encode()}, block_size=64), (name,), explanation, Meant(interface=interface), package)


def test_the_excerpt_has_the_hang_with_what_stands_around_it() -> None:
    lines = [stamp(number, f"line {number}") for number in range(500)]
    lines[300:303] = [stamp(551.3, WATCHDOG), stamp(551.4, "Call Trace:"), stamp(551.5, "Jan dhclient[12]: to 10.9.8.7")]
    lines[301] = "Jan  2 19:12:45 srv4 sshd[12]: Accepted for alice from 10.9.8.7"
    told = excerpt_of("\n".join(lines) + "\n")
    assert told is not None
    texts = [line.text for line in told.lines]
    assert texts[0] == "[  288.000000] line 288"
    assert texts[12] == f"[  551.300000] {WATCHDOG}"
    assert [line.tells for line in told.lines].count(True) == 1
    assert told.lines[12].tells
    assert not any("sshd" in text for text in texts)  # a program's lines are nobody's business
    assert len(texts) <= 60


def test_the_first_hang_of_the_suspected_kernel_comes_first() -> None:
    banner = "Linux version 3.2.0-4-amd64 (debian-kernel@lists.debian.org) #1 SMP Debian {}"
    log = "\n".join(
        (
            stamp(0, banner.format("3.2.68-1")),
            stamp(90, WATCHDOG),
            stamp(0, banner.format("3.2.73-2")),
            stamp(551, WATCHDOG),
        )
    )
    told = excerpt_of(f"{log}\n", package="3.2.73-2")
    assert told is not None
    assert told.kernel_package == "3.2.73-2"
    assert "551.0" in next(line.text for line in told.lines if line.tells)
    assert not any("3.2.68" in line.text for line in told.lines)
    assert told.left_out == 1


def test_a_log_that_cannot_be_read_again_gives_the_lines_that_tell() -> None:
    text = f"{stamp(551.3, WATCHDOG)}\n"
    explanation = explain(FakeLogs({"-": text.encode()}), KNOWLEDGE, Request(names=("-",)))
    for logs, names in ((FakeLogs({"-": b"gone"}), ("-",)), (FakeLogs({}), ("x",)), (FakeLogs({"-": b""}, own=b"gone"), ())):
        told = read_excerpt(logs, names, explanation, Meant(interface="eth0"), None)
        assert told is not None
        assert [line.text for line in told.lines] == [f"[  551.300000] {WATCHDOG}"]


def test_a_log_that_changed_or_breaks_off_meanwhile_is_no_traceback() -> None:
    text = f"{stamp(551.3, WATCHDOG)}\n"
    explanation = explain(FakeLogs({"k": text.encode()}), KNOWLEDGE, Request(names=("k",)))
    for logs in (FakeLogs({"k": b"other\n" * 9}), FakeLogs({"k": text.encode()}, fail_at=0), FakeLogs({"k": text.encode("utf-16")})):
        told = read_excerpt(logs, ("k",), explanation, Meant(interface="eth0"), None)
        assert told is not None
        assert len(told.lines) == 1


def test_no_hang_no_excerpt_and_long_lines_are_cut() -> None:
    assert excerpt_of(f"{stamp(1, 'r8169 0000:02:00.0: eth0: link up')}\n") is None
    assert excerpt_of(f"{stamp(1, WATCHDOG)}\n", interface="eth7") is None
    told = excerpt_of(f"{stamp(1, WATCHDOG)}\n{stamp(2, 'x' * 999)}\n")
    assert told is not None
    assert max(len(line.text) for line in told.lines) < 250
    wall = excerpt_of(f"Jan  2 19:12:45 srv4 kernel: {WATCHDOG}\n")
    assert wall is not None
    assert wall.lines[0].text == f"01-02 19:12:45 {WATCHDOG}"


def tried(
    *transactions: Transaction, boot_id: str | None = BOOT_ID, helped: ActionState | None = None, kept: tuple[Kept, ...] = ()
) -> tuple[Tried, ...]:
    incidents = () if helped is None else (incident(1, helped),)
    return list_tried(history(), "eth0", Done(transactions=transactions, incidents=incidents, kept=kept), boot_id)


@pytest.mark.parametrize(
    ("words", "came"),
    [
        (((Word.PLANNED, 1.0),), Came.NEVER_SET),
        (((Word.APPLIED, 1.0),), Came.WAITING),
        (((Word.APPLIED, 1.0), (Word.CONFIRMED, 2.0)), Came.IN_FORCE),
        (((Word.APPLIED, 1.0), (Word.UNDOING, 2.0), (Word.UNDONE, 3.0)), Came.UNDONE),
        (((Word.APPLIED, 1.0), (Word.UNDOING, 2.0), (Word.UNDO_FAILED, 3.0)), Came.UNDO_FAILED),
        (((Word.APPLIED, 1.0), (Word.REBOOTED, 2.0)), Came.ENDED_BY_BOOT),
    ],
)
def test_how_a_setting_stands(words: tuple[tuple[Word, float], ...], came: Came) -> None:
    (one,) = tried(done(1, (change(),), *words))
    assert one.came is came
    assert one.commands == ("ethtool -K eth0 tso off",)
    assert one.remedies == ("offload-off:tso",)


def test_what_was_confirmed_in_an_earlier_boot_ended_with_it() -> None:
    (one,) = tried(done(1, (change(),), (Word.APPLIED, 1.0), (Word.CONFIRMED, 2.0)), boot_id="another")
    assert one.came is Came.ENDED_BY_BOOT


@pytest.mark.parametrize(("helped", "came"), [(ActionState.HELPED, Came.HELPED), (ActionState.FAILED, Came.DONE), (None, Came.DONE)])
def test_what_is_over_when_it_is_done_is_not_judged_as_a_setting(helped: ActionState | None, came: Came) -> None:
    (one,) = tried(done(1, (change(RemedyId.LINK_BOUNCE, ""),), (Word.APPLIED, 712.0), (Word.CONFIRMED, 720.0)), helped=helped)
    assert one.came is came
    assert (one.hold, one.hours) == (None, None)


def test_a_bounce_that_was_taken_back_did_not_help() -> None:
    words = ((Word.APPLIED, 712.0), (Word.UNDOING, 720.0), (Word.UNDONE, 721.0))
    assert (
        tried(done(1, (change(RemedyId.LINK_BOUNCE, ""),), *words, ladder=Ladder.RESTORE), helped=ActionState.FAILED)[0].came
        is Came.DID_NOT_HELP
    )


def test_a_setting_that_held_is_judged() -> None:
    (one,) = tried(done(2, (change(),), (Word.APPLIED, 7200.0), (Word.CONFIRMED, 7300.0)))
    assert one.hold is not None
    assert (one.hold.verdict, one.hours) == (Verdict.PROVEN, 31.0)
    assert one.notes == ("Judged within one boot, so hangs are taken to come at random in time.",)


def test_two_settings_at_a_time_cannot_be_told_apart() -> None:
    first = done(2, (change(),), (Word.APPLIED, 7200.0), (Word.CONFIRMED, 7300.0))
    second = done(3, (change(RemedyId.EEE_OFF, ""),), (Word.APPLIED, 9000.0), (Word.CONFIRMED, 9100.0))
    for one in tried(first, second):
        assert any("cannot tell them apart" in note for note in one.notes)


def test_other_cards_are_left_out() -> None:
    assert list_tried(history(), "eth1", Done(transactions=(done(1, (change(),), (Word.APPLIED, 1.0)),)), BOOT_ID) == ()


def test_the_card_that_hung_in_most_boots_is_meant() -> None:
    def with_hang(name: str) -> BootRecord:
        return dataclasses.replace(
            boot("2016-01-02T09:00:00Z", NEW, 1.0), hangs=(HangRecord(interface=name, driver="x", began=None, uptime_s=1.0, lines=1),)
        )

    told = History(boots=(with_hang("eth1"), with_hang("eth0"), with_hang("eth0")))
    assert choose_interface(told, None, None) == "eth0"
    assert choose_interface(History(), HOST, None) is None  # two cards, and nothing tells which
    assert choose_interface(History(), dataclasses.replace(HOST, nics=HOST.nics[:1]), None) == "eth0"
    explanation = explain(FakeLogs({"k": f"{stamp(1, WATCHDOG)}\n".encode()}), KNOWLEDGE, Request(names=("k",)))
    assert choose_interface(History(), HOST, explanation) == "eth0"


def test_what_is_not_known_is_told() -> None:
    dark = dataclasses.replace(boot("2016-01-03T09:00:00Z", NEW, 50.0), covered_h=0.0)
    told = dataclasses.replace(history(), boots=(*history().boots, dark), sources=(Source(name="wtmp", trouble="cut short"),))
    bare = dataclasses.replace(HOST, machine=None, nics=(dataclasses.replace(HOST.nics[0], firmware_version="N/A"),))
    report = make_report(history=told, blame=build_blame(told, interface="eth0"), host=bare, excerpt=None)
    flat = "\n".join(report.unknowns)
    for words in (
        "Of 1 boot no log is left",
        "50 h in which the host ran are covered by no log",
        "Not known of the machine: the machine's model and its firmware (BIOS).",
        "Not known of the card: firmware version.",
        "No line of a kernel log shows the hang.",
        "The log gives no cause.",
        "No other host with such a card says anything",
        "Not read, or with gaps: wtmp.",
        "vanilla",
        "by hand",
    ):
        assert words in flat, words
    assert report.nic is not None
    assert report.nic.firmware_version is None


def test_nothing_of_the_card_names_anybody() -> None:
    report = make_report()
    assert "52:54" not in repr(report.nic)
    assert "52:54" not in repr(report.other_nics)


def test_arguments_of_the_first_program_are_not_the_kernels() -> None:
    report = make_report(host=dataclasses.replace(HOST, command_line="quiet -- --token abc"))
    assert report.host is not None
    assert report.host.command_line == "quiet"


def lift_of(number: int, *words: tuple[Word, float], kept: int = 1) -> Transaction:
    """A trial without what is kept, as ``release --trial`` plans it."""
    wish = Wish(
        remedy=RemedyId.OFFLOAD_OFF,
        argument="tso",
        settings=(),
        steps=(Run(argv=("ethtool", "-K", INTERFACE, "tso", "off")),),
        lift=(Run(argv=("ethtool", "-K", INTERFACE, "tso", "on")),),
    )
    one = done(number, (_turn_round(wish),), *words)
    return dataclasses.replace(one, plan=dataclasses.replace(one.plan, lifts=kept))


SET = done(2, (change(),), (Word.APPLIED, 7200.0), (Word.CONFIRMED, 7300.0))


def test_a_trial_without_a_remedy_is_never_judged_as_that_remedy() -> None:
    """Of 31 h it was set for one; in the others the opposite was shown."""
    remedy, lift = tried(SET, lift_of(3, (Word.APPLYING, 7200.0 + 3600), (Word.APPLIED, 7200.0 + 3601), (Word.CONFIRMED, 9 * 3600.0)))
    assert (remedy.came, remedy.hours) == (Came.UNDONE, 1.0)
    assert "For a trial it was taken away then, and not set again." in remedy.notes
    assert (lift.came, lift.kept, lift.hold, lift.hours) == (Came.LIFTED, 1, None, None)
    assert lift.commands == ("ethtool -K eth0 tso on",)
    assert lift.notes == ("Without it no hang was seen in 30 h.",)


def test_hangs_of_a_trial_are_not_those_of_the_remedy() -> None:
    told = history()
    more = tuple(HangRecord(interface="eth0", driver="r8169", began=None, uptime_s=11000.0 + 400 * each, lines=1) for each in range(5))
    told = dataclasses.replace(told, boots=(*told.boots[:-1], dataclasses.replace(told.boots[-1], hangs=(*told.boots[-1].hangs, *more))))
    lift = lift_of(3, (Word.APPLIED, 10900.0), (Word.UNDOING, 13000.0), (Word.UNDONE, 13001.0))
    remedy, trial = list_tried(told, "eth0", Done(transactions=(SET, lift)), BOOT_ID)
    assert remedy.after is not None
    assert (remedy.came, remedy.after.boots_hung) == (Came.IN_FORCE, 0)
    assert remedy.hours == pytest.approx(31 - 2101 / 3600, abs=0.001)
    assert (trial.came, trial.notes) == (Came.SET_AGAIN, ("Without it the card hung (5 hangs).",))
    text = " ".join(say_tried(trial).split())
    assert "taken away for a trial, and set again" in text
    assert "held" not in text


def keep(*checks: tuple[str, CheckWord], released: str | None = None, transaction: int | None = 2) -> Kept:
    """The remedy, kept on the second of January at noon."""
    return Kept(
        id=1,
        nic=SET.plan.nic,
        wishes=(Wish(remedy=RemedyId.OFFLOAD_OFF, argument="tso", settings=()),),
        placements=(),
        made_for=MadeFor(kernel_package=NEW),
        on_drift=OnDrift.ALARM,
        kept_at="2016-01-02T12:00:00Z",
        state=KeptState.RELEASED if released else KeptState.KEPT,
        transaction=transaction,
        checks=tuple(Check(time="2016-01-03T00:00:00Z", boot_id=name, kernel_package=NEW, word=word) for name, word in checks),
        released_at=released,
    )


def later(*names: str) -> History:
    """The bad boots, and good ones after it was kept."""
    good = tuple(
        dataclasses.replace(boot(f"2016-02-{number:02}T10:00:00Z", NEW, 600), boot_id=name) for number, name in enumerate(names, 1)
    )
    return History(boots=(*history().boots, *good))


def test_what_is_kept_is_judged_by_the_boots_in_which_a_check_found_it() -> None:
    told = later("a1", "a2", "a3", "a4", "a5", "dark", "drifted")
    checks = [(name, CheckWord.IN_FORCE) for name in ("a1", "a2", "a3", "a4", "a5")]
    kept = keep(*checks, ("drifted", CheckWord.DRIFTED))
    (_, one) = list_tried(told, "eth0", Done(transactions=(SET,), kept=(kept,)), None)
    assert (one.came, one.kept, one.hours) == (Came.KEPT, 1, 3000.0)
    assert one.after is not None
    assert (one.after.boots, one.after.boots_hung) == (5, 0)
    assert one.before is not None
    assert (one.before.boots, one.before.boots_hung) == (4, 4)
    assert one.hold is not None
    assert one.hold.verdict is Verdict.PROVEN
    assert any("2 boots since nothing tells whether it was in force" in note for note in one.notes)


def test_what_was_released_counts_up_to_then() -> None:
    told = later("a1", "a2")
    kept = keep(("a1", CheckWord.IN_FORCE), released="2016-02-01T20:00:00Z", transaction=None)
    (one,) = list_tried(told, "eth0", Done(kept=(kept,)), None)
    assert (one.came, one.hours) == (Came.RELEASED, 600.0)


def test_boots_with_a_remedy_prove_nothing_of_a_kernel() -> None:
    """Good on the old kernel with tso off, bad on the new one without: that may be tso."""
    old = [dataclasses.replace(boot(f"2015-0{number}-01T10:00:00Z", OLD, 600), boot_id=f"old{number}") for number in range(1, 6)]
    new = [boot(f"2015-07-0{number}T10:00:00Z", NEW, 0.3, 500) for number in range(1, 9)]
    told = History(boots=(*old, *new))
    each = [done(number, (change(),), (Word.APPLIED, 1.0), (Word.CONFIRMED, 5.0)) for number in range(1, 6)]
    moved = [
        dataclasses.replace(one, entries=tuple(dataclasses.replace(entry, boot_id=f"old{one.id}") for entry in one.entries)) for one in each
    ]
    assert build_blame(told, interface="eth0").comparison.verdict is Verdict.PROVEN  # type: ignore[union-attr]  # two kernels
    spans = list_treated_spans(told, "eth0", Done(transactions=tuple(moved)))
    answer = build_blame(told, interface="eth0", treated=spans)
    assert answer.comparison is not None
    assert answer.comparison.verdict is Verdict.NOT_SHOWN
    assert answer.kernels[0].boots_treated == 5
    assert any("5 boots count only until nicmedic set something" in note for note in answer.notes)
    kept = dataclasses.replace(keep(), kept_at="2014-01-01T00:00:00Z", released_at="2015-06-15T00:00:00Z")
    answer = build_blame(told, interface="eth0", treated=list_treated_spans(told, "eth0", Done(kept=(kept,))))
    assert (answer.kernels[0].figures.boots, answer.kernels[0].boots_unwatched, answer.kernels[0].boots_treated) == (0, 0, 5)
    assert not any("covered by no log" in note for note in answer.notes)
    bare = build_blame(told, interface="eth0", treated=list_treated_spans(told, "eth1", Done(kept=(kept,))))
    assert bare.kernels[0].boots_treated == 0  # another card's


UNNAMED = "e1000e 0000:00:19.0: Detected Hardware Unit Hang:"
UP = "r8169 0000:02:00.0 eth0: Link is Up - 1Gbps/Full - flow control off"
BARE = "WARNING: CPU: 0 PID: 0 at net/sched/sch_generic.c:525 dev_watchdog+0x207/0x210"


def report_of(*lines: str, host: Host | None = HOST, past: History | None = None) -> BugReport:
    """Of eth0, by this log."""
    text = "".join(f"{stamp(number, line)}\n" for number, line in enumerate(lines, 1)).encode()
    explanation = explain(FakeLogs({"k": text}), KNOWLEDGE, Request(names=("k",)))
    past = History(host="srv4") if past is None else past
    excerpt = read_excerpt(FakeLogs({"k": text}), ("k",), explanation, find_meant("eth0", past, host, explanation), None)
    blamed = build_blame(past, interface="eth0")
    return make_report(history=past, blame=blamed, explanation=explanation, host=host, excerpt=excerpt, done=Done())


@pytest.mark.parametrize("host", [HOST, None], ids=["host", "log alone"])
def test_a_hang_of_another_driver_is_not_claimed_for_the_card_that_was_named(host: Host | None) -> None:
    report = report_of(UP, UNNAMED, host=host)
    assert report.excerpt is None
    assert "no hang is known" in say_title(report)
    assert report.finding is None or report.finding.driver != "e1000e"


def test_a_hang_that_names_no_card_is_told_as_such() -> None:
    report = report_of(UP, BARE)
    assert report.excerpt is not None
    assert not report.excerpt.own
    assert say_title(report).endswith("a hang of a card that the log does not name")
    assert "stops transmitting" not in " ".join(list_summary(report))
    assert "The log does not name the card that hung; its lines may be another card's." in report.unknowns
    assert not is_hung(report)


def test_the_only_card_of_a_host_is_the_one_that_hung() -> None:
    report = report_of(UP, BARE, host=dataclasses.replace(HOST, nics=HOST.nics[:1]))
    assert report.excerpt is not None
    assert report.excerpt.own
    assert "transmit hangs" in say_title(report)


@pytest.mark.parametrize(
    ("meant", "interface", "driver", "bus", "owns"),
    [
        (Meant(), None, None, None, True),
        (Meant(interface="eth0"), "eth0", None, None, True),
        (Meant(interface="eth0", alone=True), "eth1", None, None, False),
        (Meant(interface="eth0", pci_addresses=frozenset({"0000:02:00.0"})), None, "e1000e", "0000:02:00.0", True),
        (Meant(interface="eth0", pci_addresses=frozenset({"0000:02:00.0"})), None, "r8169", "0000:03:00.0", False),
        (Meant(interface="eth0", drivers=frozenset({"r8169"})), None, "r8169", None, True),
        (Meant(interface="eth0", drivers=frozenset({"r8169"}), other_drivers=frozenset({"r8169"})), None, "r8169", None, None),
        (Meant(interface="eth0"), None, "r8169", "1-1:1.0", None),
    ],
)
def test_whose_a_hang_is(meant: Meant, interface: str | None, driver: str | None, bus: str | None, owns: bool | None) -> None:
    hang = Hang(
        interface=interface,
        driver=driver,
        boot=None,
        events=(0,),
        began_uptime_s=None,
        stall_ms=None,
        queues=(),
        messages=1,
        warn_once=False,
    )
    assert meant.owns(hang, bus) is owns


def test_a_trace_tells_whether_the_kernel_is_tainted_and_silence_is_told() -> None:
    assert any("tainted" in one for one in report_of(WATCHDOG).unknowns)
    trace = "CPU: 0 PID: 0 Comm: swapper/0 Tainted: G           OE     6.1.0-40-amd64 #1  Debian 6.1.153-1"
    assert not any("tainted" in one for one in report_of(WATCHDOG, trace).unknowns)
