# SPDX-License-Identifier: GPL-2.0-or-later
"""Ask a network driver with ``ioctl(SIOCETHTOOL)``, which every kernel has that nicmedic may meet.

Why not ethtool's netlink family through pyroute2: it starts with Linux 5.6, and pyroute2 0.7 and 0.9 know neither EEE, pause, private flags, driver
statistics nor the permanent address. EEE alone is better asked over netlink: see ``ethtool_eee``. Structures are those of
include/uapi/linux/ethtool.h. A call wakes a device that is runtime-suspended (Linux 5.10 and later), and waits while another holds the
lock of all networking.
"""

import errno
import fcntl
import os
import socket
import struct
from array import array
from types import TracebackType
from typing import Self

from nicmedic.host.netlink_socket import NETLINK_GENERIC

__all__ = ["EthtoolCalls", "StringSet"]

_SIOCETHTOOL = 0x8946
_NAME_BYTES = 16
_STRING_BYTES = 32
_SLACK = 1 << 16
"""The kernel writes as many strings and counters as there are now, not as many as were asked for; queues may have been added meanwhile."""
_GDRVINFO, _GSTRINGS, _GSTATS, _GPERMADDR, _GSSET_INFO, _GFEATURES = 0x03, 0x1B, 0x1D, 0x20, 0x37, 0x3A
_GLINKSETTINGS = 0x4C
_LINK_SETTINGS_BYTES, _WORDS_AT = 48, 15
_MOST_WORDS = 127
_GRXRINGS, _GRXCLSRLCNT, _GRXFHINDIR = 0x2D, 0x2E, 0x38
_RULE_COUNT_AT = 184 if struct.calcsize("P") == 8 else 176  # struct ethtool_rxnfc: a 64-bit number in it is aligned
_RXNFC_BYTES = _RULE_COUNT_AT + 8
_MOST_SLOTS = 1 << 14


class StringSet:
    """``enum ethtool_stringset``."""

    STATS = 1
    PRIVATE_FLAGS = 2
    FEATURES = 4


