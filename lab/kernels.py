# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernel packages, fetched by apt and unpacked into the cache; nothing is installed on this machine.

A version here is what ``uname -r`` says, for example ``6.1.0-56-amd64``.
"""

import dataclasses
import functools
import re
import subprocess
from pathlib import Path

from lab import cache
from lab.errors import LabError

__all__ = ["Kernel", "available", "default_version", "find", "headers", "span"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """One kernel package, unpacked.

    Attributes:
        version: As ``uname -r`` says it.
        root: The folder with ``boot/`` and ``lib/modules/VERSION/``.
    """

    version: str
    root: Path

    @property
    def image(self) -> Path:
        """The compressed kernel."""
        return self.root / "boot" / f"vmlinuz-{self.version}"

    @property
    def modules(self) -> Path:
        """The folder of its modules."""
        return self.root / "lib" / "modules" / self.version


@functools.cache
def default_version() -> str:
    """The version that Debian's ``linux-image-amd64`` stands for today; else the newest that is in the cache."""
    answer = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True, check=False)
    if found := re.search(r"Depends: linux-image-(\S+)", answer.stdout):
        return found[1]
    kept = sorted((cache.folder() / "kernels").glob("*"), key=lambda path: [int(part) for part in re.findall(r"\d+", path.name)])
    if not kept:
        raise LabError("apt knows no package linux-image-amd64", hint="apt-get update")
    return kept[-1].name


def available() -> tuple[str, ...]:
    """All versions that apt offers, oldest first; without the cloud and rt flavours."""
    answer = subprocess.run(["apt-cache", "pkgnames", "linux-image-"], capture_output=True, text=True, check=False)
    names = re.findall(r"^linux-image-(\d[\w.+-]*-amd64)$", answer.stdout, re.MULTILINE)
    plain = [name for name in names if not re.search(r"-(cloud|rt)-", name)]
    return tuple(sorted(plain, key=lambda name: [int(part) for part in re.findall(r"\d+", name)]))


def span() -> tuple[str, ...]:
    """Debian's present kernel, the oldest of its series that apt offers, and the newest of all."""
    offered = available()
    present = default_version()
    series = ".".join(present.split(".")[:2]) + "."
    oldest = next((version for version in offered if version.startswith(series)), present)
    return tuple(dict.fromkeys((present, oldest, offered[-1] if offered else present)))


def find(version: str = "") -> Kernel:
    """The kernel of that version (the default one if empty), from the cache or from Debian's archive.

    Raises:
        LabError: if there is no such package, or it cannot be had now.
    """
    version = version or default_version()

    def make(scratch: Path) -> None:
        _unpack(scratch, f"linux-image-{version}")
        _checked(["depmod", "-b", str(scratch), version])

    return Kernel(version=version, root=cache.entry("kernels", version, make, megabytes=1000))


def headers(version: str) -> Path:
    """The folder to build a module of that kernel against (``KDIR``).

    Raises:
        LabError: as ``find``.
    """

    def make(scratch: Path) -> None:
        common = re.sub(r"-amd64$", "-common", version)
        family = ".".join(version.split(".")[:2])
        kbuild = (
            f"linux-kbuild-{family}"
            if f"linux-kbuild-{family}" in _names("linux-kbuild-")
            else f"linux-kbuild-{common.removesuffix('-common')}"
        )
        for package in (f"linux-headers-{version}", f"linux-headers-{common}", kbuild):
            _unpack(scratch, package)
        makefile = scratch / "usr/src" / f"linux-headers-{version}" / "Makefile"
        # Debian's Makefile includes the common one by its absolute path.
        text = makefile.read_text(encoding="utf-8").replace("/usr/src/", f"{cache.folder()}/headers/{version}/usr/src/")
        makefile.write_text(text, encoding="utf-8")

    return cache.entry("headers", version, make, megabytes=500) / "usr/src" / f"linux-headers-{version}"


def _names(prefix: str) -> frozenset[str]:
    answer = subprocess.run(["apt-cache", "pkgnames", prefix], capture_output=True, text=True, check=False)
    return frozenset(answer.stdout.split())


def _unpack(folder: Path, package: str) -> None:
    got = subprocess.run(["apt-get", "-q", "download", package], cwd=folder, capture_output=True, text=True, check=False)
    files = list(folder.glob("*.deb"))
    if got.returncode or len(files) != 1:
        offers = [name for name in available() if package.startswith("linux-image-")]
        known = f"; there are {', '.join(offers[-12:])}" if offers and f"linux-image-{offers[-1]}" != package else ""
        reason = (got.stderr.strip().splitlines() or ["no file came"])[-1]
        raise LabError(f"kernel package {package} cannot be had ({reason}){known}", hint="apt-get update")
    _checked(["dpkg-deb", "-x", str(files[0]), str(folder)])
    files[0].unlink()


def _checked(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(command)} failed with status {done.returncode}: {done.stderr.strip()[-300:]}")
