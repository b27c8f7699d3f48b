# SPDX-License-Identifier: GPL-2.0-or-later
"""What the logs do not say and a diagnosis would need, each with the command that would settle it."""

import re
from collections.abc import Iterator, Sequence

from nicmedic.diagnosis.evidence import Evidence
from nicmedic.kernlog.hangs import is_warn_once
from nicmedic.model.boot import Boot
from nicmedic.model.explanation import Unknown
from nicmedic.model.finding import Finding
from nicmedic.model.names import shell_name

__all__ = ["find_unknowns"]

_PCI = re.compile(r"(?:[0-9a-f]{4,5}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\Z")
_USB = re.compile(r"\d{1,3}-\d{1,3}(?:\.\d{1,3})*(?::\d+\.\d+)?\Z")
LOSS_SIGNALS = frozenset({"core/callbacks-suppressed", "core/messages-dropped", "core/messages-missed", "core/kmsg-overrun"})


def find_unknowns(evidence: Evidence, findings: Sequence[Finding]) -> list[Unknown]:
    """Everything worth knowing that is not in the logs; nothing when nothing was found."""
    if not evidence.events:
        return []
    return list(dict.fromkeys((*_about_counts(evidence), *_about_boots(evidence.boots), *_about_nics(evidence, findings))))


def _about_counts(evidence: Evidence) -> Iterator[Unknown]:
    once = [event for event in evidence.events if is_warn_once(event)]
    if once:
        names = sorted({event.interface for event in once if event.interface is not None})
        interface = shell_name(names[0] if names else None, "IFACE")
        yield Unknown(
            text="How often it hung: this kernel prints the watchdog line for the first hang of a boot only, for all NICs together",
            command=f"grep . /sys/class/net/{interface}/queues/tx-*/tx_timeout   # every time-out since the interface was made, Linux 3.3 and later",
        )
    lost = [fact for fact in evidence.facts if fact.signal in LOSS_SIGNALS or fact.signal.startswith("core/lost-")]
    if lost:
        yield Unknown(text=f"What stood in messages that the log says were lost (line {lost[0].line}): counts are lower bounds", command="")


def _about_boots(boots: Sequence[Boot]) -> Iterator[Unknown]:
    if any(boot.kernel_release is None for boot in boots):
        yield Unknown(text="Which kernel this was", command="uname -a   # on the host, in the same boot")
    elif any(boot.kernel_package is None for boot in boots):
        yield Unknown(text="Which build of the kernel: a point release may change it under the same name", command="cat /proc/version")
    if any(boot.last_time is None for boot in boots):
        yield Unknown(text="When exactly: the log leaves out the year or the time zone", command="journalctl -k -b all -o short-iso")


def _about_nics(evidence: Evidence, findings: Sequence[Finding]) -> Iterator[Unknown]:
    for finding in findings:
        if finding.interface is None and finding.bus is None:
            continue
        interface = shell_name(finding.interface, "IFACE")
        known = any(name == "chip" for fact in evidence.facts if fact.driver == finding.driver for name, _ in fact.values)
        if not known:
            yield Unknown(
                text=f"Which chip {interface} has" + ("" if finding.driver else ", and which driver"),
                command=f"ethtool -i {interface}; {_find_list_command(finding.bus)}",
            )


def _find_list_command(bus: str | None) -> str:
    """What lists the device at a bus address."""
    if bus is None:
        return "lspci -nnk | grep -iA3 ethernet"
    if _PCI.match(bus):
        return f"lspci -nnk -s {bus}"
    return "lsusb" if _USB.match(bus) else f"readlink /sys/bus/*/devices/{shell_name(bus, 'BUS')}/driver"
