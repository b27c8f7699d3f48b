# SPDX-License-Identifier: GPL-2.0-or-later
"""Consoles and hosts with stamps of their own: Xen and terminal programs, VMware's vmkernel, Android's logcat, Talos.

Real lines:

    (XEN) [2025-04-01 10:00:00] d1v0 Unhandled page fault fault/trap [#14, ec=0002]
    [2025-04-01 12:00:00] [  551.326415] NETDEV WATCHDOG: ens6 (r8169): transmit queue 0 timed out
    Apr  1 12:00:00 esx01 vmkernel: 0:00:09:11.326 cpu2:4245)WARNING: LinNet: netdev_watchdog: NETDEV WATCHDOG: vmnic3: transmit timed out
    2025-04-01T10:00:00.530Z cpu3:2097575)WARNING: LinNet: netdev_watchdog:3688: NETDEV WATCHDOG: vmnic1: transmit timed out
    04-01 12:00:00.000     0     0 I         : NETDEV WATCHDOG: wlan0 (cnss_wlan_pci): transmit queue 0 timed out
    kern:    crit: [2025-04-01T10:00:00.512345678Z]: r8169 0000:02:00.0 eno1: NETDEV WATCHDOG: CPU: 3: transmit queue 0 timed out 5032 ms
"""

from nicmedic.kernlog.formats.head import Head, LineFormat, find_level, parse_kernel_prefix
from nicmedic.kernlog.lazy import lazy_pattern
from nicmedic.kernlog.stamps import ISO, SYSLOG, parse_iso, parse_syslog
from nicmedic.model.record import WallTime

__all__ = ["FORMATS"]

_XEN = lazy_pattern(rf"\(XEN\) (?:\[(?:{ISO}|\s*\d{{1,9}}\.\d{{6}})\] )?")
_OUTER = lazy_pattern(rf"\[{ISO}\]\s?")
_VMKERNEL = lazy_pattern(
    rf"(?:{ISO} (?:[A-Z][a-z]\(\d+\) (?:vmkernel: )?)?)?(?:(?P<days>\d{{1,5}}):(?P<hours>\d\d):(?P<minutes>\d\d):(?P<seconds>\d\d\.\d{{3}}) )?"
    r"cpu\d{1,4}:\d{1,10}(?: opID=\S+)?\)"
)
_VMKERNEL_SYSLOG = lazy_pattern(rf"{SYSLOG} (?P<host>\S+) vmkernel: ")
_LOGCAT = lazy_pattern(
    r"(?P<mo>[01]\d)-(?P<d>[0-3]\d) (?P<h>[012]\d):(?P<mi>[0-5]\d):(?P<s>[0-5]\d)\.(?P<ms>\d{3}) {1,8}\d{1,7} {1,8}\d{1,7} [VDIWEFA] [^:\n]{0,40}: "
)
_TALOS = lazy_pattern(
    rf"(?:(?P<host>[^\s:]{{1,255}}): )?(?P<facility>[a-z]{{3,8}}\d?): {{1,8}}(?P<level>emerg|alert|crit|err|warning|notice|info|debug): \[{ISO}\]: ?"
)
"""``talosctl dmesg`` (cmd/talosctl of siderolabs/talos): facility, level, wall time; with several nodes the node first."""


def _parse_xen(line: str) -> Head | None:
    """The hypervisor's own lines keep their ``(XEN) ``: they are not Linux speaking, and their uptime has another zero."""
    found = _XEN.match(line)
    if found is None:
        return None
    return Head("(XEN) " + line[found.end() :], wall=parse_iso(found) if found["y"] else None)


def _parse_outer(line: str) -> Head | None:
    found = _OUTER.match(line)
    wall = parse_iso(found) if found else None
    if found is None or wall is None:
        return None
    return parse_kernel_prefix(line[found.end() :])._replace(wall=wall)


def _parse_vmkernel(line: str) -> Head | None:
    lead = _VMKERNEL_SYSLOG.match(line)
    rest = line[lead.end() :] if lead else line
    found = _VMKERNEL.match(rest)
    if found is None:
        return None
    wall = parse_iso(found) if found["y"] else (parse_syslog(lead) if lead else None)
    uptime = None
    if found["days"]:
        uptime = int(found["days"]) * 86_400 + int(found["hours"]) * 3600 + int(found["minutes"]) * 60 + float(found["seconds"])
    return Head(rest[found.end() :], wall=wall, uptime_s=uptime, host=lead["host"] if lead else None, kernel=True)


def _parse_logcat(line: str) -> Head | None:
    found = _LOGCAT.match(line)
    if found is None:
        return None
    wall = WallTime(None, int(found["mo"]), int(found["d"]), int(found["h"]), int(found["mi"]), int(found["s"]), int(found["ms"]) * 1000)
    return parse_kernel_prefix(line[found.end() :])._replace(wall=wall)


def _parse_talos(line: str) -> Head | None:
    found = _TALOS.match(line)
    if found is None:
        return None
    kernel = found["facility"] == "kern"
    return Head(line[found.end() :], wall=parse_iso(found), host=found["host"], level=find_level(found["level"]), kernel=kernel)


FORMATS = (
    LineFormat("vmkernel", _parse_vmkernel),
    LineFormat("xen", _parse_xen),
    LineFormat("guest-console", _parse_outer),
    LineFormat("android-logcat", _parse_logcat),
    LineFormat("talos", _parse_talos),
)
