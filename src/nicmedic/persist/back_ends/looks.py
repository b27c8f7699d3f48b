# SPDX-License-Identifier: GPL-2.0-or-later
"""Folders that back ends look through, for who else sets the same thing: they belong to ``Place.files``, beside what the managers read."""

from typing import Final

__all__ = ["GRUB_FILES", "LOOKS", "MODPROBE_FILES", "RULES_FILES"]

_FOLDERS = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
GRUB_FILES: Final = "/etc/default/grub.d/*.cfg"
MODPROBE_FILES: Final = tuple(f"{folder}/modprobe.d/*.conf" for folder in _FOLDERS)
RULES_FILES: Final = tuple(f"{folder}/udev/rules.d/*.rules" for folder in _FOLDERS)
LOOKS: Final = (GRUB_FILES, *MODPROBE_FILES, *RULES_FILES)
"""Globs over whole paths."""
