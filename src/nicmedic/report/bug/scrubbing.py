# SPDX-License-Identifier: GPL-2.0-or-later
"""A report in which nothing tells whose it is: the value is scrubbed, so that every form is."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import TypeVar, cast

from nicmedic.model.blame import Blame, Confounder
from nicmedic.model.bug_report import BugReport, Excerpt, ExcerptLine
from nicmedic.model.finding import Finding
from nicmedic.model.history import BootRecord, HangRecord, PackageChange, Source
from nicmedic.report.scrub import Kind, Scrubber

__all__ = ["scrub_report"]

T = TypeVar("T")
_HOME = re.compile(r"(?:/home|/Users|/var/home)/([^/\s:]{2,32})")
"""Files are named by whoever handed them in."""
_OWN_LOGS = ("/var/log/", "/run/log/", "/dev/", "/proc/", "/sys/")
_FACTS = (
    "distro distro_id distro_version architecture virtualization driver drivers driver_version firmware_version bus bus_address device "
    "subsystem_vendor subsystem_device revision port_above cause why touches made nicmedic"
)
_AS_IT_IS = frozenset(_FACTS.split())
"""Fields that tell of nobody, and which a maintainer, and our own code, must find as they were."""
_PACKAGES = "kernel_release kernel_version kernel_package kernel_evidence releases package version xen"
_FIRMWARE = "vendor bios_vendor bios_version bios_date firmware"
_VERSIONS = frozenset((*_PACKAGES.split(), *_FIRMWARE.split()))
"""Fields in which four numbers are no address. Who builds a kernel may write a name into its version."""
_FILES = frozenset(("source", "sources", "name"))
"""Of ``Excerpt``, ``Finding`` and ``model.history``."""
_VERSION_OF = re.compile(r"firmware|driver|kernel|bios|xen|version|package", re.IGNORECASE)


def scrub_report(report: BugReport, known: Mapping[Kind, Iterable[str]] | None = None, files: Iterable[str] = ()) -> tuple[BugReport, str]:
    """The same with everything replaced that is known to tell whose it is, or looks like it; and the map, which stays with its owner.

    Args:
        report: as it was built.
        known: names that are known from elsewhere: of this host, its users, its cards.
        files: names of files and folders as somebody typed them.
    """
    texts = list(dict.fromkeys(_list_texts(report)))
    users = {found[1] for text in texts for found in _HOME.finditer(text)} - {"root", "runner"}
    names = {kind: set(words) for kind, words in (known or {}).items()}
    names.setdefault(Kind.HOST, set()).update(_list_hosts(report))
    names.setdefault(Kind.USER, set()).update(users)
    drivers = {hang.driver for boot in report.history.boots for hang in boot.hangs} | {
        nic.driver for nic in (report.nic, *report.other_nics) if nic
    }
    scrubber = Scrubber({kind: words - drivers for kind, words in names.items()})
    for text in texts:
        scrubber.learn(text)
    packages = frozenset(change.package for change in report.history.changes)
    scrubbed = _Report(scrubber, _match_files(files), packages).scrub(report)
    return dataclasses.replace(scrubbed, scrubbed=True), scrubber.render_map()


def _match_files(files: Iterable[str]) -> re.Pattern[str] | None:
    """These, with what may stand below them. A name that is like a word is one only where something does."""
    told = sorted({name for name in files if re.search(r"\w", name)}, key=lambda name: (-len(name), name))
    below = r"[/:][^\s,;:()\"']*"
    parts = [f"{re.escape(name)}(?:{below}){'?' if re.search('[^a-z]', name) else ''}" for name in told]
    return re.compile(rf"(?<![\w./-])(?:{'|'.join(parts)})(?![\w-])") if parts else None


def _list_hosts(report: BugReport) -> Iterator[str]:
    """Every place in which a host is named as such."""
    named = [
        report.history.host,
        report.blame.host,
        *(boot.host for boot in report.history.boots),
        *(twin.host for twin in report.blame.twins),
        None if report.finding is None else report.finding.host,
        None if report.host is None else report.host.hostname,
    ]
    yield from (name for name in named if name)


def _list_texts(value: object) -> Iterator[str]:
    if isinstance(value, str) and not isinstance(value, Enum):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for pair in value.items() for item in pair for text in _list_texts(item))
    elif isinstance(value, tuple):
        yield from (text for item in value for text in _list_texts(item))
    elif dataclasses.is_dataclass(value):
        yield from (text for field in dataclasses.fields(value) for text in _list_texts(getattr(value, field.name)))


class _Report:
    """Scrubs values field by field."""

    def __init__(self, scrubber: Scrubber, files: re.Pattern[str] | None, packages: frozenset[str]) -> None:
        self._scrubber = scrubber
        self._files = files
        self._packages = packages

    def scrub(self, value: T) -> T:
        """The same value with every text scrubbed; words of an enumeration are ours and stay."""
        if isinstance(value, Enum):
            return value
        if isinstance(value, str):
            return cast("T", self._text(value))
        if isinstance(value, Mapping):
            return cast("T", {self._scrubber.scrub_name(str(key)): self.scrub(item) for key, item in value.items()})
        if isinstance(value, tuple):
            return cast("T", tuple(self.scrub(item) for item in value))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            changed = {field.name: self._field(value, field.name, getattr(value, field.name)) for field in dataclasses.fields(value)}
            return cast("T", dataclasses.replace(value, **changed))
        return value

    def _text(self, text: str) -> str:
        if self._files is not None:
            text = self._files.sub(lambda found: self._scrubber.name_file(found[0]), text)
        return self._scrubber.scrub_prose(text)

    def _field(self, owner: object, name: str, value: object) -> object:
        if isinstance(owner, Excerpt) and name == "lines":
            return self._lines(owner)
        if name in _FILES and isinstance(owner, (Excerpt, Finding, Source, HangRecord, BootRecord, PackageChange)):
            return self._each(value, self._file)
        if name in _AS_IT_IS:
            return self._each(value, str)
        if name in _VERSIONS or (name in ("before", "after") and self._is_version(owner)):
            return self._each(value, self._scrubber.scrub_names)
        return self.scrub(value)

    def _each(self, value: object, change: Callable[[str], str]) -> object:
        """Of a text, or of several."""
        if isinstance(value, str):
            return change(value)
        return tuple(self._each(item, change) for item in value) if isinstance(value, tuple) else self.scrub(value)

    def _is_version(self, owner: object) -> bool:
        if isinstance(owner, Confounder):
            return owner.what in self._packages or _VERSION_OF.search(owner.what) is not None
        return isinstance(owner, (Blame, PackageChange))

    def _file(self, name: str) -> str:
        """Where a log was: this machine's own by its path, one that was handed in by no name that somebody chose."""
        if (self._files is not None and self._files.search(name)) or ("/" in name and not name.startswith(_OWN_LOGS)):
            return self._scrubber.name_file(name)
        return self._scrubber.scrub_name(name)

    def _lines(self, excerpt: Excerpt) -> tuple[ExcerptLine, ...]:
        """As one text, for a key may go over many lines."""
        lines = self._scrubber.scrub_prose("\n".join(line.text for line in excerpt.lines)).split("\n")
        return tuple(dataclasses.replace(line, text=text) for line, text in zip(excerpt.lines, lines, strict=True))
