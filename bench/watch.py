# SPDX-License-Identifier: GPL-2.0-or-later
"""What watching costs, and how soon it sees: ``watch.py cost``, on this machine, and ``watch.py hang``, in the lab. Needs root.

cost: memory and processor time of ``nicmedic watch`` beside rasdaemon and prometheus-node-exporter, in one run; with one interface, and with eight
of sixteen queues each, all of them ends of veth pairs under light traffic. Children count for the processor. Everything is in a room of its own.

hang: a guest that sends 500 datagrams a second, and whose card may no longer reach memory. From the fault to the incident on disk, to rasdaemon's
record of the kernel's transmit timeout, to a failed ping of a script that pings once a minute (at its mean luck: it looks half a minute after the
fault), and, with the policy restore, to the first ping from outside that is answered again, without and with stand_by. All by the guest's own clock,
which counts its instructions (lab.kernel_vm, ``steady``): load of this machine changes nothing, and the guest has a tenth of the speed of a present
processor. The e1000e interrupts over its line: QEMU does not tell it over MSI-X that its link is up, which the driver then finds out up to 2 s later.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from lab import nics
from lab.errors import LabError
from lab.kernel_vm import KernelVM
from lab.segment import GATEWAY, PARTNER, Segment
from lab.watching import PATIENCE_S, Watching

SETTLE_S = 20
SCRAPE_S = 15
TICK = os.sysconf("SC_CLK_TCK")
ROOM = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t sysfs sysfs /sys
mount -t debugfs debugfs /sys/kernel/debug || true
mount -t tmpfs tmpfs /var/lib
mkdir -p /run/netns /var/lib/rasdaemon
ip link set lo up
ip netns add other
for number in $(seq 0 $(($1 - 1))); do
    ip link add veth$number numtxqueues $2 numrxqueues $2 type veth peer name far$number
    ip link set far$number netns other
    ip address add 192.0.2.$((number * 4 + 1))/30 dev veth$number
    ip link set veth$number up
    ip -n other address add 192.0.2.$((number * 4 + 2))/30 dev far$number
    ip -n other link set far$number up
done
ip route add default via 192.0.2.2
echo ready
exec sleep 7200
"""


class Room:
    """Interfaces, /run and /sys of its own."""

    def __init__(self, cards: int, queues: int) -> None:
        self.programs: list[subprocess.Popen[str]] = []
        self.folder = Path(tempfile.mkdtemp(prefix="nicmedic-bench-"))
        self.holder = self._start("unshare", "--net", "--mount", "--", "sh", "-c", ROOM, "sh", str(cards), str(queues))
        if self.holder.stdout is None or self.holder.stdout.readline() != "ready\n":
            self.close()
            raise LabError("no room of its own: this needs root, network namespaces and veth")

    def _start(self, *command: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "NICMEDIC_STATE": str(self.folder / "state")}
        done = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        self.programs.append(done)
        return done

    def start(self, *command: str) -> subprocess.Popen[str]:
        """A program in it; nsenter becomes that program."""
        with (self.folder / "said").open("a", encoding="utf-8") as said:
            line = ("nsenter", f"--target={self.holder.pid}", "--net", "--mount", "--", *command)
            environment = {**os.environ, "NICMEDIC_STATE": str(self.folder / "state")}
            program = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=said, stderr=said, text=True, env=environment)
        self.programs.append(program)
        return program

    def close(self) -> None:
        """End what was started, the newest first."""
        for program in reversed(self.programs):
            program.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(10)
            program.kill()
            program.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def room(cards: int, queues: int) -> Iterator[Room]:
    """One, closed at the end."""
    made = Room(cards, queues)
    try:
        yield made
    finally:
        made.close()


def read_processor_s(pid: int) -> float:
    """Of a process and of its children that have ended."""
    words = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return sum(int(word) for word in words[11:15]) / TICK


