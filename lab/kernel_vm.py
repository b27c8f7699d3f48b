# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel VM: Debian's kernel on this machine's own file system, ready in about two seconds.

The kernel is booted once as far as a tiny initramfs, and the machine's state is saved in the cache. Each machine begins
as a copy of that state, is given the time, mounts this machine's file system (read-only by 9p, changes in memory), and
only then gets its network card, by PCI hot-plug. virtme-ng, which does the same by booting, needs 21 s and more here;
QEMU refuses to save the state of a machine with a mounted 9p file system, hence the order.
"""

import functools
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from lab import accel, cache, hangsim_module, kernels
from lab.errors import LabError
from lab.kernels import Kernel
from lab.machine import NIC_SLOT, Machine, serial_arguments
from lab.nics import HANGSIM, Nic, find
from lab.qemu import Qemu
from lab.segment import GATEWAY, GUEST, GUEST6, Segment

__all__ = ["KernelVM"]

GUEST_FILES = Path(__file__).with_name("guest")
MODULES = ("9p", "9pnet_virtio", "virtio_pci", "virtio_console", "overlay")
COMMAND_LINE = "console=ttyS0 panic=-1 tsc=reliable loglevel=4 printk.time=1"


class KernelVM(Machine):
    """A kernel VM with one network card, called ``eth0``, on a segment.

    Args:
        kernel: As ``uname -r`` says it; Debian's present one if empty.
        machine: QEMU's: ``pc`` (the card in a PCI slot) or ``q35`` (the card below a PCIe root port).
        cpus: How many processors.
        memory_mb: How much memory.
        with_shell: Whether a person's shell waits on the second serial line.
        steady: Its clock counts its instructions, one a nanosecond, and goes with this machine's only while it idles (QEMU's ``-icount``). So
            what else runs here does not change what it measures, and it is an evenly slow machine: of a tenth of the speed of a present one.
            Emulation only; times that are seen from outside mean nothing then.

    Attributes:
        ready_s: How long it took from the start of QEMU until the agent answered.
    """

    interface = "eth0"
    guest_files = "/mnt"

    def __init__(
        self, *, kernel: str = "", machine: str = "pc", cpus: int = 1, memory_mb: int = 512, with_shell: bool = False, steady: bool = False
    ) -> None:
        self.kernel = kernels.find(kernel)
        make_arguments = functools.partial(_arguments, self.kernel, machine, cpus, memory_mb, steady=steady)
        state = _saved_state(make_arguments)
        super().__init__()
        self.machine = machine
        self._place: dict[str, object] = {"addr": f"0x{NIC_SLOT:x}"}
        self._wire_place: dict[str, object] = {"addr": f"0x{NIC_SLOT + 1:x}"}
        if machine == "q35":
            self.bus_address = "0000:01:00.0"
            self._place, self._wire_place = {"bus": "port0", "addr": "0x0"}, {"bus": "port1", "addr": "0x0"}
        (self.folder / "share").mkdir()
        began = time.monotonic()
        try:
            self.qemu = Qemu([*make_arguments(self.folder), "-incoming", f"exec:cat '{state}'"], self.folder)
            self.qemu.wait_status("paused", 20)
            self.qemu.ask("cont")
            if with_shell:
                self.write_share("shell", "")
            self._go()
            self.agent.connect(600 if steady else 60)
        except BaseException:
            self.end()
            raise
        self.ready_s = time.monotonic() - began

    def _go(self) -> None:
        """Tell the waiting init the time and where to go on."""
        with socket.socket(socket.AF_UNIX) as go:
            go.connect(str(self.folder / "go.sock"))
            go.sendall(f"{int(time.time())} {self.kernel.root} {GUEST_FILES}\n".encode())

    def add_nic(self, nic: Nic, segment: Segment) -> None:
        """Plug the card under test, load its driver, give it the guest's addresses, and wait until the gateway is reached.

        Raises:
            LabError: if that does not come to be.
        """
        self.nic, self.segment = nic, segment
        if nic.name == "hangsim":
            raise LabError("hangsim is no card of QEMU's", hint="add_hangsim()")
        self.plug(nic, segment, **self._place)
        self.check("modprobe", nic.module, *nic.options)
        self._begin()

    def add_hangsim(self, segment: Segment, **parameters: object) -> None:
        """Plug a card driven by hangsim: a PCI function without a driver of its own, and a hidden virtio card for its frames.

        On the machine ``q35`` the function is that of an 82574 below a root port: with ASPM, and with a reset of its own.

        Args:
            segment: Where the frames go.
            parameters: Of the module; see lab/hangsim/README.md.

        Raises:
            LabError: if the module cannot be built or loaded, or the gateway is not reached.
        """
        self.nic, self.segment = HANGSIM, segment
        module = hangsim_module.build(self.kernel)
        self.plug(find("virtio-net"), segment, **self._wire_place)
        body = "e1000e" if self.machine == "q35" else HANGSIM.device
        self.qemu.ask("device_add", driver=body, id="hangsim0", **self._place)
        self.check("modprobe", "virtio_net")
        self.wait_interface()
        self.sh(f"ip link set {self.interface} name wire0 && ip link set wire0 up")
        words = [f"{name}={value}" for name, value in parameters.items()]
        self.check("insmod", str(module), "lower=wire0", *words)
        if self.machine == "q35":
            device = f"/sys/bus/pci/devices/{self.bus_address}"
            self.sh(f"echo hangsim >{device}/driver_override && echo {self.bus_address} >/sys/bus/pci/drivers_probe")
        self.wait_interface()
        self.sh("ip netns add wire && ip link set wire0 netns wire && ip -n wire link set wire0 up")
        self._begin()

    def _begin(self) -> None:
        self.wait_interface()
        self.configure()
        self.wait_reaches(GATEWAY)

    def configure(self) -> None:
        """Give the card the guest's addresses and the default route, as after each new bind."""
        self.check("ip", "-batch", "-", stdin=self.configuration())

    def configuration(self) -> str:
        """What ``configure`` gives to ``ip -batch``."""
        name = self.interface
        lines = (
            f"link set {name} up",
            f"address replace {GUEST}/24 dev {name}",
            f"address replace {GUEST6}/64 dev {name} nodad",
            f"route replace default via {GATEWAY} dev {name}",
        )
        return "\n".join(lines) + "\n"

    def write_share(self, name: str, text: str) -> None:
        """Write a file that the guest sees at once, in ``/run/lab``."""
        path = self.folder / "share" / name
        path.with_suffix(".new").write_text(text, encoding="utf-8")
        path.with_suffix(".new").rename(path)


