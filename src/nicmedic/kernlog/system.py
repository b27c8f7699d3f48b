# SPDX-License-Identifier: GPL-2.0-or-later
"""What kernel messages say of the system: release, package, distribution, machine, hypervisor, the task that was running.

Sources are the banner (init/version.c ``linux_banner``), the head of a stack trace (lib/dump_stack.c ``dump_stack_print_info``; x86 before 3.11:
arch/x86/kernel/process.c ``show_regs_common``), the build path in a WARNING, and a few lines of the boot.
"""

import re
from typing import NamedTuple

from nicmedic.kernlog.lazy import lazy_pattern

__all__ = ["LITERALS", "SystemFacts", "find_rtc_time", "is_banner", "is_clock_set", "is_suspend", "read_system_facts"]

LITERALS = ("Linux version ", "ainted", "Hardware name: ", "DMI: ", "Kernel command line: ", "Hypervisor detected", "paravirtualized kernel on",
            "PM: suspend", "setting system clock to", "Booting Linux on", "-- Boot ", "-- Reboot --", "__CURSOR=")  # fmt: skip
"""What a sparse reading of a big file must not skip, beside the signals."""


class SystemFacts(NamedTuple):
    """What one message told; None: nothing."""

    kernel_release: str | None = None
    kernel_package: str | None = None
    build_path: str | None = None
    """``linux-4.7.8`` out of a build path: the source package, when nothing better is there."""
    distro: str | None = None
    virtualization: str | None = None
    hardware: str | None = None
    process: str | None = None
    built: tuple[int, int, int] | None = None
    """Day on which the kernel was built (year, month, day): the log cannot be older."""


_KEYS = ("Linux version ", "ainted", "ardware name", "DMI: ", "ypervisor", "aravirtualized", "Xen", "XEN", "xen", "sch_generic.c", "kvm-clock", "blkfront",
         "vif", "placeholder ", "rpm", "OpenWrt")  # fmt: skip
_BANNER = lazy_pattern(r"(?:\[[^\]]*\] )?Linux version (?P<release>\d+\.\d+\S*)(?P<rest>[^\n]*)")
_TRACE = lazy_pattern(
    r"(?:Not tainted|Tainted: (?:\[[A-Z]\]=\w+(?:, )?)+|Tainted: [A-Z](?:[A-Z -]{0,40}[A-Z-])?) +\(?(?P<release>\d+\.\d+[^\s)]*)(?: (?P<build>#\S+?)\)?(?=\s|\Z))?(?P<rest>[^\n]*)"
)
_COMM = lazy_pattern(r"[Cc]omm: (?P<comm>.{1,32}?) (?:Not tainted|Tainted|Kdump)")
_BUILD = lazy_pattern(r"(?P<build>#\d+(?:~\S+)?-Ubuntu)")
_PACKAGE = lazy_pattern(r"(?:Debian|PMX|PVE|Raspbian) (?P<package>\d[\w.+~:-]*)")
_RPM = lazy_pattern(r"(?P<package>\d+\.\d+\.\d+-\S*?\.(?:el|fc|amzn|mga|oe|an|tl)\w*)")
_ARCH = lazy_pattern(r"(?P<package>\d+\.\d+(?:\.\d+)?-(?:arch|zen|hardened|lts)\d\S*|\d+\.\d+\.\d+-\d+-(?:ARCH|lts|zen))")
_PATH = lazy_pattern(r"/(?:build|buildd|rpmbuild/BUILD|usr/src)/[^\s:]*?(?P<tree>linux-\d+\.\d+[^/\s:]*)/")
_HARDWARE = lazy_pattern(r"(?:Hardware name|DMI): (?P<name>[^\n]{1,160})")
_RTC = lazy_pattern(
    r"setting system clock to (?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[T ](?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
)
_BUILT = lazy_pattern(
    r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}(?P<day>\d{1,2}) \d\d:\d\d:\d\d (?:\w{2,5} )?(?P<year>\d{4})"
)
_BUILT_ISO = lazy_pattern(r"\((?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)\)")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

