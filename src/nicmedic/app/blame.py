# SPDX-License-Identifier: GPL-2.0-or-later
"""Weigh a host's history, and look up what the packages' changelog tells of the change."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from nicmedic.evidence.blame import build_blame
from nicmedic.evidence.changelog import parse_changelog, select_entries
from nicmedic.evidence.treated import Span
from nicmedic.model.blame import Blame
from nicmedic.model.errors import NicmedicError
from nicmedic.model.history import History

__all__ = ["Question", "blame"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked."""

    interface: str | None = None
    before: str | None = None
    after: str | None = None
    treated: Sequence[Span] = ()
    """When something was set against the hangs of this card."""


def blame(
    history: History,
    question: Question,
    *,
    twins: Sequence[History] = (),
    changelog: Iterable[str] | None = None,
    find_changelog: Callable[[str, Iterable[str]], Iterator[str] | None],
) -> Blame:
    """The answer.

    Args:
        history: of the host that hangs.
        question: which card, and across which change.
        twins: histories of other hosts.
        changelog: lines that were handed in; None: whatever ``find_changelog`` finds for the package.
        find_changelog: of a package, by its version and releases.

    Raises:
        UsageError: a package that was named ran in no boot.
        UnreadableInputError: the changelog that was handed in cannot be read.
    """
    answer = build_blame(
        history,
        interface=question.interface,
        before=question.before,
        after=question.after,
        twins=twins,
        treated=question.treated,
    )
    if answer.before is None or answer.after is None:
        return answer
    if changelog is not None:
        return _with_changelog(answer, changelog)
    releases = next((kernel.releases for kernel in answer.kernels if kernel.package == answer.after), ())
    try:
        found = find_changelog(answer.after, releases)
        if found is not None:
            return _with_changelog(answer, found)
    except NicmedicError as error:
        return dataclasses.replace(answer, changelog_trouble=error.message)
    trouble = f"there is no changelog of {answer.after} on this machine; hand one in with --changelog FILE"
    return dataclasses.replace(answer, changelog_trouble=trouble)


def _with_changelog(answer: Blame, lines: Iterable[str]) -> Blame:
    """Read down to the version that was booted first, which is not always the one that is compared with."""
    order = [kernel.package for kernel in answer.kernels]
    first = min((answer.before, answer.after), key=order.index)
    entries, trouble = select_entries(parse_changelog(lines, first), answer.before, answer.after, answer.drivers)
    return dataclasses.replace(answer, changelog=entries, changelog_trouble=trouble)
