# SPDX-License-Identifier: GPL-2.0-or-later
"""The key pair with which the lab enters its own disk VMs over ssh; made once and kept in the cache."""

from pathlib import Path

from lab.disk.run import run_program

__all__ = ["key_pair"]


def key_pair(cache_dir: Path) -> tuple[Path, Path]:
    """The private and the public key; made if they are not there.

    Raises:
        LabError: if ssh-keygen is not there or fails.
    """
    private = cache_dir / "ssh" / "id_ed25519"
    public = private.with_suffix(".pub")
    if not public.exists():
        private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        private.unlink(missing_ok=True)
        run_program("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "nicmedic-lab", "-f", private)
    return private, public
