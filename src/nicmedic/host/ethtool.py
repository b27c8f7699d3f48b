# SPDX-License-Identifier: GPL-2.0-or-later
"""All that a driver tells of its link and its settings, as ``ethtool`` would print it. What it refuses is noted."""

import errno
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from nicmedic.host.ethtool_eee import read_eee
from nicmedic.host.ethtool_ioctl import EthtoolCalls, StringSet
from nicmedic.host.sysfs import lack_of
from nicmedic.model.event import Duplex
from nicmedic.model.link import Channels, Eee, Feature, Link, Pause, Ring, WakeOnLan
from nicmedic.model.link_modes import link_mode_names
from nicmedic.model.note import Lack, Note
from nicmedic.model.queue import Spread

__all__ = ["Settings", "read_settings"]

T = TypeVar("T")
_GSET, _GWOL, _GMSGLVL, _GLINK, _GCOALESCE, _GRINGPARAM, _GPAUSEPARAM, _GPFLAGS, _GCHANNELS = (
    0x01,
    0x05,
    0x07,
    0x0A,
    0x0E,
    0x10,
    0x12,
    0x27,
    0x3C,
)
_SPEED_UNKNOWN = 0xFFFFFFFF
_DUPLEX = {0: Duplex.HALF, 1: Duplex.FULL}
_PORTS = {0: "Twisted Pair", 1: "AUI", 2: "MII", 3: "FIBRE", 4: "BNC", 5: "Direct Attach Copper", 0xEF: "None", 0xFF: "Other"}
_TRANSCEIVERS = {0: "internal", 1: "external"}
_MDIX = {1: "off", 2: "on"}
_MDIX_SETTING = {1: "off", 2: "on", 3: "auto"}
_WOL_LETTERS = "pumbagsf"
_COALESCE_WORDS = (  # noqa: SIM905  # a list has 22 lines
    "rx-usecs rx-frames rx-usecs-irq rx-frames-irq tx-usecs tx-frames tx-usecs-irq tx-frames-irq stats-block-usecs adaptive-rx adaptive-tx "
    "pkt-rate-low rx-usecs-low rx-frames-low tx-usecs-low tx-frames-low "
    "pkt-rate-high rx-usecs-high rx-frames-high tx-usecs-high tx-frames-high sample-interval"
).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``Nic`` holds of ethtool's answers."""

    driver: str | None = None
    driver_version: str | None = None
    firmware_version: str | None = None
    bus_address: str | None = None
    permanent_address: str | None = None
    link: Link | None = None
    features: Mapping[str, Feature] | None = None
    eee: Eee | None = None
    ring: Ring | None = None
    channels: Channels | None = None
    coalesce: Mapping[str, int] | None = None
    pause: Pause | None = None
    wol: WakeOnLan | None = None
    private_flags: Mapping[str, bool] | None = None
    spread: Spread | None = None
    receive_rules: int | None = None
    driver_statistics: Mapping[str, int] | None = None


def _old_link(calls: EthtoolCalls) -> Link:
    """``ETHTOOL_GSET``, for kernels before 4.6."""
    data = calls.call(struct.pack("=I", _GSET) + bytes(40))
    supported, advertised, speed_low, duplex, port, phy, transceiver, autoneg = struct.unpack_from("=IIHBBBBB", data, 4)
    speed_high, mdix, mdix_setting, partner = struct.unpack_from("=HBBI", data, 28)
    speed = speed_high << 16 | speed_low
    return Link(
        speed_mbps=None if speed in {0, 0xFFFF, _SPEED_UNKNOWN} else speed,
        duplex=_DUPLEX.get(duplex),
        autoneg=bool(autoneg),
        port=_PORTS.get(port),
        phy_address=phy,
        transceiver=_TRANSCEIVERS.get(transceiver),
        mdix=_MDIX.get(mdix) if port == 0 else None,
        mdix_setting=_MDIX_SETTING.get(mdix_setting) if port == 0 else None,
        supported=link_mode_names([supported]),
        advertised=link_mode_names([advertised]),
        lp_advertised=link_mode_names([partner]),
    )


def _new_link(calls: EthtoolCalls) -> Link:
    data, (supported, advertised, partner) = calls.link_settings()
    speed, duplex, port, phy, autoneg, _, mdix, mdix_setting, _, transceiver = struct.unpack_from("=IBBBBBBBbB", data, 4)
    return Link(
        speed_mbps=None if speed in {0, 0xFFFF, _SPEED_UNKNOWN} else speed,
        duplex=_DUPLEX.get(duplex),
        autoneg=bool(autoneg),
        port=_PORTS.get(port),
        phy_address=phy,
        transceiver=_TRANSCEIVERS.get(transceiver),
        mdix=_MDIX.get(mdix) if port == 0 else None,
        mdix_setting=_MDIX_SETTING.get(mdix_setting) if port == 0 else None,
        supported=link_mode_names(supported),
        advertised=link_mode_names(advertised),
        lp_advertised=link_mode_names(partner),
    )


