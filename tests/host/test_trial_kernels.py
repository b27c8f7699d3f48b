# SPDX-License-Identifier: GPL-2.0-or-later
"""The running kernel is found, and saved whole or not at all: with real files, a disk that is full, and kill -9 at any moment."""

import filecmp
import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nicmedic.host.kernel_copies import HostKernels
from nicmedic.host.kernel_image import Build, find_build, read_build
from nicmedic.host.saved_modules import HostSavedModules
from nicmedic.model.boot_trial import KernelChoice
from nicmedic.model.errors import StateError

pytestmark = pytest.mark.host

RELEASE = "6.1.0-56-amd64"
OLD = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)"
NEW = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.195-1 (2026-12-01)"
BANNER = "Linux version {} (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld) {}"
SAVE = """
import os, signal, sys
from pathlib import Path
from tests.host.test_trial_kernels import open_store
store, count = open_store(Path(sys.argv[1])), 0
def tell(said):
    global count
    count += 1
    print(said, flush=True)
    if count == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
if len(sys.argv) > 3:
    store._check_room = lambda *_: None
print(store.save_kernel(store.read_running(), 7, tell).saved)
"""


class Mounts(HostSavedModules):
    """Notes what it was asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.file = folder / "mounts"

    def install(self, number: int, source: str, target: str) -> None:
        self.file.write_text(f"{number} {source} {target}", encoding="utf-8")

    def remove(self, number: int) -> None:
        if self.file.exists() and self.file.read_text(encoding="utf-8").startswith(f"{number} "):
            self.file.unlink()


def make_image(path: Path, version: str = OLD, release: str = RELEASE, size: int = 40000) -> None:
    """Setup code of a bzImage, as far as it tells its build."""
    data = bytearray(os.urandom(size))
    data[0x1F1] = 39
    data[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", data, 0x20E, 17600 - 0x200)
    told = f"{release} (debian-kernel@lists.debian.org) {version}\0".encode()
    data[17600 : 17600 + len(told)] = told
    path.write_bytes(data)


def open_store(folder: Path) -> HostKernels:
    return HostKernels(boot=f"{folder}/boot", modules=f"{folder}/modules", proc=f"{folder}/proc", mounts=Mounts(folder))


def say_running(folder: Path, command_line: str, version: str = OLD) -> None:
    (folder / "proc/sys/kernel").mkdir(parents=True, exist_ok=True)
    (folder / "proc/sys/kernel/osrelease").write_text(f"{RELEASE}\n", encoding="utf-8")
    (folder / "proc/sys/kernel/version").write_text(f"{version}\n", encoding="utf-8")
    (folder / "proc/version").write_text(BANNER.format(RELEASE, version) + "\n", encoding="utf-8")
    (folder / "proc/cmdline").write_text(command_line + "\n", encoding="utf-8")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A host that runs the old build, with modules, links among them."""
    make_host(tmp_path)
    return tmp_path


def make_host(folder: Path) -> None:
    (folder / "boot").mkdir()
    make_image(folder / f"boot/vmlinuz-{RELEASE}")
    (folder / f"boot/initrd.img-{RELEASE}").write_bytes(os.urandom(100_000))
    modules = folder / f"modules/{RELEASE}"
    for number in range(60):
        (modules / f"kernel/drivers/net/{number % 7}").mkdir(parents=True, exist_ok=True)
        (modules / f"kernel/drivers/net/{number % 7}/m{number}.ko").write_bytes(os.urandom(5000))
    (modules / "modules.dep").write_text("x", encoding="utf-8")
    (modules / "modules.dep").chmod(0o600)
    (modules / "build").symlink_to("/usr/src/linux-headers-6.1.0-56-amd64")
    (modules / "empty").mkdir()
    say_running(folder, f"BOOT_IMAGE=/boot/vmlinuz-{RELEASE} root=/dev/sda1 ro quiet")