def _arguments(kernel: Kernel, machine: str, cpus: int, memory_mb: int, folder: Path, *, steady: bool) -> list[str]:
    """QEMU's arguments; those of the saved state and those of the machines that begin with it must be the same."""
    kind = "tcg" if steady else accel.accelerator()
    return [
        *(("-icount", "shift=0") if steady else ()),
        *("-accel", kind, "-cpu", "host" if kind == "kvm" else "max", "-machine", machine, "-m", str(memory_mb), "-smp", str(cpus)),
        *("-display", "none", "-nodefaults", "-no-reboot"),
        *("-kernel", str(kernel.image), "-initrd", str(_initramfs(kernel)), "-append", COMMAND_LINE),
        *serial_arguments(folder),
        *("-chardev", f"socket,id=go,path={folder / 'go.sock'},server=on,wait=off"),
        *("-device", "virtserialport,chardev=go,name=lab.go"),
        *("-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"),
        *("-device", "virtio-9p-pci,fsdev=host,mount_tag=host,addr=0x5"),
        *("-fsdev", f"local,id=share,path={folder / 'share'},security_model=none"),
        *("-device", "virtio-9p-pci,fsdev=share,mount_tag=share,addr=0x6"),
        *("-device", "isa-debug-exit,iobase=0xf4"),  # guest/power-cut
        *(_root_ports() if machine == "q35" else ()),
    ]


