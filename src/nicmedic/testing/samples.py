# SPDX-License-Identifier: GPL-2.0-or-later
"""Made-up kernel logs, one for each kind of answer. No line of them comes from anybody's machine."""

from collections.abc import Mapping

__all__ = ["SAMPLES"]

_WATCHDOG = "NETDEV WATCHDOG: {name} ({driver}): transmit queue 0 timed out"


def _kernel(release: str, build: str) -> str:
    return f"[    0.000000] Linux version {release} (build@example) (gcc) {build}"


def _hang(name: str, driver: str, at_s: float = 551.3) -> str:
    return f"[{at_s:12.6f}] " + _WATCHDOG.format(name=name, driver=driver)


def _text(*lines: str) -> bytes:
    return ("\n".join(lines) + "\n").encode()


SAMPLES: Mapping[str, bytes] = {
    "debian-12-r8169": _text(
        _kernel("6.1.0-18-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)"),
        "[    2.100000] r8169 0000:02:00.0 eth0: RTL8168h/8111h, 00:11:22:33:44:55, XID 541, IRQ 125",
        "[    9.300000] r8169 0000:02:00.0 eth0: Link is Up - 1Gbps/Full - flow control rx/tx",
        _hang("eth0", "r8169"),
        "[  551.400000] r8169 0000:02:00.0 eth0: rtl_rxtx_empty_cond == 0 (loop: 42, delay: 100).",
    ),
    "proxmox-e1000e": _text(
        _kernel("6.8.12-4-pve", "#1 SMP PREEMPT_DYNAMIC PMX 6.8.12-4 (2024-11-06T15:04Z)"),
        "[70000.100000] e1000e 0000:00:1f.6 eno1: Detected Hardware Unit Hang:",
        "[70002.100000] e1000e 0000:00:1f.6 eno1: Detected Hardware Unit Hang:",
        "[70004.100000] e1000e 0000:00:1f.6 eno1: Reset adapter unexpectedly",
    ),
    "haos-e1000": _text(
        _kernel("6.12.20-haos", "#1 SMP PREEMPT_DYNAMIC"),
        "[ 4000.100000] e1000 0000:00:03.0 enp0s3: Detected Tx Unit Hang",
    ),
    "openwrt-platform": _text(
        _kernel("6.6.73", "#0 SMP (OpenWrt GCC 13.3.0) OpenWrt r28427"),
        "[ 6920.500000] mtk_soc_eth 15100000.ethernet eth0: NETDEV WATCHDOG: CPU: 3: transmit queue 3 timed out 5210 ms",
    ),
    "raspberry-usb": _text(
        _kernel("4.19.97-v7+", "#1294 SMP"),
        "[ 1000.500000] smsc95xx 1-1.1:1.0 eth0: Failed to read reg index 0x00000114: -110",
        "[ 1005.500000] smsc95xx 1-1.1:1.0 eth0: Failed to read reg index 0x00000114: -110",
    ),
    "xen-guest": _text(
        _kernel("5.10.0-28-amd64", "#1 SMP Debian 5.10.209-2 (2024-01-31)"),
        "[    0.000000] Hypervisor detected: Xen HVM",
        _hang("eth0", "xen_netfront", 9000.0),
    ),
    "virtio-guest": _text(
        _kernel("6.1.0-18-cloud-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)"),
        "[    0.000000] Hypervisor detected: KVM",
        "[ 9000.000000] virtio_net virtio0 ens3: NETDEV WATCHDOG: CPU: 1: transmit queue 0 timed out 5210 ms",
    ),
    "four-ports": _text(
        _kernel("5.14.0-427.el9.x86_64", "#1 SMP PREEMPT_DYNAMIC Fri Feb 23 04:45:07 EST 2024"),
        *(_hang(f"ens1f{port}", "igb", 300.0 + 100 * port) for port in range(5)),
    ),
    "unknown-driver": _text(_kernel("6.9.1-arch1-1", "#1 SMP PREEMPT_DYNAMIC"), _hang("eth0", "nosuchnic")),
    "hostile-names": _text(
        "[  551.300000] NETDEV WATCHDOG: eth0;reboot (r8169): transmit queue 0 timed out",
        "[  552.300000] NETDEV WATCHDOG: $(reboot) (`reboot`): transmit queue 0 timed out",
        "[  553.300000] NETDEV WATCHDOG: -x (igb): transmit queue 0 timed out\x1b[2J",
    ),
    "host-only": _text(
        _kernel("6.1.0-18-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)"),
        *(f"[ {at}.100000] DMA: Out of SW-IOMMU space for 66 bytes at device 0000:08:00.0" for at in range(1000, 1006)),
    ),
    "many-boots": b"".join(
        _text(_kernel("3.2.0-4-amd64", "#1 SMP Debian 3.2.73-2+deb7u1"), _hang("eth0", "r8169", 500.0 + boot)) for boot in range(6)
    ),
    "many-events": _text(
        _kernel("6.8.12-4-pve", "#1 SMP PREEMPT_DYNAMIC PMX 6.8.12-4 (2024-11-06T15:04Z)"),
        *(f"[{100 + 2 * number:5}.100000] e1000e 0000:00:1f.6 eno1: Detected Hardware Unit Hang:" for number in range(300)),
    ),
    "healthy": _text(
        _kernel("6.1.0-18-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)"),
        "[    9.300000] r8169 0000:02:00.0 eth0: Link is Up - 1Gbps/Full - flow control rx/tx",
        "[   12.000000] EXT4-fs (sda1): mounted filesystem with ordered data mode",
    ),
    "no-log": b"Dear list,\nmy network is slow.\n",
    "empty": b"",
}
"""A name says what is special; ``no-log`` and ``empty`` end in errors."""
