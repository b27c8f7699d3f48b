# SPDX-License-Identifier: GPL-2.0-or-later
"""When something was set against the hangs. From then on a boot tells of the remedy, and no more of its kernel alone."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nicmedic.evidence.spells import Card, Watched, count_unseen_h, watch_boot
from nicmedic.model.history import BootRecord, History

__all__ = ["Span", "cut_watched", "find_treated_s", "is_of", "is_same_boot", "list_treated", "name_boot", "take_off_sleep"]

_ASLEEP = "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of one boot in which something was set."""

    boot_id: str
    """With or without hyphens; of a boot that has none, when it began, as the history spells it."""
    began_s: float
    """By ``/proc/uptime``, which counts sleep."""
    ended_s: float | None = None
    """None: set until the boot ended, or until now."""


def name_boot(boot: BootRecord) -> str | None:
    """By what a span names this boot; None: nothing names it."""
    return boot.boot_id or boot.began


def _plain(name: str | None) -> str:
    return (name or "").replace("-", "").lower()


def is_of(span: Span, boot: BootRecord) -> bool:
    """Whether a span is of this boot."""
    name = _plain(name_boot(boot))
    return bool(name) and name == _plain(span.boot_id)


def is_same_boot(one: Span, other: Span) -> bool:
    """Whether two spans are of one boot."""
    return _plain(one.boot_id) == _plain(other.boot_id)


def take_off_sleep(boot: BootRecord, uptime_s: float) -> float:
    """The kernel's clock, which stands still during suspend, from one that does not."""
    left = uptime_s
    for gap in boot.gaps:
        if gap.why == _ASLEEP and gap.began_uptime_s is not None and gap.hours is not None and gap.began_uptime_s < left:
            left = max(gap.began_uptime_s, left - gap.hours * 3600)
    return left


def find_treated_s(boot: BootRecord, spans: Iterable[Span]) -> float | None:
    """When, on the kernel's clock, something was first set in this boot; None: nothing was."""
    return min((take_off_sleep(boot, span.began_s) for span in spans if is_of(span, boot)), default=None)


def cut_watched(watched: Watched, spans: Iterable[Span]) -> Watched | None:
    """What a boot tells of its kernel alone, up to when something was set; None: nothing."""
    treated_s = find_treated_s(watched.boot, spans)
    if treated_s is None:
        return watched
    treated_h = treated_s / 3600
    if watched.hung and not watched.time_guessed and (watched.hours if watched.at_h is None else watched.at_h) <= treated_h:
        return watched
    if watched.time_guessed:
        return None
    hours = min(watched.hours, max(0.0, treated_h - count_unseen_h(watched.boot, treated_h)))
    return dataclasses.replace(watched, hours=hours, hung=False, at_h=None) if hours > 0 else None


def list_treated(history: History, card: Card, spans: Sequence[Span]) -> list[BootRecord]:
    """Boots that count up to when something was set only, or not at all."""
    return [boot for boot in history.boots if (one := watch_boot(boot, card)) is not None and cut_watched(one, spans) != one]
