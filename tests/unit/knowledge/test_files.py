# SPDX-License-Identifier: GPL-2.0-or-later
"""Knowledge files: what is wrong is named and left out, an operator's file adds to a shipped one, the compiled copy is a copy."""

import json
import tomllib
from pathlib import Path

import pytest

from nicmedic.host.knowledge import SHIPPED_FOLDER, compile_knowledge, read_knowledge, read_knowledge_file
from nicmedic.knowledge.base import KnowledgeBase, KnowledgeFile
from nicmedic.knowledge.kernels import is_kernel_in, parse_kernel_range
from nicmedic.knowledge.parse import parse_driver, parse_signals
from nicmedic.model.finding import RemedyId, TrialResult
from nicmedic.testing.answers import shipped_knowledge

HEAD = 'schema = "nicmedic.knowledge/1"\ndriver = "mynic"\n'
SIGNAL = '[[signal]]\nid = "good"\nkind = "reset"\nliteral = "resetting"\npattern = "resetting"\nmeans = "m"\n'


def reasons(text: str) -> list[str]:
    """What is wrong with a file."""
    return [problem.reason for problem in parse_driver(tomllib.loads(text), "mynic")[1]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('driver = "mynic"\n', "schema is None, this nicmedic reads 'nicmedic.knowledge/1'"),
        (HEAD + "colour = 1\n", "unknown key 'colour'; known here: schema"),
        (HEAD + "signal = 3\n", "signal must be a list of tables"),
        (HEAD + '[[signal]]\nid = "s"\n', "[[signal]] s: kind is missing"),
        (HEAD + '[[signal]]\nid = "s"\nkind = 3\n', "[[signal]] s: kind must be a text"),
        (HEAD + '[[signal]]\nid = "s"\nkind = "explosion"\n', "[[signal]] s: 'explosion' is not a valid EventKind"),
        (HEAD + '[[cause]]\nid = "c"\ntitle = "t"\nblames = "me"\n', "[[cause]] c: 'me' is not a valid Blame"),
        (HEAD + '[[cause]]\nid = "c"\ntitle = "t"\nblames = "host"\nfor = [{ moon = "full" }]\n', "[[cause]] c: unknown condition 'moon'"),
        (
            HEAD + '[[cause]]\nid = "c"\ntitle = "t"\nblames = "host"\nfor = [{ hangs_min = "two" }]\n',
            "[[cause]] c: condition hangs_min: 'two'",
        ),
        (HEAD + '[[cause]]\nid = "c"\ntitle = "t"\nblames = "host"\nfor = [{ kernel = "new" }]\n', "[[cause]] c: kernel range 'new'"),
        (HEAD + '[[cause]]\nid = "c"\ntitle = "t"\nblames = "host"\nfor = [{ chip = "(" }]\n', "[[cause]] c: missing )"),
        (HEAD + '[[cause]]\nid = "c"\ntitle = "t"\nblames = "host"\nremedies = ["pray"]\n', "[[cause]] c: remedies: 'pray'"),
        (HEAD + '[[tried]]\nremedy = "reboot"\nresult = "maybe"\nsource = "s"\n', "[[tried]] reboot: 'maybe' is not a valid TrialResult"),
        (HEAD + '[[tried]]\nremedy = "reboot"\nresult = "worked"\n', "[[tried]] reboot: source is missing"),
        (HEAD + '[[caution]]\nremedy = "reboot"\n', "[[caution]] reboot: text is missing"),
        (HEAD + '[[caution]]\nremedy = "reboot"\ntext = "t"\ndangerous = "never"\n', "[[caution]] reboot: 'never' is not a valid Danger"),
        (HEAD + '[default]\nblames = "moon"\n', "'moon' is not a valid Blame"),
        (HEAD + 'packages = "firmware-x"\n', "packages must be a table"),
        (HEAD + '[packages]\nfirmware = "x; reboot"\n', "packages.firmware: 'x; reboot' is no name of a package"),
        (HEAD + '[packages]\nvendor_driver = "-x"\n', "packages.vendor_driver: '-x' is no name of a package"),
        (HEAD + '[packages]\nsnap = "x"\n', "unknown key 'snap'; known here: firmware, vendor_driver"),
    ],
)
def test_what_is_wrong_is_named(text: str, reason: str) -> None:
    told = reasons(text)
    assert len(told) == 1
    assert told[0].startswith(reason)


def test_a_bad_table_does_not_harm_the_others() -> None:
    bad = '[[signal]]\nid = "bad"\nkind = "explosion"\n'
    signals, problems = parse_signals(tomllib.loads(HEAD + bad + SIGNAL), "mynic")
    assert [signal.id for signal in signals] == ["good"]
    assert len(problems) == 1


