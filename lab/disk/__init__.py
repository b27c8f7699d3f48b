# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk images of whole Debian machines: GRUB, kernel packages, systemd, and one network manager each.

They are for what only a real boot shows: configuration files, trial boots, kernel packages, power cuts.
"""

from lab.disk.image import build_image
from lab.disk.keys import key_pair
from lab.disk.machine import disk_args, make_overlay
from lab.disk.managers import MANAGERS
from lab.disk.packages import PACKAGES
from lab.disk.recipe import INTERFACE, Recipe

__all__ = ["INTERFACE", "MANAGERS", "PACKAGES", "Recipe", "build_image", "disk_args", "key_pair", "make_overlay"]