def read_memory_mb(pid: int) -> tuple[float, float]:
    """RSS and PSS."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return sizes["Rss"] / 1024, sizes["Pss"] / 1024


def has_children(pid: int) -> bool:
    """Whether one runs."""
    return bool(Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split())


def measure_cost(cards: int, queues: int, minutes: float) -> None:
    """Print a table."""
    with room(cards, queues) as made:
        policy = made.folder / "policy.toml"
        policy.write_text('watch_virtual = ["veth*"]\n', encoding="utf-8")
        lines = {
            "nicmedic watch": (sys.executable, "-m", "nicmedic", "watch", "--policy", str(policy)),
            "rasdaemon": ("rasdaemon", "-f", "-r"),
            "prometheus-node-exporter": ("prometheus-node-exporter", "--web.listen-address=127.0.0.1:9100"),
        }
        programs = {name: made.start(*line) for name, line in lines.items() if line[0] == sys.executable or shutil.which(line[0])}
        for number in range(cards):
            made.start("ping", "-q", "-i", "0.2", f"192.0.2.{number * 4 + 2}")
        time.sleep(SETTLE_S)
        while programs["nicmedic watch"].poll() is None and has_children(programs["nicmedic watch"].pid):
            time.sleep(1)
        gone = {name for name, program in programs.items() if program.poll() is not None}
        used = {name: read_processor_s(program.pid) for name, program in programs.items() if name not in gone}
        began = time.monotonic()
        while time.monotonic() < began + minutes * 60:
            scrape = made.start(sys.executable, "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9100/metrics').read()")
            scrape.wait()
            made.programs.remove(scrape)
            time.sleep(SCRAPE_S)
        seconds = time.monotonic() - began
        print(f"\n{cards} x {queues} queues, {seconds / 60:.0f} min, load {os.getloadavg()[0]:.1f}")
        print(f"{'':28}{'RSS MB':>8}{'PSS MB':>8}{'% of a core':>13}")
        for name in lines:
            program = programs.get(name)
            if program is None or program.poll() is not None:
                print(f"{name:28}  {'not installed' if program is None else 'ended'}")
                continue
            rss, pss = read_memory_mb(program.pid)
            share = 100 * (read_processor_s(program.pid) - used.get(name, 0.0)) / seconds
            print(f"{name:28}{rss:8.1f}{pss:8.1f}{share:13.3f}", flush=True)
        said = (made.folder / "said").read_text("utf-8", "replace")
        if programs["nicmedic watch"].poll() is not None:
            print(said)


FRAMES_PER_S = 500
OWN_LINE = re.compile(r"\[\s*(\d+\.\d+)\] .*(?:NETDEV WATCHDOG|Reset adapter|Transmit timeout|Tx Unit Hang)")
SCRIPT = "/run/lab-script"
PING_SCRIPT = f"sleep 30; ping -n -q -c 3 -W 1 {GATEWAY} >/dev/null || touch {SCRIPT}"
CARDS = ("e1000e-intx", "8139cp")
KINDS = ("observe", "restore", "stand-by")
RASDAEMON = "/var/lib/rasdaemon/ras-mc_event.db"


def start_rasdaemon(machine: KernelVM) -> bool:
    """Beside the watcher, as Debian starts it."""
    if machine.run("sh", "-c", "command -v rasdaemon").status:
        return False
    machine.start("rasdaemon", "-f", "-r", capture=False)
    machine.sh("for step in $(seq 100); do [ -s " + RASDAEMON + " ] && exit; sleep 0.2; done; true", timeout_s=60)
    return True


def find_line_s(log: str, stalled_s: float) -> float | None:
    """Seconds from the fault to the first line of the kernel about it."""
    told = (float(found[1]) - stalled_s for found in map(OWN_LINE.match, log.splitlines()) if found)
    return next((seconds for seconds in told if seconds > 0), None)


def wait_stand_by(machine: KernelVM) -> None:
    """Until the process that stands by has its modules and sleeps."""
    machine.sh("until [ -p /run/nicmedic/jobs/go-* ]; do sleep 0.2; done; sleep 10", timeout_s=PATIENCE_S)


def measure_hang(nic: str, kind: str) -> dict[str, float | None]:
    """Seconds from the fault to what was seen of it; None: it was not."""
    restore, stand_by = kind != "observe", kind == "stand-by"
    with Segment() as segment, KernelVM(memory_mb=768, steady=True) as machine:
        machine.add_nic(nics.find(nic), segment)
        watching = Watching(machine, mode="restore" if restore else "observe", more="stand_by = true" if stand_by else "")
        watching.start()
        if stand_by:
            wait_stand_by(machine)
        if not restore:
            start_rasdaemon(machine)
        with segment.probe() as probe:
            probe.wait_back(60)
            machine.flood(PARTNER, seconds=300, frames_per_s=FRAMES_PER_S)
            probe.wait_back(60)
            if not restore:
                machine.start("sh", "-c", PING_SCRIPT)
                stall = watching.stall(45, others=(RASDAEMON, SCRIPT))
                seen = [one["detected_uptime_s"] - stall.stalled_s for one in watching.incidents()]
                ras_s, script_s = (None if moment is None else moment - stall.stalled_s for moment in stall.others_s)
                return {
                    "verdict": seen[0] if seen else None,
                    "on disk": stall.took_s,
                    "kernel's own line": find_line_s(machine.kernel_log(), stall.stalled_s),
                    "rasdaemon": ras_s,
                    "ping once a minute": script_s,
                }
            stall = watching.stall(60)
            name = "traffic back, stand_by" if stand_by else "traffic back"
            try:
                probe.wait_back(PATIENCE_S, after=probe.answers[-1] + 0.5)
            except LabError:
                return {"on disk": stall.took_s, name: None}
            return {"on disk": stall.took_s, name: float(machine.read("/proc/uptime").split()[0]) - stall.stalled_s}


def measure_hangs(cards: Sequence[str], kinds: Sequence[str], runs: int) -> None:
    """Print a table for each card."""
    for nic in cards:
        rows: dict[str, list[float | None]] = {}
        for run in range(len(kinds) * runs):
            for name, seconds in measure_hang(nic, kinds[run % len(kinds)]).items():
                rows.setdefault(name, []).append(seconds)
            print(f"  {nic} {json.dumps(rows)}", file=sys.stderr, flush=True)
        print(
            f"\n{nic}, load {os.getloadavg()[0]:.1f}\n{'seconds after the fault':28}{'median':>8}{'least':>8}{'most':>8}{'runs':>6}{'ratio':>8}"
        )
        base = statistics.median([one for one in rows["on disk"] if one is not None] or [float("nan")])
        for name, values in rows.items():
            seen = [one for one in values if one is not None]
            if seen:
                median = statistics.median(seen)
                shown = f"{median:8.2f}{min(seen):8.2f}{max(seen):8.2f}{len(seen):6}{median / base:8.1f}"
            else:
                shown = f"   never in {len(values)} runs"
            print(f"{name:28}{shown}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cost", "hang"))
    parser.add_argument("--minutes", type=float, default=2, help="of each measurement of cost (default: 2)")
    parser.add_argument("--card", action="append", choices=CARDS, help="of hang: this one only; may come several times")
    parser.add_argument("--only", action="append", choices=KINDS, help="of hang: with this policy only; may come several times")
    parser.add_argument("--runs", type=int, default=7, help="of each kind of hang and card (default: 7)")
    arguments = parser.parse_args()
    if arguments.what == "hang":
        measure_hangs(arguments.card or CARDS, arguments.only or KINDS, arguments.runs)
        return
    for cards, queues in ((1, 1), (8, 16)):
        measure_cost(cards, queues, arguments.minutes)


if __name__ == "__main__":
    main()
