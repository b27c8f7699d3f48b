# SPDX-License-Identifier: GPL-2.0-or-later
"""Plain sh that reboots, whatever is broken: in good order, then by force, then by the kernel alone. Runs under dash and busybox too.

It is given to ``sh -c`` as a whole, so that no disk has to be read for it later, and waits by the kernel's clock: a ``sleep`` that somebody kills, or
that cannot be started any more, does not make it hasty. Writing to /proc/sysrq-trigger does what is asked for whatever ``kernel.sysrq`` says
(drivers/tty/sysrq.c, ``write_sysrq_trigger()``: no mask is checked).

A kernel that somebody loaded for kexec is let go, and systemctl is told to leave it alone, and a root below /run/nextroot (docs/ENVIRONMENT.md of
systemd): either would pass by GRUB, which alone knows what is to be booted. Debian's kexec-tools look at the kernel only, not at what systemctl was
told (/etc/init.d/kexec, ``do_stop()``).

A minute is little for guests, whose disks would be cut off; as long as there are any they get five. Those of libvirt and systemd-nspawn are seen by
their scopes in machine.slice, those of Proxmox VE in qemu.slice and lxc, those of LXC by lxc.payload, and those of Xen by their back ends.

It is called ``@…`` where systemd starts it: systemd-shutdown spares processes of root whose name begins so from its last kill
(src/shared/killall.c, ``ignore_proc()``; systemd.io/ROOT_STORAGE_DAEMONS), so an unmount that hangs is cut short as well.
"""

import shlex
from collections.abc import Sequence

from nicmedic.persist.systemd_words import quote_word

__all__ = ["ENDED", "LIFE", "PATIENT_S", "render_deadline", "render_exec_start", "render_reboot"]

ENDED = "/run/nicmedic/trial-ended"
"""While it is there the deadline does not count."""
LIFE = "/run/nicmedic/trial-life"
"""Written anew all the time by whoever looks after the kernel on trial."""
_SILENCE_S = 600
"""So long it may stay as it is: evidence is collected for some minutes, and a service that died comes back."""
_FEWEST_TURNS = 60
"""And so many seconds awake: after a suspend whoever writes it has the time to."""
_PROC = "/proc"
_TRIGGER = f"{_PROC}/sysrq-trigger"
_POLITE_S = 60
PATIENT_S = 900
"""The same where nothing presses."""
_GUESTS_S = 300
"""As long as libvirt-guests waits by itself."""
_GROUPS = (
    "/sys/fs/cgroup/machine.slice/*/cgroup.events", "/sys/fs/cgroup/qemu.slice/*/cgroup.events", "/sys/fs/cgroup/lxc/*/cgroup.events",
    "/sys/fs/cgroup/lxc.payload*/cgroup.events",
)  # fmt: skip
"""Their first line says whether anybody is in there (Documentation/admin-guide/cgroup-v2.rst, ``populated``)."""
_BACK_ENDS = "/sys/bus/xen-backend/devices/*"
_FORCED_S = 30
_LAST_S = 3