def list_tree(folder: Path) -> dict[str, object]:
    """What is in it: bytes, modes, links."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = path.readlink()
        elif path.is_dir():
            found[name] = oct(path.stat().st_mode)
        else:
            found[name] = (path.read_bytes(), oct(path.stat().st_mode), path.stat().st_mtime)
    return found


def is_whole(host: Path) -> bool:
    """Whether copy 7 is there; if so, all of it."""
    if not (host / "boot/nicmedic/7").exists():
        return False
    for name in (f"vmlinuz-{RELEASE}", f"initrd.img-{RELEASE}"):
        assert filecmp.cmp(host / "boot" / name, host / "boot/nicmedic/7" / name, shallow=False)
    assert list_tree(host / "modules/.nicmedic/7" / RELEASE) == list_tree(host / "modules" / RELEASE)
    assert (host / "mounts").read_text(encoding="utf-8").startswith("7 ")
    return True


def list_left(host: Path) -> list[str]:
    return [str(path.relative_to(host)) for folder in ("boot/nicmedic", "modules/.nicmedic", "mounts") if (path := host / folder).exists()]


# ------------------------------------------------------------------------------------------------------------------ the kernel that runs


def test_images_of_other_kinds_tell_their_build_or_nothing(tmp_path: Path) -> None:
    plain = b"MZ\0\0" + os.urandom(5000).replace(b"Linux", b"") + BANNER.format("6.1.0-56-arm64", OLD).encode() + b"\n\0"
    assert find_build(plain) == Build(release="6.1.0-56-arm64", version=OLD)
    assert find_build(b"\x1f\x8b" + bytes(3000)) is None
    assert find_build(bytes(0x202) + b"HdrS" + bytes(100)) is None
    (tmp_path / "empty").touch()
    assert read_build(str(tmp_path / "empty")) is None
    assert find_build(b"") is None


@pytest.mark.parametrize(
    "word",
    ["/boot/vmlinuz-{}", "/vmlinuz-{}", "(hd0,msdos1)/vmlinuz-{}", "/@/boot/vmlinuz-{}", "/somewhere/else", "../../etc/passwd", ""],
)
def test_the_image_of_the_running_kernel_is_found_by_whatever_grub_calls_it(word: str, host: Path) -> None:
    say_running(host, f"BOOT_IMAGE={word.format(RELEASE)} ro" if word else "ro quiet")
    found = open_store(host).read_running()
    assert found == KernelChoice(
        release=RELEASE, package="6.1.192-2", image=f"{host}/boot/vmlinuz-{RELEASE}", initrd=f"{host}/boot/initrd.img-{RELEASE}"
    )


def test_an_image_that_a_point_release_has_replaced_is_not_the_one_that_runs(host: Path) -> None:
    make_image(host / f"boot/vmlinuz-{RELEASE}", NEW)
    with pytest.raises(StateError) as told:
        open_store(host).read_running()
    assert "6.1.192-2" in told.value.message
    assert "6.1.195-1" in told.value.message
    assert told.value.hint.startswith(f"apt-get install --reinstall --allow-downgrades linux-image-{RELEASE}=6.1.192-2")


def test_no_image_at_all_is_told(host: Path) -> None:
    (host / f"boot/vmlinuz-{RELEASE}").unlink()
    with pytest.raises(StateError, match="is not below"):
        open_store(host).read_running()


def test_a_kernel_without_initrd_has_none(host: Path) -> None:
    (host / f"boot/initrd.img-{RELEASE}").unlink()
    store = open_store(host)
    assert store.read_running().initrd is None
    assert store.save_kernel(store.read_running(), 7, lambda _said: None).initrd is None


# -------------------------------------------------------------------------------------------------------------------------------- saving


def test_a_copy_outlives_the_package_that_is_replaced_in_place(host: Path) -> None:
    store, told = open_store(host), list[str]()
    saved = store.save_kernel(store.read_running(), 7, told.append)
    assert is_whole(host)
    assert saved == KernelChoice(
        release=RELEASE,
        package="6.1.192-2",
        image=f"{host}/boot/nicmedic/7/vmlinuz-{RELEASE}",
        initrd=f"{host}/boot/nicmedic/7/initrd.img-{RELEASE}",
        saved=f"{host}/boot/nicmedic/7",
    )
    assert told[0].startswith("copying the running kernel: ")
    assert told[-1] == f"saved: {host}/boot/nicmedic/7"
    assert (host / "mounts").read_text(encoding="utf-8") == f"7 {host}/modules/.nicmedic/7/{RELEASE} {host}/modules/{RELEASE}"
    before = list_tree(host / f"modules/.nicmedic/7/{RELEASE}")
    make_image(host / f"boot/vmlinuz-{RELEASE}", NEW)
    for path in (host / f"modules/{RELEASE}").rglob("*.ko"):
        path.write_bytes(b"over itself, as DKMS does")
    assert list_tree(host / f"modules/.nicmedic/7/{RELEASE}") == before
    assert read_build(saved.image) == Build(release=RELEASE, version=OLD)


def test_a_saved_kernel_that_runs_is_known_as_such_and_not_copied_again(host: Path) -> None:
    store = open_store(host)
    saved = store.save_kernel(store.read_running(), 7, lambda _said: None)
    make_image(host / f"boot/vmlinuz-{RELEASE}", NEW)
    for prefix in ("/boot", ""):
        say_running(host, f"BOOT_IMAGE={prefix}/nicmedic/7/vmlinuz-{RELEASE} ro nicmedic.saved=7")
        assert store.read_running() == saved
    assert store.save_kernel(saved, 9, lambda _said: None) == saved
    told = store.sweep_saved(())
    assert told == (f"{host}/boot/nicmedic/7 stays, for it runs",)
    assert store.sweep_saved((saved.saved or "",)) == ()
    assert read_build(saved.image) == Build(release=RELEASE, version=OLD)
    say_running(host, f"BOOT_IMAGE=/boot/vmlinuz-{RELEASE} ro", NEW)
    assert store.sweep_saved((saved.saved or "",)) == ()
    assert read_build(saved.image) == Build(release=RELEASE, version=OLD)
    assert store.sweep_saved(()) == ()
    assert list_left(host) == []
    assert store.sweep_saved(()) == ()


def test_a_second_copy_of_the_same_number_takes_the_place_of_the_first(host: Path) -> None:
    store = open_store(host)
    store.save_kernel(store.read_running(), 7, lambda _said: None)
    (host / f"modules/{RELEASE}/modules.dep").write_text("another", encoding="utf-8")
    store.save_kernel(store.read_running(), 7, lambda _said: None)
    assert is_whole(host)


def test_an_image_that_is_replaced_meanwhile_is_no_copy(host: Path) -> None:
    store = open_store(host)
    running = store.read_running()

    def replace(said: str) -> None:
        if said.endswith("of the modules"):
            make_image(host / f"boot/vmlinuz-{RELEASE}", NEW)

    with pytest.raises(StateError, match="replaced while it was copied"):
        store.save_kernel(running, 7, replace)
    assert list_left(host) == []


def save(host: Path, kill_at: int, *more: str, prepare: str = "true") -> subprocess.Popen[str]:
    """In a process, and a mount namespace, of its own."""
    script = f'{prepare} && exec "$@"'
    return subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", SAVE, str(host), str(kill_at), *more],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip


@pytest.mark.parametrize("kill_at", [1, 2, 5, 6])
def test_kill_9_leaves_a_whole_copy_or_none(kill_at: int, host: Path) -> None:
    with save(host, kill_at) as process:
        told = process.communicate(timeout=120)[0]
    assert process.returncode == -signal.SIGKILL, told
    assert is_whole(host) is (kill_at == 6)
    store = open_store(host)
    store.save_kernel(store.read_running(), 7, lambda _said: None)
    assert is_whole(host)
    assert store.sweep_saved(()) == ()
    assert list_left(host) == []


def test_kill_9_at_any_moment_leaves_a_whole_copy_or_none(host: Path) -> None:
    chance = random.Random(7)
    begin = time.monotonic()
    with save(host, 0) as process:
        process.communicate(timeout=120)
    takes_s = time.monotonic() - begin
    store = open_store(host)
    for _ in range(6):
        store.sweep_saved(())
        assert list_left(host) == []
        with save(host, 0) as process:
            time.sleep(chance.uniform(0.5, 1.05) * takes_s)
            process.kill()
            process.communicate(timeout=120)
        is_whole(host)


@pytest.mark.parametrize("full", ["boot", "modules"])
def test_without_room_nothing_is_begun(full: str, host: Path) -> None:
    size = {"boot": "600k", "modules": "1m"}[full]
    prepare = f"cp -a {host}/{full} {host}/all && mount -t tmpfs -o size={size} tmpfs {host}/{full} && cp -a {host}/all/. {host}/{full}/"
    with save(host, 0, prepare=prepare) as process:
        told = process.communicate(timeout=120)[0]
    assert process.returncode == 1
    assert f"{host}/{full}: 0 MiB and " in told
    assert "and the upgrade as much again" in told
    assert list_left(host) == []


@pytest.mark.parametrize("full", ["boot", "modules"])
def test_a_disk_that_is_full_on_the_way_has_nothing_of_it(full: str, host: Path) -> None:
    size = {"boot": "240k", "modules": "700k"}[full]
    look = f"find {host}/boot {host}/modules -name '*nicmedic*'"
    prepare = f"cp -a {host}/{full} {host}/all && mount -t tmpfs -o size={size} tmpfs {host}/{full} && cp -a {host}/all/. {host}/{full}/"
    command = f'{prepare} && {{ "$@"; {look}; exit 0; }}'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", command, "sh", sys.executable, "-c", SAVE, str(host), "0", "blind"],
        capture_output=True, text=True, check=True, timeout=120, env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert "No space left on device" in done.stderr
    assert "nicmedic" not in done.stdout, done.stdout
    assert not (host / "mounts").exists()
