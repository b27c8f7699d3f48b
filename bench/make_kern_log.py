# SPDX-License-Identifier: GPL-2.0-or-later
"""Write a long kern.log in which next to nothing matters, as on a real server.

The lines look like Debian's ``/var/log/kern.log``: RFC 3164 stamp, host, ``kernel:`` and the kernel's own stamp.
Firewall, audit, USB, bridge and file-system messages make up the noise; one line in 100 000 begins a hang of an
r8169 with its WARNING block (``--hits`` takes the hang from a file instead).
Wall time and uptime rise; every two gigabytes or so, and at least three times a file, the machine boots again.
The same seed and size give the same bytes, on every machine and Python. Nothing is kept in memory.

Not for tests of the diagnosis: the hangs are all the same.

    python bench/make_kern_log.py --size 1G --out /tmp/kern.log
"""

import argparse
import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

__all__ = ["iter_log", "parse_size", "write_log"]

HIT_EVERY_LINES = 100_000
LINES_A_BATCH = 2_000
POOL_SIZE = 6_000
FRESH_A_BATCH = 60
START = datetime(2025, 1, 3, 6, 25, 1, tzinfo=UTC)

WATCHDOG_BLOCK = """\
------------[ cut here ]------------
NETDEV WATCHDOG: enp2s0 (r8169): transmit queue 0 timed out
WARNING: CPU: 1 PID: 0 at net/sched/sch_generic.c:525 dev_watchdog+0x20e/0x220
Modules linked in: xt_nat veth nft_chain_nat nf_tables bridge stp llc ext4 crc16 mbcache jbd2 sd_mod r8169 realtek ahci libahci libata
CPU: 1 PID: 0 Comm: swapper/1 Not tainted 6.1.0-18-amd64 #1  Debian 6.1.76-1
Hardware name: Gigabyte Technology Co., Ltd. B450 AORUS M/B450 AORUS M, BIOS F50 11/27/2019
RIP: 0010:dev_watchdog+0x20e/0x220
Code: ff e9 40 ff ff ff 48 89 df c6 05 ff 5f 16 01 01 e8 d6 bf f9 ff 44 89 e9 48 89 de 48 c7 c7 c8 a9 f5 a8 48 89 c2 e8 d6 bb 6a ff <0f> 0b
RSP: 0018:ffffb3a1c00e8e80 EFLAGS: 00010286
RAX: 0000000000000000 RBX: ffff8f2c45a30000 RCX: 0000000000000000
Call Trace:
 <IRQ>
 ? pfifo_fast_reset+0x140/0x140
 call_timer_fn+0x27/0x130
 __run_timers+0x221/0x2b0
 run_timer_softirq+0x1d/0x40
 __do_softirq+0xc3/0x2ab
 irq_exit_rcu+0x8e/0xb0
 sysvec_apic_timer_interrupt+0x72/0x90
 </IRQ>
---[ end trace 0000000000000000 ]---
"""

BOOT_BLOCK = """\
Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)
Command line: BOOT_IMAGE=/boot/vmlinuz-6.1.0-18-amd64 root=UUID=8f6d8c1e-1111-4a6b-9c0b-2f5b0c6f7a10 ro quiet
BIOS-provided physical RAM map:
DMI: Gigabyte Technology Co., Ltd. B450 AORUS M/B450 AORUS M, BIOS F50 11/27/2019
smpboot: Allowing 8 CPUs, 0 hotplug CPUs
r8169 0000:02:00.0 eth0: RTL8168h/8111h, 1c:1b:0d:aa:bb:cc, XID 541, IRQ 35
r8169 0000:02:00.0 enp2s0: renamed from eth0
"""

Make = Callable[[random.Random], str]


def _make_ufw(pick: random.Random) -> str:
    rnd = pick.randrange
    return (
        f"[UFW BLOCK] IN=enp2s0 OUT= MAC=1c:1b:0d:aa:bb:cc:{rnd(256):02x}:{rnd(256):02x}:5e:00:01:{rnd(256):02x}:08:00 "
        f"SRC={rnd(1, 224)}.{rnd(256)}.{rnd(256)}.{rnd(256)} DST=192.0.2.{rnd(256)} LEN={rnd(40, 1500)} TOS=0x00 PREC=0x00 "
        f"TTL={rnd(30, 255)} ID={rnd(65536)} PROTO=TCP SPT={rnd(1024, 65536)} DPT={rnd(1, 65536)} WINDOW={rnd(65536)} RES=0x00 SYN URGP=0 "
    )


