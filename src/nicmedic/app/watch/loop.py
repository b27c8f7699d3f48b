# SPDX-License-Identifier: GPL-2.0-or-later
"""The watcher's loop: wait for what happens, look at the cards that are due, take note of treatments that ended, and say that it lives.

It goes on whatever one card does: an exception in a case is told once, with its traceback, and that card is begun anew.
"""

import dataclasses
from collections.abc import Iterable

from nicmedic.app.watch.acts import Acts
from nicmedic.app.watch.cases import Case
from nicmedic.app.watch.desk import Desk, name_lost
from nicmedic.app.watch.earlier import Earlier
from nicmedic.app.watch.edges import Edges
from nicmedic.model.errors import NicmedicError
from nicmedic.model.policy import Mode, Policy
from nicmedic.model.sample import Signal, SignalKind
from nicmedic.model.watched import Card
from nicmedic.remedy.policy import find_nic_policy
from nicmedic.report.escape import escape_terminal
from nicmedic.report.metrics_text import render_label

__all__ = ["Watcher"]

_BEAT_S = 5.0
_TURN_S = 1.0
_METRICS_S = 15.0
_LIST_S = 60.0
"""Cards are listed when a message says that something changed; and once in a while, should one have been lost."""
_LONGEST_WAIT_S = 1.0
"""A wish to end, or to read the policy again, is seen then."""
_GONE_S = 30.0
"""A card without an incident is forgotten, when it has been gone so long."""
_GONE_OPEN_S = 3600.0
"""One with an incident may come back: a driver is loaded again, a cable of USB is put back."""
_MOST_CASES = 256
_MOST_ODD = 5
"""Turns in a row that fail."""
_LISTING = frozenset({SignalKind.APPEARED, SignalKind.VANISHED, SignalKind.RENAMED, SignalKind.CHANGED})


