# SPDX-License-Identifier: GPL-2.0-or-later
"""Incidents, what is done about them, and where they are kept."""

import dataclasses
import json
import os
from pathlib import Path

from nicmedic.model.incident import Action, ActionState, Evidence, EvidenceKind, Incident, IncidentVerdict
from nicmedic.store import HostIncidents

__all__ = ["EVIDENCE", "HELPED", "HOST", "LOG", "RUNNING", "keep", "list_names", "make"]

LOG = b"".join(b"[%5d.000000] usb 1-%d: line %d\n" % (number, number, number * number) for number in range(300))
EVIDENCE = (
    Evidence(kind=EvidenceKind.SAMPLES, at="2026-11-23T03:00:00+01:00", data=json.dumps([[n, n * n] for n in range(60)]).encode()),
    Evidence(kind=EvidenceKind.KERNEL_LOG, at="2026-11-23T03:00:00+01:00", data=LOG),
)
HOST = Evidence(kind=EvidenceKind.HOST, at="2026-11-23T03:00:02+01:00", data=b"\x1f\x8b" + os.urandom(20_000))
RUNNING = Action(what="restore", state=ActionState.RUNNING, began="2026-11-23T03:00:01+01:00")
HELPED = dataclasses.replace(
    RUNNING, state=ActionState.HELPED, ended="2026-11-23T03:00:04+01:00", transactions=(4, 5), detail="link-bounce helped"
)


def make(**changes: object) -> Incident:
    plain = Incident(
        boot_id="b1",
        interface="eth0",
        driver="e1000e",
        bus="pci",
        bus_address="0000:02:00.0",
        verdict=IncidentVerdict.NIC_HUNG,
        reasons=("queue 0 holds 196 bytes and completes nothing for 0.5 s", "carrier is there"),
        began="2026-11-23T02:59:59.500+01:00",
        began_uptime_s=120.5,
        detected="2026-11-23T03:00:00+01:00",
        detected_uptime_s=121.0,
        kernel_package="6.1.0-56-amd64 #1 SMP Debian 6.1.177-1",
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]  # names of its fields


def keep(folder: Path) -> HostIncidents:
    """As the watcher has it."""
    return HostIncidents(str(folder), evidence_bytes=64 << 20)


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
