# SPDX-License-Identifier: GPL-2.0-or-later
"""What a report says, in sections that every form shows in its own way; nothing here is escaped yet."""

from collections.abc import Iterator
from dataclasses import dataclass

from nicmedic.model.blame import Blame, ChangelogEntry, Confounder, KernelFigures, Leg
from nicmedic.model.bug_report import BugReport, HostFacts, NicFacts
from nicmedic.report.blame_words import say_hours, say_interval, say_twin
from nicmedic.report.bug.words import list_summary, say_tried
from nicmedic.report.words import say_count

__all__ = [
    "Commands",
    "Items",
    "Log",
    "Rows",
    "Section",
    "list_also_changed",
    "list_cause",
    "list_changelog",
    "list_hardware",
    "list_kernels",
    "list_log",
    "list_made",
    "list_next",
    "list_sections",
    "list_tried_section",
    "list_unknown_section",
]

_MOST_ENTRIES = 15
_MOST_CONFOUNDERS = 15
_MOST_LEGS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """Sentences, each an item of a list, or paragraphs where ``listed`` is False."""

    texts: tuple[str, ...]
    listed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Cells in rows; ``head`` is empty for pairs of a label and a value."""

    rows: tuple[tuple[str, ...], ...]
    head: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    """With a head, each row as a sentence, for where the columns do not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Lines as they are, never wrapped."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Lines for a shell, never wrapped."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: tuple[Items | Rows | Log | Commands, ...]
    fold: bool = False
    """May be folded away where a form can."""


def list_sections(report: BugReport) -> Iterator[Section]:
    """All that has something to say, most important first."""
    yield Section(title="Summary", blocks=(Items(texts=list_summary(report)),))
    for one in (
        list_kernels(report),
        list_log(report),
        list_tried_section(report),
        list_hardware(report),
        list_cause(report),
        list_also_changed(report),
        list_changelog(report),
        list_unknown_section(report),
        list_next(report),
        list_made(report),
    ):
        if one is not None:
            yield one


def list_kernels(report: BugReport) -> Section | None:
    """The rates with their intervals."""
    rows = tuple(map(_kernel_row, report.blame.kernels))
    if not rows:
        return None
    meaning = (
        "Hung: boots with a hang, of those that were watched. At risk: hours that a log covers, of each boot up to its first hang. Per 1000 h: first "
        "hangs in so many of these hours. In brackets the interval of 95 %. Lines of a log are never counted."
    )
    said = tuple(f"{package}: {hung} hung, {share} %; at risk {at_risk}; per 1000 h {rate}" for package, hung, share, at_risk, rate in rows)
    head = ("package", "hung", "%", "at risk", "per 1000 h")
    return Section(title="Kernels", blocks=(Rows(rows=rows, head=head, said=said), Items(texts=(meaning,), listed=False)))


def _kernel_row(kernel: KernelFigures) -> tuple[str, str, str, str, str]:
    return (
        kernel.package or "(not known)",
        f"{kernel.figures.boots_hung} of {kernel.figures.boots}",
        say_interval(kernel.figures.share_hung, share=True).replace(" %", ""),
        say_hours(kernel.figures.hours_at_risk),
        say_interval(kernel.figures.rate_per_h),
    )


def _ids(nic: NicFacts) -> str | None:
    if nic.vendor is None or nic.device is None:
        return None
    subsystem = f", subsystem {nic.subsystem_vendor}:{nic.subsystem_device}" if nic.subsystem_vendor and nic.subsystem_device else ""
    return f"{nic.vendor}:{nic.device}{subsystem}" + (f", rev {nic.revision}" if nic.revision else "")


def _nic_rows(nic: NicFacts) -> Iterator[tuple[str, str | None]]:
    yield "interface", nic.interface
    yield "driver", " ".join(filter(None, (nic.driver, nic.driver_version))) or None
    yield "firmware of the card", nic.firmware_version
    yield f"{(nic.bus or 'device').upper() if nic.bus in ('pci', 'usb') else nic.bus or 'device'} ids", _ids(nic)
    yield "address on the bus", nic.bus_address
    yield "port above it", nic.port_above
    yield from nic.settings


def _host_rows(host: HostFacts) -> Iterator[tuple[str, str | None]]:
    yield "machine", ", ".join(filter(None, (host.vendor, host.product))) or None
    yield "mainboard", host.board
    yield "BIOS", ", ".join(filter(None, (host.bios_vendor, host.bios_version, host.bios_date))) or None
    yield "virtualization", None if host.virtualization == "none" else host.virtualization
    yield "distribution", host.distro
    yield "architecture", host.architecture
    yield "kernel when read", " ".join(filter(None, (host.kernel_release, host.kernel_version))) or None
    yield "command line", host.command_line