def _make_audit(pick: random.Random) -> str:
    rnd = pick.randrange
    verb = pick.choice(("ALLOWED", "DENIED", "STATUS"))
    name = pick.choice(("/usr/sbin/cupsd", "snap.lxd.daemon", "docker-default", "/usr/sbin/mysqld", "lxc-container-default"))
    return (
        f"audit: type=1400 audit({rnd(1_735_000_000, 1_760_000_000)}.{rnd(1000):03d}:{rnd(100_000)}): "
        f'apparmor="{verb}" operation="open" profile="{name}" name="/proc/{rnd(30_000)}/status" pid={rnd(30_000)} '
        f'comm="worker-{rnd(64)}" requested_mask="r" denied_mask="r" fsuid={rnd(2000)} ouid=0'
    )


def _make_bridge(pick: random.Random) -> str:
    rnd = pick.randrange
    state = pick.choice(("blocking", "forwarding", "disabled", "listening", "learning"))
    return f"br-{rnd(1 << 48):012x}: port {rnd(1, 60)}(veth{rnd(1 << 28):07x}) entered {state} state"


def _make_usb(pick: random.Random) -> str:
    rnd = pick.randrange
    where = f"usb {rnd(1, 5)}-{rnd(1, 9)}.{rnd(1, 5)}"
    return pick.choice(
        (
            f"{where}: new high-speed USB device number {rnd(2, 127)} using xhci_hcd",
            f"{where}: New USB device found, idVendor={rnd(65536):04x}, idProduct={rnd(65536):04x}, bcdDevice= {rnd(10)}.{rnd(100):02d}",
            f"{where}: New USB device strings: Mfr=1, Product=2, SerialNumber=3",
            f"{where}: Product: USB Flash Disk {rnd(64)}GB",
            f"{where}: SerialNumber: {rnd(1 << 62):016X}",
        )
    )


def _make_disk(pick: random.Random) -> str:
    rnd = pick.randrange
    disk = f"sd{chr(97 + rnd(12))}"
    return pick.choice(
        (
            f"EXT4-fs ({disk}{rnd(1, 5)}): mounted filesystem with ordered data mode. Quota mode: none.",
            f"EXT4-fs (dm-{rnd(20)}): re-mounted. Quota mode: none.",
            f"sd {rnd(8)}:0:0:0: [{disk}] {rnd(1 << 34)} 512-byte logical blocks: ({rnd(9000)} GB/{rnd(9000)} GiB)",
            f" {disk}: {disk}1 {disk}2 {disk}3",
            f"XFS (dm-{rnd(20)}): Ending clean mount",
            f"md: data-check of RAID array md{rnd(4)}",
            f"device-mapper: snapshots: Snapshot overflowed at {rnd(1 << 30)}",
        )
    )


def _make_system(pick: random.Random) -> str:
    rnd = pick.randrange
    unit = pick.choice(("cron", "ssh", "nginx", "postgresql@15-main", "docker", "prometheus-node-exporter", "smartmontools", "exim4"))
    return pick.choice(
        (
            f"systemd[1]: {unit}.service: Consumed {rnd(60)}.{rnd(1000):03d}s CPU time.",
            f"systemd[1]: Started {unit}.service - a daemon of this server.",
            f"systemd-journald[{rnd(200, 900)}]: Data hash table of /run/log/journal/{rnd(1 << 62):016x}/system.journal is at 75.{rnd(10)}",
            f"perf: interrupt took too long ({rnd(2500, 9000)} > 2500), lowering kernel.perf_event_max_sample_rate to {rnd(10_000, 80_000)}",
            f"mce: CPU{rnd(16)}: Core temperature/speed normal",
            f"TCP: request_sock_TCP: Possible SYN flooding on port {rnd(65536)}. Sending cookies.  Check SNMP counters.",
            f"IPv6: ADDRCONF(NETDEV_CHANGE): veth{rnd(1 << 28):07x}: link becomes ready",
            f"device veth{rnd(1 << 28):07x} entered promiscuous mode",
            f"nfs: server filer{rnd(9)} OK",
            f"process '{unit}' launched '/usr/bin/{unit}' with NULL argv: empty string added",
            f"loop{rnd(30)}: detected capacity change from 0 to {rnd(1 << 20)}",
            f"kauditd_printk_skb: {rnd(400)} callbacks suppressed",
        )
    )


