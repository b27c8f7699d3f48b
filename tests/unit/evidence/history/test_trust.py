# SPDX-License-Identifier: GPL-2.0-or-later
"""Which source is believed against which: a user's line against the kernel's own log, a list of boots without the kernel's messages."""

import dataclasses
import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path

from nicmedic.app.history import collect_history
from nicmedic.evidence.history.reconcile import Told, reconcile
from nicmedic.evidence.history.sighting import Sighting
from nicmedic.host.histories import HostHistories
from nicmedic.model.history import History
from nicmedic.testing.answers import shipped_knowledge
from nicmedic.testing.histories import MadeBoot, render_syslog

BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).timestamp()
BOOTS = [MadeBoot(began=BEGIN, ran_s=9000, every_s=600), MadeBoot(began=BEGIN + 20_000, ran_s=9000, every_s=600, hangs_s=(4000.25,))]
HANG = "2026-01-01T00:50:00.000000+00:00 srv4 kernel: [ 3000.000100] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out"
BANNER = "2026-01-01T00:40:00.000000+00:00 srv4 kernel: [    0.000000] Linux version 3.2.0-4-amd64 (x@y) (gcc) #1 SMP Debian 3.2.99-1"


def write(folder: Path, name: str, lines: Sequence[str]) -> None:
    log = folder / "var/log"
    log.mkdir(parents=True, exist_ok=True)
    (log / name).write_text("\n".join(lines) + "\n")


def read(folder: Path) -> History:
    return collect_history(HostHistories(), shipped_knowledge(), [str(folder)]).history


def lines_of(boots: Sequence[MadeBoot], *forged: str) -> list[str]:
    return sorted([*render_syslog(boots, rfc3339=True), *forged], key=lambda line: line[:26])


def test_a_hang_that_a_user_wrote_is_none_and_a_real_one_is_found_in_both(tmp_path: Path) -> None:
    write(tmp_path, "kern.log", render_syslog(BOOTS, rfc3339=True, programs=False))
    write(tmp_path, "syslog", lines_of(BOOTS, HANG))
    history = read(tmp_path)
    assert [len(boot.hangs) for boot in history.boots] == [0, 1]
    assert [source.rpartition("/")[2] for source in history.boots[1].hangs[0].sources] == ["kern.log", "syslog"]
    assert sum("anybody can write" in note for note in history.notes) == 1


def test_a_hang_after_the_end_of_the_kernels_own_log_is_believed(tmp_path: Path) -> None:
    write(tmp_path, "kern.log", render_syslog(BOOTS[:1], rfc3339=True, programs=False)[:9])
    write(tmp_path, "syslog", lines_of(BOOTS, HANG))
    assert [len(boot.hangs) for boot in read(tmp_path).boots] == [1, 1]


def test_a_boot_that_a_user_wrote_is_none(tmp_path: Path) -> None:
    write(tmp_path, "kern.log", render_syslog(BOOTS, rfc3339=True, programs=False))
    write(tmp_path, "syslog", lines_of(BOOTS, BANNER, HANG.replace("3000.0001", "  20.0001")))
    history = read(tmp_path)
    assert [(boot.kernel_package, len(boot.hangs)) for boot in history.boots] == [("3.2.68-1+deb7u1", 0), ("3.2.68-1+deb7u1", 1)]
    assert any("shows another one" in note for note in history.notes)


def _listed(*, readable: Sequence[str]) -> Iterator[Sighting]:
    for order, name in enumerate("ab"):
        first = BEGIN + order * 100_000
        listed = Sighting(source="list", order=order, lists="journal", boot_id=name, seen=(first, first + 7200))
        yield dataclasses.replace(listed, exact_end=True, covers_moments=((first, first + 7200),))
        if name in readable:
            yield Sighting(
                source="journal",
                order=order,
                boot_id=name,
                began=first - 5,
                covers_uptime=((605.0, 3605.0),),
                seen=(first + 600, first + 3600),
            )


def test_a_list_of_boots_covers_what_the_journal_has_kernel_messages_of() -> None:
    both, one, none = (reconcile(Told(sightings=list(_listed(readable=readable)))) for readable in ("ab", "a", ""))
    assert [boot.covered_h for boot in both.boots] == [1.8333, 1.8333]  # from the first message of the kernel, to the last entry at all
    assert [boot.covered_h for boot in one.boots] == [1.8333, 0]
    assert [boot.covered_h for boot in none.boots] == [0, 0]
    assert [source.trouble is not None for history in (both, one, none) for source in history.sources if source.name == "list"] == [
        False,
        False,
        True,
    ]
