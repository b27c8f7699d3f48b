# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic watch --keep``: what takes seconds, done beside the resident watcher: a picture of the host, what changed, what a boot is like."""

import contextlib
import os
import tempfile

from nicmedic.app.snapshot import take_snapshot
from nicmedic.app.watch.boot_facts import list_boot_facts, render_changes
from nicmedic.host.archive_writer import HostArchives
from nicmedic.host.clock import HostClock, read_now
from nicmedic.host.machine import HostMachine
from nicmedic.host.owners import with_owners
from nicmedic.model.errors import StateError, UsageError
from nicmedic.model.incident import Evidence, EvidenceKind, Incident
from nicmedic.store import HostIncidents

__all__ = ["keep"]

_KINDER = 10
"""Whoever brings traffic back goes first."""
_MOST_BYTES = 16 << 20
"""An archive of more is not kept: the whole store has four times that."""


def _at() -> str:
    return read_now().isoformat(timespec="milliseconds")


def _note_boot(store: HostIncidents) -> None:
    host = HostMachine().read_host()
    if host.boot_id is not None:
        store.note_boot(host.boot_id, list_boot_facts(host), _at())


def _take_picture() -> bytes | None:
    """As ``nicmedic snapshot``; None: it is too large."""
    with tempfile.TemporaryDirectory(prefix="nicmedic-", dir="/run" if os.access("/run", os.W_OK) else None) as folder:
        written = take_snapshot(HostMachine(), HostClock(), HostArchives(), with_owners, path=f"{folder}/host.tar.gz")
        with open(written.path, "rb") as file:  # noqa: PTH123  # strings throughout
            data = file.read(_MOST_BYTES + 1)
    return data if len(data) <= _MOST_BYTES else None


def _keep_evidence(store: HostIncidents, incident: Incident) -> None:
    number = incident.id or 0
    facts = list_boot_facts(HostMachine().read_host())
    changes = render_changes(facts, store.find_last_healthy_boot(incident.boot_id))
    store.add_evidence(number, Evidence(kind=EvidenceKind.CHANGES, at=_at(), data=changes))
    if any(action.transactions for action in incident.actions):
        return  # each keeps a picture of the host from before
    data = _take_picture()
    if data is not None:
        store.add_evidence(number, Evidence(kind=EvidenceKind.HOST, at=_at(), data=data))


def keep(what: str) -> None:
    """Do one errand.

    Args:
        what: ``boot``, or the number of an incident.

    Raises:
        UsageError: it is neither, or there is no such incident.
        StateError: it cannot be written.
        NicmedicError: the host cannot be read.
    """
    with contextlib.suppress(OSError):
        os.nice(_KINDER)
    store = HostIncidents()
    try:
        if what == "boot":
            _note_boot(store)
            return
        incident = store.find_incident(int(what)) if what.isdecimal() else None
        if incident is None:
            raise UsageError(f"--keep {what}: neither boot nor the number of an incident", hint="nicmedic incidents")
        _keep_evidence(store, incident)
    except OSError as error:
        raise StateError(f"{store.path}: {error.strerror or error}", hint="df -h /run /var/lib") from error
    finally:
        store.close()
