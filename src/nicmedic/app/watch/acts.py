# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done about one card: the policy is asked, what it allows is written down, begun, and its end taken note of.

Nothing is done about an incident that is not on disk. With a folder that cannot be written ``treat`` would refuse by itself, for its undo must be on
disk first; and a boot of the host that is not written down could be repeated without end.
"""

import dataclasses
from collections.abc import Sequence

from nicmedic.app.watch.desk import Desk
from nicmedic.app.watch.edges import Moment, read_moment
from nicmedic.app.watch.records import Record
from nicmedic.model.errors import NoSuchInterfaceError, RefusedError, StateError
from nicmedic.model.incident import Action, ActionState, IncidentVerdict
from nicmedic.model.policy import Mode, NicPolicy
from nicmedic.model.watched import Card
from nicmedic.remedy.policy import Act, choose_act, is_left

__all__ = ["Acts"]

_RESTORE, _PREVENT, _REBOOT = "restore", "prevent", "reboot"
_ASK_AGAIN_S = 10.0
_DAY_S = 86_400.0
_MOST_EARLIER = 64
_MOST_ACTIONS = 100
"""Of one incident: beyond them the last treatment stands for those before it."""
_LEAST_UNDONE, _CHANGED = 40, range(50, 60)
_OF_THE_CARD = frozenset({NoSuchInterfaceError.code, RefusedError.code})
_COULD_NOT_S, _LONGEST_COULD_NOT_S = 60.0, 3600.0
"""After what could not be begun; twice as long each time."""
_HEAVY_S = 90.0
"""A boot, which would take it away, waits so long for the heavy evidence. It takes seconds, but one incident's is made after another's."""
_LONGEST_DETAIL = 500


@dataclasses.dataclass(slots=True)
class _Job:
    record: Record
    index: int
    what: str
    before: Action | None
    """What stood there before, and comes back unless this ends as that did."""


@dataclasses.dataclass(slots=True)
class _CouldNot:
    """What could not be begun the last time."""

    record: Record
    index: int
    until_s: float
    """It is not tried again before."""


class Acts:
    """Of one card."""

    def __init__(self, desk: Desk, card: Card) -> None:
        """``card``: as it is called now."""
        self._desk, self.card = desk, card
        self.earlier: list[Action] = []
        """Of incidents before the open one, oldest first; without what was held back."""
        self.present_since_s = 0.0
        self.is_shown = False
        """Whether this process has seen the card stand still since the open incident began, or somebody whom it had treat the card has."""
        self._jobs: dict[int, _Job] = {}
        self._ask_at_s = 0.0
        self._held: tuple[Record, set[str]] | None = None
        self._could_not: _CouldNot | None = None
        self._could_not_s = _COULD_NOT_S

    @property
    def is_busy(self) -> bool:
        """Whether anything is being done."""
        return bool(self._jobs)

    @property
    def is_restoring(self) -> bool:
        """Whether that is what brings traffic back now."""
        return any(job.what != _PREVENT for job in self._jobs.values())

    def has_failed(self, record: Record) -> bool:
        """Whether something was tried that did not help, and nothing is at work."""
        return not self._jobs and any(action.state in (ActionState.FAILED, ActionState.CHANGED) for action in record.actions)

    def ask_again(self) -> None:
        """Something changed: ask the policy at once."""
        self._ask_at_s = 0.0

    def consider(self, record: Record, policy: NicPolicy, moment: Moment) -> None:
        """Do what the policy allows about an open incident, if anything."""
        if not policy.mode.restores or moment.monotonic_s < self._ask_at_s:
            return
        if self._could_not is not None and self._could_not.record is record and moment.monotonic_s < self._could_not.until_s:
            return
        self._ask_at_s = moment.monotonic_s + _ASK_AGAIN_S
        if self._jobs:
            if not self.is_restoring and record.incident.verdict is IncidentVerdict.NIC_HUNG:
                self._hold_back(record, _RESTORE, "nicmedic treat --ladder prevent is at work on this card, and restores by itself", moment)
            return
        if not self._desk.ledger.save(record, moment.monotonic_s):
            self._hold_back(record, _RESTORE, f"the incident is not on disk: {self._desk.ledger.trouble}", moment)
            return
        self._choose(record, policy, moment)

    def follow_up(self, record: Record, policy: NicPolicy, moment: Moment) -> None:
        """Traffic flows again: see whether anything is to be done so that it stays so."""
        if policy.mode is Mode.RESTORE_AND_PREVENT and not self._jobs and self._desk.ledger.save(record, moment.monotonic_s):
            self._choose(record, policy, moment, only=_PREVENT)

    def _choose(self, record: Record, policy: NicPolicy, moment: Moment, only: str | None = None) -> None:
        choice = self._ask(record, policy, moment)
        if choice.what == _REBOOT and only is None and (objection := self._find_objection()) is not None:
            self._hold_back(record, _REBOOT, objection, moment)
            choice = self._ask(record, dataclasses.replace(policy, reboot=False), moment)
        if only is not None and choice.what != only:
            return
        if choice.what is None:
            if choice.reason:
                self._hold_back(record, _RESTORE, choice.reason, moment)
            if choice.again_s is not None:
                self._ask_at_s = moment.monotonic_s + max(1.0, min(choice.again_s, _ASK_AGAIN_S))
            return
        if choice.what == _REBOOT and self._is_keeping(record, moment):
            self._ask_at_s = moment.monotonic_s + 1.0
            return
        self._begin(record, policy, choice.what, moment)

    def _is_keeping(self, record: Record, moment: Moment) -> bool:
        number, asked_s = record.incident.id, record.heavy_at_s
        if number is None or asked_s is None or moment.monotonic_s >= asked_s + _HEAVY_S:
            return False
        return self._desk.edges.errands.is_keeping(number)

    def _ask(self, record: Record, policy: NicPolicy, moment: Moment) -> Act:
        reboot = self._desk.last_reboot
        left = any(is_left(action) for action in (*self.earlier, *record.actions))
        return choose_act(
            policy,
            record.whole,
            self.earlier if reboot is None else (*self.earlier, reboot),
            uptime_s=moment.uptime_s,
            present_s=moment.monotonic_s - self.present_since_s,
            now=moment.wall,
            is_undecided=not left or bool(self._desk.edges.treater.list_undecided()),
        )

    def _find_objection(self) -> str | None:
        """Why the host is not booted now, whatever the policy says."""
        if not self.is_shown:
            return "the incident is older than this watcher, which has not seen the card stand still yet"
        if not self._desk.is_history_known:
            return "incidents could not be read yet, so it is not known when the host was booted last"
        try:
            damage_age_s = self._desk.edges.store.read_damage_age_s()
        except StateError as error:
            return f"it is not known when the host was booted last: {error.message}"
        if damage_age_s is not None and damage_age_s < _DAY_S:
            return "the incidents were damaged within the last day, and with them what is known of when the host was booted last"
        undecided = self._desk.edges.treater.list_undecided()
        if undecided:
            numbers = ", ".join(map(str, undecided))
            return f"a boot would cut off what somebody is at: nicmedic confirm or undo decides transaction {numbers}"
        return None

    def _begin(self, record: Record, policy: NicPolicy, what: str, moment: Moment) -> None:
        """Write it down, then begin it. What could not be begun the last time is tried in its place."""
        job = self._note_begin(record, what, moment)
        if not self._desk.ledger.save(record, moment.monotonic_s):
            self._finish(job, ActionState.HELD_BACK, f"it could not be written down: {self._desk.ledger.trouble}")
            return
        if what == _REBOOT:
            self._desk.note_reboot(record.actions[job.index])
        incident = dataclasses.replace(record.whole, interface=self.card.interface)
        self._jobs[self._desk.edges.treater.begin(incident, what, _make_arguments(what, policy))] = job
        if job.before is None:
            self._desk.tell_incident(record, "action")

    def _note_begin(self, record: Record, what: str, moment: Moment) -> _Job:
        action = Action(what=what, state=ActionState.RUNNING, began=moment.at)
        last = self._could_not
        if last is not None and last.record is record and record.actions[last.index].what == what:
            before = record.actions[last.index]
            record.revise_action(last.index, action)
            return _Job(record, last.index, what, before)
        places = [place for place, one in enumerate(record.actions) if one.what == what]
        if places and len(record.actions) >= _MOST_ACTIONS:
            self._remember(record.actions[places[-1]])
            record.revise_action(places[-1], action)
            return _Job(record, places[-1], what, None)
        return _Job(record, record.add_action(action), what, None)

    def _is_new(self, record: Record, reason: str) -> bool:
        """Whether it was not said of this incident yet, whatever its figures."""
        if self._held is None or self._held[0] is not record:
            held = (action.detail for action in record.actions if action.state is ActionState.HELD_BACK)
            self._held = (record, {_strip_figures(detail) for detail in held})  # by a watcher before this one
        known, key = self._held[1], _strip_figures(reason[:_LONGEST_DETAIL])
        is_new = key not in known and len(known) < _MOST_ACTIONS
        if is_new:
            known.add(key)
        return is_new

    def _hold_back(self, record: Record, what: str, reason: str, moment: Moment) -> None:
        """Once a reason, whatever its figures, and an incident."""
        if self._is_new(record, reason) and len(record.actions) < _MOST_ACTIONS:
            record.add_action(
                Action(what=what, state=ActionState.HELD_BACK, began=moment.at, ended=moment.at, detail=reason[:_LONGEST_DETAIL])
            )
            self._desk.ledger.save(record, moment.monotonic_s)
            self._desk.tell_incident(record, "action")

    def take_end(self, number: int, status: int, line: str, transactions: Sequence[int]) -> None:
        """A job ended; it may be somebody else's."""
        job = self._jobs.pop(number, None)
        if job is None:
            return
        if job.what == _REBOOT and status == 0:
            return  # it is on its way, and the next boot takes note of it; until then nothing else is begun
        if status < 0 and job.what != _REBOOT:
            line = f"{line}; its switch undoes what it had begun"
        # a boot that could not be begun is the one of its incident all the same: what keeps the host from it will not go by itself
        state = ActionState.FAILED if job.what == _REBOOT else _find_state(status, has_begun=bool(transactions))
        has_seen = state in (ActionState.FAILED, ActionState.CHANGED) and status > 0 and status != NoSuchInterfaceError.code
        if has_seen and job.record.incident.ended is None:
            self.is_shown = True
        index = self._finish(job, state, line, transactions)
        if job.record.incident.ended is not None:
            self._remember(job.record.actions[index])
        self._ask_at_s = 0.0
        if state is ActionState.HELD_BACK:
            self._could_not = _CouldNot(job.record, index, self._desk.edges.clock.read_monotonic_s() + self._could_not_s)
            self._could_not_s = min(_LONGEST_COULD_NOT_S, 2 * self._could_not_s)
        else:
            self._could_not, self._could_not_s = None, _COULD_NOT_S

    def close(self, record: Record) -> None:
        """An incident ended: what was done about it counts for the next."""
        self.is_shown = False
        for action in record.actions:
            if action.state is not ActionState.RUNNING:
                self._remember(action)

    def _remember(self, action: Action) -> None:
        if action.state is not ActionState.HELD_BACK and action.what != _REBOOT:  # which the desk knows
            self.earlier.append(action)
            del self.earlier[:-_MOST_EARLIER]

    def _finish(self, job: _Job, state: ActionState, detail: str, transactions: Sequence[int] = ()) -> int:
        """Write its end down; returns its index, which may be another one now. What is held back for a reason that was told is not told again."""
        record, moment = job.record, read_moment(self._desk.edges)
        ended = dataclasses.replace(
            record.actions[job.index], state=state, ended=moment.at, detail=detail[:_LONGEST_DETAIL], transactions=tuple(transactions)
        )
        is_news = state is not ActionState.HELD_BACK or self._is_new(record, ended.detail)
        index = self._place_end(job, ended)
        self._desk.ledger.save(record, moment.monotonic_s)
        if is_news:
            self._desk.tell_incident(record, "action")
        return index

    @staticmethod
    def _place_end(job: _Job, ended: Action) -> int:
        """Where it belongs: with one that was held back for the same reason, whose beginning it then has, else by itself."""
        record, before = job.record, job.before
        if before is None:
            record.revise_action(job.index, ended)
            return job.index
        if ended.state is ActionState.HELD_BACK and _strip_figures(ended.detail) == _strip_figures(before.detail):
            record.revise_action(job.index, dataclasses.replace(ended, began=before.began))
            return job.index
        if len(record.actions) >= _MOST_ACTIONS:
            record.revise_action(job.index, ended)
            return job.index
        record.revise_action(job.index, before)
        return record.add_action(ended)