MAKERS: tuple[Make, ...] = (_make_ufw,) * 9 + (_make_audit,) * 4 + (_make_bridge,) * 2 + (_make_usb, _make_disk) + (_make_system,) * 3


def _iter_batches(seed: int, hit_lines: list[str]) -> Iterator[tuple[list[str], bool]]:
    """Give message texts in batches for ever; the flag says that the batch ends with a hang."""
    pick = random.Random(seed)  # noqa: S311  # noise, not keys
    pool = [pick.choice(MAKERS)(pick) for _ in range(POOL_SIZE)]
    lines = 0
    while True:
        for _ in range(FRESH_A_BATCH):
            pool[pick.randrange(POOL_SIZE)] = pick.choice(MAKERS)(pick)
        batch = pick.choices(pool, k=LINES_A_BATCH)
        lines += LINES_A_BATCH
        is_hit = lines % HIT_EVERY_LINES == 0
        yield (batch + hit_lines if is_hit else batch), is_hit


def iter_log(size: int, *, seed: int = 1, hits: str = WATCHDOG_BLOCK, host: str = "srv4") -> Iterator[bytes]:
    """Give the file in pieces of some 300 kB.

    Args:
        size: what to make, in bytes; the last line is whole, so the sum is a little more.
        seed: another seed, another file.
        hits: the kernel lines of one hang, without stamps.
        host: the name in every line.
    """
    made, uptime_us, now = 0, 0, START
    boot_every = min(size // 3 + 1, 2 << 30)
    next_boot = 0
    for texts, _ in _iter_batches(seed, hits.splitlines()):
        if made >= next_boot:
            next_boot += boot_every
            now += timedelta(seconds=95)
            uptime_us = 0
            texts[:0] = BOOT_BLOCK.splitlines()
        out: list[str] = []
        stamp = ""
        second = -1
        base_us = uptime_us
        for number, text in enumerate(texts):
            uptime_us += 90_000 + (number * 7919) % 60_000
            passed, fraction = divmod(uptime_us, 1_000_000)
            if passed != second:
                second = passed
                wall = now + timedelta(microseconds=uptime_us - base_us)
                stamp = f"{wall:%b} {wall.day:2d} {wall:%H:%M:%S} {host} kernel: ["
            out.append(f"{stamp}{passed:5d}.{fraction:06d}] {text}\n")
        now += timedelta(microseconds=uptime_us - base_us)
        piece = "".join(out).encode()
        made += len(piece)
        yield piece
        if made >= size:
            return


def write_log(out: BinaryIO, size: int, *, seed: int = 1, hits: str = WATCHDOG_BLOCK) -> int:
    """Write the file and give its size in bytes."""
    return sum(out.write(piece) for piece in iter_log(size, seed=seed, hits=hits))


def parse_size(text: str) -> int:
    """Read ``1G``, ``64M``, ``10k`` or a plain number of bytes.

    >>> parse_size("64M")
    67108864
    """
    factor = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(text[-1:].lower(), 1)
    return int(text if factor == 1 else text[:-1]) * factor


def main() -> int:
    """Write the file that the command line asks for."""
    parser = argparse.ArgumentParser(description="Write a long kern.log in which next to nothing matters.")
    parser.add_argument("--size", type=parse_size, default=1 << 30, metavar="SIZE", help="bytes, or with k, M, G (default: 1G)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another file (default: 1)")
    parser.add_argument("--hits", type=Path, metavar="FILE", help="kernel lines of one hang, without stamps (default: an r8169 hang)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write (default: standard output)")
    args = parser.parse_args()
    hits = args.hits.read_text(encoding="utf-8") if args.hits else WATCHDOG_BLOCK
    if args.out is None:
        write_log(sys.stdout.buffer, args.size, seed=args.seed, hits=hits)
    else:
        with args.out.open("wb") as out:
            write_log(out, args.size, seed=args.seed, hits=hits)
    return 0


if __name__ == "__main__":
    sys.exit(main())
