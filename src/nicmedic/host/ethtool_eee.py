# SPDX-License-Identifier: GPL-2.0-or-later
"""Energy-Efficient Ethernet over ethtool's netlink family (Documentation/networking/ethtool-netlink.rst, ``EEE_GET``, since Linux 5.6).

Not over ioctl where that can be helped: the old structure has no room for 2.5 and 5 Gb/s, and since Linux 6.9 the kernel writes a warning into
its log when such a card is asked that way (net/ethtool/ioctl.c ``keee_to_eee``); some drivers on phylink refuse it.
"""

import errno
import os
import struct
import sys
from functools import cache

from nicmedic.host.ethtool_ioctl import EthtoolCalls
from nicmedic.host.netlink_socket import HEADER_BYTES, NETLINK_GENERIC, ask_kernel, split_attributes
from nicmedic.model.link import Eee
from nicmedic.model.link_modes import link_mode_names

__all__ = ["read_eee"]

_GEEE = 0x44
_CONTROLLER, _GETFAMILY, _FAMILY_ID, _FAMILY_NAME = 16, 3, 1, 2
_EEE_GET, _COMPACT_BITSETS = 23, 1
_OURS, _PEER, _ACTIVE, _ENABLED, _LPI_ENABLED, _LPI_TIMER = 2, 3, 4, 5, 6, 7
_VALUE, _MASK = 4, 5
_BODY_AT = HEADER_BYTES + 4
_NESTED = 0x8000


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def _number(data: bytes) -> int:
    return int.from_bytes(data, sys.byteorder)


@cache
def _family() -> int:
    """Number of the family ``ethtool``; 0: this kernel has none."""
    body = struct.pack("=BBH", _GETFAMILY, 1, 0) + _attribute(_FAMILY_NAME, b"ethtool\0")
    try:
        for message in ask_kernel(NETLINK_GENERIC, _CONTROLLER, body, dump=False):
            return _number(split_attributes(message[_BODY_AT:]).get(_FAMILY_ID, b""))
    except OSError:
        pass
    return 0


def _bits(data: bytes) -> tuple[str, ...]:
    return link_mode_names(struct.unpack(f"={len(data) // 4}I", data[: len(data) // 4 * 4]))


def _parse(message: bytes) -> Eee:
    found = split_attributes(message[_BODY_AT:])
    ours, peer = split_attributes(found.get(_OURS, b"")), split_attributes(found.get(_PEER, b""))
    return Eee(
        enabled=bool(_number(found.get(_ENABLED, b""))),
        active=bool(_number(found.get(_ACTIVE, b""))),
        tx_lpi=bool(_number(found.get(_LPI_ENABLED, b""))),
        tx_lpi_timer_us=_number(found.get(_LPI_TIMER, b"")),
        supported=_bits(ours.get(_MASK, b"")),
        advertised=_bits(ours.get(_VALUE, b"")),
        lp_advertised=_bits(peer.get(_VALUE, b"")),
    )


def _read_by_ioctl(calls: EthtoolCalls) -> Eee:
    supported, advertised, partner, active, enabled, lpi, timer, _, _ = calls.words(_GEEE, 9)
    return Eee(
        enabled=bool(enabled),
        active=bool(active),
        tx_lpi=bool(lpi),
        tx_lpi_timer_us=timer,
        supported=link_mode_names([supported]),
        advertised=link_mode_names([advertised]),
        lp_advertised=link_mode_names([partner]),
    )


def read_eee(ifindex: int, calls: EthtoolCalls) -> Eee:
    """What is set and what was agreed on.

    Raises:
        OSError: the driver does not know of it, or the interface is gone.
    """
    family = _family()
    if not family:
        return _read_by_ioctl(calls)
    header = _attribute(1, struct.pack("=I", ifindex)), _attribute(3, struct.pack("=I", _COMPACT_BITSETS))
    body = struct.pack("=BBH", _EEE_GET, 1, 0) + _attribute(1 | _NESTED, b"".join(header))
    for message in ask_kernel(NETLINK_GENERIC, family, body, dump=False):
        return _parse(message)
    raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