class Watcher:
    """Call ``run``; ``ask_stop`` and ``ask_reload`` may be called by signal handlers."""

    def __init__(self, edges: Edges, policy: Policy) -> None:
        """``policy``: as it was read just now."""
        self._edges, self._policy = edges, policy
        self._desk = Desk(edges)
        self._cases: dict[str, Case] = {}
        self._left: list[Acts] = []
        """Of cards that are not watched any more, and that something is still being done about."""
        self._stop = self._reload = self._has_begun = False
        self._list_at_s = self._beat_at_s = self._turn_at_s = self._metrics_at_s = 0.0
        self._earlier = Earlier(self._desk)

    def ask_stop(self) -> None:
        """End soon, in good order."""
        self._stop = True

    def ask_reload(self) -> None:
        """Read the policy again."""
        self._reload = True

    def run(self) -> None:
        """Until it is asked to stop."""
        self._begin()
        odd = 0
        while not self._stop:
            try:
                self.turn()
                odd = 0
            except Exception as error:
                odd += 1
                if odd >= _MOST_ODD:
                    raise  # whoever supervises us begins anew
                self._tell_bug("the watcher goes on", error)
                self._edges.clock.wait_s(_LONGEST_WAIT_S)
        self._end()

    def _begin(self) -> None:
        edges = self._edges
        self._earlier.read()
        self._list_cards()
        self._has_begun = True
        for blind in edges.senses.find_blind_spots():
            self._desk.tell_host(blind, False)  # noqa: FBT003  # it is as it is
        edges.heart.ready(self._render_status())

    def _end(self) -> None:
        """Open incidents stay open, and treatments go on: their own switch protects the host."""
        self._edges.heart.stopping()
        for case in self._cases.values():
            case.note_stopping()
        self._write_metrics()

    def turn(self) -> None:
        """Once round."""
        now_s = self._edges.clock.read_monotonic_s()
        for signal in self._edges.senses.wait_signals(self._find_next_s(now_s)):
            self._hear(signal)
        now_s = self._edges.clock.read_monotonic_s()
        if now_s >= self._list_at_s:
            self._list_cards()
        for case in tuple(self._cases.values()):
            if now_s >= case.next_look_s and not self._stop:
                self._turn_case(case)
        self._look_after_itself()

    def _find_next_s(self, now_s: float) -> float:
        looks = (case.next_look_s for case in self._cases.values())
        return min((now_s + _LONGEST_WAIT_S, *looks))

    def _turn_case(self, case: Case) -> None:
        try:
            case.turn()
        except Exception as error:  # noqa: BLE001  # one card's oddity must not end the watching of the others
            self._tell_oddity(case, error)

    def _tell_oddity(self, case: Case, error: Exception) -> None:
        self._tell_bug(f"{escape_terminal(case.card.interface)} is begun anew", error)
        case.begin_anew(case.card)
        case.next_look_s = self._edges.clock.read_monotonic_s() + _LONGEST_WAIT_S

    def _tell_bug(self, what: str, error: Exception) -> None:
        """Once, with its traceback."""
        import traceback  # rarely wanted

        self._desk.count("nicmedic_watch_errors_total")
        told = "".join(traceback.format_exception(error))
        key = f"{type(error).__name__} {traceback.extract_tb(error.__traceback__)[-1]}"
        self._desk.tell_once(key, f"a bug in nicmedic; {what}. Please report:\n{told}")

    def _hear(self, signal: Signal) -> None:
        if signal.kind is SignalKind.LOG_LOST:
            self._desk.count(name_lost("kernel log lines"), signal.value or 1)
        if signal.kind is SignalKind.RENAMED and signal.text in self._cases and signal.interface is not None:
            self._rename(signal.text, signal.interface)
        if signal.kind in _LISTING:
            self._list_at_s = 0.0
        if signal.interface is None:
            for case in self._cases.values():
                case.hear(signal)
        elif signal.interface in self._cases:
            self._cases[signal.interface].hear(signal)
        elif signal.kind is SignalKind.APPEARED:
            self._list_cards()
            if signal.interface in self._cases:
                self._cases[signal.interface].hear(signal)

    def _rename(self, old: str, new: str) -> None:
        """A driver that was bound anew gives the kernel's name first, and udev the usual one a moment later: the case under that name goes on."""
        case = self._cases.pop(old)
        before = self._cases.pop(new, None)
        if before is not None and before.is_of(case.card):
            self._leave(case)
            before.take_card(dataclasses.replace(case.card, interface=new))
            before.gone_since_s = None
            self._cases[new] = before
            return
        if before is not None:
            self._leave(before)
        self._cases[new] = case
        case.rename(new)

    def _list_cards(self) -> None:
        """Take up new ones, take note of those that went."""
        now_s = self._edges.clock.read_monotonic_s()
        self._list_at_s = now_s + _LIST_S
        cards = {card.interface: card for card in self._edges.senses.list_cards()}
        for name, card in cards.items():
            self._take_up(name, card)
        for name, case in tuple(self._cases.items()):
            if name in cards:
                case.gone_since_s = None
            else:
                self._let_go(name, case, now_s)

    def _take_up(self, name: str, card: Card) -> None:
        policy = find_nic_policy(self._policy, card)
        if policy.mode is Mode.IGNORE or (name in self._cases and self._cases[name].is_of_another(card)):
            self._drop(name)
        if policy.mode is Mode.IGNORE:
            return
        if name in self._cases:
            self._cases[name].policy = policy
            self._cases[name].take_card(card)
        elif len(self._cases) < _MOST_CASES:
            self._cases[name] = case = Case(self._desk, card, policy)
            if self._has_begun:
                case.acts.present_since_s = self._edges.clock.read_monotonic_s()
            case.take_history(self._earlier)
        else:
            self._desk.tell_once("cases", f"there are more than {_MOST_CASES} cards: {escape_terminal(name)} and others are not watched")

    def _let_go(self, name: str, case: Case, now_s: float) -> None:
        if case.gone_since_s is None:
            case.gone_since_s = now_s
        if not case.acts.is_busy and now_s - case.gone_since_s >= (_GONE_S if case.record is None else _GONE_OPEN_S):
            self._drop(name)

    def _drop(self, name: str) -> None:
        case = self._cases.pop(name, None)
        if case is not None:
            self._leave(case)

    def _leave(self, case: Case) -> None:
        """It is not watched any more; how a treatment of it ends is noted all the same."""
        case.end_gone()
        self._earlier.keep_left(case.card, case.acts.earlier)
        if case.acts.is_busy:
            self._left.append(case.acts)

    def _look_after_itself(self) -> None:
        """What is not of one card."""
        edges, now_s = self._edges, self._edges.clock.read_monotonic_s()
        if self._reload:
            self._reload = False
            self._read_policy()
        for number, status, line, transactions in edges.treater.read_ended():
            for acts in (*self._left, *(case.acts for case in self._cases.values())):
                acts.take_end(number, status, line, transactions)
            self._left = [acts for acts in self._left if acts.is_busy]
        if now_s >= self._turn_at_s:
            self._turn_at_s = now_s + _TURN_S
            self._desk.ledger.retry(now_s)
            if self._earlier.turn():
                for case in self._cases.values():
                    case.take_history(self._earlier)
            edges.turn(now_s)
        if now_s >= self._beat_at_s:
            self._beat_at_s = now_s + _BEAT_S
            edges.heart.beat(self._render_status())
        if now_s >= self._metrics_at_s:
            self._metrics_at_s = now_s + _METRICS_S
            self._write_metrics()

    def _read_policy(self) -> None:
        """A bad one keeps the old one."""
        self._edges.heart.reloading()
        try:
            self._policy = self._edges.read_policy()
        except NicmedicError as error:
            self._desk.tell_host(f"the policy stays as it was: {error.message}", True)  # noqa: FBT003  # bad
        else:
            self._edges.take_policy(self._policy)
            self._list_cards()
            self._desk.tell_host("the policy was read again", False)  # noqa: FBT003  # good
        finally:
            self._edges.heart.ready(self._render_status())

    def _render_status(self) -> str:
        """A line for ``systemctl status``."""
        hung = [f"{name}: {case.record.incident.verdict}" for name, case in self._cases.items() if case.record is not None]
        names = _join(self._cases) or "no card"
        return f"watching {names}" + (f"; open: {_join(hung)}" if hung else "")

    def _write_metrics(self) -> None:
        values = dict(self._desk.counts)
        values["nicmedic_watch_cards"] = float(len(self._cases))
        values["nicmedic_watch_unwritten_incidents"] = float(self._desk.ledger.waiting)
        values[name_lost("incidents")] = float(self._desk.ledger.lost)
        values[name_lost("evidence")] = float(self._desk.ledger.lost_pieces)
        values["nicmedic_watch_heartbeat_timestamp_seconds"] = self._edges.clock.read_now().timestamp()
        for name, case in self._cases.items():
            values[f"nicmedic_hung{{{render_label('interface', name)}}}"] = float(case.is_hung)
        self._edges.teller.write_metrics(values)


def _join(words: Iterable[str]) -> str:
    return escape_terminal(", ".join(words))
