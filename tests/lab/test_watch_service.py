# SPDX-License-Identifier: GPL-2.0-or-later
"""The service on a Debian with systemd: it brings a card back from within its sandbox, outlives kills, and goes without a trace."""

import json
import re
import time
from pathlib import Path
from typing import Any

from lab.disk_vm import DiskVM
from lab.errors import LabError
from lab.fixtures import DiskMaker
from lab.segment import PARTNER, Segment

STALL = Path(__file__).parents[2] / "lab/guest/stall.py"
SOURCE = Path(__file__).parents[2] / "src/nicmedic"
PLACE = "/usr/lib/python3/dist-packages/nicmedic"
UNIT = "nicmedic-watch.service"
PATIENCE_S = 300  # an emulated processor is sixty times slower, and other machines run beside it
POLICY = '[default]\nmode = "restore"\nquiet_after_boot = 0\ncool_down = 0\n'
LEFT = (
    "ls -d /etc/systemd/system/*/nicmedic* /etc/systemd/system/nicmedic* /sys/kernel/tracing/instances/nicmedic* 2>/dev/null;"
    " systemctl list-units --all --no-legend 'nicmedic*'; pgrep -a -f '[n]icmedic.cli'; true"
)


def install(machine: DiskVM) -> None:
    """As a package would: the code where Debian's Python looks for it, and a program on the path. With what Python compiled of it here."""
    mounted = f"{machine.mount_host()}{SOURCE}"
    machine.sh(f"cp -a {mounted} {PLACE}", timeout_s=PATIENCE_S)
    machine.put("/usr/local/bin/nicmedic", "#!/usr/bin/python3\nfrom nicmedic.__main__ import start\nraise SystemExit(start())\n")
    machine.sh("chmod 755 /usr/local/bin/nicmedic")
    machine.put("/etc/nicmedic/policy.toml", POLICY)


def news(machine: DiskVM, kind: str) -> list[dict[str, Any]]:
    """What the journal holds of it."""
    out = machine.check("journalctl", "--no-pager", "-o", "json", "-t", "nicmedic", f"NICMEDIC_NEWS={kind}", timeout_s=PATIENCE_S)
    return [json.loads(line) for line in out.splitlines()]


def wait_news(machine: DiskVM, kind: str) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE_S
    while not (found := news(machine, kind)):
        if time.monotonic() > until:
            raise LabError(machine.check("journalctl", "--no-pager", "-n", "80"))
        time.sleep(5)  # journalctl takes seconds of an emulated processor
    return found[-1]


def wait_restarted(machine: DiskVM, times: int) -> None:
    script = (
        f"until systemctl show -p NRestarts,SubState {UNIT} | tr '\\n' ' ' | grep -q 'NRestarts={times} SubState=running'; do sleep 1; done"
    )
    machine.sh(script, timeout_s=PATIENCE_S)


def test_the_service_restores_a_card_from_within_its_sandbox_and_leaves_nothing_behind(disk_vm: DiskMaker, segment: Segment) -> None:
    machine = disk_vm("ifupdown")
    machine.wait_up()
    install(machine)
    installed = machine.run("nicmedic", "install-service", timeout_s=PATIENCE_S)
    assert installed.status == 0, installed.err
    assert machine.check("systemctl", "is-active", UNIT).strip() == "active"  # Type=notify: it is ready
    security = machine.check("systemd-analyze", "security", "--no-pager", UNIT, timeout_s=PATIENCE_S)
    level = re.search(r"exposure level for \S+: (\d+\.\d)", security)
    assert level is not None
    assert float(level[1]) < 3.5
    machine.put(f"{machine.guest_files}/stall.py", STALL.read_text(encoding="utf-8"))
    with segment.probe() as probe:
        probe.wait_back(60)
        load = machine.start("ping", "-n", "-q", "-f", "-l", "100", "-s", "1400", PARTNER, capture=False)
        words = (machine.bus_address, "90", "-", "/var/lib/nicmedic/incidents.db-wal")
        stall = json.loads(machine.check("python3", "-S", f"{machine.guest_files}/stall.py", *words, timeout_s=PATIENCE_S))
        lost = probe.answers[-1]
        back = probe.wait_back(PATIENCE_S, after=lost + 0.5)
        load.kill()
    print(f"security {level[1]}, {stall}, back after {back - lost:.1f} s")  # noqa: T201  # a figure for people
    assert stall["changed_s"] != [None]
    began = wait_news(machine, "began")
    assert (began["NICMEDIC_VERDICT"], began["NICMEDIC_INTERFACE"]) == ("nic_hung", machine.interface), began
    assert (began["NICMEDIC_DRIVER"], began["NICMEDIC_INCIDENT"], len(began["MESSAGE_ID"])) == ("e1000e", "1", 32), began
    assert wait_news(machine, "restored")["NICMEDIC_INCIDENT"] == "1"
    ended = [told["NICMEDIC_ACTION_STATE"] for told in news(machine, "action")]
    assert ended[-1] == "helped", news(machine, "action")
    for times, name in enumerate(("KILL", "ABRT"), start=1):
        machine.check("systemctl", "kill", "--kill-who=main", f"--signal={name}", UNIT)
        wait_restarted(machine, times)
    listed = json.loads(machine.check("nicmedic", "incidents", "--json", timeout_s=PATIENCE_S))
    assert [(one["id"], one["verdict"]) for one in listed["incidents"]] == [(1, "nic_hung")]
    assert machine.check("nicmedic", "install-service", "--remove", timeout_s=PATIENCE_S).startswith("removed; ")
    machine.sh("until [ -z \"$(systemctl list-units --all --no-legend 'nicmedic*')\" ]; do sleep 1; done", timeout_s=PATIENCE_S)
    assert machine.sh(LEFT).strip() == ""
