# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel package of Debian for an upgrade in a guest.

It is repacked without compression: dpkg on an emulated processor takes ten minutes to unpack the original, of which nine are spent on xz. What is in
it, its scripts too, stays as Debian made it.
"""

import subprocess
from pathlib import Path

from lab import cache
from lab.disk.recipe import kernel_package
from lab.disk.run import run_program
from lab.errors import LabError

__all__ = ["fetch_package"]


def fetch_package(release: str) -> Path:
    """The package of a kernel release, repacked; from the cache or from Debian's archive.

    Raises:
        LabError: if apt does not have it.
    """
    wanted = kernel_package(release)

    def make(folder: Path) -> None:
        got = subprocess.run(["apt-get", "-q", "download", wanted], cwd=folder, capture_output=True, text=True, check=False)
        files = list(folder.glob("*.deb"))
        if got.returncode or len(files) != 1:
            raise LabError(f"{wanted} cannot be had: {got.stderr.strip()[-300:]}", hint="apt-get update")
        run_program("dpkg-deb", "--raw-extract", files[0], folder / "tree")
        run_program("dpkg-deb", "-Znone", "--build", folder / "tree", folder / f"linux-image-{release}.deb")
        run_program("rm", "-r", folder / "tree", files[0])

    return cache.entry("packages", cache.recipe_key(wanted), make, megabytes=1500) / f"linux-image-{release}.deb"
