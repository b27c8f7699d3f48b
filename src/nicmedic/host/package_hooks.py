# SPDX-License-Identifier: GPL-2.0-or-later
"""Puts the hooks of package managers where these look for them, and takes them away. What they say is in ``persist/package_hooks.py``."""

import contextlib
import os
from collections.abc import Mapping

from nicmedic.host.files import remove_torn, sync_folder, tell_state, write_file
from nicmedic.host.run import run_limited
from nicmedic.host.service import find_program_line
from nicmedic.model.errors import StateError
from nicmedic.persist.package_hooks import APT_FILE, DNF_FILE, render_apt_hook, render_dnf_hook
from nicmedic.report.escape import escape_terminal

__all__ = ["HostPackageHooks"]

_SECONDS = 30


class HostPackageHooks:
    """Of this machine."""

    def __init__(self, root: str = "") -> None:
        """``root``: in whose place ``/`` stands."""
        self._root = root

    def _plan(self) -> Mapping[str, str | None]:
        """Of each manager that is there."""
        program, state = find_program_line(), os.environ.get("NICMEDIC_STATE")
        texts = {APT_FILE: render_apt_hook(program, state), DNF_FILE: render_dnf_hook(program, state)}
        return {f"{self._root}{path}": text for path, text in texts.items() if os.path.isdir(os.path.dirname(f"{self._root}{path}"))}  # noqa: PTH112, PTH120  # strings throughout

    def install(self) -> tuple[str, ...]:
        """Write them; which.

        Raises:
            StateError: one cannot be written, or its manager does not understand it; then none is there.
        """
        planned = self._plan()
        if not planned:
            hint = "nicmedic trial prepare   # by hand, before each upgrade"
            raise StateError("neither apt nor dnf5 with its actions plugin (libdnf5-plugin-actions) is here", hint=hint)
        for path, text in planned.items():
            if text is None:
                raise StateError(
                    f"{escape_terminal(' '.join(find_program_line()))}: not to be written in {path}", hint="nicmedic trial prepare"
                )
        try:
            for path, text in planned.items():
                write_file(path, text or "", 0o644)
            if f"{self._root}{APT_FILE}" in planned:
                _check_apt(f"{self._root}{APT_FILE}")
        except StateError:
            with contextlib.suppress(StateError):
                self.remove()
            raise
        return tuple(planned)

    def remove(self) -> tuple[str, ...]:
        """Take them away; which were there.

        Raises:
            StateError: one cannot be removed.
        """
        gone = []
        for path in (f"{self._root}{APT_FILE}", f"{self._root}{DNF_FILE}"):
            remove_torn(path)
            with tell_state(path), contextlib.suppress(FileNotFoundError, NotADirectoryError):
                os.unlink(path)  # noqa: PTH108  # strings throughout
                sync_folder(os.path.dirname(path))  # noqa: PTH120  # strings throughout
                gone.append(path)
        return tuple(gone)


def _check_apt(path: str) -> None:
    """A file that apt cannot parse would stop every command of it."""
    try:
        status, said = run_limited(("apt-config", "-c", path, "dump"), _SECONDS)
    except OSError:
        return  # there is no apt that could stumble
    if status != 0:
        raise StateError(f"apt-config: {escape_terminal(' '.join(said.split()))}", hint="apt-config dump > /dev/null")
