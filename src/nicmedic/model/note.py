# SPDX-License-Identifier: GPL-2.0-or-later
"""What could not be read of a machine, and why: the companion of every field that is None."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Lack", "Note"]


class Lack(StrEnum):
    """Why something is unknown."""

    ABSENT = "absent"
    """This kernel, this card or this copy of a host does not have it."""
    REFUSED = "refused"
    """This user may not read it; root would see it."""
    UNSUPPORTED = "unsupported"
    """The driver does not answer this question (EOPNOTSUPP)."""
    GONE = "gone"
    """It vanished or was renamed while it was read."""
    STUCK = "stuck"
    """It was not asked, because the kernel does not answer such questions now: something holds the lock of all networking."""
    ODD = "odd"
    """It is there, and says what cannot be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing that was asked for and is not known."""

    what: str
    """The field, as the value names it (``eee``, ``pcie.device.aspm_enabled``), or a folder of them."""
    why: Lack
    detail: str = ""
    """The file or call that was tried, and what came: ``ETHTOOL_GEEE: Operation not permitted``."""

    @property
    def root_would_help(self) -> bool:
        """Whether the same command as root would tell."""
        return self.why is Lack.REFUSED
