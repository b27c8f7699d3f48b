# SPDX-License-Identifier: GPL-2.0-or-later
"""The words of ``--probe``, which ``treat`` and the policy of ``watch`` take alike: ``tcp:HOST:PORT``, ``none:ping``."""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["PROBE_KINDS", "Ip", "ProbeWords", "parse_address", "parse_probe_words"]

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
PROBE_KINDS = ("carrier", "tx", "gateway", "ping", "tcp", "ssh", "neighbour")
"""All that there are, and that ``none:`` can leave out."""
_TCP = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})\Z", re.ASCII)


def parse_address(text: str) -> Ip | None:
    """An address, or None; what stands after ``%`` is not looked at."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeWords:
    """One of them, taken apart."""

    kind: str
    """Of the probe; with ``none``: of those that are left out."""
    is_left_out: bool = False
    address: Ip | None = None
    name: str | None = None
    """Of a host, that is yet to be looked up."""
    port: int | None = None
    zone: str | None = None


def parse_probe_words(words: str, kinds: Collection[str] = PROBE_KINDS) -> ProbeWords:
    """Take it apart.

    Raises:
        ValueError: it is none; the message says what is wrong with it.
    """
    kind, _, rest = words.partition(":")
    if kind == "none" and rest in kinds:
        return ProbeWords(kind=rest, is_left_out=True)
    if kind == "tcp":
        return _parse_tcp(rest)
    if kind in {"gateway", "ping"} and (address := parse_address(rest)) is not None:
        return ProbeWords(kind=kind, address=address, zone=rest.partition("%")[2] or None)
    raise ValueError("it is not understood")


def _parse_tcp(text: str) -> ProbeWords:
    found = _TCP.match(text)
    port = 0 if found is None else int(found["port"])
    if found is None or not 0 < port < 1 << 16:
        raise ValueError("it should end in HOST:PORT")
    host = found["six"] or found["host"]
    address = parse_address(host)
    if address is None and (found["six"] or not host.isascii() or any(sign.isspace() for sign in host)):
        raise ValueError(f"{host!r} is no address")
    return ProbeWords(kind="tcp", address=address, name=None if address else host, port=port)
