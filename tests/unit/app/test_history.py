# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading a host's past: whole or sparse, with parts missing or breaking off, and what each file is good for."""

import datetime
import gzip
import os
from pathlib import Path

import pytest

from nicmedic.app import history as module
from nicmedic.app.history import Collected, collect_history
from nicmedic.host.histories import HostHistories
from nicmedic.model.errors import NotAKernelLogError, UnreadableInputError
from nicmedic.model.history import BootEnd
from nicmedic.testing.answers import shipped_knowledge
from nicmedic.testing.histories import FakeHistories, MadeBoot, render_journal, render_syslog, render_wtmp

BEGIN = datetime.datetime(2016, 1, 1, tzinfo=datetime.UTC).timestamp()
LONG = MadeBoot(began=BEGIN, ran_s=400_000, every_s=60, hangs_s=(200_000.5,))
SHORT = MadeBoot(began=BEGIN + 500_000, ran_s=4_000, every_s=60)


def text(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def read(*paths: Path) -> Collected:
    return collect_history(HostHistories(), shipped_knowledge(), [str(path) for path in paths])


def test_a_big_log_is_read_sparsely_and_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    logs = {"journal": [text(render_journal([LONG, SHORT]))]}
    whole = collect_history(FakeHistories((), logs), shipped_knowledge(), ()).history.boots
    monkeypatch.setattr(module, "WHOLE_LINES", 1000)
    sparse = collect_history(FakeHistories((), logs), shipped_knowledge(), ()).history.boots
    assert [(boot.boot_id, boot.began, boot.covered_h, len(boot.hangs)) for boot in sparse] == [
        (boot.boot_id, boot.began, boot.covered_h, len(boot.hangs)) for boot in whole
    ]


def test_a_log_that_breaks_off_is_told_and_what_came_before_stands() -> None:
    error = UnreadableInputError("journal: it broke", hint="again")
    source = FakeHistories((), {"journal": [text(render_journal([SHORT]))]}, fail=error)
    collected = collect_history(source, shipped_knowledge(), ())
    assert collected.errors == (error,)
    assert len(collected.history.boots) == 1


def test_names_that_tell_nothing_are_an_error_and_this_machine_without_a_past_is_none() -> None:
    assert isinstance(collect_history(FakeHistories(), shipped_knowledge(), ("x",)).errors[0], NotAKernelLogError)
    assert collect_history(FakeHistories(), shipped_knowledge(), ()).errors == ()


def test_a_missing_rotation_is_a_gap_and_told(tmp_path: Path) -> None:
    lines = render_syslog([LONG], rfc3339=True)
    third = len(lines) // 3
    log = tmp_path / "var/log"
    log.mkdir(parents=True)
    (log / "kern.log.3.gz").write_bytes(gzip.compress(text(lines[:third])))
    (log / "kern.log.1").write_bytes(text(lines[2 * third :]))
    history = read(tmp_path).history
    (boot,) = history.boots
    assert boot.covered_h == pytest.approx(LONG.ran_s / 3600 * 2 / 3, rel=0.05)
    assert [gap.why for gap in boot.gaps] == ["no log"]
    (source,) = history.sources
    assert source.covers_from
    assert "rotation" in (source.trouble or "")
    (log / "kern.log.2").write_bytes(text(lines[third : 2 * third]))
    (boot,) = read(tmp_path).history.boots
    assert (boot.gaps, boot.end) == ((), BootEnd.CLEAN)


def test_dated_rotations_are_in_order_and_none_is_missed(tmp_path: Path) -> None:
    log = tmp_path / "var/log"
    log.mkdir(parents=True)
    lines = render_syslog([LONG, SHORT], rfc3339=True)
    for name, part in (("messages-20160102", lines[:1000]), ("messages-20160104", lines[1000:3000]), ("messages", lines[3000:])):
        (log / name).write_bytes(text(part))
    history = read(tmp_path).history
    assert [boot.gaps for boot in history.boots] == [(), ()]
    assert [source.trouble for source in history.sources] == [None]


def test_a_dated_rotation_that_is_missing_is_a_gap_and_told(tmp_path: Path) -> None:
    log = tmp_path / "var/log"
    log.mkdir(parents=True)
    lines = render_syslog([LONG], rfc3339=True)
    for name, part in (("messages-20160102", lines[:1000]), ("messages", lines[4000:])):
        (log / name).write_bytes(text(part))
    history = read(tmp_path).history
    assert [[gap.why for gap in boot.gaps] for boot in history.boots] == [["no log"]]
    assert ["may be missing" in (source.trouble or "") for source in history.sources] == [True]


def test_a_host_that_was_off_for_days_misses_no_dated_rotation(tmp_path: Path) -> None:
    log = tmp_path / "var/log"
    log.mkdir(parents=True)
    for name, boot in (("messages-20160106", LONG), ("messages", SHORT)):
        (log / name).write_bytes(text(render_syslog([boot], rfc3339=True)))
    assert [source.trouble for source in read(tmp_path).history.sources] == [None]


def test_a_dmesg_that_was_kept_at_boot_is_of_the_boot_in_which_its_file_was_written(tmp_path: Path) -> None:
    log = tmp_path / "var/log"
    log.mkdir(parents=True)
    for name, made in (("dmesg.0", LONG), ("dmesg", SHORT)):
        lines = [f"[{at:12.6f}] {line}" for at, line in made.messages() if at < 20]
        (log / name).write_bytes(text(lines))
        os.utime(log / name, (made.began + 30, made.began + 30))
    (log / "wtmp").write_bytes(render_wtmp([LONG, SHORT]))
    boots = read(tmp_path).history.boots
    assert [boot.kernel_package for boot in boots] == [LONG.package, SHORT.package]
    assert all(len(boot.sources) == 2 for boot in boots)


def test_several_journals_wtmp_and_a_syslog_without_year_are_one_past(tmp_path: Path) -> None:
    """The year is that of the day on which the file was last written."""
    log = tmp_path / "var/log"
    log.mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/timezone").write_text("UTC")
    (log / "syslog").write_bytes(text(render_syslog([LONG, SHORT])))
    os.utime(log / "syslog", (SHORT.ended + 60, SHORT.ended + 60))
    (log / "wtmp").write_bytes(render_wtmp([LONG, SHORT]))
    boots = read(tmp_path).history.boots
    assert [boot.began for boot in boots] == ["2016-01-01T00:00:00Z", "2016-01-06T18:53:20Z"]
    os.utime(log / "syslog", (SHORT.ended + 400 * 86_400, SHORT.ended + 400 * 86_400))
    (log / "wtmp").unlink()
    assert [boot.began for boot in read(tmp_path).history.boots] == [None, None]


def test_the_ring_buffer_of_a_snapshot_is_of_the_boot_that_ran_and_covers_it_until_then(tmp_path: Path) -> None:
    raw, uptime_s = tmp_path / "raw/proc", 4_200.0
    (raw / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "log").mkdir()
    (raw / "version").write_text(f"Linux version {SHORT.release} (gcc) #1 SMP Debian {SHORT.package}\n")
    (raw / "uptime").write_text(f"{uptime_s} 100.0\n")
    (raw / "sys/kernel/random/boot_id").write_text("01234567-89ab-cdef-0123-456789abcdef\n")
    ring = [f"6,{number},{round(at * 1e6)},-;{line}" for number, (at, line) in enumerate(SHORT.messages())]
    (tmp_path / "log/ring-buffer.kmsg").write_bytes(text(ring))
    taken = datetime.datetime.fromtimestamp(SHORT.began + uptime_s, datetime.UTC).isoformat()
    (tmp_path / "MANIFEST.json").write_text(f'{{"schema": "nicmedic.snapshot/1", "created": "{taken}"}}')
    (boot,) = read(tmp_path).history.boots
    assert (boot.boot_id, boot.end, boot.kernel_package) == ("0123456789abcdef0123456789abcdef", BootEnd.RUNNING, SHORT.package)
    assert (boot.ran_h, boot.covered_h, boot.gaps) == (round(uptime_s / 3600, 4), round(uptime_s / 3600, 4), ())
