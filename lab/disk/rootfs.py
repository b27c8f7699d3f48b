# SPDX-License-Identifier: GPL-2.0-or-later
"""A folder with all files of an image, as apt and the network manager's own files make it."""

import shutil
from collections.abc import Callable
from pathlib import Path

from lab.disk.managers import Manager, find_manager
from lab.disk.recipe import BASE_PACKAGES, GENERATORS, MASKED, Recipe, find_files, kernel_package
from lab.disk.run import run_in_root, run_program
from lab.errors import LabError

__all__ = ["make_base", "make_root"]

SUITE = "bookworm"

NO_SERVICES = "#!/bin/sh\nexit 101\n"
INSTALL = "apt-get install -q -y --no-install-recommends -o Dpkg::Options::=--force-confold"
# The installed boot loader of a real machine knows its disk: an upgrade of grub-pc in the guest finds it there.
GRUB_DISK = """\
grub-pc grub-pc/install_devices_empty boolean {empty}
grub-pc grub-pc/install_devices multiselect {disk}
"""


def make_base(tar: Path) -> None:
    """Make the archive that all images begin with, by mmdebstrap.

    Raises:
        LabError: if it fails, above all because the Debian archive is not reached.
    """
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=apt", f"--include={','.join(BASE_PACKAGES)}"]
    command += [f"--dpkgopt={Path(__file__).with_name('dpkg-options')}", SUITE, str(tar), *_sources()]
    run_program(*command, timeout_s=900)


def _sources() -> list[str]:
    """Where this machine's own apt has Debian's packages from, as lines of a ``sources.list``.

    Raises:
        LabError: if it has none of that suite.
    """
    form = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    lines = run_program("apt-get", "indextargets", "--format", form, "Created-By: Packages", "Origin: Debian").splitlines()
    if not (sources := sorted({line for line in lines if line.split()[2].startswith(SUITE)})):
        raise LabError(f"apt of this machine has no packages of Debian {SUITE}", hint="apt-get update")
    return sources


def make_root(recipe: Recipe, base: Path, root: Path, archives: Path, public_key: str, say: Callable[[str], None]) -> None:
    """Fill an empty folder with what the image will hold; only the boot loader is still to come.

    Raises:
        LabError: if unpacking, installing or configuring fails.
    """
    manager = find_manager(recipe.manager)
    run_program("tar", "-C", root, "-xpf", base)
    _copy_files(root)
    _install(recipe, manager, root, archives, say)
    for file in manager.files_for(recipe.interface):
        _write(root, file.path, file.text, file.mode)
    _write(root, "/root/.ssh/authorized_keys", public_key, 0o600)
    (root / "root/.ssh").chmod(0o700)
    _write(root, "/etc/resolv.conf", "", 0o644)
    _configure(manager, root, archives)


def _copy_files(root: Path) -> None:
    for name, path in find_files().items():
        _write(root, name, path.read_text(encoding="ascii"), 0o755 if path.stat().st_mode & 0o100 else 0o644)
    for folder in ("var/log/journal", "var/cache/apt/archives"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")


def _install(recipe: Recipe, manager: Manager, root: Path, archives: Path, say: Callable[[str], None]) -> None:
    _write(root, "/usr/sbin/policy-rc.d", NO_SERVICES, 0o755)
    _write(root, "/tmp/grub", GRUB_DISK.format(empty="true", disk=""), 0o644)  # noqa: S108  # the guest's, where nobody else is
    run_in_root(root, archives, "debconf-set-selections /tmp/grub; apt-get update -q")
    packages = " ".join(("grub-pc", *manager.packages, *recipe.packages))
    say(f"installing {packages}")
    run_in_root(root, archives, f"{INSTALL} {packages}")
    for kernel in recipe.kernels:
        package = kernel_package(kernel)
        say(f"installing {package}")
        run_in_root(root, archives, f"{INSTALL} {package}")
    _write(root, "/tmp/grub", GRUB_DISK.format(empty="false", disk="/dev/vda"), 0o644)  # noqa: S108  # the guest's, where nobody else is
    run_in_root(root, archives, "debconf-set-selections /tmp/grub; rm /tmp/grub /usr/sbin/policy-rc.d; rm -rf /var/lib/apt/lists/*")


def _configure(manager: Manager, root: Path, archives: Path) -> None:
    lines = [
        f"systemctl --quiet mask {' '.join(MASKED)}",
        "mkdir /etc/systemd/system-generators",
        *(f"ln -s /dev/null /etc/systemd/system-generators/systemd-{name}-generator" for name in GENERATORS),
        *(f"systemctl --quiet enable {unit}" for unit in manager.enabled),
        *(f"systemctl --quiet disable {unit}" for unit in manager.disabled),
        "rm -f /etc/machine-id",
        "systemd-machine-id-setup",
        # Nothing has changed since /usr was made, as far as units are concerned that run once after an upgrade.
        "touch /etc/.updated /var/.updated",
    ]
    run_in_root(root, archives, "\n".join(lines))


def _write(root: Path, name: str, text: str, mode: int) -> None:
    path = root / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
