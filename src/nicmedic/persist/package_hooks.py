# SPDX-License-Identifier: GPL-2.0-or-later
"""What package managers call before they replace a kernel: the files that say so, and what they hand over. Not for who writes or reads them.

- apt runs ``DPkg::Pre-Install-Pkgs`` before each run of dpkg, by ``/bin/sh -c``, and stops if it fails, so ours cannot. By version 2 of its protocol
  it writes its configuration, an empty line, and a line a package (apt.conf(5); apt-pkg/deb/dpkgpm.cc, ``RunScriptsWithPkgs``)::

      linux-image-6.1.0-56-amd64 6.1.148-1 < 6.1.153-1 /var/cache/apt/archives/linux-image-6.1.0-56-amd64_6.1.153-1_amd64.deb
      linux-image-6.1.0-55-amd64 6.1.140-1 > - **REMOVE**

  Which version is spoken hangs on the first word of the command, so that is one of our own: an assignment.
- dnf5 runs what ``actions.d`` names if its plugin for that is installed, and goes on if it fails (libdnf5-actions(8)). What the program writes to its
  standard output is taken for orders.
"""

import re
import shlex
from collections.abc import Sequence
from typing import Final

__all__ = ["APT_FILE", "DNF_FILE", "find_kernel_packages", "render_apt_hook", "render_dnf_hook"]

APT_FILE: Final = "/etc/apt/apt.conf.d/90nicmedic-trial"
DNF_FILE: Final = "/etc/dnf/libdnf5-plugins/actions.d/nicmedic-trial.actions"
_MARK: Final = "NICMEDIC_HOOK=apt"
_MOST_S: Final = 900
"""A copy of all modules to a slow disk takes a minute or two; nothing may hold an upgrade up for ever."""
_KILL_S: Final = 60
"""So long has it then to take back what it has begun."""
_KERNEL: Final = re.compile(r"(?:linux-(?:image|modules)(?:-[a-z]+)*|(?:proxmox|pve)-kernel)-\d")
_REMOVED: Final = "**REMOVE**"
_DNF_KERNELS: Final = ("kernel-core", "kernel-default")
_PLAIN: Final = re.compile(r"[A-Za-z0-9/._+=@,-]+")


def _words(program: Sequence[str], state: str | None) -> list[str]:
    return [*((f"NICMEDIC_STATE={state}",) if state else ()), *program]


def render_apt_hook(program: Sequence[str], state: str | None) -> str | None:
    """The file of apt; None: the words cannot be written in one of its strings.

    Args:
        program: what starts this very nicmedic.
        state: where it keeps its state, if not in the usual place.
    """
    words = ["env", *_words(program, state), "trial", "prepare", "--hook", "apt"]
    if any('"' in word or not word.isprintable() for word in words):
        return None
    command = f"{_MARK} test -x {shlex.quote(program[0])} && timeout -k {_KILL_S} {_MOST_S} {shlex.join(words)} || cat > /dev/null || true"
    return "\n".join(
        [
            "// Made by nicmedic trial prepare --install-hook; nicmedic trial prepare --remove-hook takes it away.",
            "// Before a kernel is replaced or removed the running one is saved, and every reboot ends on it. It cannot stop apt.",
            f'DPkg::Pre-Install-Pkgs {{ "{command}"; }};',
            f'DPkg::Tools::Options::{_MARK}::Version "2";',
            "",
        ]
    )


def render_dnf_hook(program: Sequence[str], state: str | None) -> str | None:
    """The file of dnf5; None: the words cannot be written there."""
    words = [
        "/usr/bin/timeout",
        "-k",
        str(_KILL_S),
        str(_MOST_S),
        "/usr/bin/env",
        *_words(program, state),
        "trial",
        "prepare",
        "--hook",
        "dnf",
    ]
    if not all(_PLAIN.fullmatch(word) for word in words):
        return None
    return "\n".join(
        [
            "# Made by nicmedic trial prepare --install-hook; nicmedic trial prepare --remove-hook takes it away.",
            "# Before a kernel is installed the running one is saved, and every reboot ends on it. It cannot stop dnf.",
            *(f"pre_transaction:{name}:in::{' '.join(words)}" for name in _DNF_KERNELS),
            "",
        ]
    )


def find_kernel_packages(told: str) -> tuple[str, ...]:
    """Kernels that apt is about to unpack or to remove, by what it hands over."""
    found = []
    for line in told.partition("\n\n")[2].splitlines():
        words = line.split(" ", 4)
        if len(words) == 5 and _KERNEL.match(words[0]) and (words[4].startswith("/") or words[4] == _REMOVED):
            found.append(words[0])
    return tuple(dict.fromkeys(found))