def _root_ports() -> list[str]:
    """For the card under test, and for the one that carries hangsim's frames."""
    ports = [f"pcie-root-port,id=port{number},bus=pcie.0,addr=0x{NIC_SLOT + number:x},chassis={number + 1}" for number in range(2)]
    return [word for port in ports for word in ("-device", port)]


def _initramfs(kernel: Kernel) -> Path:
    """A busybox, the modules that reach this machine's file system, and ``guest/init``."""
    init = (GUEST_FILES / "init").read_bytes()
    busybox = Path(shutil.which("busybox") or "/bin/busybox")
    libraries = _find_libraries(busybox)

    def make(folder: Path) -> None:
        tree = folder / "tree"
        for name in ("bin", "proc", "sys", "dev", "modules"):
            (tree / name).mkdir(parents=True)
        shutil.copy(busybox, tree / "bin" / "busybox")
        for library in libraries:
            place = tree / library.relative_to("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, place)
        (tree / "init").write_bytes(init)
        (tree / "init").chmod(0o755)
        files = _module_files(kernel)
        for file in files:
            shutil.copy(file, tree / "modules")
        (tree / "modules" / "order").write_text("".join(f"{file.name}\n" for file in files), encoding="ascii")
        subprocess.run("find . | cpio --quiet -o -H newc | zstd -q -1 >../initramfs", shell=True, cwd=tree, check=True)  # noqa: S602  # words of our own
        shutil.rmtree(tree)

    sizes = [f"{file} {file.stat().st_size}" for file in (busybox, *libraries)]
    return cache.entry("initramfs", cache.recipe_key(kernel.version, init.decode(), MODULES, *sizes), make) / "initramfs"


def _find_libraries(program: Path) -> list[Path]:
    """What it is linked with, and the loader: Debian has a busybox that is static, and one that is not, and a machine may hold either."""
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)  # fails where it is static
    words = [line.split(" => ")[-1].split()[0] for line in done.stdout.splitlines() if line.strip()]
    return [Path(word) for word in words if word.startswith("/")]


def _module_files(kernel: Kernel) -> list[Path]:
    """The modules with all they depend on, in loading order."""
    files: dict[Path, None] = {}
    for module in MODULES:
        command = ["modprobe", "-d", str(kernel.root), "-S", kernel.version, "--show-depends", module]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"kernel {kernel.version} has no module {module}: {done.stderr.strip()}")
        files.update((Path(line.split()[1]), None) for line in done.stdout.splitlines() if line.startswith("insmod"))
    return list(files)


def _saved_state(make_arguments: Callable[[Path], list[str]]) -> Path:
    """The state of a machine that waits in its initramfs; booted and saved if the cache has none."""

    def make(folder: Path) -> None:
        scratch = folder / "machine"
        (scratch / "share").mkdir(parents=True)
        qemu = Qemu(make_arguments(scratch), scratch)
        try:
            _wait_console(qemu, "lab: waiting", 120)
            qemu.save_state(folder / "state")
        finally:
            qemu.kill()
        shutil.rmtree(scratch)

    key = cache.recipe_key(accel.qemu_version(), *make_arguments(Path("FOLDER")))
    return cache.entry("states", key, make, megabytes=500) / "state"


def _wait_console(qemu: Qemu, words: str, within_s: float) -> None:
    until = time.monotonic() + within_s
    while words not in (text := qemu.console.read_text(errors="replace") if qemu.console.exists() else ""):
        if time.monotonic() > until or not qemu.alive:
            raise LabError(f"the kernel did not come as far as {words!r} within {within_s} s; its last words: {text[-500:]!r}")
        time.sleep(0.05)
