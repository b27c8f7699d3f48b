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
from nicmedic.model.incident import Action, ActionState, IncidentVerdict
from nicmedic.model.policy import Mode, NicPolicy
from nicmedic.model.watched import Card
from nicmedic.remedy.policy import choose_act

__all__ = ["Acts"]

_RESTORE, _PREVENT, _REBOOT = "restore", "prevent", "reboot"
_ASK_AGAIN_S = 10.0
_MOST_EARLIER = 50
_MOST_ACTIONS = 100
_LEAST_UNDONE, _CHANGED = 40, range(50, 60)
_OF_THE_CARD = frozenset({22, 23})
"""No such interface; refused."""
_COULD_NOT_S = 60.0
_HEAVY_S = 20.0
"""The heavy evidence takes so long at most, and a boot would take it away."""
_LONGEST_DETAIL = 500


@dataclasses.dataclass(slots=True)
class _Job:
    record: Record
    index: int
    what: str


class Acts:
    """Of one card."""

    def __init__(self, desk: Desk, card: Card) -> None:
        """``card``: as it is called now."""
        self._desk, self.card = desk, card
        self.earlier: list[Action] = []
        """Of incidents before the open one, oldest first."""
        self.present_since_s = 0.0
        self._jobs: dict[int, _Job] = {}
        self._ask_at_s = 0.0
        self._held: tuple[int, str] | None = None

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
        if policy.mode not in (Mode.RESTORE, Mode.RESTORE_AND_PREVENT) or moment.monotonic_s < self._ask_at_s:
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
        choice = choose_act(
            policy,
            record.whole,
            self.earlier,
            uptime_s=moment.uptime_s,
            present_s=moment.monotonic_s - self.present_since_s,
            now=moment.wall,
        )
        if only is not None and choice.what != only:
            return
        if choice.what is None:
            if choice.reason:
                self._hold_back(record, _RESTORE, choice.reason, moment)
            if choice.again_s is not None:
                self._ask_at_s = moment.monotonic_s + max(1.0, min(choice.again_s, _ASK_AGAIN_S))
            return
        if choice.what == _REBOOT and record.heavy_at_s is not None and moment.monotonic_s < record.heavy_at_s + _HEAVY_S:
            self._ask_at_s = record.heavy_at_s + _HEAVY_S
            return
        self._begin(record, policy, choice.what, moment)

    def _begin(self, record: Record, policy: NicPolicy, what: str, moment: Moment) -> None:
        """Write it down, then begin it."""
        index = record.add_action(Action(what=what, state=ActionState.RUNNING, began=moment.at))
        if not self._desk.ledger.save(record, moment.monotonic_s):
            self._finish(record, index, ActionState.HELD_BACK, f"it could not be written down: {self._desk.ledger.trouble}")
            return
        number = self._desk.edges.treater.begin(record.whole, what, _make_arguments(what, policy))
        self._jobs[number] = _Job(record, index, what)
        self._desk.tell_incident(record, "action")

    def _hold_back(self, record: Record, what: str, reason: str, moment: Moment) -> None:
        """Once a reason, whatever its figures, and an incident."""
        told = (id(record), "".join(character for character in reason if not character.isdigit()))
        if self._held != told and len(record.actions) < _MOST_ACTIONS:
            self._held = told
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
        if status < 0:
            line = f"{line}; its switch undoes what it had begun"
        state = _find_state(status, has_begun=bool(transactions))
        self._finish(job.record, job.index, state, line, transactions)
        if job.record.incident.ended is not None:
            self._remember(job.record.actions[job.index])
        now_s = self._desk.edges.clock.read_monotonic_s()
        self._ask_at_s = now_s + _COULD_NOT_S if state is ActionState.HELD_BACK else 0.0

    def close(self, record: Record) -> None:
        """An incident ended: what was done about it counts for the next."""
        for action in record.actions:
            if action.state not in (ActionState.HELD_BACK, ActionState.RUNNING):
                self._remember(action)

    def _remember(self, action: Action) -> None:
        self.earlier.append(action)
        del self.earlier[:-_MOST_EARLIER]

    def _finish(self, record: Record, index: int, state: ActionState, detail: str, transactions: Sequence[int] = ()) -> None:
        moment = read_moment(self._desk.edges)
        action = dataclasses.replace(
            record.actions[index], state=state, ended=moment.at, detail=detail[:_LONGEST_DETAIL], transactions=tuple(transactions)
        )
        record.revise_action(index, action)
        self._desk.ledger.save(record, moment.monotonic_s)
        self._desk.tell_incident(record, "action")


def _find_state(status: int, *, has_begun: bool) -> ActionState:
    """By the exit status of ``treat`` (``docs/errors.md``), and whether there is a transaction of it.

    One that could not be begun, for another is at work, or the command line, a tool, a folder is wrong, says nothing of the card: a boot of the host,
    which failures may lead to, would be no answer to it. That the card is not there, or that nothing helps it, does.
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
    words = ["--ladder", what]
    if policy.accept_losses:
        words.append("--accept-losses")
    for probe in policy.probes:
        words += ["--probe", probe]
    if what == _PREVENT and policy.hold_s is not None:
        words += ["--hold", f"{policy.hold_s:g}s"]
    return tuple(words)
