# SPDX-License-Identifier: GPL-2.0-or-later
"""A scrubbed report says the same of kernel, card and firmware, and nothing of whose they are."""

import dataclasses

import pytest

from nicmedic.model.blame import Confounder
from nicmedic.model.bug_report import ExcerptLine
from nicmedic.model.history import Gap, Source
from nicmedic.report.bug.forms import FORMS, find_form
from nicmedic.report.bug.scrubbing import scrub_report
from nicmedic.report.scrub import Kind
from tests.unit.report.bug.srv4 import EXCERPT, make_report


@pytest.mark.parametrize("name", ["debian", "wheezy", "smp", "r8169", "log", "amd64"])
@pytest.mark.parametrize("kind", [Kind.USER, Kind.HOST])
def test_no_name_of_a_user_or_a_host_falsifies_a_fact(kind: Kind, name: str) -> None:
    report = make_report()
    boot = dataclasses.replace(report.history.boots[-1], gaps=(Gap(began_uptime_s=3600.0, hours=2.0, why="no log"),))
    told = dataclasses.replace(report, history=dataclasses.replace(report.history, boots=(*report.history.boots[:-1], boot)))
    scrubbed, _ = scrub_report(told, {kind: [name]})
    assert told.host is not None
    assert scrubbed.host is not None
    for field in ("distro", "distro_id", "virtualization"):
        assert getattr(scrubbed.host, field) == getattr(told.host, field)
    assert scrubbed.nic == told.nic
    assert scrubbed.blame.kernels == told.blame.kernels
    assert scrubbed.history.boots[-1].gaps == boot.gaps


@pytest.mark.parametrize("firmware", ["214.0.202.1", "20.6.143.0/pkg 20.06.05.06", "21.80.16.92"])
def test_firmware_of_four_numbers_is_no_address(firmware: str) -> None:
    """Broadcom's bnxt_en and bnx2x."""
    report = make_report()
    assert report.nic is not None
    nic = dataclasses.replace(report.nic, firmware_version=firmware, driver_version="5.3.5.4")
    differs = (
        Confounder(what="firmware of eth0", before="21.80.16.91", after=firmware),
        Confounder(what="gateway", before="10.9.8.1", after="10.9.8.2"),
    )
    scrubbed, _ = scrub_report(dataclasses.replace(report, nic=nic, blame=dataclasses.replace(report.blame, confounders=differs)))
    assert scrubbed.nic == nic
    assert scrubbed.blame.confounders[0] == differs[0]
    assert scrubbed.blame.confounders[1].before == "192.0.2.1"


def test_a_file_is_not_called_as_somebody_called_it() -> None:
    """As typed after --log: a path, and one below a folder."""
    path, folder = "/srv/acme/hosting-bigbank.log", "cases/acme-7"
    report = make_report(
        excerpt=dataclasses.replace(EXCERPT, source=path),
        troubles=(f"Not read: {folder}/kern.log.1: damaged.", f"Not read: {path}: damaged."),
    )
    history = dataclasses.replace(report.history, sources=(Source(name="/var/log/wtmp"), Source(name=f"{folder}/bigbank.txt")))
    scrubbed, told = scrub_report(dataclasses.replace(report, history=history), files=[path, folder])
    assert [one.name for one in scrubbed.history.sources] == ["/var/log/wtmp", "file1"]
    assert "Not read: kern.log.1: damaged." in scrubbed.unknowns
    for form in FORMS:
        text = form.render(scrubbed)
        assert "bigbank" not in text, form.name
        assert "acme" not in text, form.name
    assert "hosting-bigbank" in told


def test_who_stands_near_a_hang_in_the_log_is_not_named() -> None:
    lines = (
        "[  551.3] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out",
        "[  581.3] nfs: server filer01 not responding, still trying",
        "[  641.3] CIFS: VFS: \\\\filer03\\payroll has not responded in 120 seconds. Reconnecting...",
        "[  642.3] drbd r0 peerhost5: conn( Connected -> Disconnecting )",
        "Key features: nothing here is a key",
    )
    report = make_report(
        excerpt=dataclasses.replace(EXCERPT, lines=tuple(ExcerptLine(text=line, tells="WATCHDOG" in line) for line in lines))
    )
    scrubbed, _ = scrub_report(report)
    for form in FORMS:
        text = form.render(scrubbed)
        assert not [name for name in ("filer01", "filer03", "payroll", "peerhost5") if name in text], form.name
        assert "NETDEV WATCHDOG" in text
    github = find_form("github")
    assert github is not None
    assert "Key features: nothing here is a key" in github.render(scrubbed)
