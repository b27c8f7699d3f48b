# SPDX-License-Identifier: GPL-2.0-or-later
"""Stands for a guest's guest: holds a tap device in a bridge and answers ARP and pings there: ``tap_guest.py TAP ADDRESS BRIDGE``."""

import fcntl
import os
import socket
import struct
import subprocess
import sys

TUNSETIFF = 0x400454CA  # include/uapi/linux/if_tun.h
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
ARP, IPV4 = b"\x08\x06", b"\x08\x00"
ICMP = 1


def answer_arp(frame: bytes, mac: bytes, address: bytes) -> bytes | None:
    """Who asks for the address is told (RFC 826)."""
    if frame[20:22] != b"\x00\x01" or frame[38:42] != address:
        return None
    return frame[6:12] + mac + ARP + frame[14:20] + b"\x00\x02" + mac + address + frame[22:32]


def answer_ping(frame: bytes, mac: bytes, address: bytes) -> bytes | None:
    """An echo request comes back as the reply: both addresses change places, the type and its share of the checksum change (RFC 792, RFC 1624)."""
    start = 14 + (frame[14] & 15) * 4
    if frame[23] != ICMP or frame[30:34] != address or frame[start : start + 1] != b"\x08":
        return None
    (checksum,) = struct.unpack("!H", frame[start + 2 : start + 4])
    checksum += 0x0800
    checksum = (checksum & 0xFFFF) + (checksum >> 16)
    head = frame[6:12] + mac + frame[12:26] + address + frame[26:30] + frame[34:start]
    return head + struct.pack("!BBH", 0, frame[start + 1], checksum) + frame[start + 4 :]


def main() -> None:
    """Answer for ever."""
    tap, dotted, bridge = sys.argv[1:]
    address = socket.inet_aton(dotted)
    mac = b"\x52\x54\x00" + address[1:]
    file = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH22x", tap.encode(), IFF_TAP | IFF_NO_PI))
    subprocess.run(["ip", "link", "set", tap, "master", bridge, "up"], check=True)
    answers = {ARP: answer_arp, IPV4: answer_ping}
    while True:
        frame = os.read(file, 65535)
        make = answers.get(frame[12:14])
        if make is not None and (reply := make(frame, mac, address)) is not None:
            os.write(file, reply)


if __name__ == "__main__":
    main()
