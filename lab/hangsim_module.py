# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds lab/hangsim for a kernel, against Debian's headers, into the cache."""

import shutil
import subprocess
from pathlib import Path

from lab import cache, kernels
from lab.errors import LabError
from lab.kernels import Kernel

__all__ = ["build"]

SOURCE = Path(__file__).with_name("hangsim")


def build(kernel: Kernel) -> Path:
    """The module for that kernel.

    Raises:
        LabError: if the headers cannot be had or the compiler fails.
    """
    sources = sorted(path for path in SOURCE.iterdir() if path.suffix in {".c", ".h"} or path.name == "Makefile")

    def make(folder: Path) -> None:
        for path in sources:
            shutil.copy(path, folder)
        command = ["make", "-C", str(kernels.headers(kernel.version)), f"M={folder}", "modules"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"hangsim does not compile against {kernel.version}: {(done.stderr or done.stdout).strip()[-800:]}")

    key = cache.recipe_key(kernel.version, *(path.read_text(encoding="utf-8") for path in sources))
    return cache.entry("hangsim", key, make, megabytes=200) / "hangsim.ko"
