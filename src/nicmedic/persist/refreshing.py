# SPDX-License-Identifier: GPL-2.0-or-later
"""What it means that a program which makes changed files known has failed.

Some make something out of the files that the next boot takes instead of them: ``update-grub``, ``update-initramfs``, ``proxmox-boot-tool``,
``kernel-install``. Where such a one fails, the boot does not follow the files. Others only tell a running daemon, which reads the files itself when
it starts: ``udevadm control --reload``, ``systemctl daemon-reload``, ``nmcli connection load``, and ``netplan generate``, whose output is in /run and
is made anew by its generator at each boot. Where nobody is there to be told, in a rescue system or after the package was removed, nothing is missed.
"""

from collections.abc import Sequence
from typing import Final

__all__ = ["may_fail"]

_TELLING: Final = frozenset({"udevadm", "systemctl", "nmcli", "netplan"})


def may_fail(argv: Sequence[str], *, absent: bool, taking_back: bool) -> bool:
    """Whether what was begun goes on all the same.

    Args:
        argv: the program that failed.
        absent: it is not installed, or the daemon that it would tell does not run.
        taking_back: the files are those of before again; else a daemon that does not take ours is a failure.

    >>> may_fail(("udevadm", "control", "--reload"), absent=True, taking_back=False)
    True
    >>> may_fail(("update-grub",), absent=True, taking_back=True), may_fail(("update-grub",), absent=False, taking_back=True)
    (True, False)
    """
    tells = argv[0] in _TELLING
    return (absent and (tells or taking_back)) or (tells and taking_back)
