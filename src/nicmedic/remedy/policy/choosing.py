# SPDX-License-Identifier: GPL-2.0-or-later
"""What the policy allows now, for one incident. Pure: what was done and the present moment come in.

A hosting provider had to switch its watchdog off because it rebooted healthy servers. So: a remedy only for a card that hangs, not too
soon after a boot, not too often, not again while one is at work; a reboot only with leave, after remedies failed, once an incident and
once a day.
"""

import datetime
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nicmedic.model.durations import say_duration
from nicmedic.model.incident import Action, ActionState, Incident, IncidentVerdict
from nicmedic.model.policy import Match, Mode, NicPolicy, Policy
from nicmedic.model.watched import Card

__all__ = ["Act", "choose_act", "find_nic_policy", "is_left"]

_HOUR_S = 3600.0
_DAY_S = 86_400.0
_FIRST_MOMENT = "2024"
_RESTORE, _PREVENT, _REBOOT = "restore", "prevent", "reboot"
_APPEARED_SHARE = 0.1
"""Of the quiet time after a boot: after a card appeared."""
_FAILURES_BEFORE_REBOOT = 2
_FAILED = frozenset({ActionState.FAILED, ActionState.CHANGED})
_SEEN_AFTER_S = 10.0
_LOST_AFTER_S = 900.0
"""An action that is not known to have ended after so long: whoever ran it crashed."""
_LEFT_AFTER_S = 120.0
"""The same for one that an earlier watcher began, if no transaction is open: between two of a ladder lie seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What to do now, or why not."""

    what: str | None = None
    """``restore``, ``prevent`` or ``reboot``; None: nothing."""
    reason: str = ""
    """Why nothing is done that the policy would allow at another moment; empty: there is nothing to do."""
    again_s: float | None = None
    """In so many seconds it may be allowed; None: nothing that only time changes."""


def find_nic_policy(policy: Policy, card: Card) -> NicPolicy:
    """The first part that fits a card, or what holds for all others."""
    return next((found for match, found in policy.nics if _fits(match, card)), policy.default)


def _fits(match: Match, card: Card) -> bool:
    pairs = (
        (match.interface, card.interface),
        (match.driver, card.driver),
        (match.bus_address, card.bus_address),
        (None if match.permanent_address is None else match.permanent_address.lower(), card.permanent_address),
    )
    return all(pattern is None or (value is not None and fnmatch.fnmatchcase(value, pattern)) for pattern, value in pairs)


def choose_act(
    policy: NicPolicy,
    incident: Incident,
    earlier: Sequence[Action],
    *,
    uptime_s: float,
    present_s: float,
    now: datetime.datetime,
    is_undecided: bool = True,
) -> Act:
    """What to do about an incident now.

    Args:
        policy: for this card.
        incident: with what was done about it so far.
        earlier: what was done about incidents of this card before.
        uptime_s: since the boot.
        present_s: since the card appeared.
        now: by the clock on the wall, aware.
        is_undecided: whether a transaction is open, on whichever card; of interest only where ``is_left`` finds an action.
    """
    if not policy.mode.restores or incident.verdict is not IncidentVerdict.NIC_HUNG:
        return Act()
    done = [action for action in (*earlier, *incident.actions) if action.state is not ActionState.HELD_BACK]
    held = _find_running(done, now, is_undecided=is_undecided) or _find_quiet(policy, uptime_s, present_s)
    if held is not None:
        return held
    if _wants_prevent(policy, incident, done, uptime_s, now):
        return Act(what=_PREVENT)
    held = _find_cool_down(policy, done, now)
    if held is not None:
        return held
    often = _find_often(policy, done, now)
    failures = sum(action.what == _RESTORE and action.state in _FAILED for action in incident.actions)
    if policy.reboot and (failures >= _FAILURES_BEFORE_REBOOT or (often is not None and failures)):
        return _reboot(incident, done, often, uptime_s, now)
    return Act(what=_RESTORE) if often is None else often


def _age_s(moment: str | None, now: datetime.datetime) -> float:
    """Seconds since then, less than none if it lies ahead because the clock was set back; what is no moment was just now."""
    try:
        then = now if moment is None else datetime.datetime.fromisoformat(moment)
    except ValueError:
        return 0.0
    if then.tzinfo is None:
        then = then.replace(tzinfo=datetime.UTC)
    return (now - then).total_seconds()


def _is_before_us(moment: str) -> bool:
    """Whether there was no nicmedic then, so that the clock was wrong."""
    return moment < _FIRST_MOMENT


def _say_ago(age_s: float) -> str:
    return f"{say_duration(age_s)} ago" if age_s >= 0 else f"{say_duration(-age_s)} ahead of the clock (it was set back)"


