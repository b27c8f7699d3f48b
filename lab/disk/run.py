# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that building an image takes; what one says stands in the error if it fails."""

import os
import shlex
import subprocess
from pathlib import Path

from lab.errors import LabError

__all__ = ["run_in_root", "run_program"]

PROXIES = ("http_proxy", "https_proxy", "no_proxy")

# The mounts are in a namespace of their own: they are gone with the last process, however it ends.
IN_ROOT = """
set -e
mount --bind "$2" "$1/var/cache/apt/archives"
mount -t proc proc "$1/proc"
exec chroot "$1" sh -ec "$3"
"""


def run_program(*command: str | Path, timeout_s: float = 600) -> str:
    """Run a program to its end and return what it prints.

    Raises:
        LabError: if it is not there, fails, or runs longer than ``timeout_s``.
    """
    words = [str(word) for word in command]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    environment |= {name: os.environ[name] for name in PROXIES if name in os.environ}
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"{words[0]} is not installed", hint=f"apt-get install {words[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{words[0]} still ran after {timeout_s:.0f} s: {shlex.join(words)[:200]}") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-800:]
        raise LabError(f"{words[0]} failed with status {done.returncode} ({shlex.join(words[-1:])[:200]}): {said}")
    return done.stdout


def run_in_root(root: Path, archives: Path, script: str) -> str:
    """Run a line of shell with another folder as root; downloaded packages are kept in ``archives``.

    Raises:
        LabError: as ``run_program``.
    """
    return run_program("unshare", "--mount", "sh", "-c", IN_ROOT, "sh", root, archives, script)
