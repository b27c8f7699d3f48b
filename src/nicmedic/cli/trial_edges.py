# SPDX-License-Identifier: GPL-2.0-or-later
"""The real edges of a kernel on trial, wired once for all commands of ``nicmedic trial``."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nicmedic.app.boot_trial.edges import TrialEdges
    from nicmedic.model.plan import Identity
    from nicmedic.model.policy import NicPolicy

__all__ = ["build_trial_edges"]


def _tell(words: str) -> None:
    from nicmedic.cli.streams import write_complaint
    from nicmedic.report.escape import escape_terminal

    write_complaint(f"nicmedic: {escape_terminal(words)}\n")


def _find_policy(card: "Identity") -> "NicPolicy | None":
    """What the watcher may do for a card now; None: it does not run, or knows no such card, or its policy makes no sense."""
    from nicmedic.host.policy_file import read_policy_file
    from nicmedic.host.sysfs import Folder
    from nicmedic.host.watching.cards import read_card
    from nicmedic.host.watching.sign_of_life import is_watched
    from nicmedic.model.errors import NicmedicError
    from nicmedic.remedy.policy import find_nic_policy

    found = read_card(Folder("/sys/class/net"), card.interface)
    if found is None or not is_watched():
        return None
    try:
        policy, _ = read_policy_file()
    except NicmedicError:
        return None
    return find_nic_policy(policy, found)


def _take_picture(folder: str) -> object:
    """A snapshot of the host into a folder."""
    from nicmedic.app.snapshot import take_snapshot
    from nicmedic.host.archive_writer import HostArchives
    from nicmedic.host.clock import HostClock
    from nicmedic.host.machine import HostMachine
    from nicmedic.host.owners import with_owners

    return take_snapshot(HostMachine(), HostClock(), HostArchives(), with_owners, path=folder)


def build_trial_edges() -> "TrialEdges":
    """Of this machine; progress is told in lines on standard error."""
    from nicmedic.app.boot_trial.edges import TrialEdges
    from nicmedic.host.boot_menu import HostBootMenu
    from nicmedic.host.clock import HostClock
    from nicmedic.host.kernel_copies import HostKernels
    from nicmedic.host.machine import HostMachine
    from nicmedic.host.probes import HostProber
    from nicmedic.host.trial_boots import HostBoots
    from nicmedic.host.trial_folder import HostTrials
    from nicmedic.host.trial_traffic import HostTraffic
    from nicmedic.host.trial_units import HostTrialUnits

    return TrialEdges(
        menu=HostBootMenu(),
        kernels=HostKernels(),
        store=HostTrials(),
        units=HostTrialUnits(),
        boots=HostBoots(_take_picture),
        traffic=HostTraffic(),
        machine=HostMachine(),
        prober=HostProber(),
        clock=HostClock(),
        tell=_tell,
        find_policy=_find_policy,
    )
