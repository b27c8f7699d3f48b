# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of the unit of ``nicmedic watch``: what it is allowed, and why. For systemd 252 (Debian 12) and later.

It reads sysfs, procfs, the kernel log and link messages; it writes its own folder, the folder of metrics, and an instance of tracefs. So much it may,
and no more: what it reads is in part written by whoever sends frames to this host. What changes a card runs outside (``host/outside.py``).
Root without capabilities may still ask process 1 for anything, so this hinders mistakes and simple attacks, not one that knows about systemd-run.
"""

from collections.abc import Sequence

from nicmedic.host.outside import CONFINED
from nicmedic.persist.systemd_words import quote_command, quote_word

__all__ = ["render_watch_unit"]

_DEFAULT_STATE = "/var/lib/nicmedic"
_METRICS_FOLDER = "/var/lib/prometheus/node-exporter"
"""Where Debian's prometheus-node-exporter reads text files."""
_HOMES = ("/home/", "/root/", "/run/user/")
_SERVICE = """\
Type=notify
NotifyAccess=main
ExecReload=/bin/kill -HUP $MAINPID
# Python starts slowly on a starved host. A watcher that stands (a driver may hold a lock that it reads under) is ended and started anew.
TimeoutStartSec=120
WatchdogSec=30
TimeoutAbortSec=5
TimeoutStopSec=10
LimitCORE=0
# For ever: this is what looks after the host. A wrong command line does not mend itself.
Restart=always
RestartSec=5
RestartPreventExitStatus=2
KillMode=mixed
SyslogIdentifier=nicmedic
# Among the last that a full memory ends, and first on a starved processor; a leak of ours ends us, not the host.
OOMScoreAdjust=-900
OOMPolicy=continue
Nice=-5
MemoryMax=256M
TasksMax=64
LimitNOFILE=4096"""
_SANDBOX = """\
# Frames to ask a gateway for its address (ARP, neighbour discovery); the kernel log where kernel.dmesg_restrict is 1.
CapabilityBoundingSet=CAP_NET_RAW CAP_SYSLOG
AmbientCapabilities=
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_PACKET AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
# Children that load much make way for others (nice).
SystemCallFilter=setpriority
SystemCallErrorNumber=EPERM
# The kernel log is a device; ProtectKernelLogs= and PrivateDevices= would take it away.
DevicePolicy=closed
DeviceAllow=/dev/kmsg r
ProtectSystem=strict
ProtectHome={home}
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
UMask=0077
# An instance of its own for the tracepoint of transmit timeouts.
ReadWritePaths=-/sys/kernel/tracing/instances
# Neither is needed on disk, which may be full: PrivateTmp= would keep the unit from starting then.
TemporaryFileSystem=/tmp:size=16M /var/tmp:size=16M
# Outcomes of treatments are kept there too: it stays when the unit stops.
RuntimeDirectory=nicmedic
RuntimeDirectoryMode=0755
RuntimeDirectoryPreserve=yes"""


def _state_lines(state: str | None) -> tuple[str, ...]:
    if state is None or state == _DEFAULT_STATE:
        return ("StateDirectory=nicmedic", "StateDirectoryMode=0700")
    return (f"Environment={quote_word(f'NICMEDIC_STATE={state}')}", f"ReadWritePaths={quote_word(state)}")


def render_watch_unit(program: Sequence[str], *, state: str | None = None, metrics_folder: str | None = None) -> str:
    """The file.

    Args:
        program: what starts nicmedic, with its path.
        state: NICMEDIC_STATE, where it is set.
        metrics_folder: where the policy wants metrics, besides the usual place.
    """
    command = [*program, "watch"]
    home = "read-only" if any(word.startswith(_HOMES) for word in command) else "yes"
    folders = dict.fromkeys(folder for folder in (_METRICS_FOLDER, metrics_folder) if folder)
    return "\n".join(
        [
            "# Made by nicmedic install-service; nicmedic install-service --remove takes it away.",
            "[Unit]",
            "Description=nicmedic: see a network card hang, keep the evidence, bring it back as the policy allows",
            "Documentation=man:nicmedic-watch(1)",
            "# Not after the network: a card that hangs may keep that from coming up.",
            "After=local-fs.target nicmedic-recover.service",
            f"RequiresMountsFor={quote_word(state or _DEFAULT_STATE)}",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            f"ExecStart={quote_command(command)}",
            f"Environment={CONFINED}=yes PYTHONDONTWRITEBYTECODE=1",
            *_state_lines(state),
            _SERVICE,
            "",
            _SANDBOX.format(home=home),
            "# Metrics, for whoever collects text files.",
            *(f"ReadWritePaths={quote_word('-' + folder)}" for folder in folders),
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )
