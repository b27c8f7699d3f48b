# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lab needs of the machine it runs on, and the one line to type for what is missing."""

import os
import shutil
from pathlib import Path

from lab.errors import LabError

__all__ = ["check", "missing_packages", "why_not"]

LIST = Path(__file__).with_name("debian-packages.txt")
PLACES = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


def missing_packages() -> tuple[str, ...]:
    """The Debian packages whose program or file is not there."""
    pairs = [line.split() for line in LIST.read_text(encoding="ascii").splitlines() if line and not line.startswith("#")]
    return tuple(package for name, package in pairs if not (Path(name).exists() if name[0] == "/" else shutil.which(name, path=PLACES)))


def check() -> None:
    """Check what must be there before any virtual machine.

    Raises:
        LabError: the first thing that is missing, and how to get it.
    """
    if os.uname().machine != "x86_64":
        raise LabError(f"the lab emulates x86_64 machines only on x86_64; this is {os.uname().machine}")
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes network namespaces and tap devices", hint="sudo make test")
    if missing := missing_packages():
        raise LabError(f"not installed: {', '.join(missing)}", hint=f"apt-get update && apt-get install -y {' '.join(missing)}")
    if not Path("/dev/net/tun").exists():
        raise LabError("/dev/net/tun is not there, so no tap devices", hint="modprobe tun")


def why_not() -> str:
    """Why the lab cannot run here; empty if it can."""
    try:
        check()
    except LabError as error:
        return str(error)
    return ""