def is_left(action: Action) -> bool:
    """Whether an earlier watcher began it, and nobody saw its end: what it has as its end is when the next watcher began."""
    return action.state is ActionState.RUNNING and action.ended is not None


def _find_running(done: Iterable[Action], now: datetime.datetime, *, is_undecided: bool) -> Act | None:
    known = [
        (_age_s(action.began, now), _LEFT_AFTER_S if is_left(action) and not is_undecided else _LOST_AFTER_S)
        for action in done
        if action.state is ActionState.RUNNING
    ]
    left_s, age_s = max(((lost_s - age_s, age_s) for age_s, lost_s in known if age_s >= -lost_s), default=(0.0, 0.0))
    if left_s <= 0:
        return None
    return Act(reason=f"what was begun {_say_ago(age_s)} is not known to have ended", again_s=left_s)


def _find_quiet(policy: NicPolicy, uptime_s: float, present_s: float) -> Act | None:
    left_s = policy.quiet_after_boot_s - uptime_s
    if left_s > 0:
        reason = f"the host booted {say_duration(uptime_s)} ago, and nothing is done in its first {say_duration(policy.quiet_after_boot_s)}"
        return Act(reason=reason, again_s=left_s)
    left_s = policy.quiet_after_boot_s * _APPEARED_SHARE - present_s
    if left_s > 0:
        return Act(reason=f"the card appeared only {say_duration(present_s)} ago", again_s=left_s)
    return None


def _wants_prevent(policy: NicPolicy, incident: Incident, done: Iterable[Action], uptime_s: float, now: datetime.datetime) -> bool:
    """Once a boot, after restoring helped."""
    if policy.mode is not Mode.RESTORE_AND_PREVENT:
        return False
    acted = [action for action in incident.actions if action.what == _RESTORE and action.state is not ActionState.HELD_BACK]
    if not acted or acted[-1].state is not ActionState.HELPED:
        return False
    return not any(action.what == _PREVENT and _age_s(action.began, now) <= uptime_s for action in done)


def _find_cool_down(policy: NicPolicy, done: Iterable[Action], now: datetime.datetime) -> Act | None:
    """Until the next treatment; without a word right after one that helped, for traffic may only have to be seen.

    One that lies further ahead than that was at a time nobody knows: a clock that was set back by hours must not stop all treatment for hours.
    """
    ended = [(_age_s(action.ended or action.began, now), action.state) for action in done if action.what in (_RESTORE, _PREVENT)]
    known = (one for one in ended if one[0] >= -policy.cool_down_s)
    youngest_s, state = min(known, default=(policy.cool_down_s, ActionState.HELPED))
    if youngest_s >= policy.cool_down_s:
        return None
    left_s = policy.cool_down_s - youngest_s
    if state is ActionState.HELPED and 0 <= youngest_s < _SEEN_AFTER_S:
        return Act(again_s=min(left_s, _SEEN_AFTER_S - youngest_s))
    reason = f"the last treatment ended {_say_ago(youngest_s)}, and {say_duration(policy.cool_down_s)} must lie in between"
    return Act(reason=reason, again_s=left_s)


def _find_often(policy: NicPolicy, done: Iterable[Action], now: datetime.datetime) -> Act | None:
    began = (_age_s(action.began, now) for action in done if action.what == _RESTORE)
    ages = sorted(age_s for age_s in began if -policy.cool_down_s <= age_s < _HOUR_S)
    if len(ages) < policy.attempts_per_hour:
        return None
    reason = f"restoring was tried {len(ages)} times within the hour, and at most {policy.attempts_per_hour} are allowed"
    return Act(reason=reason, again_s=_HOUR_S - ages[policy.attempts_per_hour - 1])


def _reboot(incident: Incident, done: Iterable[Action], often: Act | None, uptime_s: float, now: datetime.datetime) -> Act:
    """Once an incident, once a day; otherwise remedies go on, as far as they may.

    A host without a clock of its own wakes up in 1970 and leaps to the present when it has a network: one that was begun before the leap was at a
    time that nobody knows, and may have been right before this boot.
    """
    if any(action.what == _REBOOT and action.state is not ActionState.HELD_BACK for action in incident.actions):
        return often or Act(what=_RESTORE)
    reboots = [action for action in done if action.what == _REBOOT]
    last_s = min((uptime_s if _is_before_us(action.began) else _age_s(action.began, now) for action in reboots), default=_DAY_S)
    if last_s >= _DAY_S:
        return Act(what=_REBOOT)
    return often or Act(what=_RESTORE)
