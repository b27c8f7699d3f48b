# SPDX-License-Identifier: GPL-2.0-or-later
"""Letters: on disk as soon as they are written, in order, bounded, and nobody's secrets in their targets' names."""

from pathlib import Path

import pytest

from nicmedic.host.watching.teller.outbox import Outbox, name_targets
from nicmedic.model.policy import Telling

SECRET = "mailtos://user:s3cret@example.org"
TELLING = Telling(command=("/bin/true", "x"), urls=(SECRET, "json://127.0.0.1:1"))


def add(outbox: Outbox, text: str, at_s: float = 1000.0, targets: tuple[str, ...] = ("command:1", "url:2")) -> None:
    outbox.add(targets=targets, at_s=at_s, document={"news": "began"}, title="t", text=text)


def test_targets_have_names_of_their_own_without_secrets() -> None:
    names = name_targets(TELLING)
    assert len(set(names)) == 3
    assert not any("s3cret" in name for name in names)
    assert name_targets(TELLING, for_people=False) == names[:1]
    assert name_targets(Telling()) == ()


def test_a_letter_is_on_disk_and_is_read_by_the_next_process(tmp_path: Path) -> None:
    add(Outbox(str(tmp_path / "telling")), "one")
    outbox = Outbox(str(tmp_path / "telling"))
    add(outbox, "two")
    assert len(outbox) == 2
    letters = outbox.read(("url:2", "command:1"), 1001.0)
    assert [(letter.text, letter.targets) for letter in letters] == [("one", ["command:1", "url:2"]), ("two", ["command:1", "url:2"])]
    assert oct((tmp_path / "telling").stat().st_mode & 0o777) == "0o700"
    assert all(oct(path.stat().st_mode & 0o777) == "0o600" for path in (tmp_path / "telling").iterdir())


def test_a_letter_is_gone_when_everybody_has_it(tmp_path: Path) -> None:
    outbox = Outbox(str(tmp_path))
    add(outbox, "one")
    (letter,) = outbox.read(("command:1", "url:2"), 1000.0)
    letter.trying = "command:1"
    letter.save()
    (again,) = outbox.read(("command:1", "url:2"), 1000.0)
    assert again.trying == "command:1"
    again.targets.remove("command:1")
    again.save()
    (rest,) = outbox.read(("command:1", "url:2"), 1000.0)
    assert rest.targets == ["url:2"]
    rest.targets.clear()
    rest.save()
    rest.save()
    assert not len(outbox)
    assert not list(tmp_path.iterdir())


def test_what_is_torn_too_old_or_for_nobody_goes(tmp_path: Path) -> None:
    outbox = Outbox(str(tmp_path))
    add(outbox, "old", 0.0)
    add(outbox, "for nobody", targets=("url:gone",))
    add(outbox, "kept")
    (tmp_path / "00000009.json").write_text('{"targets": ["command:1"], "at_s"')
    (tmp_path / "00000010.json").write_text("[]")
    assert [letter.text for letter in outbox.read(("command:1",), 8 * 86400.0)] == []
    add(outbox, "new", 8 * 86400.0)
    assert [letter.text for letter in outbox.read(("command:1",), 8 * 86400.0)] == ["new"]
    assert len(outbox) == 1


def test_what_had_to_be_given_up_is_counted(tmp_path: Path) -> None:
    outbox = Outbox(str(tmp_path))
    add(outbox, "old", 0.0)
    add(outbox, "for nobody", 8 * 86400.0, targets=("url:gone",))
    (tmp_path / "00000009.json").write_text('{"targets": ["command:1"], "at_s"')
    assert outbox.read(("command:1",), 8 * 86400.0) == []
    assert outbox.lost == 2


def test_of_a_letter_that_is_too_large_the_text_is_told(tmp_path: Path) -> None:
    outbox = Outbox(str(tmp_path))
    document = {"news": "action", "incident": {"actions": ["x" * 1000] * 1000}}
    outbox.add(targets=["command:1"], at_s=1000.0, document=document, title="t", text="it hangs")
    (letter,) = outbox.read(("command:1",), 1000.0)
    assert (letter.text, letter.document) == ("it hangs", {"news": "action", "incident": None})
    assert outbox.lost == 0


def test_what_only_memory_holds_is_lent_to_who_sends_it(tmp_path: Path) -> None:
    (tmp_path / "telling").write_text("a file stands where the folder should")
    outbox = Outbox(str(tmp_path / "telling"))
    add(outbox, "one")
    add(outbox, "two")
    loan = outbox.lend()
    assert [letter.text for letter in loan.letters] == ["one", "two"]
    (tmp_path / "telling").unlink()
    add(outbox, "three")  # the disk takes this one, and those that are being sent stay out of its way
    loan.note_sent(loan.letters[0], "command:1")
    loan.note_sent(loan.letters[0], "url:2")
    loan.note_sent(loan.letters[1], "url:2")
    loan.note_lost(3)
    assert [letter.text for letter in outbox.read(("command:1", "url:2"), 1000.0)] == ["three"]
    outbox.take_back()
    letters = outbox.read(("command:1", "url:2"), 1000.0)
    assert [(letter.text, letter.targets) for letter in letters] == [("two", ["command:1"]), ("three", ["command:1", "url:2"])]
    assert (len(outbox), outbox.lost) == (2, 3)
    outbox.take_back()


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nicmedic.host.watching.teller.outbox._MOST_LETTERS", 3)
    outbox = Outbox(str(tmp_path))
    for number in range(5):
        add(outbox, str(number))
    assert [letter.text for letter in outbox.read(("command:1",), 1000.0)] == ["2", "3", "4"]
    assert outbox.lost == 2


def test_what_the_disk_does_not_take_waits_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nicmedic.host.watching.teller.outbox._MOST_IN_MEMORY", 2)
    (tmp_path / "telling").write_text("a file stands where the folder should")
    outbox = Outbox(str(tmp_path / "telling"))
    for number in range(3):
        add(outbox, str(number))
    assert (len(outbox), outbox.lost) == (2, 1)
    (tmp_path / "telling").unlink()
    outbox.flush()
    assert [letter.text for letter in outbox.read(("command:1",), 1000.0)] == ["1", "2"]
