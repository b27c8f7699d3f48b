# SPDX-License-Identifier: GPL-2.0-or-later
"""Changelogs of Debian and of RPM, down to the entries that matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.evidence.changelog import parse_changelog, select_entries

DEBIAN = """\
linux-signed-amd64 (6.1.192+2) bookworm-security; urgency=high

  * Sign kernel from linux 6.1.192-2

  * net: gso: limit recursive segmentation (CVE-2026-98853)

 -- Somebody <a@example.org>  Mon, 16 Nov 2026 11:17:40 +0100

linux (6.1.192-1) bookworm-security; urgency=high

  * New upstream stable update:
    https://www.kernel.org/pub/linux/kernel/v6.x/ChangeLog-6.1.191
    - r8169: fix something in the
      transmit path
    - [x86] PCI: keep ASPM as it was
    - xen/netback: fix a leak
    - ext4: fix NULL folio dereference
    - wifi: rtl8xxxu: fix use-after-free

 -- Somebody <a@example.org>  Mon, 9 Nov 2026 11:17:40 +0100

linux (6.1.180-1) bookworm; urgency=medium

  * r8169: too old to matter
"""
RPM = """\
* Tue Jan 05 2016 Some Body <a@example.org> [3.10.0-327.4.4.el7]
- [netdrv] e1000e: reset Tx ring (Some Body) [1234567]
- [fs] xfs: nothing here (Some Body)

* Mon Jan 04 2016 Some Body <a@example.org> - 3.10.0-327.4.3.el7
- [net] netpoll: older (Some Body)
"""


def test_debians() -> None:
    entries, trouble = select_entries(parse_changelog(DEBIAN.splitlines()), "6.1.180-1", "6.1.192-2", ["r8169"])
    assert trouble is None
    assert [(entry.version, entry.text, entry.touches) for entry in entries] == [
        ("6.1.192-1", "r8169: fix something in the transmit path", ("driver",)),
        ("6.1.192-2", "net: gso: limit recursive segmentation (CVE-2026-98853)", ("core networking",)),
        ("6.1.192-1", "[x86] PCI: keep ASPM as it was", ("bus",)),
        ("6.1.192-1", "xen/netback: fix a leak", ("hypervisor",)),
    ]


def test_rpms() -> None:
    stanzas = parse_changelog(RPM.splitlines())
    assert [stanza.version for stanza in stanzas] == ["3.10.0-327.4.4.el7", "3.10.0-327.4.3.el7"]
    entries, trouble = select_entries(stanzas, "3.10.0-327.4.3.el7", "3.10.0-327.4.4.el7.x86_64", ["e1000e"])
    assert ([entry.touches for entry in entries], trouble) == ([("driver",)], None)


def test_a_rebuild_and_an_epoch_are_the_same_version() -> None:
    assert select_entries(parse_changelog(DEBIAN.splitlines()), "6.1.180-1+b1", "2:6.1.192-1", ["r8169"])[1] is None


def test_reading_ends_where_it_is_enough() -> None:
    lines = iter(DEBIAN.splitlines())
    assert [stanza.version for stanza in parse_changelog(lines, "6.1.192-1")] == ["6.1.192-2", "6.1.192-1"]
    assert next(lines, None) is not None


@pytest.mark.parametrize(
    ("before", "after", "trouble", "number"),
    [
        ("1.0-1", "6.1.192-2", "the changelog does not reach back to 1.0-1: all that it has up to 6.1.192-2 is shown", 5),
        ("6.1.180-1", "9.9", "the changelog has no entry of 9.9", 0),
        ("6.1.192-1", "6.1.180-1", "6.1.180-1 is older than 6.1.192-1: these were taken away by the change", 3),
        (None, "9.9", None, 0),
    ],
)
def test_versions_that_are_not_there_or_the_other_way_round(before: str | None, after: str, trouble: str | None, number: int) -> None:
    entries, told = select_entries(parse_changelog(DEBIAN.splitlines()), before, after, ["r8169"])
    assert (len(entries), told) == (number, trouble)


def test_without_a_driver_the_rest_is_still_found() -> None:
    entries, _ = select_entries(parse_changelog(DEBIAN.splitlines()), "6.1.180-1", "6.1.192-1", [])
    assert [entry.touches for entry in entries] == [("bus",), ("hypervisor",)]


@given(st.lists(st.one_of(st.text(max_size=60), st.sampled_from(DEBIAN.splitlines() + RPM.splitlines())), max_size=30))
def test_no_text_is_too_strange(lines: list[str]) -> None:
    stanzas = parse_changelog(lines)
    select_entries(stanzas, "6.1.180-1", "6.1.192-1", ["r8169"])
