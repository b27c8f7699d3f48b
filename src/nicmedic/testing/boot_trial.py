# SPDX-License-Identifier: GPL-2.0-or-later
"""A host in memory that boots what its GRUB menu says, and the edges of a trial over it, which may fail or die at their n-th call.

Everything that is written is on disk at once; ``boot`` is a reboot or a power cut, which are the same to what is on disk. Time passes only while
somebody waits. What a kernel does to the host is told by ``Behaviour``, by the version of its package.
"""

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from nicmedic.app.boot_trial.edges import TrialEdges
from nicmedic.app.boot_trial.resume import resume
from nicmedic.model.boot_trial import BootTrial, Card, KernelChoice, SoakFigures, Traffic, find_first_s
from nicmedic.model.counters import Counters, QueueCounters
from nicmedic.model.errors import BusyError, NicmedicError, UsageError
from nicmedic.model.host import Host
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.plan import Identity
from nicmedic.model.policy import NicPolicy
from nicmedic.model.transaction import ProbeResult, ProbeState
from nicmedic.ports.boot_trial import MenuNow
from nicmedic.ports.probes import Proof
from nicmedic.testing.world import Killed, Process

__all__ = ["NEW", "OLD", "Behaviour", "TrialHost", "build_trial_edges", "run_services"]

OLD = KernelChoice(release="6.1.0-55-amd64", package="6.1.153-1", image="/boot/vmlinuz-6.1.0-55-amd64")
NEW = KernelChoice(release="6.1.0-56-amd64", package="6.1.158-1", image="/boot/vmlinuz-6.1.0-56-amd64")
_NAP_S = 0.5
_MOST_BOOTS = 30
_SILENCE_S = 600.0
_TRIES = 4
"""How often systemd starts the service again in one boot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a kernel does; times in seconds since its boot."""

    panics: bool = False
    """Before any service."""
    reaches_s: float | None = 0.0
    """From then on the gateway answers; None: never."""
    hangs_s: float | None = None
    """Its card stops."""
    cured_s: float | None = None
    """The watcher has brought that back."""
    dies_s: float | None = None
    """A panic of the whole host."""
    silent_s: tuple[float, float] | None = None
    """The gateway does not answer from and until, although frames leave."""
    rate_bit_s: float = 8e6
    """In each direction."""
    gap_s: tuple[float, float] | None = None
    """At that time it stands still for so long."""
    gone_s: tuple[float, float] | None = None
    """From and until the card is not there; then it is another interface, with counters from zero."""
    counts: bool = True
    """Its counters can be read."""


