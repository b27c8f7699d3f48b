# SPDX-License-Identifier: GPL-2.0-or-later
"""How to install and boot one version of a kernel package, as commands of its distribution; where it is not known how, a comment says so.

- Debian, Ubuntu, Proxmox: the release is in the package's name; a held package is changed only on demand (apt-get(8),
  ``--allow-change-held-packages``); entries of GRUB have identifiers made of the release (``/etc/grub.d/10_linux``), and ``next_entry`` is used once
  (``/etc/grub.d/00_header``).
- Fedora and its kin keep several kernels; ``grubby --set-default`` names one.
- SUSE: the flavour at the end of the release is in the package's name; ``zypper install --oldpackage`` goes back.
- Arch has one kernel of a kind on disk, and an archive of old ones (archive.archlinux.org).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from nicmedic.model.blame import KernelFigures

__all__ = ["render_boot_commands", "render_trial_command"]

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~:_-]*")
_RPM: Final = re.compile(r"\.(?:el|fc|amzn|oe)\d")
_SUSE: Final = re.compile(r"-(default|preempt|azure|rt|64kb|pae|vanilla)$")
_ARCH: Final = re.compile(r"[.-]arch\d")
_DEBIAN: Final = re.compile(
    r"-(?:cloud-|rt-)?(?:amd64|686(?:-pae)?|arm64(?:-16k)?|armmp(?:-lpae)?|riscv64|s390x|powerpc64le|loong64|generic|lowlatency|aws|azure|gcp|oracle|kvm)$"
)
_ID: Final = '$(grep -o "gnulinux-{}advanced-[^\']*" /boot/grub/grub.cfg | head -n 1)'


def _by_hand(package: str) -> tuple[str, ...]:
    which = f"the kernel package {package}" if _PLAIN.fullmatch(package) else "the kernel package"
    return (f"# install {which} by hand, choose it in the boot menu, then: reboot",)


def _apt(image: str, version: str, next_boot: Sequence[str]) -> str:
    install = f"apt-get install --yes --allow-downgrades --allow-change-held-packages {image}={version}"
    return " && ".join((install, f"apt-mark hold {image}", *next_boot, "reboot"))


def _boot_debian(package: str, release: str, *, moves: bool) -> tuple[str, ...]:
    image = f"linux-image-{release}"
    grub = (f'grub-reboot "{_ID.format("")}>{_ID.format(f"{release}-")}"',) if moves else ()
    ubuntu = re.search(r"-(?:amd64|686|686-pae|arm64|armmp|armmp-lpae|riscv64|s390x|powerpc64le|loong64|arm64-16k)$", release) is None
    where = "https://launchpad.net/ubuntu/+source/linux" if ubuntu else f"https://snapshot.debian.org/binary/{image}/"
    check = f"uname -r   # must be {release}" if ubuntu else f"uname -v   # must name {package}"
    return (f"# if it is not to be had any more: {where}", _apt(image, package, grub), check)


def _boot_proxmox(package: str, release: str, *, moves: bool) -> tuple[str, ...]:
    number = tuple(int(part) for part in re.findall(r"\d+", release)[:2])
    image = f"{'proxmox-kernel' if number >= (6, 5) else 'pve-kernel'}-{release}"
    pin = (f"proxmox-boot-tool kernel pin {release} --next-boot",) if moves else ()
    return (_apt(image, package, pin), f"uname -v   # must name {package}")


def _boot_rpm(package: str, release: str, *, moves: bool) -> tuple[str, ...]:
    del moves  # each version has a release of its own
    install = f"dnf install --assumeyes kernel-{package} && grubby --set-default /boot/vmlinuz-{release} && systemctl reboot"
    return (install, f"uname -r   # must be {release}")


def _boot_suse(package: str, release: str, *, moves: bool) -> tuple[str, ...]:
    flavour = release.rsplit("-", 1)[1]
    menu = (f"# in the boot menu, under the advanced options: {release}",) if moves else ()
    install = f"zypper --non-interactive install --oldpackage kernel-{flavour}={package} && systemctl reboot"
    return (*menu, install, f"uname -r   # must be {release}")


def _boot_arch(package: str, release: str, *, moves: bool) -> tuple[str, ...]:
    del moves  # it takes the other's place on disk
    url = f"https://archive.archlinux.org/packages/l/linux/linux-{package}-x86_64.pkg.tar.zst"
    return (f"pacman --upgrade --noconfirm {url} && systemctl reboot", f"uname -r   # must be {release}")


_Boot = Callable[..., tuple[str, ...]]
_BY_RELEASE: Final[Mapping[re.Pattern[str], _Boot]] = {
    re.compile(r"^\d+\.\d+\S*-pve$"): _boot_proxmox,
    _RPM: _boot_rpm,
    _ARCH: _boot_arch,
    _DEBIAN: _boot_debian,
    _SUSE: _boot_suse,
}


def render_boot_commands(package: str, kernel: KernelFigures, other: KernelFigures) -> tuple[str, ...]:
    """How to boot a package, and how to see afterwards that it runs; for a shell of root.

    Args:
        package: its version.
        kernel: what is known of it.
        other: that which runs now; where both have one release, each takes the other's place on disk.
    """
    release = kernel.releases[-1] if kernel.releases else ""
    if not _PLAIN.fullmatch(package) or not _PLAIN.fullmatch(release) or not package[0].isdigit():
        return _by_hand(package)
    boot = next((boot for pattern, boot in _BY_RELEASE.items() if pattern.search(release)), None)
    if boot is None:
        return _by_hand(package)
    return tuple(boot(package, release, moves=release not in other.releases))


def render_trial_command(control: KernelFigures, suspect: KernelFigures, hours: float, boots: int) -> str | None:
    """The whole plan as one command, where both kernels are on disk side by side and Debian's GRUB boots them.

    Args:
        control: booted first and last.
        suspect: booted in between.
        hours: for each boot, unless it hangs sooner.
        boots: how many at most.
    """
    old, new = (kernel.releases[-1] if kernel.releases else "" for kernel in (control, suspect))
    if old == new or not all(_PLAIN.fullmatch(release) and _DEBIAN.search(release) for release in (old, new)):
        return None
    return f"nicmedic trial aba {old} {new} --hours {hours:g} --boots {boots}"
