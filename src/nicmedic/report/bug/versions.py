# SPDX-License-Identifier: GPL-2.0-or-later
"""Which upstream kernel a distribution's package is made of, where that is beyond doubt.

Debian, Fedora and Arch name the stable release that they build: Debian's 6.1.153-1 is v6.1.153 with Debian's patches
(https://kernel-team.pages.debian.net/kernel-handbook/ch-versions.html), ``6.5.6-300.fc39`` is v6.5.6, ``6.5.6.arch2-1`` is v6.5.6.
Ubuntu (6.8.0-31.31), RHEL (4.18.0-477.10.1.el8) and SUSE (5.14.21-150500.55) keep one number for years: of these nothing is known.
"""

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["find_debian_source", "find_range", "find_upstream"]

_DEBIAN: Final = re.compile(r"(?P<upstream>\d+\.\d+\.\d+)-\d+(?:\+deb\d+u\d+|~bpo\d+\+\d+|~deb\d+u\d+)*", re.ASCII)
_DEBIAN_PACKAGE: Final = re.compile(
    r"(?P<source>\d+\.\d+(?:\.\d+)*(?:~rc\d+)?(?:-ckt\d+)?-\d+(?:(?:sarge|etch|lenny|squeeze|wheezy)\d+|\+deb\d+u\d+|~bpo\d+\+\d+|~deb\d+u\d+|~exp\d+)*)"
    r"(?:\+b\d+)?",
    re.ASCII,
)
"""Any of Debian's: 6.17~rc4-1~exp1, 3.16.7-ckt11-1+deb8u3, 2.6.32-48squeeze6; a rebuild (+b1) is of the same source."""
_DEBIAN_RELEASE: Final = re.compile(
    r"\d+\.\d+(?:\.\d+)?(?:-\d+|\+deb\d+(?:\+\d+)?|-0\.(?:bpo|deb\d+)\.\d+|\+deb\d+\.\d+)*"
    r"-(?:cloud-|rt-)?(?:amd64|686(?:-pae)?|486|arm64|armmp(?:-lpae)?|powerpc64le|s390x|riscv64|loong64|rpi|marvell|mips64el|octeon)",
    re.ASCII,
)
"""What ``uname -r`` says there: ``6.1.0-40-amd64``, ``6.12.48+deb13-amd64``, ``3.2.0-4-amd64``; Proxmox says ``6.5.11-4-pve``."""
_OTHERS: Final = (
    re.compile(r"(?P<upstream>\d+\.\d+\.\d+)-\d+\.fc\d+(?:\.\w+)?", re.ASCII),
    re.compile(r"(?P<upstream>\d+\.\d+(?:\.\d+)?)\.arch\d+-\d+(?:\.\d+)?", re.ASCII),
)


def find_debian_source(package: str | None, releases: Iterable[str]) -> str | None:
    """Version of Debian's source package; None: it is not Debian's own.

    Whoever names the whole package version in ``uname -r``, as Proxmox does, is not Debian.

    >>> find_debian_source("6.1.153-1+b1", ["6.1.0-40-amd64"]), find_debian_source("6.5.13-1", ["6.5.13-1-pve"])
    ('6.1.153-1', None)
    """
    found = None if package is None else _DEBIAN_PACKAGE.fullmatch(package)
    if found is None or any(release.endswith("-pve") or release.startswith(f"{package}-") for release in releases):
        return None
    return found["source"]


def find_upstream(package: str | None, releases: Iterable[str]) -> str | None:
    """The upstream version; None: not known.

    >>> find_upstream("6.1.153-1", ["6.1.0-40-amd64"]), find_upstream("6.5.11-4", ["6.5.11-4-pve"]), find_upstream("6.8.0-31.31", [])
    ('6.1.153', None, None)
    """
    if package is None:
        return None
    found = _DEBIAN.fullmatch(package)
    if found is not None:
        told = list(releases)
        return found["upstream"] if told and all(_DEBIAN_RELEASE.fullmatch(release) for release in told) else None
    matches = (pattern.fullmatch(package) for pattern in _OTHERS)
    return next((match["upstream"] for match in matches if match is not None), None)


def find_range(good: str | None, bad: str | None) -> tuple[str, str] | None:
    """Tags of a range as regzbot takes it; None: one of the two is not known, or they are no range.

    >>> find_range("6.1.147", "6.1.153"), find_range("3.2.73", "3.2.73"), find_range("6.2.1", "6.1.5")
    (('v6.1.147', 'v6.1.153'), None, None)
    """
    if good is None or bad is None or _numbers(good) >= _numbers(bad):
        return None
    return f"v{_tag(good)}", f"v{_tag(bad)}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in f"{version}.0".split(".")[:3])


def _tag(version: str) -> str:
    """Git has v6.1, not v6.1.0."""
    return version.removesuffix(".0") if version.count(".") == 2 else version
