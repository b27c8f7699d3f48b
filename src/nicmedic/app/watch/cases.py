# SPDX-License-Identifier: GPL-2.0-or-later
"""One card under watch: what its sentry thinks becomes an incident, and the incident goes its way until traffic flows again.

The order is fixed: verdict, incident with evidence on disk, told, remedies, restored, told. What comes back soon after it was over, and that nobody
treated, is the same incident: a link that flaps all night is one line, not a thousand.
"""

import dataclasses

from nicmedic.app.watch.acts import Acts
from nicmedic.app.watch.desk import Desk, name_lost
from nicmedic.app.watch.doubts import Doubts
from nicmedic.app.watch.earlier import Earlier, is_about
from nicmedic.app.watch.edges import Moment, read_moment
from nicmedic.app.watch.evidence import find_last_line, keep_log, keep_log_after, keep_samples
from nicmedic.app.watch.records import Record
from nicmedic.diagnosis.sentry import Sentry
from nicmedic.model.incident import Evidence, Incident, IncidentVerdict
from nicmedic.model.policy import NicPolicy
from nicmedic.model.sample import Signal
from nicmedic.model.watched import Card, Opinion
from nicmedic.report.escape import escape_terminal

__all__ = ["Case"]

_LEAST_WAIT_S = 0.02
_LOG_BYTES = 64 << 10
"""Some six hundred lines. All that the kernel keeps goes into the heavy evidence."""
_REOPEN_S = 60.0
_TELL_AGAIN_S = 10.0
"""One that was over and came back is told again when it has lasted so long."""
_HEAVY_PAUSE_S = {IncidentVerdict.NIC_HUNG: 60.0}
_USUAL_HEAVY_PAUSE_S = 900.0
"""A picture of the host takes seconds of a processor."""
_RANKS = {
    IncidentVerdict.UNSURE: 0,
    IncidentVerdict.HOST: 1,
    IncidentVerdict.UPSTREAM: 2,
    IncidentVerdict.LINK: 3,
    IncidentVerdict.ADMINISTRATOR: 3,
    IncidentVerdict.NIC_HUNG: 4,
}
"""An open incident is revised only to what explains more: a card that hung has no carrier afterwards, and its gateway does not answer either."""
_MOST_REASONS = 16
_LOOK_S = 5.0
"""A card with an incident from before is looked at, and somebody asked over it, before anything is done."""
_MOST_RETURNS = 8
"""Of a hang, whose evidence is kept anew."""
_STUCK_S = 900.0
"""An incident waits for the end of its treatment, for that may take traffic away again; but one that sleeps in the kernel has none."""


