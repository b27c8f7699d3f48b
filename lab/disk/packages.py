# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian packages that building and running disk images takes on the machine that does it."""

__all__ = ["PACKAGES"]

PACKAGES = ("debian-archive-keyring", "e2fsprogs", "fdisk", "kmod", "mmdebstrap", "openssh-client", "qemu-system-x86", "qemu-utils")
