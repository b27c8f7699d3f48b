# SPDX-License-Identifier: GPL-2.0-or-later
"""What a network manager adds to an image."""

import dataclasses

__all__ = ["ADDRESS", "ADDRESS6", "GATEWAY", "Manager", "TextFile"]

ADDRESS = "10.77.0.2/24"
ADDRESS6 = "fd77::2/64"
GATEWAY = "10.77.0.254"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """A file of the guest.

    Attributes:
        path: From the root of the guest's file system, with the leading slash.
        text: What stands in it; ``INTERFACE`` stands for the interface's name.
        mode: Its permissions.
    """

    path: str
    text: str
    mode: int = 0o644


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """One network manager.

    Attributes:
        name: What a person types.
        packages: Debian packages that bring it.
        files: Its configuration; the interface gets its addresses from nowhere else.
        enabled: Units to enable beyond what its packages do.
        disabled: Units to disable.
        state: A command that asks the manager itself about the interface; exit status 0 if it has brought it up.
        plugged: What an administrator types after plugging a card into the running machine; empty if the manager sees it itself.
    """

    name: str
    packages: tuple[str, ...]
    files: tuple[TextFile, ...]
    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    state: tuple[str, ...]
    plugged: tuple[str, ...] = ()

    def files_for(self, interface: str) -> tuple[TextFile, ...]:
        """The files with the interface's name filled in."""
        return tuple(
            TextFile(path=file.path.replace("INTERFACE", interface), text=file.text.replace("INTERFACE", interface), mode=file.mode)
            for file in self.files
        )

    def state_of(self, interface: str) -> tuple[str, ...]:
        """The command of ``state`` with the interface's name filled in."""
        return tuple(word.replace("INTERFACE", interface) for word in self.state)