_REBOOT = (
    'at() {{ while read -r up rest </proc/uptime && [ "${{up%%.*}}" -lt "$1" ]; do sleep 1; done; }};',
    "press() {{ echo $1 >{trigger}; }} 2>/dev/null;",
    'say() {{ echo "<1>nicmedic: $*" >/dev/kmsg; }} 2>/dev/null;',
    "read -r up rest </proc/uptime; begin=${{up%%.*}};",
    "say reboot: {why};",
    "export SYSTEMCTL_SKIP_AUTO_KEXEC=1 SYSTEMCTL_SKIP_AUTO_SOFT_REBOOT=1;",
    "{{ kexec -u; systemctl reboot || reboot || shutdown -r now; }} </dev/null >/dev/null 2>&1 &",
    "at $((begin + {polite_s}));",
    'guests() {{ for each in {groups}; do held=0; read -r key held <"$each"; [ "$held" != 1 ] || return 0; done;',
    'for each in {back_ends}; do [ ! -e "$each" ] || return 0; done; return 1; }} 2>/dev/null;',
    'while guests && read -r up rest </proc/uptime && [ "${{up%%.*}}" -lt $((begin + {guests_s})) ]; do sleep 1; done;',
    "say the reboot takes too long: by force; press s;",
    "{{ systemctl reboot --force || reboot -f; }} </dev/null >/dev/null 2>&1 &",
    "read -r up rest </proc/uptime; begin=${{up%%.*}};",
    "at $((begin + {forced_s})); press s;",
    "at $((begin + {synced_s})); press u;",
    "at $((begin + {last_s})); press b;",
    "{{ systemctl reboot --force --force || reboot -f; }} </dev/null >/dev/null 2>&1",
)
_DEADLINE = (
    'keep() {{ read -r held <{settings}/$1 && [ "$held" != 0 ] || echo $2 >{settings}/$1; }} 2>/dev/null;',
    "seen=; since=0; turns=0;",
    'while read -r up rest </proc/uptime && up=${{up%%.*}} && [ "$up" -lt {at_s} ]; do',
    "[ ! -e {ended} ] || exit 0;",
    "life=; {{ read -r life <{life}; }} 2>/dev/null;",
    'if [ -n "$life" ] && [ "$life" != "$seen" ]; then seen=$life; since=$up; turns=0; fi;',
    'if [ -z "$seen" ]; then [ "$up" -lt {first_s} ] || break;',
    'elif [ $((up - since)) -ge {silence_s} ] && [ "$turns" -ge {turns} ]; then break; fi;',
    "keep panic 30; keep panic_on_oops 1; keep softlockup_panic 1; keep hardlockup_panic 1;",
    "turns=$((turns + 1)); sleep 1;",
    "done;",
    "[ ! -e {ended} ] || exit 0;",
)


def render_reboot(
    why: str,
    *,
    polite_s: int = _POLITE_S,
    guests_s: int = _GUESTS_S,
    forced_s: int = _FORCED_S,
    trigger: str = _TRIGGER,
    groups: Sequence[str] = _GROUPS,
) -> tuple[str, ...]:
    """Lines of a script, which may be put on one line.

    Args:
        why: for the kernel log.
        polite_s: how long a reboot in good order may take.
        guests_s: how long, while there are guests.
        forced_s: and one that skips the services, after that.
        trigger: what asks the kernel itself.
        groups: patterns of ``cgroup.events`` of guests.
    """
    words = {
        "why": shlex.quote(why),
        "trigger": shlex.quote(trigger),
        "groups": " ".join(groups),
        "back_ends": _BACK_ENDS,
        "polite_s": polite_s,
        "guests_s": guests_s,
        "forced_s": forced_s,
        "synced_s": forced_s + _LAST_S,
        "last_s": forced_s + 2 * _LAST_S,
    }
    return tuple(line.format(**words) for line in _REBOOT)


def render_deadline(
    at_s: int,
    first_s: int,
    *,
    silence_s: int = _SILENCE_S,
    polite_s: int = _POLITE_S,
    forced_s: int = _FORCED_S,
    ended: str = ENDED,
    life: str = LIFE,
    proc: str = _PROC,
) -> tuple[str, ...]:
    """The same, at a time, or sooner if nobody looks after the kernel on trial; not if the trial has ended by then.

    Args:
        at_s: since the kernel began, suspend included.
        first_s: the same; nobody has begun to look after it by then.
        silence_s: whoever did so has not shown since.
        polite_s: how long a reboot in good order may take.
        forced_s: and one that skips the services, after that.
        ended: the file that calls it off.
        life: the file that shows life by what it says.
        proc: where the kernel is asked and told. What the host's sysctl.d sets to 0 would have a panic stand still, whatever its command line said.
    """
    words = {
        "at_s": at_s,
        "first_s": first_s,
        "silence_s": silence_s,
        "turns": min(_FEWEST_TURNS, silence_s),
        "ended": shlex.quote(ended),
        "life": shlex.quote(life),
        "settings": shlex.quote(f"{proc}/sys/kernel"),
    }
    wait = tuple(line.format(**words) for line in _DEADLINE)
    why = "the trial of this kernel has not ended in time, or nobody looks after it any more"
    return (*wait, *render_reboot(why, polite_s=polite_s, forced_s=forced_s, trigger=f"{proc}/sysrq-trigger"))


def render_exec_start(name: str, lines: tuple[str, ...]) -> str:
    """``ExecStart=`` of a unit, which a person can read: systemd takes a backslash at a line's end for a blank (man systemd.syntax)."""
    quoted = [quote_word(line.replace("$", "$$"))[1:-1] for line in lines]
    return f'ExecStart=@/bin/sh @{name} -c "' + " \\\n  ".join(quoted) + '"'
