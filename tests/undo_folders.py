# SPDX-License-Identifier: GPL-2.0-or-later
"""The folder of a transaction in a room, for the tests of its undo script."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Change, Identity, Plan
from nicmedic.model.step import INTERFACE, Run, Step
from nicmedic.remedy.recipe import FLAP, NONE
from nicmedic.remedy.script import render_undo
from tests.rooms import DEVICE, Room

__all__ = ["BOOT", "CARD", "MTU_BACK", "PLAN", "TSO_ON", "Folder", "Make", "change", "plan_of"]

BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
CARD = Identity(interface="card0", sysfs_path=DEVICE)
TSO_ON = Run(argv=("ethtool", "-K", INTERFACE, "tso", "on"))
MTU_BACK = Run(argv=("ip", "link", "set", "dev", INTERFACE, "mtu", "1500"))
CHANGES = (
    Change(remedy=RemedyId.OFFLOAD_OFF, title="", steps=(), undo=(TSO_ON,), disruption=NONE),
    Change(remedy=RemedyId.MTU, title="", steps=(), undo=(MTU_BACK,), disruption=FLAP),
)


def plan_of(*undo: Step, put_back: tuple[Step, ...] = (), nic: Identity = CARD, disruption: str = NONE) -> Plan:
    """A plan of one change."""
    change = Change(remedy=RemedyId.MTU, title="", steps=(), undo=undo, disruption=disruption)
    return Plan(nic=nic, boot_id=BOOT, changes=(change,), put_back=put_back)


PLAN = Plan(nic=CARD, boot_id=BOOT, changes=CHANGES)


class Folder:
    """The folder of a transaction, as ``nicmedic.host.transactions`` makes it."""

    def __init__(self, room: Room, path: Path, plan: Plan, *begun: int, boot: str = BOOT) -> None:
        self.room = room
        self.path = path
        path.mkdir(mode=0o700, exist_ok=True)
        (path / "plan.json").write_text("{}")
        (path / "undo.sh").write_text(render_undo(plan))
        words = ["planned ", "armed sh", *(f"applying {number} x" for number in (begun or range(len(plan.changes))))]
        (path / "journal").write_text("".join(f"1.00 2026-01-01T00:00:00Z {boot} {word}\n" for word in words))

    def undo(self, why: str = "operator", shell: Sequence[str] = ("dash",), within_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return self.room.run(*shell, f"{self.path}/undo.sh", why, check=False, within_s=within_s)

    def start(self, why: str = "operator", shell: Sequence[str] = ("dash",)) -> subprocess.Popen[str]:
        """Start it."""
        return self.room.start(*shell, f"{self.path}/undo.sh", why)

    def words(self, file: str = "") -> list[str]:
        """The words of the journal since the changes."""
        text = self.room.read("cat", file) if file else (self.path / "journal").read_text()
        lines = [line.split(" ", 4) for line in text.splitlines()]
        return [" ".join(line[3:]).strip() for line in lines if line[3] not in ("planned", "armed", "applying")]

    def set_deadline(self, seconds: float) -> None:
        """So many seconds from now, replaced by a rename."""
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        (self.path / "new").write_text(f"{uptime + seconds:.2f}\n")
        (self.path / "new").rename(self.path / "deadline")


Make = Callable[..., Folder]


def change(room: Room) -> None:
    """What PLAN undoes."""
    room.run("ethtool", "-K", "card0", "tso", "off")
    room.run("ip", "link", "set", "dev", "card0", "mtu", "1400")
