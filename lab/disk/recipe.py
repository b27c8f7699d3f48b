# SPDX-License-Identifier: GPL-2.0-or-later
"""What an image is made of, and the name that follows from it."""

import dataclasses
import functools
import re
import subprocess
from pathlib import Path

from lab.cache import recipe_key
from lab.disk.managers import find_manager
from lab.errors import LabError

__all__ = ["BASE_PACKAGES", "DEFAULT", "GENERATORS", "INTERFACE", "MASKED", "Recipe", "base_key", "find_files", "kernel_package"]

FORMAT = 1
"""Counted up when the same recipe is to be made in another way."""

DEFAULT = "6.1.0-56-amd64"
INTERFACE = "ens9"
"""Debian's name for the card in slot 9 of QEMU's machine "pc", there from the start or plugged later; on "q35" it is enp0s9."""

BASE_PACKAGES = (
    *("systemd", "systemd-sysv", "udev", "dbus", "kmod", "procps", "initramfs-tools", "lz4", "zstd", "grub2-common", "grub-pc-bin"),
    *("openssh-server", "qemu-guest-agent", "python3", "ethtool", "iproute2", "iputils-ping", "pciutils", "netbase", "less"),
)

MASKED = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer", "logrotate.timer"),
    *("e2scrub_reap.service", "getty@tty1.service", "man-db.timer", "systemd-binfmt.service"),
    *("systemd-firstboot.service", "systemd-machine-id-commit.service", "systemd-pstore.service", "ifupdown-wait-online.service"),
    *("kmod-static-nodes.service", "systemd-tmpfiles-setup-dev.service", "systemd-random-seed.service", "systemd-repart.service"),
    *("modprobe@configfs.service", "modprobe@dm_mod.service", "modprobe@drm.service", "modprobe@efi_pstore.service"),
    *("modprobe@fuse.service", "modprobe@loop.service"),
    *("dev-hugepages.mount", "dev-mqueue.mount", "proc-sys-fs-binfmt_misc.automount", "sys-fs-fuse-connections.mount"),
    *("sys-kernel-config.mount",),
)
"""Units that a machine of the lab does not need, and that cost it boot time or act on their own."""

GENERATORS = ("bless-boot", "cryptsetup", "gpt-auto", "hibernate-resume", "integritysetup", "system-update", "veritysetup")
"""What systemd would start at each boot to look for disks that a machine of the lab does not have."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What an image is made of.

    Attributes:
        manager: The name of one of ``MANAGERS``.
        kernels: Kernel releases as ``uname -r`` says them (``-amd64`` may be left out), installed in this order.
        packages: Further Debian packages.
        interface: The name that the card under test will have.
    """

    manager: str
    kernels: tuple[str, ...] = (DEFAULT,)
    packages: tuple[str, ...] = ()
    interface: str = INTERFACE

    def key(self) -> str:
        """A short name for everything that decides what the image holds.

        Raises:
            LabError: if there is no such manager, or apt knows no such kernel.
        """
        kernels = [kernel_package(kernel) for kernel in self.kernels]
        files = {name: path.read_text(encoding="ascii") for name, path in find_files().items()}
        common = (base_key(), MASKED, GENERATORS, files, _text("finish.sh"))
        manager = find_manager(self.manager)
        own = (manager.packages, manager.files, manager.enabled, manager.disabled)
        return recipe_key(common, own, kernels, self.packages, self.interface)

    def slot(self) -> str:
        """A name for what was asked for: images of the same slot replace each other as packages and the lab go on."""
        asked = recipe_key(self.kernels, self.packages, self.interface)[:6]
        return f"{self.manager}-{asked}"


def find_files() -> dict[str, Path]:
    """The files that every image has beside those of its packages: the path in the guest, and where the text is."""
    tree = Path(__file__).with_name("guest")
    return {f"/{path.relative_to(tree)}": path for path in sorted(tree.rglob("*")) if path.is_file()}


def base_key() -> str:
    """A name for what mmdebstrap makes, which all images begin with."""
    return recipe_key(FORMAT, BASE_PACKAGES, _text("dpkg-options"))


@functools.cache
def kernel_package(release: str) -> str:
    """The package of a kernel release with its version, as apt-get wants it: ``linux-image-6.1.0-56-amd64=6.1.192-2``.

    Raises:
        LabError: if apt of this machine offers none.
    """
    name = f"linux-image-{release if release.endswith('-amd64') else f'{release}-amd64'}"
    answer = subprocess.run(["apt-cache", "show", "--no-all-versions", name], capture_output=True, text=True, check=False)
    if not (found := re.search(r"^Version: (\S+)$", answer.stdout, re.MULTILINE)):
        raise LabError(f"apt offers no kernel package {name}", hint="apt-get update")
    return f"{name}={found[1]}"


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="ascii")
