# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``ethtool`` tells of a link: speed, offloads, EEE, rings. Words are spelled as ethtool and the kernel spell them.

Not for queues and counters (``queue``), nor for what stands on the interface (``stack``).
"""

from dataclasses import dataclass

from nicmedic.model.event import Duplex

__all__ = ["Channels", "Eee", "Feature", "Link", "Pause", "Ring", "WakeOnLan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """``ethtool IF``.

    Link modes are the kernel's words (net/ethtool/common.c ``link_mode_names``): ``1000baseT/Full``, ``Autoneg``, ``TP``, ``Pause``.
    A mode that is newer than our list is ``bit<N>``.
    """

    speed_mbps: int | None = None
    """None: unknown, as always without a link."""
    duplex: Duplex | None = None
    autoneg: bool | None = None
    port: str | None = None
    """ethtool's word: ``Twisted Pair``, ``FIBRE``, ``Direct Attach Copper``, ``None``, …"""
    phy_address: int | None = None
    transceiver: str | None = None
    """``internal`` or ``external``."""
    mdix: str | None = None
    """``off``, ``on``; None: unknown or not twisted pair."""
    mdix_setting: str | None = None
    """What was asked for: ``off``, ``on``, ``auto``."""
    detected: bool | None = None
    """``Link detected:``."""
    supported: tuple[str, ...] | None = None
    advertised: tuple[str, ...] | None = None
    lp_advertised: tuple[str, ...] | None = None
    """What the partner advertises; empty: nothing known of it, or it does not negotiate."""
    message_level: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One line of ``ethtool -k``."""

    on: bool
    fixed: bool
    """The driver does not let it be changed."""
    requested: bool
    """What was asked for; differs from ``on`` where another feature or the MTU stands against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eee:
    """``ethtool --show-eee IF``."""

    enabled: bool
    active: bool
    """Both sides have agreed on it."""
    tx_lpi: bool
    tx_lpi_timer_us: int
    supported: tuple[str, ...]
    advertised: tuple[str, ...]
    lp_advertised: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """``ethtool -g IF``: set now, and what the driver takes at most; 0 means that it has none of that kind."""

    rx: int
    rx_max: int
    rx_mini: int
    rx_mini_max: int
    rx_jumbo: int
    rx_jumbo_max: int
    tx: int
    tx_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """``ethtool -l IF``."""

    rx: int
    rx_max: int
    tx: int
    tx_max: int
    other: int
    other_max: int
    combined: int
    combined_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """``ethtool -a IF``: what is set. What was negotiated follows from both advertisements."""

    autoneg: bool
    rx: bool
    tx: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeOnLan:
    """``ethtool IF``, the letters of ``ethtool -s IF wol``. The SecureOn password is not read."""

    supported: str
    enabled: str
    """``d``: none."""
