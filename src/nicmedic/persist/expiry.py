# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether what a kept remedy was made for is still there: another kernel, driver or chip may not need it any more."""

from nicmedic.model.host import Host
from nicmedic.model.keeping import Kept, MadeFor
from nicmedic.model.nic import Nic
from nicmedic.model.same_card import name_chip

__all__ = ["find_expiry", "find_other_kernel", "name_kernel"]


def name_kernel(package: str | None, release: str | None) -> str:
    """As a person tells one from another: by its package, and by its release where the package is a mere number of a build.

    >>> name_kernel("6.1.148-1", "6.1.0-40-amd64"), name_kernel("#49-Ubuntu", "6.8.0-49-generic"), name_kernel(None, "6.4.0-default")
    ('6.1.148-1', '6.8.0-49-generic (#49-Ubuntu)', '6.4.0-default')
    """
    if package is not None and release is not None and package.startswith("#"):
        return f"{release} ({package})"
    return package or release or "(unknown)"


def find_other_kernel(made_for: MadeFor, host: Host) -> tuple[str, str] | None:
    """Both kernels by name, where another one runs than it was made for; None: the same, as far as both can be told.

    A point release of Debian replaces a kernel in place: another package, and ``uname -r`` as it was. Another release is another kernel even where
    the packages are spelled alike: Ubuntu's is the number of a build, which two series may share, and Debian builds several flavours of one source.
    """
    package, release = made_for.kernel_package, made_for.kernel_release
    if package and host.kernel_package and package != host.kernel_package:
        return name_kernel(package, release), name_kernel(host.kernel_package, host.kernel_release)
    if release and host.kernel_release and release != host.kernel_release:
        return release, host.kernel_release
    return None


def find_expiry(kept: Kept, host: Host, nic: Nic | None) -> str | None:
    """What is another now, in a clause; None: nothing is, as far as both can be told."""
    made_for = kept.made_for
    if nic is not None:
        chip = name_chip(nic)
        if made_for.chip and chip and made_for.chip != chip:
            return f"kept for chip {made_for.chip}, this is {chip}"
        if made_for.driver and nic.driver and made_for.driver != nic.driver:
            return f"kept for driver {made_for.driver}, this is {nic.driver}"
    kernels = find_other_kernel(made_for, host)
    return None if kernels is None else f"kept for kernel {kernels[0]}, this is {kernels[1]}"
