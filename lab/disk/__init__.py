# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk images of whole Debian machines: GRUB, kernel packages, systemd, and one network manager each.

They are for what only a real boot shows: configuration files, trial boots, kernel packages, power cuts.
"""

from lab.disk.booted import Booted, boot_once
from lab.disk.image import build_image
from lab.disk.keys import key_pair
from lab.disk.machine import disk_args, machine_args, make_overlay
from lab.disk.managers import MANAGERS
from lab.disk.packages import PACKAGES
from lab.disk.recipe import INTERFACE, Recipe

__all__ = [
    "INTERFACE",
    "MANAGERS",
    "PACKAGES",
    "Booted",
    "Recipe",
    "boot_once",
    "build_image",
    "disk_args",
    "key_pair",
    "machine_args",
    "make_overlay",
]
