# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether what a kept remedy was made for is still there: another kernel, driver or chip may not need it any more."""

from nicmedic.model.host import Host
from nicmedic.model.keeping import Kept
from nicmedic.model.nic import Nic
from nicmedic.model.same_card import name_chip

__all__ = ["find_expiry"]


def find_expiry(kept: Kept, host: Host, nic: Nic | None) -> str | None:
    """What is another now, in a clause; None: nothing is, as far as both can be told.

    The package is held against the package: a point release replaces a kernel in place and leaves ``uname -r`` as it was.
    """
    made_for = kept.made_for
    if nic is not None:
        chip = name_chip(nic)
        if made_for.chip and chip and made_for.chip != chip:
            return f"kept for chip {made_for.chip}, this is {chip}"
        if made_for.driver and nic.driver and made_for.driver != nic.driver:
            return f"kept for driver {made_for.driver}, this is {nic.driver}"
    if made_for.kernel_package and host.kernel_package:
        if made_for.kernel_package != host.kernel_package:
            return f"kept for kernel {made_for.kernel_package}, this is {host.kernel_package}"
        return None
    if made_for.kernel_release and host.kernel_release and made_for.kernel_release != host.kernel_release:
        return f"kept for kernel {made_for.kernel_release}, this is {host.kernel_release}"
    return None
