# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic prescribe`` as a whole, on the copy of a host's files; what the file does on a host is tried in ``tests/host``."""

import argparse
import shlex
from pathlib import Path

import pytest

from nicmedic.cli.declare import add_arguments
from nicmedic.cli.prescribe import PRESCRIBE
from nicmedic.model.errors import NicmedicError


def prescribe(*words: str) -> int:
    """Run the command; the exit status. What went wrong is printed as the program does."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_arguments(parser, PRESCRIBE)
    assert PRESCRIBE.run is not None
    try:
        return PRESCRIBE.run(parser.parse_args(words))
    except NicmedicError as error:
        print(f"{error.machine}: {error.message}\n{error.hint}")  # noqa: T201  # capsys reads it
        return error.code


@pytest.fixture
def copy(tmp_path: Path) -> str:
    """The files of a host with one card."""
    device = tmp_path / "sys/devices/pci0000:00/0000:00:03.0"
    net = device / "net/eth0"
    net.mkdir(parents=True)
    for name, text in (("ifindex", "2"), ("mtu", "9000"), ("flags", "0x1003"), ("address", "02:00:00:00:00:01")):
        (net / name).write_text(f"{text}\n", encoding="ascii")
    (net / "device").symlink_to("../..")
    (tmp_path / "sys/bus/pci").mkdir(parents=True)
    (device / "subsystem").symlink_to("../../../bus/pci")
    (tmp_path / "sys/class/net").mkdir(parents=True)
    (tmp_path / "sys/class/net/eth0").symlink_to("../../devices/pci0000:00/0000:00:03.0/net/eth0")
    return str(tmp_path)


def test_a_script_for_another_host_is_printed(copy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert prescribe("eth0", "--remedy", "mtu:1500", "--from", copy) == 0
    text = capsys.readouterr().out
    assert text.startswith("#!/bin/sh\n# Written by nicmedic for a host without it.")
    assert "card_address=0000:00:03.0\n" in text
    assert text.endswith('\nmain "$@"\n')


def test_a_file_is_written_and_it_is_told_what_to_type(copy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a b.sh"
    assert prescribe("eth0", "--remedy", "mtu:1500", "--from", copy, "-o", str(file)) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("nicmedic: written; nothing was changed. ")
    assert f"sh {shlex.quote(str(file))} check" in captured.err
    assert file.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("eth0",), 2, "--remedy is missing"),
        (("eth0", "--remedy", "prayer"), 2, "there is no remedy of that name"),
        (("eth9", "--remedy", "mtu:1500"), 22, "there is no such network card"),
        (("eth0", "--remedy", "mtu:9000"), 23, "nothing was changed: eth0: mtu: the MTU is 9000 already"),
        (("eth0", "--remedy", "mtu:1500", "--remedy", "mtu:9000"), 23, "mtu: the MTU is 9000 already"),
        (("eth0", "--remedy", "reboot"), 23, "reboot needs a boot"),
        (("eth0", "--remedy", "mtu:1500", "-o", "/nowhere/at/all.sh"), 20, "/nowhere/at/all.sh"),
    ],
)
def test_what_cannot_be_written_has_its_reason(
    copy: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], status: int, said: str
) -> None:
    assert prescribe(*words, "--from", copy) == status
    captured = capsys.readouterr()
    assert said in captured.out
    assert "#!/bin/sh" not in captured.out
