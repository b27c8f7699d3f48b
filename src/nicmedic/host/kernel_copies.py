# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.boot_trial.KernelStore`` on the real machine: the running kernel, and a copy of it that no package replaces.

A copy N is ``/boot/nicmedic/N`` with image and initrd, where GRUB can read them and where its ``10_linux`` does not look (it takes
``/boot/vmlinuz-*``, ``/boot/kernel-*``), and ``/usr/lib/modules/.nicmedic/N/RELEASE``, on the file system of the modules, for they are wanted before
any other is mounted; a name with a dot is in no list that a shell makes of ``/lib/modules/*``. Its modules are mounted by a unit of its own
(``host/saved_modules.py``).

They are copies, not hard links. dpkg and ``update-initramfs`` replace by rename, but DKMS (``cp -f``, dkms 3.0.10 line 1318) and a kernel's own
``make modules_install`` (``cp``, scripts/Makefile.modinst) write a module over itself, and that would go through a link into the copy. Room for it is
looked for first, 440 MB on Debian 12, and for as much again, which the upgrade takes.

The copy is there when ``/boot/nicmedic/N`` is, which is named last; what a crash leaves of another is swept away by the next.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from nicmedic.host.boot_disk import settle_folder
from nicmedic.host.files import make_folder, remove_tree, sync_folder, tell_state
from nicmedic.host.kernel_image import Build, read_build
from nicmedic.host.numbered_folders import list_numbers, name_new_folder
from nicmedic.host.run import run_limited
from nicmedic.host.saved_modules import HostSavedModules
from nicmedic.kernlog.system import read_system_facts
from nicmedic.model.boot_trial import KernelChoice
from nicmedic.model.errors import StateError
from nicmedic.report.escape import escape_terminal, quote_file_name

__all__ = ["HostKernels"]

_INITRDS = (
    "initrd.img-{}", "initrd-{}.img", "initrd-{}.gz", "initrd-{}", "initramfs-{}.img", "initramfs-genkernel-{}",
)  # fmt: skip
"""In the order of GRUB's 10_linux."""
_PLAIN_PATH = re.compile(r"(?:\([^)]*\))?(?P<path>/[^\s]+)\Z")
_SAVED_WORD = re.compile(r"nicmedic\.saved=([1-9]\d{0,8})\Z", re.ASCII)
_SYNC_S = 600
_SPARE_BYTES = 4 << 20
_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What a copy takes on one file system."""

    folder: str
    """Which is there."""
    size: int
    files: int


def _is_file(path: str) -> bool:
    return os.path.isfile(path)  # noqa: PTH113  # strings throughout


def _parent(path: str) -> str:
    return os.path.dirname(path)  # noqa: PTH120  # strings throughout


def _name(path: str) -> str:
    return os.path.basename(path)  # noqa: PTH119  # strings throughout


def _walk(folder: str) -> Iterator[os.DirEntry[str]]:
    """All below it, a folder before what is in it; links are not followed."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path)


def _measure(folder: str, paths: Sequence[str]) -> _Need:
    """Of files and of folders with all in them, copied into a folder; sizes rounded up to blocks of 4 KiB."""
    sizes: list[int] = []
    for path in paths:
        if _is_file(path):
            sizes.append(os.stat(path).st_size)  # noqa: PTH116  # strings throughout
        else:
            sizes += [0, *(entry.stat(follow_symlinks=False).st_size for entry in _walk(path))]
    return _Need(folder=folder, size=sum(-(-size // 4096) * 4096 for size in sizes), files=len(sizes))


class HostKernels:
    """Files on this machine."""

    def __init__(
        self, *, boot: str = "/boot", modules: str = "/lib/modules", proc: str = "/proc", mounts: HostSavedModules | None = None
    ) -> None:
        """``boot``, ``modules``, ``proc``: where they are, for tests; ``mounts``: has the copied modules mounted."""
        self._boot, self._proc = boot, proc
        self._modules = os.path.realpath(modules)
        self._images, self._copies = f"{boot}/nicmedic", f"{self._modules}/.nicmedic"
        self._mounts = HostSavedModules() if mounts is None else mounts

    def _read(self, name: str) -> str:
        path = f"{self._proc}/{name}"
        with tell_state(path), open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # strings throughout
            return file.read(1 << 16).strip()

    def read_running(self) -> KernelChoice:
        runs = Build(release=self._read("sys/kernel/osrelease"), version=self._read("sys/kernel/version"))
        facts = read_system_facts(self._read("version"))
        package = facts.kernel_package if facts else None
        others = []
        for path in self._list_images(runs.release):
            with tell_state(path):
                build = read_build(path)
            if build == runs:
                return self._describe(path, runs.release, package)
            others.append(f"{path} is {'of a kind that does not tell its build' if build is None else f'{build.release} {build.version}'}")
        if not others:
            raise StateError(
                f"the image of the running kernel {escape_terminal(runs.release)} is not below {self._boot}",
                hint="cat /proc/cmdline ; ls /boot",
            )
        told = escape_terminal(f"the running kernel is {runs.release} {runs.version}, and not on disk any more: {'; '.join(others)}")
        wanted = f"linux-image-{runs.release}={package}" if package else f"linux-image-{runs.release}=VERSION"
        raise StateError(told, hint=f"apt-get install --reinstall --allow-downgrades {quote_file_name(wanted)}   # has it on disk again")

    def _list_images(self, release: str) -> list[str]:
        """Where the boot loader says that it was, then where it usually is; a path of GRUB's is as of its file system."""
        words = [word.removeprefix("BOOT_IMAGE=") for word in self._read("cmdline").split() if word.startswith("BOOT_IMAGE=")]
        found = _PLAIN_PATH.match(words[0]) if words else None
        guesses = []
        if found is not None and "/../" not in found["path"]:
            path = found["path"]
            saved = re.search(r"/nicmedic/\d+/[^/]+\Z", path)
            guesses += [f"{self._boot}{saved[0]}"] if saved else []
            guesses += [f"{self._boot}{path.removeprefix('/boot')}", f"{self._boot}/{_name(path)}"]
        guesses += [f"{self._boot}/{name}-{release}" for name in ("vmlinuz", "vmlinux", "kernel")]
        return [path for path in dict.fromkeys(guesses) if _is_file(path)]

    def _describe(self, image: str, release: str, package: str | None) -> KernelChoice:
        folder = _parent(image)
        initrd = next((path for name in _INITRDS if _is_file(path := f"{folder}/{name.format(release)}")), None)
        is_saved = _parent(folder) == self._images
        return KernelChoice(release=release, package=package, image=image, initrd=initrd, saved=folder if is_saved else None)

    def save_kernel(self, kernel: KernelChoice, trial: int, tell: Callable[[str], None]) -> KernelChoice:
        if kernel.saved is not None:
            return kernel
        self._sweep()
        boot, copy, modules = f"{self._images}/{trial}", f"{self._copies}/{trial}", f"{self._modules}/{kernel.release}"
        with tell_state(kernel.image):
            build = read_build(kernel.image)
        if os.path.lexists(boot):
            self._remove(trial)
        has_modules = os.path.isdir(modules)  # noqa: PTH112  # strings throughout; a kernel may have all built in
        self._check_room(kernel, modules if has_modules else None, tell)
        try:
            if has_modules:
                self._copy_modules(modules, copy, kernel.release, tell)
                self._mounts.install(trial, f"{copy}/{kernel.release}", modules)
            saved = self._copy_images(kernel, boot, build)
        except BaseException:
            with contextlib.suppress(StateError):
                self._remove(trial)
                self._sweep()
            raise
        tell(f"saved: {boot}")
        return saved

    def _check_room(self, kernel: KernelChoice, modules: str | None, tell: Callable[[str], None]) -> None:
        """Of each file system: for the copy, and for as much again, which the upgrade takes meanwhile.

        Raises:
            StateError: there is not so much.
        """
        with tell_state(kernel.image):
            asked = [_measure(self._boot, [path for path in (kernel.image, kernel.initrd) if path is not None])]
            asked += [_measure(self._modules, [modules])] if modules else []
            devices = [os.stat(need.folder).st_dev for need in asked]  # noqa: PTH116  # strings throughout
        size, files = sum(need.size for need in asked), sum(need.files for need in asked)
        if len(set(devices)) == 1:
            asked = [_Need(folder=asked[0].folder, size=size, files=files)]
        for need in asked:
            with tell_state(need.folder):
                room = os.statvfs(need.folder)
            free = room.f_bavail * room.f_frsize
            if free < 2 * need.size + _SPARE_BYTES or (room.f_files and room.f_favail < 2 * need.files + 100):
                raise StateError(
                    f"{need.folder}: {free // _MIB} MiB and {room.f_favail} files are free; a copy of the running kernel takes"
                    f" {need.size // _MIB + 1} MiB and {need.files} files, and the upgrade as much again",
                    hint=f"df -h {need.folder} ; df -i {need.folder} ; apt-get autoremove --purge",
                )
        tell(f"copying the running kernel: {files} files, {size // _MIB + 1} MiB")

    def _copy_modules(self, source: str, copy: str, release: str, tell: Callable[[str], None]) -> None:
        with tell_state(self._copies):
            os.makedirs(self._copies, mode=0o755, exist_ok=True)  # noqa: PTH103  # strings throughout
            sync_folder(self._modules)
        new = name_new_folder(self._copies)
        try:
            with tell_state(copy):
                os.mkdir(new, 0o755)  # noqa: PTH102  # strings throughout
                _copy_tree(source, f"{new}/{release}", tell)
            _sync_all(new)
            self._name(new, copy)
        finally:
            remove_tree(new)

    def _copy_images(self, kernel: KernelChoice, boot: str, build: Build | None) -> KernelChoice:
        make_folder(self._images)
        new = name_new_folder(self._images)
        initrd = None if kernel.initrd is None else f"{boot}/{_name(kernel.initrd)}"
        try:
            make_folder(new)
            for source in (kernel.image, kernel.initrd):
                if source is not None:
                    with tell_state(f"{new}/{_name(source)}"):
                        shutil.copyfile(source, f"{new}/{_name(source)}")
                        with contextlib.suppress(PermissionError):  # FAT has no modes
                            shutil.copymode(source, f"{new}/{_name(source)}")
            copied = f"{new}/{_name(kernel.image)}"
            with tell_state(copied):
                if build is None or read_build(copied) != build:
                    raise StateError(f"{kernel.image}: it was replaced while it was copied", hint="ps -C dpkg,apt-get,dnf")
            _sync_all(new)
            self._name(new, boot)
            with tell_state(boot):
                settle_folder(self._images)
        finally:
            remove_tree(new)
        return KernelChoice(
            release=kernel.release, package=kernel.package, image=f"{boot}/{_name(kernel.image)}", initrd=initrd, saved=boot
        )

    @staticmethod
    def _name(new: str, name: str) -> None:
        with tell_state(name):
            os.rename(new, name)  # noqa: PTH104  # strings throughout
            sync_folder(_parent(name))

    def sweep_saved(self, keep: Collection[str]) -> tuple[str, ...]:
        runs = self._find_running()
        told = [f"{self._images}/{runs} stays, for it runs"] if runs is not None and f"{self._images}/{runs}" not in keep else []
        for number in list_numbers(self._images):
            if number == runs or f"{self._images}/{number}" in keep:
                continue
            try:
                self._remove(number)
            except StateError as error:
                told.append(f"{self._images}/{number} stays: {error.message}")
        try:
            self._sweep()
        except StateError as error:
            told.append(f"{self._copies}: {error.message}")
        return tuple(told)

    def _find_running(self) -> int | None:
        """The copy that runs, whose modules are mounted."""
        words = self._read("cmdline").partition(" -- ")[0].split()
        numbers = [found[1] for word in words if (found := _SAVED_WORD.match(word))]
        return int(numbers[-1]) if numbers else None

    def _remove(self, number: int) -> None:
        """The image first: a copy without it is none."""
        for folder in (self._images, self._copies):
            gone = name_new_folder(folder)
            with tell_state(f"{folder}/{number}"), contextlib.suppress(FileNotFoundError):
                os.rename(f"{folder}/{number}", gone)  # noqa: PTH104  # strings throughout
                sync_folder(folder)
            if folder == self._images:
                self._mounts.remove(number)
            remove_tree(gone)

    def _sweep(self) -> None:
        """What a crash has left: half a copy, or modules without their image."""
        images = list_numbers(self._images)
        for number in list_numbers(self._copies):
            if number not in images:
                self._remove(number)
        for folder in (self._images, self._copies):
            with contextlib.suppress(OSError):
                os.rmdir(folder)  # noqa: PTH106  # only an empty one goes


def _copy_tree(source: str, target: str, tell: Callable[[str], None]) -> None:
    """With modes, times and labels; what is neither file, folder nor link is left out."""
    entries = list(_walk(source))
    os.mkdir(target)  # noqa: PTH102  # strings throughout
    for index, entry in enumerate(entries):
        path = f"{target}/{entry.path.removeprefix(source).lstrip('/')}"
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), path)  # noqa: PTH115, PTH211  # strings throughout
        elif entry.is_dir():
            os.mkdir(path)  # noqa: PTH102  # strings throughout
            shutil.copystat(entry.path, path)
        elif entry.is_file():
            shutil.copy2(entry.path, path)
        if index * 5 // len(entries) != (index + 1) * 5 // len(entries) and index + 1 < len(entries):
            tell(f"{(index + 1) * 100 // len(entries)} % of the modules")
    shutil.copystat(source, target)


def _sync_all(folder: str) -> None:
    """All of its file system, once: thousands of files one by one would take minutes (man sync, --file-system)."""
    try:
        status, said = run_limited(("sync", "-f", folder), _SYNC_S)
    except OSError as error:
        status, said = None, str(error)
    if status != 0:
        told = escape_terminal(" ".join(said.split())) or f"no answer for {_SYNC_S} s"
        raise StateError(f"{folder} cannot be synced: {told}", hint=f"dmesg | tail ; df -h {folder}")