_DISTROS = (
    (lazy_pattern(r"-haos\b"), "Home Assistant OS"),
    (lazy_pattern(r"(?i:-pve\b|PMX|proxmox)"), "Proxmox VE"),
    (lazy_pattern(r"OpenWrt", re.IGNORECASE), "OpenWrt"),
    (lazy_pattern(r"Ubuntu"), "Ubuntu"),
    (lazy_pattern(r"\+rpt|-rpi\b|-v[78]l?\+|-v8-16k\+|raspberrypi", re.IGNORECASE), "Raspberry Pi OS"),
    (lazy_pattern(r"~bpo(\d+)"), "Debian {0} backports"),
    (lazy_pattern(r"\+deb(\d+)u"), "Debian {0}"),
    (lazy_pattern(r"Debian"), "Debian"),
    (lazy_pattern(r"\.fc(\d+)"), "Fedora {0}"),
    (lazy_pattern(r"\.amzn(\d*)"), "Amazon Linux {0}"),
    (lazy_pattern(r"-aws\b"), "Amazon"),
    (lazy_pattern(r"\.el(\d+)uek"), "Oracle Linux {0} (UEK)"),
    (lazy_pattern(r"\.el(\d+)"), "RHEL {0} or a rebuild"),
    (lazy_pattern(r"openSUSE Tumbleweed"), "openSUSE Tumbleweed"),
    (lazy_pattern(r"openSUSE|SUSE|-default\b"), "SUSE"),
    (lazy_pattern(r"-arch\d|-ARCH|archlinux"), "Arch Linux"),
    (lazy_pattern(r"NixOS"), "NixOS"),
    (lazy_pattern(r"[Gg]entoo"), "Gentoo"),
    (lazy_pattern(r"Alpine"), "Alpine"),
    (lazy_pattern(r"-talos\b"), "Talos"),
    (lazy_pattern(r"-flatcar\b|-coreos\b"), "Flatcar"),
    (lazy_pattern(r"-perf-g|android", re.IGNORECASE), "Android"),
    (lazy_pattern(r"-qubes"), "Qubes OS"),
    (lazy_pattern(r"-synology|synology", re.IGNORECASE), "Synology DSM"),
)
# "Booting paravirtualized kernel on Xen" and "Xen version:" are said by dom0 and by paravirtual guests alike, so they decide nothing.
# Debian's and Ubuntu's GRUB (20_linux_xen) begin dom0's command line with "placeholder".
_HYPERVISORS = (
    (lazy_pattern(r"\(XEN\) |xen[_-]pciback|xen-acpi-processor|xen: --> pirq|command line: placeholder |\bvif\d+\.\d+\b|xenbr\d|xen[_-](?:netback|blkback)|as dom0", re.IGNORECASE), "xen-dom0"),
    (lazy_pattern(r"Xen HVM domU|xen[_-]netfront|blkfront|Hypervisor detected: Xen HVM|Initialising Xen virtual ethernet"), "xen-domU"),
    (lazy_pattern(r"Hypervisor detected: KVM|kvm-clock|paravirtualized kernel on KVM|Red Hat KVM|OpenStack|Amazon EC2|Google Compute|(?:RHEV|oVirt)\b"), "kvm-guest"),
    (lazy_pattern(r"Hypervisor detected: VMware|VMware Virtual|VMware, Inc\.|VMware\d+,\d"), "vmware-guest"),
    (lazy_pattern(r"Hypervisor detected: Microsoft|Microsoft Corporation Virtual Machine"), "hyperv-guest"),
    (lazy_pattern(r"VirtualBox"), "virtualbox-guest"),
    (lazy_pattern(r"QEMU Standard PC|QEMU Virtual Machine|Bochs"), "qemu-guest"),
)  # fmt: skip


_CLOCK_SET = ("lock synchronization", "System clock was stepped", "time reset ", "step time server", "setting time to ")


def is_banner(text: str) -> bool:
    """Whether a message is among the very first of a boot."""
    return text.startswith(("Linux version ", "Booting Linux on physical CPU"))


def is_suspend(text: str) -> bool:
    """Whether a message says that the machine slept: its kernel clock stood still meanwhile."""
    return text.startswith(
        ("PM: suspend", "PM: Syncing filesystems", "PM: hibernation", "PM: Preparing system for", "PM: resume of devices")
    )


def is_clock_set(text: str) -> bool:
    """Whether a time service says that it has set the clock (systemd-timesyncd, chronyd, ntpd, busybox ntpd)."""
    return any(words in text for words in _CLOCK_SET)


def find_rtc_time(text: str) -> tuple[int, int, int, int, int, int] | None:
    """UTC as the hardware clock had it at boot (drivers/rtc/hctosys.c)."""
    found = _RTC.search(text) if "setting system clock to" in text else None
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(found[name]) for name in ("year", "month", "day", "hour", "minute", "second"))
    return year, month, day, hour, minute, second


def _find_package(release: str, build: str, rest: str) -> str | None:
    """The package version, as the log spells it."""
    package = _PACKAGE.search(rest)
    if package is not None:
        return package["package"]
    ubuntu = _BUILD.search(f"{build} {rest}")
    if ubuntu is not None:
        return ubuntu["build"]
    own = _RPM.match(release) or _ARCH.match(release)
    return own["package"] if own else None


def _find_distro(text: str) -> str | None:
    for pattern, name in _DISTROS:
        found = pattern.search(text)
        if found is not None:
            return name.format(*found.groups()).strip()
    return None


def _find_built(text: str) -> tuple[int, int, int] | None:
    found = _BUILT.search(text)
    if found is not None:
        return int(found["year"]), _MONTHS.index(found["month"]) + 1, int(found["day"])
    found = _BUILT_ISO.search(text)
    return (int(found["year"]), int(found["month"]), int(found["day"])) if found else None


def read_system_facts(text: str) -> SystemFacts | None:
    """What a kernel message tells of the system; None: nothing.

    >>> read_system_facts("Pid: 0, comm: swapper/0 Not tainted 3.2.0-4-amd64 #1 Debian 3.2.73-2+deb7u1")[:2]
    ('3.2.0-4-amd64', '3.2.73-2+deb7u1')
    """
    if not any(key in text for key in _KEYS):
        return None
    release = package = distro = process = None
    built: tuple[int, int, int] | None = None
    found = _BANNER.match(text)
    if found is not None:
        release, rest = found["release"], found["rest"]
        build = rest[rest.find("#") :] if "#" in rest else ""  # before it stands the compiler, with a package version of its own
        package, distro, built = _find_package(release, "", build), _find_distro(f"{release} {rest}"), _find_built(rest)
    else:
        found = _TRACE.search(text)
        if found is not None:
            release, build, rest = found["release"], found["build"] or "", found["rest"]
            package, distro = _find_package(release, build, rest), _find_distro(f"{release} {build} {rest}")
            comm = _COMM.search(text)
            process = comm["comm"] if comm else None
    path = _PATH.search(text)
    hardware = _HARDWARE.match(text)
    virtualization = next((name for pattern, name in _HYPERVISORS if pattern.search(text)), None)
    if "OpenWrt" in text and distro is None:
        distro = "OpenWrt"
    facts = SystemFacts(
        release,
        package,
        path["tree"] if path else None,
        distro,
        virtualization,
        hardware["name"].strip() if hardware else None,
        process,
        built,
    )
    return facts if any(facts) else None