class EthtoolCalls:
    """The driver behind one interface name. Every method raises ``OSError`` where the driver or the kernel says no."""

    def __init__(self, interface: str) -> None:
        """Open a socket; whether there is such an interface, the first call tells."""
        self._name = os.fsencode(interface)
        if len(self._name) >= _NAME_BYTES:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        try:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        except OSError:  # a kernel without IPv4
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_GENERIC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def call(self, request: bytes) -> bytes:
        """Hand over a structure, and get it back as the kernel filled it."""
        buffer = array("B", request)
        address, _ = buffer.buffer_info()
        fcntl.ioctl(self._socket, _SIOCETHTOOL, struct.pack("16sP16x", self._name, address))
        return buffer.tobytes()

    def words(self, command: int, count: int) -> tuple[int, ...]:
        """A structure of 32-bit numbers, without its command."""
        return struct.unpack(f"={count}I", self.call(struct.pack("=I", command) + bytes(4 * count))[4:])

    def driver_info(self) -> dict[str, str]:
        """``driver``, ``version``, ``firmware``, ``bus_address``, as far as the driver fills them in."""
        data = self.call(struct.pack("=I", _GDRVINFO) + bytes(192))
        places = {"driver": (4, 32), "version": (36, 32), "firmware": (68, 32), "bus_address": (100, 32)}
        return {
            name: text
            for name, (start, length) in places.items()
            if (text := data[start : start + length].split(b"\0")[0].decode("utf-8", "replace").strip())
        }

    def count(self, string_set: int) -> int:
        """How many strings a set has."""
        data = self.call(struct.pack("=IIQI", _GSSET_INFO, 0, 1 << string_set, 0))
        mask, count = struct.unpack_from("=QI", data, 8)
        if not mask:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return int(count)

    def strings(self, string_set: int) -> list[str]:
        """The strings of a set, cleaned of blanks around them."""
        wanted = self.count(string_set)
        data = self.call(struct.pack("=III", _GSTRINGS, string_set, wanted) + bytes(wanted * _STRING_BYTES + _SLACK))
        (count,) = struct.unpack_from("=I", data, 8)
        starts = range(12, 12 + count * _STRING_BYTES, _STRING_BYTES)
        return [data[start : start + _STRING_BYTES].split(b"\0")[0].decode("utf-8", "replace").strip() for start in starts]

    def statistics(self) -> dict[str, int]:
        """``ethtool -S``; a name that comes twice gets ``#2``."""
        names = self.strings(StringSet.STATS)
        data = self.call(struct.pack("=II", _GSTATS, len(names)) + bytes(8 * len(names) + _SLACK))
        (count,) = struct.unpack_from("=I", data, 4)
        made: dict[str, int] = {}
        for name, value in zip(names, struct.unpack_from(f"={min(count, len(names))}Q", data, 8), strict=False):
            free, turn = name, 1
            while free in made:
                turn += 1
                free = f"{name}#{turn}"
            made[free] = value
        return made

    def features(self) -> dict[str, tuple[bool, bool, bool, bool]]:
        """Name to available, requested, active, never changed."""
        names = self.strings(StringSet.FEATURES)
        blocks = (len(names) + 31) // 32
        words = struct.unpack_from(f"={4 * blocks}I", self.call(struct.pack("=II", _GFEATURES, blocks) + bytes(16 * blocks)), 8)
        made = {}
        for index, name in enumerate(names):
            available, requested, active, never = (bool(word >> index % 32 & 1) for word in words[index // 32 * 4 : index // 32 * 4 + 4])
            if name:
                made[name] = (available, requested, active, never)
        return made

    def permanent_address(self) -> bytes:
        """The address burnt in; empty or zeros where the driver does not know."""
        data = self.call(struct.pack("=II", _GPERMADDR, 32) + bytes(32))
        (length,) = struct.unpack_from("=I", data, 4)
        return data[8 : 8 + min(length, 32)]

    def receive_rings(self) -> int:
        """How many queues a received packet may go to."""
        (count,) = struct.unpack_from("=Q", self.call(struct.pack("=I", _GRXRINGS) + bytes(_RXNFC_BYTES - 4)), 8)
        return int(count)

    def receive_rules(self) -> int:
        """How many rules steer received packets (ntuple)."""
        (count,) = struct.unpack_from("=I", self.call(struct.pack("=I", _GRXCLSRLCNT) + bytes(_RXNFC_BYTES - 4)), _RULE_COUNT_AT)
        return int(count)

    def receive_table(self) -> tuple[int, ...]:
        """The queue of each slot of the hash's table."""
        (size,) = struct.unpack_from("=I", self.call(struct.pack("=II", _GRXFHINDIR, 0)), 4)
        if size > _MOST_SLOTS:
            raise OSError(errno.EPROTO, f"it has a table of {size} slots")
        return struct.unpack_from(f"={size}I", self.call(struct.pack("=II", _GRXFHINDIR, size) + bytes(4 * size)), 8)

    def link_settings(self) -> tuple[bytes, list[list[int]]]:
        """``struct ethtool_link_settings``, and its three masks (supported, advertised, of the partner) as 32-bit words. Since Linux 4.6."""
        request = struct.pack("=I", _GLINKSETTINGS) + bytes(_LINK_SETTINGS_BYTES - 4)
        (words,) = struct.unpack_from("=b", self.call(request), _WORDS_AT)  # below zero: how many it wants
        if not -_MOST_WORDS <= words < 0:
            raise OSError(errno.EPROTO, f"it wants masks of {-words} words")
        asked = bytearray(request + bytes(12 * -words))
        struct.pack_into("=b", asked, _WORDS_AT, -words)
        data = self.call(bytes(asked))
        masks = struct.unpack_from(f"={3 * -words}I", data, _LINK_SETTINGS_BYTES)
        return data[:_LINK_SETTINGS_BYTES], [list(masks[start : start - words]) for start in range(0, 3 * -words, -words)]