def list_hardware(report: BugReport) -> Section | None:
    """Ids, firmware, settings; what is not known has no row, and stands among what is not known."""
    pairs = [*(_nic_rows(report.nic) if report.nic else ()), *(_host_rows(report.host) if report.host else ())]
    rows = tuple((label, value) for label, value in pairs if value)
    others = tuple(
        f"{nic.interface}: {nic.driver or 'driver unknown'}{f' [{ids}]' if (ids := _ids(nic)) else ''}" for nic in report.other_nics
    )
    blocks = (
        *((Rows(rows=rows),) if rows else ()),
        *((Items(texts=(f"Other cards: {'; '.join(others)}.",), listed=False),) if others else ()),
    )
    return Section(title="Hardware and settings", blocks=blocks, fold=True) if blocks else None


def list_log(report: BugReport) -> Section | None:
    """The first hang's lines."""
    excerpt = report.excerpt
    if excerpt is None:
        return None
    where = f"{excerpt.source}" + (f", kernel {excerpt.kernel_package}" if excerpt.kernel_package else "")
    more = f" {excerpt.left_out} further lines that tell of hangs of this card are left out." if excerpt.left_out else ""
    return Section(
        title="Kernel log",
        blocks=(
            Items(texts=(f"The first hang, from {where}.{more}",), listed=False),
            Log(lines=tuple(line.text for line in excerpt.lines)),
        ),
    )


def list_tried_section(report: BugReport) -> Section | None:
    """What was done, and what came of it."""
    if not report.tried:
        return Section(title="What was tried", blocks=(Items(texts=("Nothing that is known here.",), listed=False),))
    return Section(title="What was tried", blocks=(Items(texts=tuple(say_tried(one) for one in report.tried)),))


def list_cause(report: BugReport) -> Section | None:
    """What the log suggests."""
    finding = report.finding
    if finding is None:
        return None
    texts = (
        f"{finding.title} (confidence: {finding.confidence}; blames: {finding.blames}).",
        *(f"For it: {reason}" for reason in finding.reasons),
        *(f"Against it: {reason}" for reason in finding.against),
    )
    return Section(title="What the log suggests", blocks=(Items(texts=texts),), fold=True)


def _say_change(one: Confounder) -> str:
    before, after = one.before or "not there or not told", one.after or "not there or not told"
    return f"{one.what}: {before} -> {after}{f' ({one.how})' if one.how else ''}"


def _some(texts: list[str], most: int) -> tuple[str, ...]:
    return tuple(texts) if len(texts) <= most else (*texts[:most], f"and {len(texts) - most} more")


def list_also_changed(report: BugReport) -> Section | None:
    """Confounders, and what other hosts say."""
    blame = report.blame
    texts = list(_some([_say_change(one) for one in blame.confounders], _MOST_CONFOUNDERS))
    for twin in blame.twins:
        texts.append(f"Twin: {say_twin(twin, blame.before or 'the other', blame.after or 'this kernel')}")
        name = twin.host or "the twin"
        texts += _some([f"{name} differs: {_say_change(one)}" for one in twin.differences], _MOST_CONFOUNDERS)
    return Section(title=f"What else changed with {blame.after}", blocks=(Items(texts=tuple(texts)),)) if texts and blame.after else None


def _say_entry(entry: ChangelogEntry) -> str:
    return f"{entry.version}: {entry.text} [{', '.join(entry.touches)}]"


def list_changelog(report: BugReport) -> Section | None:
    """Entries between the two packages."""
    blame = report.blame
    if not blame.changelog:
        return None
    texts = _some([_say_entry(entry) for entry in blame.changelog], _MOST_ENTRIES)
    meaning = f"From {blame.before} to {blame.after}, entries that touch driver, bus, core networking or hypervisor:"
    return Section(title="Changelog", blocks=(Items(texts=(meaning,), listed=False), Items(texts=texts)), fold=True)


def list_unknown_section(report: BugReport) -> Section | None:
    """What is not known."""
    return Section(title="What is not known", blocks=(Items(texts=report.unknowns),)) if report.unknowns else None


def _legs(blame: Blame) -> Iterator[Leg]:
    yield from blame.next_steps.legs[:_MOST_LEGS]


def list_next(report: BugReport) -> Section | None:
    """What the reporter could still do."""
    blame = report.blame
    legs = tuple(f"{leg.package}: {say_count(leg.boots, 'boot')} of {leg.hours:g} h; expected: {leg.expect}" for leg in _legs(blame))
    blocks = (Items(texts=(blame.next_steps.summary,), listed=False), *((Items(texts=legs),) if legs else ()))
    return Section(title="What would decide it", blocks=blocks, fold=True) if blame.next_steps.summary else None


def list_made(report: BugReport) -> Section:
    """Where this is from."""
    scrubbed = " Names, addresses and serial numbers were replaced consistently by made-up ones." if report.scrubbed else ""
    return Section(
        title="About this report",
        blocks=(Items(texts=(f"Made by nicmedic {report.nicmedic} on {report.made}.{scrubbed}",), listed=False),),
    )
