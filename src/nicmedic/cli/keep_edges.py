# SPDX-License-Identifier: GPL-2.0-or-later
"""The real edges of keeping, wired once for the commands that keep, release and check."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nicmedic.app.keep.edges import KeepEdges
    from nicmedic.app.keep.verify import VerifyEdges
    from nicmedic.model.host import Host
    from nicmedic.model.keeping import Kept
    from nicmedic.model.nic import Nic
    from nicmedic.model.plan import Plan
    from nicmedic.persist.files import FoundFiles

__all__ = ["build_keep_edges", "build_verify_edges", "find_expiries", "plan_remedies"]


def _tell(words: str) -> None:
    from nicmedic.cli.streams import write_complaint

    write_complaint(f"nicmedic: {words}\n")


def _find_trial(number: int) -> int | None:
    from nicmedic.app.keep.edges import find_trial
    from nicmedic.host.transactions import HostTransactions

    return find_trial(HostTransactions().list_transactions(), number)


def _survey() -> "FoundFiles":
    from nicmedic.host.config_files import read_config_files
    from nicmedic.persist.back_ends.looks import LOOKS

    return read_config_files(also=LOOKS)


def build_keep_edges() -> "KeepEdges":
    """Of this machine; each file and program is told in a line on standard error."""
    from nicmedic.app.keep.edges import KeepEdges
    from nicmedic.host.clock import HostClock
    from nicmedic.host.kept_files import HostConfigFiles
    from nicmedic.host.kept_folder import HostKept
    from nicmedic.host.kept_programs import HostRefresher
    from nicmedic.host.kept_unit import HostBootCheck
    from nicmedic.persist.back_ends.table import BACK_ENDS

    return KeepEdges(
        store=HostKept(),
        files=HostConfigFiles(),
        refresher=HostRefresher(),
        boot_check=HostBootCheck(),
        clock=HostClock(),
        back_ends=BACK_ENDS,
        survey=_survey,
        tell=_tell,
        find_trial=_find_trial,
    )


def plan_remedies(host: "Host", interface: str, wanted: Sequence[str]) -> "Plan":
    """The plan of some remedies on a card of this host."""
    from nicmedic.host.knowledge import read_knowledge
    from nicmedic.host.sysfs import Folder
    from nicmedic.host.tools import find_tools
    from nicmedic.remedy.planning import TOOLS, build_plan

    machine_id = Folder("/").text("etc/machine-id")
    return build_plan(host, interface, wanted, knowledge=read_knowledge(), tools=find_tools(TOOLS), machine_id=machine_id)


def _repair(host: "Host", nic: "Nic", names: Sequence[str]) -> object:
    from nicmedic.app.treat import Wishes, carry_out
    from nicmedic.cli.edges import build_host_edges
    from nicmedic.model.transaction import Confirm

    return carry_out(plan_remedies(host, nic.interface, names), host, build_host_edges(), Wishes(confirm=Confirm.PROBES))


def build_verify_edges() -> "VerifyEdges":
    """Of this machine."""
    from nicmedic.app.keep.verify import VerifyEdges
    from nicmedic.host.clock import HostClock
    from nicmedic.host.kept_folder import HostKept
    from nicmedic.host.machine import HostMachine
    from nicmedic.host.transactions import HostTransactions

    store = HostTransactions()
    return VerifyEdges(
        machine=HostMachine(), clock=HostClock(), store=HostKept(), repair=_repair, list_transactions=store.list_transactions
    )


def find_expiries(known: "Sequence[Kept]", host: "Host") -> dict[int, str | None]:
    """What each was made for and is another now."""
    from nicmedic.model.keeping import KeptState
    from nicmedic.model.same_card import find_card
    from nicmedic.persist.expiry import find_expiry

    live = [kept for kept in known if kept.state is not KeptState.RELEASED]
    return {kept.id: find_expiry(kept, host, find_card(host.nics, kept.nic)) for kept in live}