class _Questions:
    """Asks one thing after the other; a refusal is a note."""

    def __init__(self, calls: EthtoolCalls, notes: list[Note]) -> None:
        self.calls, self.notes = calls, notes

    def ask(self, what: str, question: Callable[[], T]) -> T | None:
        try:
            return question()
        except OSError as error:
            self.notes.append(Note(what=what, why=lack_of(error), detail=f"ethtool: {error.strerror or error}"))
        except (struct.error, ValueError) as error:
            self.notes.append(Note(what=what, why=Lack.ODD, detail=f"ethtool: {error}"))
        return None

    def link(self) -> Link | None:
        def settings() -> Link:
            try:
                return _new_link(self.calls)
            except OSError as error:
                if error.errno != errno.EOPNOTSUPP:
                    raise
                return _old_link(self.calls)  # a driver that has neither says so again

        found = self.ask("link", settings)
        detected = self.ask("link.detected", lambda: bool(self.calls.words(_GLINK, 1)[0]))
        level = self.ask("link.message_level", lambda: self.calls.words(_GMSGLVL, 1)[0])
        if found is None and detected is None and level is None:
            return None
        known = {} if found is None else {name: getattr(found, name) for name in Link.__slots__}
        return Link(**{**known, "detected": detected, "message_level": level})

    def features(self) -> dict[str, Feature]:
        return {
            name: Feature(on=active, fixed=never or not available, requested=requested)
            for name, (available, requested, active, never) in self.calls.features().items()
        }

    def ring(self) -> Ring:
        rx_max, mini_max, jumbo_max, tx_max, rx, mini, jumbo, tx = self.calls.words(_GRINGPARAM, 8)
        return Ring(rx=rx, rx_max=rx_max, rx_mini=mini, rx_mini_max=mini_max, rx_jumbo=jumbo, rx_jumbo_max=jumbo_max, tx=tx, tx_max=tx_max)

    def channels(self) -> Channels:
        rx_max, tx_max, other_max, combined_max, rx, tx, other, combined = self.calls.words(_GCHANNELS, 8)
        return Channels(
            rx=rx, rx_max=rx_max, tx=tx, tx_max=tx_max, other=other, other_max=other_max, combined=combined, combined_max=combined_max
        )

    def coalesce(self) -> dict[str, int]:
        return dict(zip(_COALESCE_WORDS, self.calls.words(_GCOALESCE, len(_COALESCE_WORDS)), strict=True))

    def pause(self) -> Pause:
        autoneg, rx, tx = self.calls.words(_GPAUSEPARAM, 3)
        return Pause(autoneg=bool(autoneg), rx=bool(rx), tx=bool(tx))

    def wol(self) -> WakeOnLan:
        supported, enabled = struct.unpack_from("=II", self.calls.call(struct.pack("=I", _GWOL) + bytes(16)), 4)
        letters = ["".join(letter for bit, letter in enumerate(_WOL_LETTERS) if mask >> bit & 1) or "d" for mask in (supported, enabled)]
        return WakeOnLan(supported=letters[0], enabled=letters[1])

    def private_flags(self) -> dict[str, bool]:
        names = self.calls.strings(StringSet.PRIVATE_FLAGS)
        (mask,) = self.calls.words(_GPFLAGS, 1)
        return {name: bool(mask >> bit & 1) for bit, name in enumerate(names)}

    def spread(self) -> Spread:
        return Spread(rings=self.calls.receive_rings(), table=self.calls.receive_table())

    def permanent_address(self) -> str | None:
        data = self.calls.permanent_address()
        return data.hex(":") if any(data) else None


def read_settings(interface: str, ifindex: int | None, notes: list[Note]) -> Settings:
    """Ask one driver everything."""
    try:
        opened = EthtoolCalls(interface)
    except OSError as error:
        notes.append(Note(what="link", why=lack_of(error), detail=f"ethtool: {error.strerror}"))
        return Settings()
    with opened as calls:
        questions = _Questions(calls, notes)
        driver = questions.ask("driver", calls.driver_info) or {}
        return Settings(
            driver=driver.get("driver"),
            driver_version=driver.get("version"),
            firmware_version=driver.get("firmware"),
            bus_address=driver.get("bus_address"),
            permanent_address=questions.ask("permanent_address", questions.permanent_address),
            link=questions.link(),
            features=questions.ask("features", questions.features),
            eee=None if ifindex is None else questions.ask("eee", lambda: read_eee(ifindex, calls)),
            ring=questions.ask("ring", questions.ring),
            channels=questions.ask("channels", questions.channels),
            coalesce=questions.ask("coalesce", questions.coalesce),
            pause=questions.ask("pause", questions.pause),
            wol=questions.ask("wol", questions.wol),
            private_flags=questions.ask("private_flags", questions.private_flags),
            spread=questions.ask("spread", questions.spread),
            receive_rules=questions.ask("receive_rules", calls.receive_rules),
            driver_statistics=questions.ask("driver_statistics", calls.statistics),
        )
