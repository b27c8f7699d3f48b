# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether KVM truly boots a guest here; found out once with a time limit, and remembered.

``/dev/kvm`` may be there and take a virtual CPU, and yet leave the guest in its firmware for ever.
"""

import platform
import subprocess
from pathlib import Path

from lab import cache, kernels

__all__ = ["accelerator", "qemu_version"]

LIMIT_S = 10


def qemu_version() -> str:
    """The first line of ``qemu-system-x86_64 --version``."""
    return subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def accelerator() -> str:
    """``kvm`` where it boots Debian's kernel to its first line within ten seconds, else ``tcg``."""
    if not Path("/dev/kvm").exists():
        return "tcg"
    known = cache.folder() / f"accelerator-{cache.recipe_key(qemu_version(), platform.release(), _processor())}"
    if not known.exists():
        known.write_text("kvm" if _kvm_boots() else "tcg", encoding="ascii")
    return known.read_text(encoding="ascii")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line for line in lines if line.startswith("model name")), "")


def _kvm_boots() -> bool:
    command = ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "256", "-display", "none", "-nodefaults", "-no-reboot"]
    command += ["-kernel", str(kernels.find().image), "-append", "console=ttyS0 panic=-1", "-serial", "stdio"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired as expired:
        return b"Linux version" in (expired.stdout or b"")
    return b"Linux version" in done.stdout
