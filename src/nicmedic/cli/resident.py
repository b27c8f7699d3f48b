# SPDX-License-Identifier: GPL-2.0-or-later
"""The resident part of ``nicmedic watch``: a process that stays in memory for months, so it imports as little as can be.

``nicmedic watch`` has read the command line, and replaces itself by this (``build_resident_line``): the parser of all commands takes 4 MB.
"""

import dataclasses
import datetime
import faulthandler
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import nicmedic
from nicmedic.app.watch.edges import Boot, Edges
from nicmedic.app.watch.loop import Watcher
from nicmedic.host.clock import HostClock
from nicmedic.host.outside import is_confined
from nicmedic.host.policy_file import read_policy_file
from nicmedic.host.watching.errands import HostErrands
from nicmedic.host.watching.heart import NotifyHeart
from nicmedic.host.watching.lock import hold_lock
from nicmedic.host.watching.senses import HostSenses
from nicmedic.host.watching.teller import HostTeller
from nicmedic.host.watching.treater import HostTreater
from nicmedic.model.errors import NicmedicError, StateError
from nicmedic.model.incident import Incident
from nicmedic.model.policy import Policy
from nicmedic.ports.clock import Clock
from nicmedic.store import HostIncidents

__all__ = ["NEWEST", "build_resident_line", "keep_sums", "main"]

NEWEST = 200
"""So many incidents are read again here; those before come as numbers, for thousands of them would take more memory than all else."""
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_CODE = "import sys; sys.path.append(sys.argv[1]); from nicmedic.cli.resident import main; raise SystemExit(main(*sys.argv[2:]))"


def build_resident_line(policy_path: str, kernel_package: str | None, program: Sequence[str], sums: int | None = None) -> tuple[str, ...]:
    """The command that this process is to become.

    Args:
        policy_path: read again there.
        kernel_package: found out before, for that takes more than it is worth in memory.
        program: what starts nicmedic.
        sums: what ``keep_sums`` gave.
    """
    root = os.path.dirname(os.path.dirname(os.path.abspath(nicmedic.__file__)))  # noqa: PTH100, PTH120  # strings throughout
    return (
        sys.executable,
        "-P",
        "-c",
        _CODE,
        root,
        policy_path,
        kernel_package or "",
        json.dumps(list(program)),
        "" if sums is None else str(sums),
    )


def keep_sums(sums: Mapping[str, float]) -> int:
    """What older incidents add to counters, by their names: in memory that the next program inherits, for a word of its command line has an end."""
    handle = os.memfd_create("sums", 0)
    os.write(handle, json.dumps(dict(sums)).encode())
    return handle


def _take_sums(handle: str) -> dict[str, float]:
    """And gone."""
    if not handle:
        return {}
    with open(int(handle), "rb") as file:  # noqa: PTH123  # a descriptor
        file.seek(0)
        return dict(json.load(file))


def _list_known(store: HostIncidents, boot_id: str, clock: Clock) -> tuple[Incident, ...]:
    """For the counters: what another boot left open is over since this one, whether the disk has taken that already or not."""
    try:
        known = store.list_incidents(newest=NEWEST)
    except StateError:
        return ()  # the watcher tells it
    booted = clock.read_now() - datetime.timedelta(seconds=_read_uptime_s())
    at = booted.isoformat(timespec="milliseconds")
    is_left = [one.ended is None and one.boot_id != boot_id for one in known]
    return tuple(dataclasses.replace(one, ended=at, ended_why="boot") if left else one for one, left in zip(known, is_left, strict=True))


def _read_uptime_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _read_first_policy(path: str) -> tuple[Policy, str | None]:
    """And what is wrong with it. A service that is started anew by night must not leave the host unwatched for a typing error."""
    try:
        return read_policy_file(path)[0], None
    except NicmedicError as error:
        if not is_confined():
            raise
        return Policy(), error.message


def _build_watcher(
    policy_path: str, kernel_package: str, program: Sequence[str], sums: Mapping[str, float], odd: str | None, at_end: ExitStack
) -> Watcher:
    policy, wrong = _read_first_policy(policy_path)
    store = HostIncidents(evidence_bytes=policy.evidence_bytes)
    at_end.callback(store.close)
    clock = HostClock()
    with open(_BOOT_ID, encoding="ascii") as file:  # noqa: PTH123  # strings throughout
        boot_id = file.read().strip()
    teller = HostTeller(policy.telling, incidents=_list_known(store, boot_id, clock), sums=sums, echo=sys.stderr.isatty())
    at_end.callback(teller.close)
    errands, treater = HostErrands(program), HostTreater(program)
    treater.stand_by = policy.stand_by
    if odd is not None:
        teller.tell_host(odd, bad=True)
    if wrong is not None:
        teller.tell_host(f"everything is only observed until the policy is mended: {wrong}", bad=True)

    def take_policy(new: Policy) -> None:
        store.evidence_bytes = new.evidence_bytes
        teller.change(new.telling)
        treater.stand_by = new.stand_by
        if new.watch_virtual != policy.watch_virtual:
            teller.tell_host("watch_virtual of the new policy counts when the watcher is started anew", bad=True)

    def turn(now_s: float) -> None:
        teller.turn(now_s)
        errands.turn()

    edges = Edges(
        senses=at_end.enter_context(HostSenses(virtual=policy.watch_virtual)),
        store=store,
        treater=treater,
        errands=errands,
        teller=teller,
        heart=NotifyHeart(),
        clock=clock,
        boot=Boot(boot_id=boot_id, kernel_release=os.uname().release, kernel_package=kernel_package or None),
        read_uptime_s=_read_uptime_s,
        read_policy=lambda: read_policy_file(policy_path)[0],
        take_policy=take_policy,
        turn=turn,
    )
    return Watcher(edges, policy)


def main(policy_path: str, kernel_package: str, program: str, sums: str = "") -> int:
    """Watch until a signal ends it."""
    faulthandler.enable()
    os.chdir("/")
    with ExitStack() as at_end:
        try:
            _, odd = hold_lock()
            watcher = _build_watcher(policy_path, kernel_package, json.loads(program), _take_sums(sums), odd, at_end)
        except NicmedicError as error:
            print(f"nicmedic: {error.message}\n          {error.hint}", file=sys.stderr)
            return error.code
        signal.signal(signal.SIGTERM, lambda *_: watcher.ask_stop())
        signal.signal(signal.SIGINT, lambda *_: watcher.ask_stop())
        signal.signal(signal.SIGHUP, lambda *_: watcher.ask_reload())
        watcher.run()
    return 0