def test_an_operators_file_adds_to_the_shipped_one_and_does_not_take_its_head() -> None:
    shipped = tomllib.loads(HEAD + 'title = "shipped"\n' + SIGNAL)
    added = tomllib.loads(
        HEAD + 'title = "mine"\naliases = ["mynic2"]\n' + SIGNAL.replace("good", "mine")
        + '[[tried]]\nremedy = "reboot"\nresult = "failed"\nsource = "me"\n'
    )  # fmt: skip
    base = KnowledgeBase([KnowledgeFile(name="mynic", path=path, data=data) for path, data in (("a", shipped), ("b", added))])
    driver = base.find_driver("mynic2")
    assert driver is not None
    assert driver.title == "shipped"
    assert driver.names == ("mynic", "mynic2")
    assert [signal.key for signal in driver.signals] == ["mynic/good", "mynic/mine"]
    assert [(trial.remedy, trial.result) for trial in base.trials] == [(RemedyId.REBOOT, TrialResult.FAILED)]


def test_an_operators_folder_is_read_after_the_shipped_files(tmp_path: Path) -> None:
    (tmp_path / "r8169.toml").write_text(
        'schema = "nicmedic.knowledge/1"\ndriver = "r8169"\n[[tried]]\nremedy = "reboot"\nresult = "worked"\nsource = "my note"\n'
    )
    (tmp_path / "mynic.toml").write_text(HEAD + SIGNAL)
    base = read_knowledge(tmp_path)
    shipped = shipped_knowledge()
    assert set(base.file_names) == {*shipped.file_names, "mynic"}
    assert len(base.read_file("r8169").trials) == len(shipped.read_file("r8169").trials) + 1
    assert base.find_driver("mynic") is not None


def test_a_bad_operators_file_is_told_with_line_and_reason_and_the_rest_still_works(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text(HEAD + "title = [\n")
    (tmp_path / "half.toml").write_text(
        'schema = "nicmedic.knowledge/1"\ndriver = "half"\n[[signal]]\nid = "x"\nkind = "explosion"\n' + SIGNAL
    )
    (tmp_path / "latin.toml").write_bytes(b'title = "\xe9"\n')
    (tmp_path / "note.txt").write_text("not mine to read")
    base = read_knowledge(tmp_path)
    assert len(base.signals) == len(shipped_knowledge().signals) + 1
    told = {Path(problem.file).name: (problem.line, problem.reason) for problem in base.problems}
    assert told.keys() == {"broken.toml", "half.toml", "latin.toml"}
    assert told["half.toml"] == (None, "[[signal]] x: 'explosion' is not a valid EventKind")
    assert told["latin.toml"][1].startswith("not UTF-8 text")


def test_a_syntax_error_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mynic.toml"
    path.write_text(HEAD + "this is no toml\n")
    problem = read_knowledge_file(path)
    assert not isinstance(problem, KnowledgeFile)
    assert problem.line == 3


def test_a_folder_that_is_not_there_is_no_problem(tmp_path: Path) -> None:
    assert read_knowledge(tmp_path / "nowhere").problems == ()


def test_the_compiled_copy_equals_a_fresh_reading_of_every_file() -> None:
    compiled = json.loads(compile_knowledge())
    fresh = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in SHIPPED_FOLDER.glob("*.toml")}
    assert {name: item["tables"] for name, item in compiled.items()} == fresh
    for name, data in fresh.items():
        assert parse_driver(compiled[name]["tables"], name) == parse_driver(data, name)


@pytest.mark.parametrize("name", shipped_knowledge().file_names)
def test_every_shipped_file_is_read_without_a_problem(name: str) -> None:
    data = tomllib.loads((SHIPPED_FOLDER / f"{name}.toml").read_text("utf-8"))
    assert parse_driver(data, name)[1] == []


@pytest.mark.parametrize(
    ("bounds", "version", "within"),
    [
        (">=6.4,<6.5", (6, 4, 0), True),
        (">=6.4,<6.5", (6, 4, 99), True),
        (">=6.4,<6.5", (6, 5, 0), False),
        ("==6.4", (6, 4, 7), True),
        ("==6.4.1", (6, 4, 7), False),
        (">6.4", (6, 4, 0), False),
        ("<=3.2.73", (3, 2, 73), True),
    ],
)
def test_kernel_ranges_compare_as_their_signs_say(bounds: str, version: tuple[int, int, int], within: bool) -> None:
    assert is_kernel_in(version, parse_kernel_range(bounds)) is within
