# SPDX-License-Identifier: GPL-2.0-or-later
"""pytest fixtures: machines that begin in seconds, and whose traces are kept when a test fails.

``tests/lab/conftest.py`` takes them in. What a failing test leaves is one folder, which its report names: the console, a
packet capture of each card, the kernel log, the journal of a disk VM.
"""

import contextlib
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from lab import faults, nics
from lab.disk_vm import DiskVM
from lab.errors import LabError
from lab.kernel_vm import KernelVM
from lab.machine import Machine
from lab.segment import Segment

__all__ = ["DiskMaker", "FaultSetter", "MachineMaker", "disk_vm", "fault", "pytest_runtest_makereport", "segment", "vm"]

FAILURES = Path("lab-failures")
MACHINES: pytest.StashKey[list[Machine]] = pytest.StashKey()


class MachineMaker(Protocol):
    """What the fixture ``vm`` gives."""

    def __call__(
        self,
        nic: str = "e1000e",
        *,
        kernel: str = "",
        machine: str = "pc",
        cpus: int = 1,
        memory_mb: int = 512,
        steady: bool = False,
        **hangsim: object,
    ) -> KernelVM:
        """A kernel VM whose card is on the test's segment and reaches the gateway.

        Args:
            nic: A name of ``lab.nics``, ``hangsim``, or nothing for a machine without a card.
            kernel: As for ``KernelVM``, like the next three.
            machine: The same.
            cpus: The same.
            memory_mb: The same.
            hangsim: Parameters of that module.
        """


class DiskMaker(Protocol):
    """What the fixture ``disk_vm`` gives."""

    def __call__(
        self,
        manager: str = "ifupdown",
        *,
        nic: str = "e1000e",
        kernel_releases: tuple[str, ...] = (),
        packages: tuple[str, ...] = (),
        booted: bool = True,
        watchdog: bool = False,
    ) -> DiskVM:
        """A disk VM on the test's segment; all arguments are those of ``DiskVM``."""


FaultSetter = Callable[..., contextlib.AbstractContextManager[None]]


@pytest.fixture
def segment() -> Iterator[Segment]:
    """A network segment outside the machines."""
    with Segment() as made:
        yield made


@pytest.fixture
def vm(request: pytest.FixtureRequest, segment: Segment) -> Iterator[MachineMaker]:
    """Makes kernel VMs; they end with the test."""
    with contextlib.ExitStack() as stack:

        def make(
            nic: str = "e1000e",
            *,
            kernel: str = "",
            machine: str = "pc",
            cpus: int = 1,
            memory_mb: int = 512,
            steady: bool = False,
            **hangsim: object,
        ) -> KernelVM:
            made = stack.enter_context(KernelVM(kernel=kernel, machine=machine, cpus=cpus, memory_mb=memory_mb, steady=steady))
            request.node.stash.setdefault(MACHINES, []).append(made)
            if nic == "hangsim":
                made.add_hangsim(segment, **hangsim)
            elif nic:
                made.add_nic(nics.find(nic), segment)
            return made

        yield make


@pytest.fixture
def disk_vm(request: pytest.FixtureRequest, segment: Segment) -> Iterator[DiskMaker]:
    """Makes disk VMs; they end with the test."""
    with contextlib.ExitStack() as stack:

        def make(
            manager: str = "ifupdown",
            *,
            nic: str = "e1000e",
            kernel_releases: tuple[str, ...] = (),
            packages: tuple[str, ...] = (),
            booted: bool = True,
            watchdog: bool = False,
        ) -> DiskVM:
            made = stack.enter_context(
                DiskVM(manager, segment, nic=nic, kernel_releases=kernel_releases, packages=packages, booted=booted, watchdog=watchdog)
            )
            request.node.stash.setdefault(MACHINES, []).append(made)
            return made

        yield make


@pytest.fixture
def fault() -> FaultSetter:
    """A way to set faults by name, each for the length of a ``with`` block."""

    @contextlib.contextmanager
    def setter(name: str, machine: Machine, **arguments: object) -> Iterator[None]:
        made = faults.find(name)(**arguments)
        made.set(machine)
        try:
            yield
        finally:
            if machine.qemu.alive:
                made.clear(machine)

    return setter


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the traces of a failing test's machines while they still run."""
    report = yield
    machines = item.stash.get(MACHINES, [])
    if report.failed and report.when == "call" and machines:
        folder = item.config.rootpath / FAILURES / item.name.translate(str.maketrans("/[]: ", "-----"))
        shutil.rmtree(folder, ignore_errors=True)
        try:
            for number, machine in enumerate(machines):
                _keep(machine, folder / f"machine{number}")
        except Exception as error:  # noqa: BLE001  # of a machine in any state; raised in a hook, it would end the whole ring
            report.sections.append(("what could not be kept of the machines", f"{error!r}"))
        report.sections.append(("traces of the machines", f"{folder}"))
    if report.when == "teardown":
        machines.clear()  # the test may be tried once more, with machines of its own
    return report


def _keep(machine: Machine, folder: Path) -> None:
    folder.mkdir(parents=True)
    for command in ("dmesg", "journalctl --no-pager -b", "ip -d -s address", "ip route show table all", "ps -ef"):
        try:
            text = machine.run("sh", "-c", command, timeout_s=20).out
        except LabError as error:
            text = f"{error}\n"
        (folder / f"{command.replace(' ', '_')}.txt").write_text(text, encoding="utf-8")
    for path in machine.folder.iterdir():
        if path.suffix in {".log", ".pcap"}:
            shutil.copy(path, folder)
