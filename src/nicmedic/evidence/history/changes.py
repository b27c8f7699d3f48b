# SPDX-License-Identifier: GPL-2.0-or-later
"""Package changes that several logs tell of, each once; and which version of a kernel's package stood in /boot at a moment."""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nicmedic.evidence.history.sighting import ANY_ZONE_S, read_time
from nicmedic.model.history import PackageChange

__all__ = ["FILE_DATES", "PlacedChange", "find_kernel_package", "is_kernel_or_xen", "merge_changes", "spell_package"]

FILE_DATES = "dates of dpkg's files"
"""Source of changes of which only the last is known, by the date of a file."""
_TRANSACTION_S = 6 * 3600.0
"""A transaction of apt lasts no longer."""
_SAME_S = 900.0
_SLACK_S = 60.0
_KERNEL = re.compile(
    r"linux-(?:image|modules)(?:-unsigned|-extra)?-\d\S*|kernel(?:-core|-default|-uek|-lt|-ml|-PAE|-xen|-rt|-modules)?|linux(?:-lts|-zen|-hardened)?"
    r"|pve-kernel-\d\S*|proxmox-kernel-\d\S*|xen-hypervisor\S*"
)
_DEBIAN = ("linux-image-{}", "linux-image-unsigned-{}", "pve-kernel-{}", "proxmox-kernel-{}", "proxmox-kernel-{}-signed")
_RPM = re.compile(r"kernel(?:-core|-default|-uek|-lt|-ml|-PAE|-rt)?\Z")
_ARCH_LINUX = re.compile(r"linux(?:-lts|-zen|-hardened)?\Z")
_SUSE = re.compile(r"(?P<version>\d+\.\d+\.\d+-\d+(?:\.\d+)*)-(?P<flavour>[a-z][a-z0-9_]*)\Z")
_UBUNTU_BUILD = re.compile(r"#(?P<build>\d+(?:~\S+)?)-Ubuntu\Z")
_UBUNTU_RELEASE = re.compile(r"(?P<abi>\d+\.\d+\.\d+-\d+)-[a-z]")
_ARCH_FLAVOUR = re.compile(r"-(?:lts|zen|hardened|ARCH)\Z")
_ARCH_PATCHED = re.compile(r"-(?=(?:arch|zen|hardened|lts)\d)")
_MACHINE = re.compile(r"\.(?:x86_64|i[3-6]86|aarch64|ppc64le|s390x|noarch)(?:\+\S*)?\Z")


class PlacedChange(NamedTuple):
    """A change with its moment, as far as its zone is known."""

    moment: float
    within_s: float
    change: PackageChange


def is_kernel_or_xen(package: str) -> bool:
    """Whether a package is a kernel or the hypervisor below it."""
    return _KERNEL.fullmatch(package) is not None


def _place(change: PackageChange, shift: float | None) -> PlacedChange | None:
    try:
        moment, zoned = read_time(change.time)
    except ValueError:
        return None
    if zoned:
        return PlacedChange(moment, 0.0, change)
    return PlacedChange(moment, ANY_ZONE_S, change) if shift is None else PlacedChange(moment + shift, 3600.0, change)


def merge_changes(changes: Iterable[PackageChange], shift: float | None) -> list[PlacedChange]:
    """In order of time, each once; ``shift``: seconds to add to times without a zone, None: unknown.

    dpkg has the moment, apt what went in together: one change has both. What file dates show counts only where no log tells.
    """
    placed = sorted({each for change in changes if (each := _place(change, shift)) is not None}, key=_key)
    logged = {(each.change.package, each.change.after) for each in placed if each.change.source != FILE_DATES}
    kept: list[PlacedChange] = []
    known: dict[tuple[str, str | None, str | None], list[int]] = {}
    for each in placed:
        change = each.change
        if change.source == FILE_DATES and (change.package, change.after) in logged:
            continue
        key = (change.package, change.before, change.after)
        twin = next((number for number in reversed(known.get(key, [])) if _are_one(kept[number], each)), None)
        if twin is None:
            known.setdefault(key, []).append(len(kept))
            kept.append(each)
        else:
            kept[twin] = _unite(kept[twin], each)
    return sorted(kept, key=_key)


