# SPDX-License-Identifier: GPL-2.0-or-later
"""Recognise a duplex mismatch: one end sends whenever it likes, the other backs off; the link works, slowly and with errors.

It comes about when one end is set to full duplex with autonegotiation off. The other end negotiates with nobody, finds the speed by
parallel detection, and must fall back to half duplex (IEEE 802.3 clause 28.2.3.1). Each end sees its own side of it:

- the half-duplex end: a partner that advertises nothing, and late collisions (``tx_window_errors``: after 64 bytes no collision is legal). Without
  them the other end may be a hub, or a port that is set to half duplex: then all is in order;
- the full-duplex end: frames that the other broke off, as CRC and alignment errors.
"""

from nicmedic.model.checkup import Reason, Risk
from nicmedic.model.event import Duplex
from nicmedic.model.nic import Nic

__all__ = ["find_duplex_mismatch"]


def _count(nic: Nic, *names: str) -> tuple[str, int] | None:
    statistics = nic.statistics or {}
    return next(((name, statistics[name]) for name in names if statistics.get(name)), None)


def find_duplex_mismatch(nic: Nic) -> Risk | None:
    """What speaks for a mismatch; None: nothing, or there is no link."""
    link = nic.link
    if link is None or link.duplex is None or not nic.carrier:
        return None
    reasons = list(_half(nic)) if link.duplex is Duplex.HALF else list(_full(nic))
    if not reasons:
        return None
    certain = link.duplex is Duplex.FULL or _late_collisions(nic) is not None
    title = (
        "A duplex mismatch: this end and the other do not agree who may send when"
        if certain
        else "There may be a duplex mismatch: this end fell back to half duplex, and the other does not negotiate"
    )
    return Risk(
        cause="link/duplex",
        title=title,
        reasons=tuple(reasons),
        remedy="renegotiate",
        sources=("IEEE 802.3 clause 28.2.3.1, parallel detection",),
    )


def _late_collisions(nic: Nic) -> tuple[str, int] | None:
    return _count(nic, "tx_window_errors")


def _half(nic: Nic) -> tuple[Reason, ...]:
    link = nic.link
    assert link is not None  # noqa: S101  # find_duplex_mismatch asked
    late = _late_collisions(nic)
    parallel = link.autoneg is True and link.lp_advertised is not None and "Autoneg" not in link.lp_advertised
    if not (late or parallel):
        return ()
    how = "by parallel detection: the partner does not negotiate" if parallel else "as set"
    reasons = [Reason(text=f"half duplex at {link.speed_mbps} Mb/s, {how}", source="ethtool")]
    if late:
        reasons.append(Reason(text=f"{late[1]} late collisions", source=f"statistics/{late[0]}"))
    return tuple(reasons)


def _full(nic: Nic) -> tuple[Reason, ...]:
    link = nic.link
    assert link is not None  # noqa: S101  # find_duplex_mismatch asked
    errors = _count(nic, "rx_crc_errors", "rx_frame_errors")
    received = (nic.statistics or {}).get("rx_packets", 0)
    if link.autoneg is not False or errors is None or errors[1] * 10_000 < received:
        return ()
    return (
        Reason(
            text=f"full duplex at {link.speed_mbps} Mb/s without autonegotiation, so a partner that negotiates takes half", source="ethtool"
        ),
        Reason(text=f"{errors[1]} broken frames of {received} received", source=f"statistics/{errors[0]}"),
    )