def _strip_figures(reason: str) -> str:
    return "".join(character for character in reason if not character.isdigit())


def _find_state(status: int, *, has_begun: bool) -> ActionState:
    """By the exit status of ``treat`` (``docs/errors.md``), and whether there is a transaction of it.

    One that saw no hang, or could not be begun, for another is at work, or the command line, a tool, a folder is wrong, says nothing of the card: a
    boot of the host, which failures may lead to, would be no answer to it. That the card is not there, or that nothing helps it, does.
    """
    if status == 0:
        return ActionState.HELPED
    if status in _CHANGED:
        return ActionState.CHANGED
    is_of_the_card = has_begun or status < 0 or status in _OF_THE_CARD or status >= _LEAST_UNDONE
    return ActionState.FAILED if is_of_the_card else ActionState.HELD_BACK


def _make_arguments(what: str, policy: NicPolicy) -> tuple[str, ...]:
    """Of ``nicmedic treat``."""
    if what == _REBOOT:
        return ()
    words = ["--ladder", what, *(["--hung"] if what == _RESTORE else [])]
    if policy.accept_losses:
        words.append("--accept-losses")
    words += [f"--probe={probe}" for probe in policy.probes]  # in one word: it may begin with a hyphen
    if what == _PREVENT and policy.hold_s is not None:
        words += ["--hold", f"{policy.hold_s:g}s"]
    return tuple(words)
