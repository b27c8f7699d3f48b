# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.boot_trial.BootMenu`` by GRUB: one block in custom.cfg, and one variable in grubenv, which is written over itself.

Nothing of GRUB is run to change anything: ``grub-probe`` tells what its folder is on, and ``grub-editenv list`` whether it reads what was written.
"""

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from glob import escape as escape_glob
from glob import glob

from nicmedic.host.boot_disk import can_checkpoint, settle_folder, write_over
from nicmedic.host.boot_kernels import BootPaths, read_kernel
from nicmedic.host.files import remove_left, remove_theirs, replace_theirs, tell_state
from nicmedic.host.kept_files import HostConfigFiles
from nicmedic.host.numbered_folders import list_names, read_small_file
from nicmedic.host.run import find_program, run_limited
from nicmedic.host.tools import find_tools
from nicmedic.model.boot_trial import KernelChoice
from nicmedic.model.errors import StateError
from nicmedic.persist.boot_loader import MARKERS, is_xen
from nicmedic.persist.boot_menu.block import find_ours, take_out
from nicmedic.persist.boot_menu.entries import Start, find_default, find_start, list_starts
from nicmedic.persist.boot_menu.environment import VARIABLE, is_block, parse_environment, set_variable
from nicmedic.persist.boot_menu.judging import (
    Obstacle,
    Storage,
    join_obstacles,
    judge_kexec,
    judge_loader,
    judge_menu,
    judge_second_menus,
    judge_storage,
)
from nicmedic.persist.boot_menu.planning import CUSTOM, TRIAL, Kernel, Setup, plan_promotion, plan_trial, run_setup
from nicmedic.persist.boot_menu.script import ScriptError
from nicmedic.ports.boot_trial import MenuNow
from nicmedic.report.escape import escape_terminal

__all__ = ["HostBootMenu", "Probe", "probe_storage"]

_FOLDERS = ("/boot/grub", "/boot/grub2")
_ESPS = ("/boot/efi", "/efi")
_KEXEC = "/etc/default/kexec"
_ENV = "grubenv"
_TEST = "nicmedic_test"
_WITHIN_S = 30.0
_PLAIN = re.compile(r"[a-z0-9_ ]*\Z")
"""What grub-probe answers; its warnings look otherwise."""
_NEW_MODE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What GRUB says of a folder."""

    file_system: str | None
    layers: tuple[str, ...] = ()
    said: str = ""


def _find_either(name: str) -> str:
    """A program of GRUB: Fedora and SUSE call it ``grub2-…``."""
    return next((each for each in (f"grub-{name}", f"grub2-{name}") if find_program(each)), f"grub-{name}")


def _ask_probe(target: str, folder: str) -> tuple[bool, str]:
    try:
        status, said = run_limited((_find_either("probe"), f"--target={target}", folder), _WITHIN_S)
    except OSError as error:
        return False, error.strerror or str(error)
    answer = " ".join(line for line in said.splitlines() if _PLAIN.match(line)).strip()
    return (True, answer) if status == 0 else (False, escape_terminal(" ".join(said.split()))[-200:])


def probe_storage(folder: str) -> Probe:
    """Ask grub-probe."""
    known, file_system = _ask_probe("fs", folder)
    if not known or not file_system:
        return Probe(file_system=None, said=file_system)
    known, layers = _ask_probe("abstraction", folder)
    return Probe(file_system=file_system, layers=tuple(layers.split())) if known else Probe(file_system=None, said=layers)