def _key(each: PlacedChange) -> tuple[float, str, str, str, str, str]:
    change = each.change
    return each.moment, change.package, change.after or "", change.before or "", change.source, change.transaction or ""


def _are_one(first: PlacedChange, second: PlacedChange) -> bool:
    one, other = first.change, second.change
    if one.source == other.source and one.transaction == other.transaction:
        return first.moment == second.moment
    if one.transaction is not None and other.transaction is not None:
        return abs(first.moment - second.moment) <= _SAME_S and one.source != other.source
    span = _TRANSACTION_S if one.transaction is not None or other.transaction is not None else _SAME_S
    return abs(first.moment - second.moment) <= span


def _unite(first: PlacedChange, second: PlacedChange) -> PlacedChange:
    """The moment of the one that has no transaction: it was written when the package changed."""
    exact, other = (second, first) if first.change.transaction is not None else (first, second)
    return exact._replace(change=dataclasses.replace(exact.change, transaction=exact.change.transaction or other.change.transaction))


def spell_package(release: str, package: str) -> str:
    """A version out of a log, as the package manager spells it.

    Ubuntu's kernel names its ABI in the release and its build in the banner, Arch Linux puts a hyphen where pacman has a dot.

    >>> spell_package("5.4.0-42-generic", "#46-Ubuntu"), spell_package("6.1.4-arch1-1", "6.1.4-arch1-1")
    ('5.4.0-42.46', '6.1.4.arch1-1')
    >>> spell_package("6.1.0-18-amd64", "6.1.76-1")
    '6.1.76-1'
    """
    build, abi = _UBUNTU_BUILD.match(package), _UBUNTU_RELEASE.match(release)
    if build is not None and abi is not None:
        return f"{abi['abi']}.{build['build']}"
    return _spell_arch(package) if package == release else package


def _spell_arch(release: str) -> str:
    return _ARCH_PATCHED.sub(".", _ARCH_FLAVOUR.sub("", release))


def find_kernel_package(release: str, began: float, within_s: float, changes: Sequence[PlacedChange]) -> tuple[str, str] | None:
    """Version of the package of a kernel that was in /boot when a boot began, and the source that tells; None: nothing does, or not clearly.

    Debian keeps the release while the version goes on; with RPM and Arch the release holds the version, and the log only says that it is a package.
    """
    names = {pattern.format(release) for pattern in _DEBIAN}
    own = [each for each in changes if each.change.package in names]
    before = None
    for each in own:
        if each.moment - each.within_s > began + within_s + _SLACK_S:
            if before is None and each.change.before is not None and each.change.source != FILE_DATES:
                return each.change.before, each.change.source
            break
        if each.moment + each.within_s >= began - within_s - _SLACK_S:
            return None  # it changed about when the machine was booted
        before = each
    if before is not None:
        return None if before.change.after is None else (before.change.after, before.change.source)
    return _find_in_release(release, changes)


def _find_in_release(release: str, changes: Sequence[PlacedChange]) -> tuple[str, str] | None:
    plain = _MACHINE.sub("", release)
    arch = _spell_arch(plain)
    for each in changes:
        for version in (each.change.after, each.change.before):
            if version is None:
                continue
            bare = version.partition(":")[2] or version  # without an epoch
            if _RPM.match(each.change.package) and bare == plain:
                return version, each.change.source
            if _ARCH_LINUX.match(each.change.package) and bare == arch:
                return version, each.change.source
    return _find_rebuilt(release, changes)


def _find_rebuilt(release: str, changes: Sequence[PlacedChange]) -> tuple[str, str] | None:
    """SUSE's package has a count of rebuilds behind what the release names; of several rebuilds nothing tells which one it was."""
    match = _SUSE.match(release)
    if match is None:
        return None
    found = {
        (version, each.change.source)
        for each in changes
        if each.change.package == f"kernel-{match['flavour']}"
        for version in (each.change.after, each.change.before)
        if version is not None and version.startswith(f"{match['version']}.")
    }
    return min(found) if len({version for version, _ in found}) == 1 else None
