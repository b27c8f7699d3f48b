# SPDX-License-Identifier: GPL-2.0-or-later
"""The top of the page: the verdict, what it rests on, which card in which machine, and what the log says of the cause."""

import xml.etree.ElementTree as ET  # only the type of an element
from collections.abc import Iterator

from nicmedic.model.blame import Verdict
from nicmedic.model.bug_report import BugReport, HostFacts, NicFacts
from nicmedic.report.blame_words import summarize_blame
from nicmedic.report.bug.html_parts import UNKNOWN, bullets, commands, facts, paragraph, subsection
from nicmedic.report.bug.html_tree import tag
from nicmedic.report.bug.words import list_summary, say_title

__all__ = ["build_cause", "build_head", "build_machine", "build_meaning"]


def build_head(report: BugReport) -> ET.Element:
    """Title, verdict, and when and by what this was made."""
    compared = report.blame.comparison
    verdict = Verdict.NOT_SHOWN if compared is None else compared.verdict
    scrubbed = " Names, addresses and serial numbers were replaced by made-up ones." if report.scrubbed else ""
    return tag(
        "header",
        tag("h1", say_title(report)),
        paragraph(summarize_blame(report.blame), f"verdict {verdict}"),
        paragraph(f"Made {report.made} by nicmedic {report.nicmedic}.{scrubbed}", "small"),
    )


def build_meaning(report: BugReport) -> ET.Element | None:
    """What a maintainer wants to know at once, but for the verdict, which stands above."""
    verdict = summarize_blame(report.blame)
    return bullets(sentence for sentence in list_summary(report) if sentence != verdict)


def build_cause(report: BugReport) -> ET.Element:
    """What the log says of the cause."""
    finding = report.finding
    if finding is None:
        why = "No log was read, or it tells of no hang." if report.excerpt is None else "The log that shows the hang names no cause."
        return subsection("What the log says of the cause", paragraph(why))
    meaning = [paragraph(finding.explains)] if finding.explains else []
    against = [tag("p", "Against it:"), bullets(finding.against)] if finding.against else []
    settle = [tag("p", "What would settle it:"), commands(finding.settle)] if finding.settle else []
    sources = [paragraph(f"Known from: {', '.join(finding.sources)}.", "small")] if finding.sources else []
    head = f"{finding.title} (confidence: {finding.confidence}; blames: {finding.blames})"
    return subsection(
        "What the log says of the cause", tag("p", tag("strong", head)), bullets(finding.reasons), *meaning, *against, *settle, *sources
    )


def _ids(vendor: str | None, device: str | None) -> str | None:
    return None if vendor is None and device is None else f"{vendor or UNKNOWN}:{device or UNKNOWN}"


def _nic(nic: NicFacts) -> Iterator[tuple[str, str | None]]:
    yield "Interface", nic.interface
    yield "Driver", " ".join(word for word in (nic.driver, nic.driver_version) if word) or None
    yield "Firmware", nic.firmware_version
    yield "Bus", " ".join(word for word in (nic.bus, nic.bus_address) if word) or None
    yield "Card", f"{ids}{f' (rev {nic.revision})' if nic.revision else ''}" if (ids := _ids(nic.vendor, nic.device)) else None
    yield "Subsystem", _ids(nic.subsystem_vendor, nic.subsystem_device)
    yield "Port above", nic.port_above
    yield from nic.settings


def _host(host: HostFacts) -> Iterator[tuple[str, str | None]]:
    yield "Host", host.hostname
    yield "System", " ".join(word for word in (host.distro, host.architecture) if word) or None
    yield "Kernel", " ".join(word for word in (host.kernel_release, host.kernel_version) if word) or None
    yield "Kernel package", host.kernel_package
    yield "Machine", " ".join(word for word in (host.vendor, host.product) if word) or None
    yield "Board", host.board
    yield "BIOS", " ".join(word for word in (host.bios_vendor, host.bios_version, host.bios_date) if word) or None
    yield "Virtualization", host.virtualization
    yield "Command line", host.command_line
    yield "Looked at", host.read_at


def build_machine(report: BugReport) -> ET.Element:
    """Card and machine."""
    nics = [*([report.nic] if report.nic is not None else []), *report.other_nics]
    titles = ["The card" if report.nic is not None and number == 0 else "Another card" for number, _ in enumerate(nics)]
    missing = paragraph("The card and the machine could not be looked at: only logs or histories were handed in.")
    parts = [subsection(title, facts(_nic(nic))) for title, nic in zip(titles, nics, strict=True)]
    parts += [subsection("The machine", facts(_host(report.host)))] if report.host is not None else []
    return tag("div", *(parts or [missing]), class_="charts")