class HostBootMenu:
    """GRUB of this machine, or of a folder that stands for its root."""

    def __init__(self, root: str = "/", probe: Callable[[str], Probe] = probe_storage) -> None:
        """``root``: of this machine, or a folder that stands for it; ``probe``: who knows what a folder is on."""
        self._root = root.rstrip("/")
        self._probe = probe

    def _find_folder(self) -> str | None:
        """Where GRUB's menu is."""
        return next((folder for folder in _FOLDERS if os.path.isfile(f"{self._root}{folder}/grub.cfg")), None)  # noqa: PTH113  # strings

    def _need_folder(self) -> str:
        folder = self._find_folder()
        if folder is None:
            raise StateError("/boot/grub/grub.cfg: there is no menu of GRUB", hint="cat /proc/cmdline ; bootctl status")
        return folder

    def _read(self, path: str) -> bytes | None:
        return read_small_file(self._root + path)

    def _read_custom(self, folder: str) -> bytes | None:
        return self._read(f"{folder}/{CUSTOM}")

    def _read_setup(self, folder: str) -> Setup:
        """All that decides what GRUB starts."""
        names = [name for name in list_names(self._root + folder) if name.endswith(".cfg") and name not in {"grub.cfg", CUSTOM}]
        files = {name: _decode(self._read(f"{folder}/{name}")) for name in names}
        block = self._read(f"{folder}/{_ENV}")
        if block:
            files[_ENV] = "x"
        running = self._read("/proc/cmdline") or b""
        version = [_decode(self._read(f"/sys/hypervisor/version/{name}")).strip() for name in ("major", "minor")]
        return Setup(
            menu=_decode(self._read(f"{folder}/grub.cfg")),
            files=files,
            environment=parse_environment(block) if block and is_block(block) else {},
            platform="efi" if os.path.isdir(f"{self._root}/sys/firmware/efi") else "pc",  # noqa: PTH112  # strings throughout
            running=tuple(_decode(running).split()),
            is_xen=is_xen({"/proc/cmdline": running}),
            hypervisor=".".join(version) if all(version) else None,
        )

    def read_menu(self) -> MenuNow:
        obstacles = list(
            judge_loader({path: self._read_marker(path) for path in MARKERS}, find_tools(("proxmox-boot-tool", "kernel-install")))
        )
        folder = self._find_folder()
        if folder is None:
            sentences, settle = join_obstacles(obstacles or [Obstacle(reason="there is no menu of GRUB", settle=("ls /boot",))])
            return MenuNow(loader="unknown", default=None, kernels=(), obstacles=sentences, settle=settle)
        setup, custom = self._read_setup(folder), self._read_custom(folder)
        obstacles += [*self._judge_ways_past(folder, setup.platform)]
        storage = [*judge_storage(self._look_storage(folder))]
        obstacles += [*(storage or self._try_writing(folder)), *judge_menu(setup, custom, folder)]
        default, kernels = self._list_kernels(setup, custom)
        sentences, settle = join_obstacles(obstacles)
        return MenuNow(
            loader="GRUB",
            default=default,
            kernels=kernels,
            obstacles=sentences,
            settle=settle,
            notes=tuple(self._list_notes(setup, custom, folder)),
        )

    def _judge_ways_past(self, folder: str, platform: str) -> Iterator[Obstacle]:
        """What would boot another kernel than GRUB's configuration in this folder says."""
        settings: list[str] = []
        if any(os.path.exists(f"{self._root}{program}") for program in ("/sbin/kexec", "/usr/sbin/kexec")):  # noqa: PTH110  # strings throughout
            names = sorted(list_names(f"{self._root}{_KEXEC}.d"))
            settings = [_decode(self._read_marker(path)) for path in (_KEXEC, *(f"{_KEXEC}.d/{name}" for name in names))]
        yield from judge_kexec(_decode(self._read_marker("/sys/kernel/kexec_loaded")), settings)
        esps = _ESPS if platform == "efi" else ()
        found = [path for esp in esps for path in glob(f"{escape_glob(self._root)}{esp}/EFI/*/grub.cfg")]  # noqa: PTH207  # strings throughout
        paths = [*(path.removeprefix(self._root) for path in sorted(found)), *self._list_other_menus(folder)]
        yield from judge_second_menus({path: _decode(self._read_marker(path)) for path in paths}, folder)

    def _list_other_menus(self, folder: str) -> Iterator[str]:
        """Of another folder with a name that GRUB gives it; a link to the same one is none."""
        for path in (f"{each}/grub.cfg" for each in _FOLDERS if each != folder):
            with contextlib.suppress(OSError):
                if not os.path.samefile(self._root + path, f"{self._root}{folder}/grub.cfg"):  # noqa: PTH121  # strings throughout
                    yield path

    def _read_marker(self, path: str) -> bytes | None:
        try:
            return self._read(path)
        except StateError:  # a folder, or a variable of the firmware that cannot be read
            return None

    def _list_notes(self, setup: Setup, custom: bytes | None, folder: str) -> Iterator[str]:
        if not can_checkpoint(self._root + folder):
            yield (
                f"{folder} is on a file system whose journal GRUB does not read and that cannot be asked to empty it: a power cut within about"
                " half a minute after something was written there may show GRUB what was there before."
            )
        try:
            timeout = run_setup(setup, take_out(custom)).variables.get("timeout", "")
        except ScriptError:
            return
        if timeout in {"", "-1"}:
            yield "GRUB waits at its menu here until somebody chooses; while a kernel is on trial it waits for 30 s."

    def _list_kernels(self, setup: Setup, custom: bytes | None) -> tuple[KernelChoice | None, tuple[KernelChoice, ...]]:
        """The default, and all that have an entry and a file."""
        try:
            menu, theirs = run_setup(setup, custom), run_setup(setup, take_out(custom) if not find_ours(custom or b"").wrong else custom)
        except ScriptError:
            return None, ()
        starts = [start for start in list_starts(theirs.entries) if not start.is_rescue]
        paths = self._map_paths(starts)
        found = find_default(menu)
        start = find_start(*found) if found else None
        choices = {start.image: each for start in starts if (each := read_kernel(paths, start)) is not None}
        return read_kernel(paths, start) if start else None, tuple(choices.values())

    def _map_paths(self, starts: Sequence[Start]) -> BootPaths:
        return BootPaths.find(self._root, [start.image for start in starts])

    def _look_storage(self, folder: str) -> Storage:
        path = f"{self._root}{folder}/{_ENV}"
        probed = self._probe(self._root + folder)
        files = HostConfigFiles(self._root or "/")
        blocked = (files.find_obstacle(f"{folder}/{name}") for name in (CUSTOM, _ENV))
        return Storage(
            folder=folder,
            file_system=probed.file_system,
            layers=probed.layers,
            said=probed.said,
            block=self._read(f"{folder}/{_ENV}"),
            leads_to=escape_terminal(os.readlink(path)) if os.path.islink(path) else None,  # noqa: PTH114, PTH115  # strings throughout
            read_only=next(filter(None, blocked), None),
        )

    def _try_writing(self, folder: str) -> Iterator[Obstacle]:
        """A variable of ours is written, read by GRUB's own program, and taken out again."""
        path, value = f"{self._root}{folder}/{_ENV}", str(os.getpid())
        editor = _find_either("editenv")
        try:
            self._set_variable(folder, _TEST, value)
            try:
                status, said = run_limited((editor, path, "list"), _WITHIN_S)
            finally:
                self._set_variable(folder, _TEST, None)
        except StateError as error:
            yield Obstacle(reason=error.message, settle=(error.hint,))
        except OSError as error:
            yield Obstacle(reason=f"{editor}: {error.strerror or error}")
        else:
            if status != 0 or f"{_TEST}={value}" not in said.splitlines():
                yield Obstacle(reason=f"{editor} does not read what was written to {folder}/{_ENV}", settle=(f"{editor} {path} list",))

    def _set_variable(self, folder: str, name: str, value: str | None) -> None:
        """Raises ``StateError``; the file is as it was then."""
        path = f"{folder}/{_ENV}"
        now = self._read(path)
        if now is None or not is_block(now):
            raise StateError(f"{path}: it is not a block of GRUB's variables", hint=f"head -c 200 {path}")
        wanted = set_variable(now, name, value)
        if wanted is None:
            raise StateError(f"{path}: there is no room in it for {name}", hint=f"grub-editenv {path} list")
        if wanted != now:
            with tell_state(path):
                write_over(self._root + path, wanted)
                settle_folder(self._root + folder)

    def _write_custom(self, folder: str, before: bytes | None, after: bytes | None) -> None:
        """Raises ``StateError``; the file is as it was then."""
        path = f"{self._root}{folder}/{CUSTOM}"
        with tell_state(f"{folder}/{CUSTOM}"):
            if after is None:
                remove_theirs(path, before)
            elif before != after:
                remove_left(path)
                replace_theirs(path, before, after, _NEW_MODE)
            settle_folder(self._root + folder)

    def _check_ours(self, folder: str, custom: bytes | None) -> int | None:
        """The trial whose lines are in custom.cfg."""
        found = find_ours(custom or b"")
        if found.wrong:
            path = f"{folder}/{CUSTOM}"
            raise StateError(f"{path}: {found.wrong}; take out what is not wanted, with both comments", hint=f"grep -n nicmedic {path}")
        return found.trial

    def _name_kernel(self, setup: Setup, custom: bytes | None, kernel: KernelChoice) -> Kernel:
        """In GRUB's words."""
        paths = self._map_paths(list(list_starts(run_setup(setup, take_out(custom)).entries)))
        named = [paths.name_file(each) for each in (kernel.image, kernel.initrd) if each]
        saved = os.path.basename(kernel.saved) if kernel.saved else None  # noqa: PTH119  # strings throughout
        return Kernel(release=kernel.release, image=named[0], initrd=named[1] if named[1:] else None, saved=saved)

    def write_default(self, trial: int, old: KernelChoice, candidate: KernelChoice | None) -> None:
        folder = self._need_folder()
        setup, custom = self._read_setup(folder), self._read_custom(folder)
        self._check_ours(folder, custom)
        with _tell_script(folder):
            planned = plan_trial(
                setup,
                custom,
                trial,
                self._name_kernel(setup, custom, old),
                self._name_kernel(setup, custom, candidate) if candidate else None,
            )
        if isinstance(planned, tuple):
            raise StateError(f"{folder}/{CUSTOM}: {'; '.join(planned)}", hint=f"grep -n menuentry {folder}/grub.cfg")
        self._write_custom(folder, custom, planned)

    def arm(self, trial: int) -> None:
        folder = self._need_folder()
        custom = self._read_custom(folder)
        setup = self._read_setup(folder)
        with _tell_script(folder):
            found = find_default(run_setup(setup, custom, word=str(trial)))
        if self._check_ours(folder, custom) != trial or found is None or found[0].id != TRIAL:
            raise StateError(f"{folder}/{CUSTOM}: GRUB would not start trial {trial} by what stands there", hint=f"cat {folder}/{CUSTOM}")
        self._set_variable(folder, VARIABLE, str(trial))

    def disarm(self) -> None:
        folder = self._find_folder()
        if folder is not None:
            self._unset_variables(folder, (VARIABLE,))

    def _unset_variables(self, folder: str, names: Sequence[str]) -> None:
        """Those that are set. Raises ``StateError``."""
        block = self._read(f"{folder}/{_ENV}")
        held = parse_environment(block) if block and is_block(block) else {}
        for name in names:
            if name in held:
                self._set_variable(folder, name, None)

    def is_armed(self) -> int | None:
        folder = self._find_folder()
        block = self._read(f"{folder}/{_ENV}") if folder else None
        word = parse_environment(block).get(VARIABLE, "") if block and is_block(block) else ""
        return int(word) if word.isdecimal() else None

    def find_held(self) -> int | None:
        folder = self._find_folder()
        return self._check_ours(folder, self._read_custom(folder)) if folder else None

    def write_promoted(self, kernel: KernelChoice) -> tuple[str, ...]:
        folder = self._need_folder()
        setup, custom = self._read_setup(folder), self._read_custom(folder)
        trial = self._check_ours(folder, custom) or 1
        with _tell_script(folder):
            planned = plan_promotion(setup, custom, trial, self._name_kernel(setup, custom, kernel))
        if isinstance(planned, tuple):
            raise StateError(f"{folder}/{CUSTOM}: {'; '.join(planned)}", hint=f"grep -n menuentry {folder}/grub.cfg")
        if planned.saved_entry is not None:
            self._set_variable(folder, "saved_entry", planned.saved_entry)
        self._write_custom(folder, custom, planned.custom)
        self.disarm()
        return planned.notes

    def remove(self) -> None:
        folder = self._find_folder()
        if folder is None:
            return
        custom = self._read_custom(folder)
        ours = self._check_ours(folder, custom)
        self._unset_variables(folder, (VARIABLE, _TEST))
        if ours is not None:
            self._write_custom(folder, custom, take_out(custom))


def _decode(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "surrogateescape")


@contextlib.contextmanager
def _tell_script(folder: str) -> Iterator[None]:
    """What is not understood of GRUB's configuration is told as an error."""
    try:
        yield
    except ScriptError as error:
        message = f"{folder}/grub.cfg or {CUSTOM} there is not understood: {error}"
        raise StateError(message, hint=f"grub-script-check {folder}/grub.cfg") from error
