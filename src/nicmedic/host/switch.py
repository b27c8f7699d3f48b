# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.hands.Switch``: ``undo.sh switch`` at the deadline, whatever becomes of us, of our session, and of the network.

Where systemd is process 1 a transient timer does it: process 1 is not killed when memory is short, and no log-out ends it. Its monotonic part stands
still while the machine sleeps (man systemd.timer), so there is a calendar part beside it, which is caught up on waking; whichever comes first starts
the script, and that waits for the deadline, which counts sleep. Else it is a shell without a session, spared when memory is short.
Either begins the script again should that be killed in the middle: there may be nobody left to type the next command.
Which it is stands in the file ``switch`` of the transaction's folder: ``systemd UNIT`` or ``sh PID START``.
"""

import contextlib
import datetime
import os
import signal
import time

from nicmedic.host.files import write_file
from nicmedic.host.processes import is_running, name_process
from nicmedic.host.run import run_limited
from nicmedic.model.errors import StateError, SwitchError
from nicmedic.model.transaction import Transaction
from nicmedic.report.escape import escape_terminal

__all__ = ["HostSwitch"]

_SYSTEMD = "/run/systemd/system"
"""There exactly where systemd is process 1 (man sd_booted)."""
_SECONDS = 10
_UNLIKELY_TO_DIE = "-900"
_BEGIN_S = 0.2
"""A shell that cannot read its script has ended by then."""
_AGAIN = ("--property=Restart=on-abort", "--property=TimeoutStopSec=5s")
"""After a signal, not after a status: the script has tried enough then (man systemd.service). It hears no SIGTERM: let a shutdown not wait for it."""
_GONE = frozenset({"inactive", "failed", "unknown", "deactivating"})
_DETACH = f"""\
undo() {{
    trap '' HUP INT QUIT TERM PIPE
    {{ echo {_UNLIKELY_TO_DIE} >/proc/self/oom_score_adj; }} 2>/dev/null
    for turn in 1 2 3 4 5; do
        "$@"
        [ $? -gt 128 ] || break
    done
}}
undo "$@" </dev/null >/dev/null 2>&1 &
echo $!
"""
"""The shell around it ends at once: what it started has no parent, no terminal and no session leader then."""


def _tidy(text: str) -> str:
    return escape_terminal(" ".join(text.split()))[:300]


class HostSwitch:
    """Of this machine."""

    def arm_switch(self, transaction: Transaction) -> str:
        reasons = []
        for way in (self._arm_systemd, self._arm_shell):
            try:
                how = way(transaction)
                write_file(f"{transaction.folder}/switch", how + "\n")
            except OSError as error:
                reasons.append(_tidy(error.strerror or ""))
                continue
            except StateError as error:
                reasons.append(error.message)
                continue
            if self.find_switch(transaction):
                return how
            reasons.append(f"{how}: is not there")
        raise SwitchError(
            f"no dead-man's switch can be armed: {'; '.join(reason for reason in reasons if reason)}",
            hint="systemctl is-system-running ; ps -p 1   # without a switch nothing is changed",
        )

    @staticmethod
    def _arm_systemd(transaction: Transaction) -> str:
        if not os.path.isdir(_SYSTEMD):  # noqa: PTH112  # strings throughout
            raise OSError(None, "")
        unit = f"nicmedic-undo-{transaction.id}"
        seconds = transaction.timeout_s
        then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
        timer = [f"--on-active={seconds}s", f"--on-calendar={then:%Y-%m-%d %H:%M:%S} UTC", "--timer-property=AccuracySec=1s"]
        service = [f"--property=OOMScoreAdjust={_UNLIKELY_TO_DIE}", "--property=StandardInput=null"]
        named = [f"--unit={unit}", f"--description=nicmedic: undo transaction {transaction.id} unless it is confirmed"]
        script = ["/bin/sh", f"{transaction.folder}/undo.sh", "switch"]
        status, said = run_limited(["systemd-run", "--collect", *_AGAIN, *named, *timer, *service, *script], _SECONDS)
        if status:  # before systemd 236 there was no --collect, and not every property could be set
            status, said = run_limited(["systemd-run", *named, *timer, *service, *script], _SECONDS)
        if status != 0:
            raise OSError(None, f"systemd-run: {said if status is not None else f'no answer for {_SECONDS} s'}")
        return f"systemd {unit}"

    @staticmethod
    def _arm_shell(transaction: Transaction) -> str:
        status, said = run_limited(["/bin/sh", "-c", _DETACH, "sh", "/bin/sh", f"{transaction.folder}/undo.sh", "switch"], _SECONDS)
        if status != 0 or not said.strip().isdecimal():
            raise OSError(None, f"sh: {said if status is not None else f'no answer for {_SECONDS} s'}")
        time.sleep(_BEGIN_S)
        return f"sh {name_process(int(said))}"

    @staticmethod
    def _read_how(transaction: Transaction) -> tuple[str, str]:
        try:
            with open(f"{transaction.folder}/switch", encoding="ascii", errors="replace") as file:  # noqa: PTH123  # strings throughout
                kind, _, which = file.read(200).strip().partition(" ")
        except OSError:
            return "", ""
        return kind, which

    def disarm_switch(self, transaction: Transaction) -> None:
        kind, which = self._read_how(transaction)
        if kind == "systemd":  # its service, should it run, ends by itself: it may be in the middle of an undo
            with contextlib.suppress(OSError):
                run_limited(["systemctl", "stop", f"{which}.timer"], _SECONDS)
        elif kind == "sh" and is_running(which) and not os.path.lexists(f"{transaction.folder}/decided"):
            # nothing was changed, so nothing will ever be decided; else it sees within a second that it was
            with contextlib.suppress(OSError):
                os.killpg(os.getpgid(int(which.partition(" ")[0])), signal.SIGKILL)

    def find_switch(self, transaction: Transaction) -> bool | None:
        kind, which = self._read_how(transaction)
        if kind == "systemd":
            try:
                status, said = run_limited(["systemctl", "is-active", f"{which}.timer", f"{which}.service"], _SECONDS)
            except OSError:
                return None
            states = set(said.split())
            if {"active", "activating"} & states:
                return True
            return False if status is not None and states & _GONE else None
        return kind == "sh" and is_running(which)