class TrialHost:
    """What outlives processes, and boots."""

    def __init__(self, *, grub_clears: bool = True, **behaviours: Behaviour) -> None:
        """Begin in a boot of the old kernel.

        Args:
            grub_clears: GRUB can take its word away before it boots.
            behaviours: ``old`` and ``new``.
        """
        self.grub_clears = grub_clears
        self.behaviours = {OLD.package: behaviours.get("old", Behaviour()), NEW.package: behaviours.get("new", Behaviour())}
        self.kernels: tuple[KernelChoice, ...] = (NEW, OLD)
        self.obstacles: tuple[str, ...] = ()
        self.obstacle_of_units: str | None = None
        self.menu_default = OLD
        """What the menu boots without anything of ours."""
        self.block: tuple[int, KernelChoice, KernelChoice | None] | None = None
        """What is ours in the menu: trial, old kernel, kernel on trial."""
        self.word: int | None = None
        """In GRUB's variables."""
        self.trials: dict[int, BootTrial] = {}
        self.progress: dict[tuple[int, str], SoakFigures] = {}
        self.copies: set[str] = set()
        self.units: float | None = None
        """The services are there; the deadline."""
        self.first_s = 0.0
        """By then somebody has shown life."""
        self.policy: NicPolicy | None = None
        """Of the watcher."""
        self.cards = True
        """The card is there."""
        self.asks = True
        """Probes can be run: whoever is asked answers, or does not."""
        self.misses = 0
        """So many rounds of probes come too late to be heard."""
        self.idle_card = False
        """A second one is, that has a link, and over which nobody answers."""
        self.dark_card = False
        """A third one is, without a link."""
        self.told: list[str] = []
        self.evidence: list[tuple[int, int]] = []
        self.booted: list[tuple[KernelChoice, int | None, str]] = []
        """Every boot: kernel, trial, and what ended the boot before."""
        self.boots = 0
        self.wall_s = 0.0
        self.holder: Process | None = None
        self.processes: list[Process] = []
        self.boot("power on")

    # Booting ---------------------------------------------------------------------------------------------------------------

    def boot(self, why: str = "power cut") -> None:
        """The running boot ends, and GRUB boots what it says."""
        for process in self.processes:
            process.dead = True
        self.processes, self.holder = [], None
        self.boots += 1
        if self.boots > _MOST_BOOTS:
            raise AssertionError("it boots for ever")
        self.boot_id, self.uptime_s, self.rebooting, self.stood_down = f"boot-{self.boots}", 0.0, False, False
        self.running, self.on_trial = self._choose()
        self.deadline_s = self.units if self.on_trial is not None else None
        self.life_s: float | None = None
        """When somebody has shown life last."""
        self.rx_bytes = self.tx_bytes = 0.0
        self.made_bit_s = 0.0
        self.gapped = self.served = False
        self.booted.append((self.running, self.on_trial, why))
        if self.behaviour.panics and self.on_trial is not None:
            self.boot("panic")

    def _choose(self) -> tuple[KernelChoice, int | None]:
        if self.block is None:
            return self.menu_default, None
        number, old, candidate = self.block
        if self.word != number or candidate is None:
            return old, None
        if not self.grub_clears:
            return old, None
        self.word = None
        return candidate, number

    @property
    def next_kernel(self) -> KernelChoice:
        """What the next boot is of."""
        if self.block is None:
            return self.menu_default
        number, old, candidate = self.block
        return candidate if candidate is not None and self.word == number and self.grub_clears else old

    @property
    def behaviour(self) -> Behaviour:
        """Of the kernel that runs."""
        return self.behaviours[self.running.package]

    # Time ------------------------------------------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Time goes by; the host may die of it, and whoever waited with it."""
        until_s = self.uptime_s + seconds
        while self.uptime_s < until_s:
            step_s = min(_NAP_S, until_s - self.uptime_s)
            self.uptime_s, self.wall_s = self.uptime_s + step_s, self.wall_s + step_s
            if not self.is_there:
                self.rx_bytes = self.tx_bytes = 0.0
            elif not self.hung:
                self.rx_bytes += (self.behaviour.rate_bit_s + self.made_bit_s) / 8 * step_s
                self.tx_bytes += (self.behaviour.rate_bit_s + self.made_bit_s) / 8 * step_s
            gap = self.behaviour.gap_s
            if gap is not None and not self.gapped and self.uptime_s >= gap[0]:
                self.gapped = True
                self.uptime_s, self.wall_s = self.uptime_s + gap[1], self.wall_s + gap[1]
                self.life_s = None if self.life_s is None else self.life_s + gap[1]
            self._die()

    def _die(self) -> None:
        if self.behaviour.dies_s is not None and self.uptime_s >= self.behaviour.dies_s:
            self.boot("panic")
            raise Killed
        if self.deadline_s is not None and not self.stood_down and self.uptime_s >= self.deadline_s:
            self.boot("deadline")
            raise Killed
        until_s = self.first_s if self.life_s is None else self.life_s + _SILENCE_S
        if self.deadline_s is not None and not self.stood_down and self.uptime_s >= until_s:
            self.boot("silence")
            raise Killed

    @property
    def is_there(self) -> bool:
        """Whether its card is."""
        gone = self.behaviour.gone_s
        return self.cards and not (gone is not None and gone[0] <= self.uptime_s < gone[1])

    @property
    def ifindex(self) -> int:
        """Of its card, which has another one when it comes back."""
        gone = self.behaviour.gone_s
        return 9 if gone is not None and self.uptime_s >= gone[1] else 2

    @property
    def hung(self) -> bool:
        """Whether its card stands still."""
        behaviour, now_s = self.behaviour, self.uptime_s
        if behaviour.hangs_s is None or now_s < behaviour.hangs_s:
            return False
        return behaviour.cured_s is None or now_s < behaviour.cured_s

    @property
    def answers(self) -> bool:
        """Whether the gateway is heard."""
        behaviour, now_s = self.behaviour, self.uptime_s
        silent = behaviour.silent_s is not None and behaviour.silent_s[0] <= now_s < behaviour.silent_s[1]
        return self.is_there and not self.hung and not silent and behaviour.reaches_s is not None and now_s >= behaviour.reaches_s

    def count_timeouts(self) -> int:
        """Expiries of the transmit watchdog in this boot: one every five seconds."""
        hangs_s, cured_s = self.behaviour.hangs_s, self.behaviour.cured_s
        if hangs_s is None or self.uptime_s < hangs_s:
            return 0
        return 1 + int((min(self.uptime_s, cured_s or self.uptime_s) - hangs_s) // 5)


class _Edge:
    def __init__(self, host: TrialHost, process: Process) -> None:
        self.host, self.process = host, process


class _Menu(_Edge):
    """``nicmedic.ports.boot_trial.BootMenu``."""

    def read_menu(self) -> MenuNow:
        self.process.call("read menu")
        host = self.host
        default = host.menu_default if host.block is None else host.block[1]
        return MenuNow(loader="GRUB", default=default, kernels=host.kernels, obstacles=host.obstacles, settle=("grub-probe /boot/grub",))

    def write_default(self, trial: int, old: KernelChoice, candidate: KernelChoice | None) -> None:
        self.process.call("write default")
        self.host.block = (trial, old, candidate)
        self.process.call("default written")

    def arm(self, trial: int) -> None:
        self.process.call("arm")
        self.host.word = trial
        self.process.call("armed")

    def disarm(self) -> None:
        self.process.call("disarm")
        self.host.word = None

    def is_armed(self) -> int | None:
        self.process.call("is armed")
        return self.host.word

    def find_held(self) -> int | None:
        self.process.call("find held")
        return None if self.host.block is None else self.host.block[0]

    def write_promoted(self, kernel: KernelChoice) -> tuple[str, ...]:
        self.process.call("write promoted")
        self.host.menu_default, self.host.block = kernel, None
        self.process.call("promoted")
        return ()

    def remove(self) -> None:
        self.process.call("remove block")
        self.host.block = None


class _Kernels(_Edge):
    """``nicmedic.ports.boot_trial.KernelStore``."""

    def read_running(self) -> KernelChoice:
        self.process.call("read running")
        return self.host.running

    def save_kernel(self, kernel: KernelChoice, trial: int, tell: Callable[[str], None]) -> KernelChoice:
        self.process.call("save kernel")
        tell(f"copying {kernel.image}")
        self.host.copies.add(f"/boot/nicmedic/{trial}")
        self.process.call("kernel saved")
        return dataclasses.replace(kernel, saved=f"/boot/nicmedic/{trial}", image=f"/boot/nicmedic/{trial}/vmlinuz-{kernel.release}")

    def sweep_saved(self, keep: Collection[str]) -> tuple[str, ...]:
        self.process.call("sweep")
        stay = {*keep, self.host.running.saved}
        self.host.copies = {copy for copy in self.host.copies if copy in stay}
        return tuple(f"{copy} runs" for copy in self.host.copies if copy not in keep)


class _Store(_Edge):
    """``nicmedic.ports.boot_trial.TrialStore``."""

    def list_trials(self) -> tuple[BootTrial, ...]:
        self.process.call("list")
        return tuple(self.host.trials[number] for number in sorted(self.host.trials))

    def create_trial(self, trial: BootTrial) -> BootTrial:
        self.process.call("create")
        number = max(self.host.trials, default=0) + 1
        made = dataclasses.replace(trial, id=number, folder=f"/fake/trials/{number}")
        self.host.trials[number] = made
        self.process.call("created")
        return made

    def save_trial(self, trial: BootTrial) -> BootTrial:
        self.process.call(f"save {trial.phase}")
        self.host.trials[trial.id] = trial
        return trial

    def note_progress(self, trial: BootTrial, figures: SoakFigures) -> None:
        self.process.call("progress")
        self.host.progress[trial.id, self.host.boot_id] = figures

    def read_progress(self, trial: BootTrial) -> SoakFigures | None:
        self.process.call("read progress")
        return self.host.progress.get((trial.id, self.host.boot_id))

    def hold_lock(self, *, patience_s: float = 10.0) -> AbstractContextManager[None]:
        return self._hold_lock(patience_s)

    @contextlib.contextmanager
    def _hold_lock(self, patience_s: float) -> Iterator[None]:
        self.process.call("lock")
        if self.host.holder is not None and not self.host.holder.dead:
            raise BusyError(f"held for {patience_s:g} s")
        self.host.holder = self.process
        try:
            yield
        finally:
            if self.host.holder is self.process:
                self.host.holder = None


class _Units(_Edge):
    """``nicmedic.ports.boot_trial.TrialUnits``."""

    def find_obstacle(self) -> str | None:
        self.process.call("find obstacle")
        return self.host.obstacle_of_units

    def install(self, trial: BootTrial, deadline_s: float) -> tuple[str, ...]:
        self.process.call(f"install units of {trial.id}")
        self.host.units, self.host.first_s = deadline_s, find_first_s(trial)
        self.process.call("units installed")
        return ("There is no hardware watchdog.",)

    def remove(self) -> None:
        self.process.call("remove units")
        self.host.units = None

    def stand_down(self) -> None:
        self.process.call("stand down")
        self.host.stood_down = True

    def show_life(self) -> None:
        self.process.call("show life")
        self.host.life_s = self.host.uptime_s


class _Boots(_Edge):
    """``nicmedic.ports.boot_trial.Boots``."""

    def read_boot_id(self) -> str:
        self.process.call("boot id")
        return self.host.boot_id

    def read_release(self) -> str:
        self.process.call("read release")
        return self.host.running.release

    def read_trial(self) -> int | None:
        self.process.call("read trial")
        return self.host.on_trial

    def is_rebooting(self) -> bool:
        self.process.call("is rebooting")
        return self.host.rebooting

    def reboot(self, why: str) -> None:
        self.process.call(f"reboot {why}")
        self.host.rebooting = True

    def keep_evidence(self, trial: BootTrial, number: int, cards: Sequence[Card]) -> str | None:
        self.process.call(f"evidence of {len(cards)}")
        self.host.evidence.append((trial.id, number))
        return f"{trial.folder}/leg-{number}"


class _Traffic(_Edge):
    """``nicmedic.ports.boot_trial.TrafficMaker``."""

    def begin(self, nic: Identity, traffic: Traffic) -> None:
        self.process.call(f"traffic over {nic.interface}")
        self.host.made_bit_s = float(traffic.rate_bit_s)

    def end(self) -> None:
        self.process.call("end of traffic")
        self.host.made_bit_s = 0.0


class _Clock(_Edge):
    """``nicmedic.ports.clock.Clock``; waiting lets the host's time pass."""

    def read_now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(1_735_689_600 + self.host.wall_s, datetime.UTC)

    def read_monotonic_s(self) -> float:
        return self.host.uptime_s

    def wait_s(self, seconds: float) -> None:
        self.process.call("wait")
        self.host.pass_time(seconds)


class _Machine(_Edge):
    """``nicmedic.ports.machine.Machine``: one card."""

    def read_host(self) -> Host:
        self.process.call("read host")
        there = {"eth0": self.host.is_there, "eth1": self.host.idle_card, "eth2": self.host.dark_card}
        nics = tuple(
            Nic(
                interface=name,
                ifindex=self.host.ifindex if name == "eth0" else 3 + number,
                driver="r8169",
                bus=Bus.PCI,
                bus_address=f"0000:0{2 + number}:00.0",
                sysfs_path=f"/sys/devices/pci0/0000:0{2 + number}:00.0",
                carrier=name != "eth2",
            )
            for number, name in enumerate(there)
            if there[name]
        )
        return Host(hostname="srv4", boot_id=self.host.boot_id, nics=nics)

    def read_counters(self, interfaces: Iterable[str]) -> tuple[Counters, ...]:
        self.process.call("read counters")
        host = self.host
        queue = QueueCounters(index=0, tx_timeout=host.count_timeouts(), inflight=0)
        return tuple(
            Counters(
                interface=name,
                monotonic_s=host.uptime_s,
                ifindex=host.ifindex if host.is_there else None,
                carrier=True if host.is_there else None,
                rx_bytes=int(host.rx_bytes) if host.is_there and host.behaviour.counts else None,
                tx_bytes=int(host.tx_bytes) if host.is_there and host.behaviour.counts else None,
                queues=(queue,) if host.is_there else (),
            )
            for name in interfaces
        )


class _Prober(_Edge):
    """``nicmedic.ports.probes.Prober``: a carrier, a transmitter, a gateway, and the session of whoever is logged in."""

    def choose_probes(self, host: Host, nic: Identity, asked: Sequence[str]) -> tuple[str, ...]:
        self.process.call(f"choose probes for {nic.interface}")
        if "ping:no_name" in asked:
            raise UsageError("--probe 'ping:no_name': no address")
        chosen = ("carrier", "tx", "gateway 192.0.2.1", "ssh", *(words.replace(":", " ", 1) for words in asked))
        return chosen if host.nics else ()

    def run_probes(self, nic: Identity, probes: Sequence[str], within_s: float = 2.0) -> tuple[ProbeResult, ...]:
        self.process.call(f"run probes of {nic.interface} within {within_s:g} s")
        missed = self.host.misses > 0
        self.host.misses -= missed
        if missed or nic.interface == "eth1":
            return tuple(ProbeResult(probe=probe, state=ProbeState.FAILED) for probe in probes)
        return tuple(ProbeResult(probe=probe, state=self._look(probe)) for probe in probes)

    def _look(self, probe: str) -> ProbeState:
        if not self.host.asks:
            return ProbeState.UNKNOWN
        if probe == "ssh":
            return ProbeState.PASSED if self.host.on_trial is None else ProbeState.FAILED
        if probe == "ping 192.0.2.99":
            return ProbeState.FAILED
        if probe == "ping 192.0.2.1":
            return ProbeState.PASSED
        works = {"carrier": self.host.is_there, "tx": self.host.is_there and not self.host.hung}.get(probe, self.host.answers)
        return ProbeState.PASSED if works else ProbeState.FAILED

    def prove_session(self, nic: Identity) -> Proof:
        self.process.call(f"prove {nic.interface}")
        return Proof(through=None, detail="nobody is logged in")


def build_trial_edges(host: TrialHost, process: Process | None = None) -> TrialEdges:
    """All edges of one process, which dies with the boot."""
    owner = Process() if process is None else process
    host.processes.append(owner)

    def tell(words: str) -> None:
        owner.call("tell")
        host.told.append(words)

    return TrialEdges(
        menu=_Menu(host, owner),
        kernels=_Kernels(host, owner),
        store=_Store(host, owner),
        units=_Units(host, owner),
        boots=_Boots(host, owner),
        traffic=_Traffic(host, owner),
        machine=_Machine(host, owner),
        prober=_Prober(host, owner),
        clock=_Clock(host, owner),
        tell=tell,
        find_policy=lambda _nic: host.policy,
    )


def run_services(host: TrialHost, process: Process | None = None) -> None:
    """What the boots of this host do by themselves, until nothing more happens: reboots that were asked for, and the service, again if it fails.

    Args:
        host: as it is.
        process: the first start of the service is this one, which may die or fail.
    """
    given, tries = process, 0
    while True:
        if host.rebooting:
            host.boot("reboot")
            tries = 0
        if host.units is None or host.served or tries >= _TRIES:
            if host.on_trial is None or host.deadline_s is None or host.stood_down or host.served:
                return
            with contextlib.suppress(Killed):
                host.pass_time(host.deadline_s)
            tries = 0
            continue
        boot_id, tries = host.boot_id, tries + 1
        owner, given = given or Process(), None
        try:
            resume(build_trial_edges(host, owner))
            host.served = True
        except Killed:
            tries = tries if host.boot_id == boot_id else 0
        except (NicmedicError, OSError):
            continue
