# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the changelog of the change comes from, and what is said where it does not."""

from collections.abc import Iterable, Iterator

from nicmedic.app.blame import Question, blame
from nicmedic.model.errors import UnreadableInputError
from nicmedic.model.history import History
from tests.unit.evidence.story import NEW, OLD, here

LINES = [f"linux ({NEW}) wheezy; urgency=high", "", "  * r8169: change the reset", "", f"linux ({OLD}) wheezy; urgency=low"]


class Shelf:
    """Changelogs of installed packages."""

    def __init__(self, lines: Iterable[str] | None = LINES, trouble: str = "") -> None:
        self.lines, self.trouble = lines, trouble
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def __call__(self, package: str, releases: Iterable[str]) -> Iterator[str] | None:
        self.asked.append((package, tuple(releases)))
        if self.trouble:
            raise UnreadableInputError(self.trouble)
        return None if self.lines is None else iter(self.lines)


def test_the_changelog_of_the_suspect_is_looked_up() -> None:
    shelf = Shelf()
    answer = blame(here(), Question(), find_changelog=shelf)
    assert shelf.asked == [(NEW, ("3.2.0-4-amd64",))]
    assert [(entry.text, entry.touches) for entry in answer.changelog] == [("r8169: change the reset", ("driver",))]
    assert answer.changelog_trouble is None


def test_one_that_was_handed_in_comes_first() -> None:
    shelf = Shelf()
    answer = blame(here(), Question(interface="eth0", before=OLD, after=NEW), changelog=LINES[:1], find_changelog=shelf)
    assert (shelf.asked, answer.changelog) == ([], ())
    assert answer.changelog_trouble == f"the changelog does not reach back to {OLD}: all that it has up to {NEW} is shown"


def test_back_in_time_the_changelog_is_read_as_far() -> None:
    answer = blame(here(), Question(before=NEW, after=OLD), changelog=LINES, find_changelog=Shelf())
    assert [entry.text for entry in answer.changelog] == ["r8169: change the reset"]
    assert answer.changelog_trouble == f"{OLD} is older than {NEW}: these were taken away by the change"


def test_without_one_the_answer_stands() -> None:
    assert "hand one in with --changelog" in (blame(here(), Question(), find_changelog=Shelf(None)).changelog_trouble or "")
    assert blame(here(), Question(), find_changelog=Shelf(trouble="cut off")).changelog_trouble == "cut off"


def test_without_a_change_none_is_looked_for() -> None:
    shelf = Shelf()
    assert blame(History(), Question(), find_changelog=shelf).changelog_trouble is None
    assert shelf.asked == []