class Case:
    """Of one card, for as long as that is watched."""

    def __init__(self, desk: Desk, card: Card, policy: NicPolicy) -> None:
        """Nothing was seen of it yet."""
        self.desk, self.card, self.policy = desk, card, policy
        self.record: Record | None = None
        """Of the incident that is open."""
        self.sentry = Sentry(card)
        self.doubts = Doubts(desk, self.sentry)
        self.acts = Acts(desk, card)
        self.next_look_s = 0.0
        self.gone_since_s: float | None = None
        self._look_until_s = 0.0
        self._flows_since: Moment | None = None
        self._last_line = b""
        self._last: tuple[Record, float] | None = None
        self._returns = 0
        self._untold_since_s: float | None = None
        self._heavy_at_s: dict[IncidentVerdict, float] = {}

    def begin_anew(self, card: Card) -> None:
        """Forget what was seen, not what is open: another card under the name, or an oddity of ours."""
        was_gone = card.ifindex != self.card.ifindex
        self.card = card
        self.sentry = Sentry(card)
        self.doubts = Doubts(self.desk, self.sentry)
        self.acts.card = card
        self.next_look_s = 0.0
        self._take_over(was_gone=was_gone)

    def _take_over(self, *, was_gone: bool = False) -> None:
        """What is open was not seen by the sentry that is here now."""
        if self.record is not None:
            now_s = self.desk.edges.clock.read_monotonic_s()
            self.sentry.take_over(self.record.incident.verdict, now_s, was_gone=was_gone)
            self._look_until_s = now_s + _LOOK_S

    def rename(self, interface: str) -> None:
        """It is called otherwise now, and so what is open is about another name."""
        self.card = self.acts.card = dataclasses.replace(self.card, interface=interface)
        self.sentry.learn_card(self.card)
        record = self.record
        if record is not None and record.incident.interface != interface:
            reasons = (*record.incident.reasons[:_MOST_REASONS], f"it was called {escape_terminal(record.incident.interface)} before")
            record.revise(dataclasses.replace(record.incident, interface=interface, reasons=reasons))
            self.desk.ledger.save(record, self.desk.edges.clock.read_monotonic_s())
            self.desk.tell_incident(record, "verdict")

    def is_of(self, card: Card) -> bool:
        """Whether it is about this card, whatever that is called: names are no help after a driver was bound anew."""
        ours = self.card
        if ours.permanent_address is not None and card.permanent_address is not None:
            return ours.permanent_address == card.permanent_address
        return ours.bus_address is not None and (ours.bus, ours.bus_address) == (card.bus, card.bus_address)

    def is_of_another(self, card: Card) -> bool:
        """Whether another card has its name now. The index of an interface is its own for as long as that lives."""
        if card.ifindex == self.card.ifindex:
            return False
        return not is_about(self.card, card) or (self.record is not None and not is_about(self.record.incident, card))

    def take_history(self, earlier: Earlier) -> None:
        """What there was before: at the beginning, or when it could be read at last."""
        taken = earlier.take_open(self.card)
        self.acts.earlier[:0] = earlier.list_actions(self.card, taken)
        self.acts.ask_again()
        if taken is None:
            return
        if self.record is None:
            self.record = taken
            self._take_over()
        else:
            earlier.end_gone(taken)  # what is open of our own is the same outage

    def take_card(self, card: Card) -> None:
        """As it is listed now. Another index is another interface, though the card may be the same: it was gone, and what was seen means nothing."""
        if card.ifindex != self.card.ifindex or card.tx_queues != self.card.tx_queues:
            self.begin_anew(card)
            self.acts.present_since_s = self.desk.edges.clock.read_monotonic_s()
        elif card != self.card:
            self.card = self.acts.card = card
            self.sentry.learn_card(card)

    @property
    def is_hung(self) -> bool:
        """Whether an incident is open that calls it so."""
        return self.record is not None and self.record.incident.verdict is IncidentVerdict.NIC_HUNG

    def hear(self, signal: Signal) -> None:
        """Something happened, to this card or to the host; it is looked at at once."""
        self.sentry.hear(signal)
        self.next_look_s = 0.0

    def turn(self) -> None:
        """Look once, and do what follows from it."""
        edges, interface = self.desk.edges, self.card.interface
        sample = edges.senses.read_sample(interface)
        now_s = edges.clock.read_monotonic_s()
        if sample is not None:
            self.sentry.see(sample)
        opinion = self.doubts.settle(interface, self.sentry.decide(now_s), now_s)
        if opinion.verdict is IncidentVerdict.NIC_HUNG:
            self.acts.is_shown = True
        if self.record is None:
            self.doubts.warm_up(interface, opinion, self.policy, now_s)
        if opinion.verdict is not None and not opinion.wants:
            self._judge(opinion)
        elif self.record is not None and opinion.flows and self._flows_since is None:
            self._flows_since = read_moment(edges)
        self._go_on()
        now_s = edges.clock.read_monotonic_s()
        self.next_look_s = max(now_s + _LEAST_WAIT_S, self.doubts.find_next_s(opinion, now_s))

    def _judge(self, opinion: Opinion) -> None:
        """There is a verdict: an incident begins, or goes on."""
        self._flows_since = None
        moment = read_moment(self.desk.edges)
        if self.record is not None:
            self._revise(self.record, opinion, moment)
            return
        if not self._reopen(opinion, moment):
            self._begin(opinion, moment)
        self.sentry.settle(moment.monotonic_s)
        self.acts.ask_again()

    def _begin(self, opinion: Opinion, moment: Moment) -> None:
        """Write it down; only then anybody is told, and anything is done."""
        assert opinion.verdict is not None  # noqa: S101  # asked for before
        began = moment.earlier(moment.monotonic_s if opinion.began_s is None else opinion.began_s)
        boot, evidence = self.desk.edges.boot, self._take_evidence(moment)
        incident = Incident(
            boot_id=boot.boot_id,
            interface=self.card.interface,
            driver=self.card.driver,
            bus=self.card.bus,
            bus_address=self.card.bus_address,
            permanent_address=self.card.permanent_address,
            verdict=opinion.verdict,
            reasons=opinion.reasons[:_MOST_REASONS],
            began=began.at,
            began_uptime_s=began.uptime_s,
            detected=moment.at,
            detected_uptime_s=moment.uptime_s,
            kernel_release=boot.kernel_release,
            kernel_package=boot.kernel_package,
        )
        self.record = Record(incident, evidence)
        self.desk.ledger.save(self.record, moment.monotonic_s)
        self._returns, self._untold_since_s = 0, None
        self.doubts.reset_pause()
        self.desk.tell_incident(self.record, "began")

    def _take_evidence(self, moment: Moment) -> tuple[Evidence, Evidence]:
        """What there is at once: the counters of the minute before, and the kernel's words."""
        log = self.desk.edges.senses.read_kernel_log(_LOG_BYTES)
        self._last_line = find_last_line(log)
        return keep_samples(self.sentry.samples, moment.monotonic_s, moment.at), keep_log(log, moment.at)

    def _add_evidence(self, record: Record, moment: Moment) -> None:
        """Of a hang that an incident did not begin with: it is on disk, with its own evidence, before anything is done about it."""
        record.evidence += self._take_evidence(moment)
        record.has_heavy = False

    def _reopen(self, opinion: Opinion, moment: Moment) -> bool:
        """Whether it is one that was over a moment ago, and has come back."""
        if self._last is None:
            return False
        record, ended_s = self._last
        treated = any(action.transactions for action in record.actions)
        if moment.monotonic_s - ended_s > _REOPEN_S or record.incident.verdict is not opinion.verdict or treated:
            return False
        self._returns += 1
        told = [reason for reason in record.incident.reasons if not reason.startswith("it came back ")]
        reasons = (*told, f"it came back {self._returns} times" if self._returns > 1 else "it came back once")
        record.revise(
            dataclasses.replace(
                record.incident,
                interface=self.card.interface,
                restored=None,
                restored_uptime_s=None,
                ended=None,
                ended_why=None,
                reasons=reasons,
            )
        )
        if self._is_worth_evidence(record):
            self._add_evidence(record, moment)
        self.record, self._last, self._untold_since_s = record, None, moment.monotonic_s
        self.desk.ledger.save(record, moment.monotonic_s)
        return True

    def _is_worth_evidence(self, record: Record) -> bool:
        """Whether it is kept of each return: what flaps all night fills no disk."""
        return not self._returns or (record.incident.verdict is IncidentVerdict.NIC_HUNG and self._returns <= _MOST_RETURNS)

    def _revise(self, record: Record, opinion: Opinion, moment: Moment) -> None:
        """What is open may turn out to be something that explains more."""
        was = record.incident.verdict
        assert opinion.verdict is not None  # noqa: S101  # asked for before
        if _RANKS[opinion.verdict] <= _RANKS[was]:
            return
        reasons = (*opinion.reasons, f"until {moment.at} it was taken for {was}", *record.incident.reasons)[:_MOST_REASONS]
        record.revise(dataclasses.replace(record.incident, verdict=opinion.verdict, reasons=reasons))
        if opinion.verdict is IncidentVerdict.NIC_HUNG:
            self._add_evidence(record, moment)
        self.desk.ledger.save(record, moment.monotonic_s)
        self.sentry.settle(moment.monotonic_s)
        self.acts.ask_again()
        self.desk.tell_incident(record, "verdict")

    def _go_on(self) -> None:
        """With what is open: remedies, heavy evidence, its end."""
        record = self.record
        if record is None:
            return
        moment = read_moment(self.desk.edges)
        if self._untold_since_s is not None and moment.monotonic_s - self._untold_since_s >= _TELL_AGAIN_S:
            self._untold_since_s = None
            self.desk.tell_incident(record, "began")
        if self.acts.has_failed(record):
            self._keep_heavy(record, moment)  # a boot of the host may be next
        if self._flows_since is None:
            if self.acts.is_shown or moment.monotonic_s >= self._look_until_s:
                self.acts.consider(record, self.policy, moment)
        elif not self.acts.is_restoring or moment.monotonic_s - self._flows_since.monotonic_s > _STUCK_S:
            self.acts.follow_up(record, self.policy, moment)
            self._end(record, self._flows_since, moment)
            return
        if not self.acts.is_restoring:
            self._keep_heavy(record, moment)

    def _keep_heavy(self, record: Record, moment: Moment) -> None:
        """A picture of the host, and what changed: once an incident, and not too often."""
        verdict, number = record.incident.verdict, record.incident.id
        if number is None or record.has_heavy or verdict in (IncidentVerdict.ADMINISTRATOR, IncidentVerdict.HOST):
            return
        record.has_heavy = True
        if moment.monotonic_s >= self._heavy_at_s.get(verdict, 0.0):
            record.heavy_at_s = moment.monotonic_s
            self._heavy_at_s[verdict] = moment.monotonic_s + _HEAVY_PAUSE_S.get(verdict, _USUAL_HEAVY_PAUSE_S)
            if not self.desk.edges.errands.keep_evidence(number):
                self.desk.count(name_lost("pictures of the host"))

    def _end(self, record: Record, restored: Moment, moment: Moment) -> None:
        """Traffic flows."""
        self._keep_heavy(record, moment)
        record.revise(
            dataclasses.replace(
                record.incident,
                restored=restored.at,
                restored_uptime_s=restored.uptime_s,
                ended=moment.at,
                ended_why="restored",
            )
        )
        self._close(record, moment)
        self.desk.count("nicmedic_watch_returns_total")
        if self._untold_since_s is None:
            self.desk.tell_incident(record, "restored")
        self._last = (record, moment.monotonic_s)

    def end_gone(self) -> None:
        """The card went, and is not expected back."""
        if self.record is not None:
            record, moment = self.record, read_moment(self.desk.edges)
            record.revise(dataclasses.replace(record.incident, ended=moment.at, ended_why="gone"))
            self._close(record, moment)
            self.desk.tell_incident(record, "ended")

    def _close(self, record: Record, moment: Moment) -> None:
        log = self.desk.edges.senses.read_kernel_log(_LOG_BYTES)
        after = keep_log_after(log, self._last_line, moment.at)
        if after is not None and self._is_worth_evidence(record):
            record.evidence.append(after)
        self.acts.close(record)
        self.desk.ledger.save(record, moment.monotonic_s)
        self.sentry.settle(moment.monotonic_s)
        self.record, self._flows_since = None, None

    def note_stopping(self) -> None:
        """We are ended while it goes on."""
        if self.record is not None:
            moment = read_moment(self.desk.edges)
            reasons = (*self.record.incident.reasons[:_MOST_REASONS], f"nicmedic watch was ended at {moment.at} while this went on")
            self.record.revise(dataclasses.replace(self.record.incident, reasons=reasons))
            self.desk.ledger.save(self.record, moment.monotonic_s)
