# SPDX-License-Identifier: GPL-2.0-or-later
"""The modules of a saved kernel, where the kernel looks for them: mounted over those of its package while it runs, and only then.

kmod and udev know one place only, ``/lib/modules/RELEASE``, which after a point release holds modules of another build. A unit mounts the copy there
before either is started. Process 1 itself asks for a few modules before that (autofs, virtio_rng; ``kmod_setup()``), and an initrd has its own.

What dpkg writes must not go into the copy: the package would have a new kernel and old modules, and the copy the reverse. So a file in
``/etc/dpkg/dpkg.cfg.d`` takes the mount away while dpkg works, under apt too, and puts it back then (man dpkg, ``--pre-invoke``). It never makes dpkg
fail. An ``update-initramfs`` or a DKMS build that somebody starts by hand while the saved kernel runs sees the saved modules.
"""

import contextlib
import os

from nicmedic.host.files import remove_torn, sync_folder, tell_state, write_file
from nicmedic.host.run import run_limited
from nicmedic.host.service import Unit, install_units, is_systemd, remove_files, remove_units
from nicmedic.model.errors import MissingToolError, StateError
from nicmedic.persist.systemd_words import quote_command, quote_word
from nicmedic.report.escape import escape_terminal

__all__ = ["HostSavedModules", "name_unit", "render_dpkg_hook", "render_unit"]

_DPKG = "/etc/dpkg/dpkg.cfg.d"
_STOP_S = 30
_ASKED_FOR = ("configfs", "dm_mod", "dm_verity", "drm", "efi_pstore", "fuse", "loop", "tun")
"""Modules that units of systemd itself ask for by name, some of them before udev is there."""


def name_unit(number: int) -> str:
    """The unit of a copy."""
    return f"nicmedic-saved-modules-{number}.service"


def render_unit(number: int, source: str, target: str) -> str:
    """The file.

    Args:
        number: of the copy, as ``nicmedic.saved=`` on the kernel's command line has it.
        source: folder with the copy.
        target: where the kernel looks.
    """
    return "\n".join(
        [
            "# Made by nicmedic trial; it goes with the saved kernel.",
            "[Unit]",
            "Description=nicmedic: the modules of the saved kernel, which its package may have replaced",
            "Documentation=man:nicmedic-trial(1)",
            "DefaultDependencies=no",
            "IgnoreOnIsolate=yes",
            f"ConditionKernelCommandLine=nicmedic.saved={number}",
            f"RequiresMountsFor={quote_word(source)}",
            "# A package that was purged took the folder away: it is made on a root that can be written.",
            "After=systemd-remount-fs.service",
            "Before=systemd-modules-load.service systemd-udevd.service systemd-udev-trigger.service kmod-static-nodes.service sysinit.target",
            f"Before={' '.join(f'modprobe@{name}.service' for name in _ASKED_FOR)}",
            "",
            "[Service]",
            "Type=oneshot",
            "RemainAfterExit=yes",
            f"ExecStartPre=-{quote_command(('/bin/mkdir', '-p', target))}",
            f"ExecStart={quote_command(('/bin/mount', '--bind', source, target))}",
            f"ExecStop=-{quote_command(('/bin/umount', '--lazy', target))}",
            "",
            "[Install]",
            "WantedBy=sysinit.target",
            "",
        ]
    )


def render_dpkg_hook(number: int) -> str:
    """A file of options of dpkg."""
    unit = name_unit(number)
    asks = {word: f"[ ! -d /run/systemd/system ] || timeout {_STOP_S} systemctl {word} {unit} || true" for word in ("stop", "start")}
    return "\n".join(
        [
            "# Made by nicmedic trial; it goes with the saved kernel. While that runs, its modules are mounted over those of the package:",
            "# not while dpkg writes there.",
            f"pre-invoke={asks['stop']}",
            f"post-invoke={asks['start']}",
            "",
        ]
    )


class HostSavedModules:
    """Of this machine."""

    def __init__(self, dpkg: str = _DPKG) -> None:
        """``dpkg``: folder of its options."""
        self._dpkg = dpkg

    def _hook(self, number: int) -> str:
        return f"{self._dpkg}/nicmedic-saved-modules-{number}"

    def install(self, number: int, source: str, target: str) -> None:
        """Have them mounted at each boot of the saved kernel.

        Raises:
            StateError: that cannot be had; nothing is left.
        """
        if not is_systemd():
            raise StateError(
                "this host has no systemd, so nothing would mount the saved modules at a boot", hint="ls -d /run/systemd/system"
            )
        unit = Unit(name=name_unit(number), text=render_unit(number, source, target))
        try:
            if os.path.isdir(self._dpkg):  # noqa: PTH112  # strings throughout
                write_file(self._hook(number), render_dpkg_hook(number), 0o644)
            install_units([unit])
        except (StateError, MissingToolError) as error:
            with contextlib.suppress(StateError):
                self.remove(number)
            raise StateError(error.message, hint=error.hint) from None

    def remove(self, number: int) -> None:
        """Not any more, and not in this boot either. Nothing, if they are not.

        Raises:
            StateError: something cannot be removed.
        """
        unit = Unit(name=name_unit(number), text="")
        for path in (unit.path, self._hook(number)):
            remove_torn(path)
        if os.path.lexists(unit.path):
            if is_systemd():
                self._stop(unit)
                self._disable(unit)
            else:
                remove_files([unit.name])
        with tell_state(self._hook(number)), contextlib.suppress(FileNotFoundError):
            os.unlink(self._hook(number))  # noqa: PTH108  # strings throughout
            sync_folder(self._dpkg)

    @staticmethod
    def _stop(unit: Unit) -> None:
        try:
            status, said = run_limited(("systemctl", "stop", unit.name), _STOP_S)
        except OSError as error:
            status, said = None, str(error)
        if status != 0:
            told = escape_terminal(" ".join(said.split())) or "no answer"
            raise StateError(f"systemctl stop {unit.name}: {told}", hint=f"systemctl status {unit.name}")

    @staticmethod
    def _disable(unit: Unit) -> None:
        try:
            remove_units([unit.name])
        except MissingToolError as error:
            raise StateError(error.message, hint=error.hint) from None
