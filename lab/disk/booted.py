# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk VM that has booted already: its memory and its disk, saved when all services were up.

Most tests do not care about the boot itself. A machine that begins with the saved state is there in a second or two; its
network card is plugged later, and the network manager brings it up as it would at boot. Its clock stands where it was
saved: set it first.
"""

import dataclasses
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab import accel, cache
from lab.agent import Agent
from lab.disk.image import locked
from lab.disk.machine import disk_args, machine_args, make_overlay
from lab.machine import own_folder
from lab.qemu import Qemu

__all__ = ["Booted", "boot_once"]

BOOT_LIMIT_S = 400
NEEDED_MB = 1500


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """A saved machine.

    Attributes:
        disk: What its disk was; make an overlay of it, as of an image.
        state: What its memory was.
    """

    disk: Path
    state: Path

    def args(self, folder: Path, overlay: Path) -> list[str]:
        """QEMU's arguments for a machine that goes on from there: complete but for the network cards, which are plugged later.

        The machine waits in the status ``paused`` until it is told to go on.

        Raises:
            LabError: if the overlay cannot be made.
        """
        return [*machine_args(folder), *disk_args(self.disk, overlay), "-incoming", f"exec:cat '{self.state}'"]


def boot_once(image: Path, say: Callable[[str], None]) -> Booted:
    """The state of a machine booted from an image, without a network card; from the cache or made now.

    Raises:
        LabError: if it does not boot or cannot be saved.
    """
    key = cache.recipe_key(accel.qemu_version(), *machine_args(Path("FOLDER")))
    folder = image.with_name(f"{image.stem}.booted-{key}")
    with locked(image.parent):
        if not folder.is_dir():
            cache.room_for(image.parent, NEEDED_MB)
            say(f"booting {image.name} once")
            scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=image.parent))
            try:
                _boot_and_save(image, scratch)
                scratch.chmod(0o755)
                scratch.rename(folder)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return Booted(disk=folder / "disk.qcow2", state=folder / "state")


def _boot_and_save(image: Path, scratch: Path) -> None:
    disk = scratch / "disk.qcow2"
    make_overlay(image, disk)
    folder = own_folder()
    try:
        qemu = Qemu([*machine_args(folder), *disk_args(image, disk)], folder)
        agent = Agent(folder / "agent.sock")
        try:
            agent.connect(BOOT_LIMIT_S)
            # "degraded" is an answer too: some unit of a manager may miss its network card.
            agent.run("systemctl", "is-system-running", "--wait", timeout_s=BOOT_LIMIT_S)
            agent.run("sync")
            agent.close()
            qemu.save_state(scratch / "state")
            qemu.ask("quit")
        finally:
            agent.close()
            qemu.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    disk.chmod(0o444)
