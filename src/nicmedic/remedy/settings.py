# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings of a card by their names, so that a change can be read again: before, afterwards, and after its undo.

Names and what they hold: ``flags.UP`` (``on``), ``link.autoneg``, ``link.modes`` (those advertised that are speeds, ``0x008``), ``link.advertised``
(all bits, flow control too), ``link.speed`` and ``link.duplex`` (only without autonegotiation: else they are no setting), ``features.NAME``,
``eee.enabled``, ``eee.tx_lpi``, ``eee.tx_lpi_timer``, ``eee.advertised``, ``pause.autoneg``, ``pause.rx``, ``pause.tx``, ``ring.rx``, ``ring.tx``,
``channels.combined`` (``rx``, ``tx``, ``other``), ``coalesce.rx-usecs``, ``mtu``, ``above.IF.mtu`` (of what stands on the card), ``power.control``,
``pcie.link_files.NAME``, ``interrupts.NUMBER.affinity``, ``cmdline.PARAMETER`` (of the kernel's command line, where the last
one counts and dash and underscore are one letter). Whoever adds a change that sets something else adds a reader here.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from nicmedic.model.host import Host
from nicmedic.model.link_modes import LINK_MODES
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Setting

__all__ = ["build_mask", "find_differences", "list_unjudged", "read_setting", "take_settings"]

_BIT = re.compile(r"bit(\d{1,3})\Z")
_SPEED = re.compile(r"\d+base|bit\d")
_NEGOTIATED: Final = frozenset({"link.speed", "link.duplex", "pause.rx", "pause.tx"})
"""Without a link drivers tell of these what they like."""


def build_mask(modes: Iterable[str], *, speeds_only: bool = False) -> str:
    """Link modes as ``ethtool -s IF advertise`` takes them.

    >>> build_mask(("100baseT/Full", "Autoneg", "Pause")), build_mask(("100baseT/Full", "Autoneg"), speeds_only=True)
    ('0x2048', '0x008')
    """
    mask = 0
    for mode in modes:
        if speeds_only and not _SPEED.match(mode):
            continue
        bit = _BIT.match(mode)
        mask |= 1 << (int(bit[1]) if bit else LINK_MODES.index(mode))
    return f"0x{mask:03x}"


def _on(value: bool | None) -> str | None:  # noqa: FBT001  # one value to one word
    return None if value is None else "on" if value else "off"


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _flags(nic: Nic, name: str, _: Host | None) -> str | None:
    return None if nic.flags is None else _on(name in nic.flags)


def _link(nic: Nic, name: str, _: Host | None) -> str | None:
    link = nic.link
    if link is None:
        return None
    if name == "autoneg":
        return _on(link.autoneg)
    if name == "modes":
        return None if link.advertised is None else build_mask(link.advertised, speeds_only=True)
    if name == "advertised":
        return None if link.advertised is None else build_mask(link.advertised)
    if link.autoneg is not False:
        return None
    return {"speed": _text(link.speed_mbps), "duplex": None if link.duplex is None else link.duplex.value}.get(name)


def _feature(nic: Nic, name: str, _: Host | None) -> str | None:
    feature = (nic.features or {}).get(name)
    return None if feature is None else _on(feature.on)


def _eee(nic: Nic, name: str, _: Host | None) -> str | None:
    if nic.eee is None:
        return None
    if name == "advertised":
        return build_mask(nic.eee.advertised)
    if name == "tx_lpi_timer":
        return str(nic.eee.tx_lpi_timer_us)
    return _on({"enabled": nic.eee.enabled, "tx_lpi": nic.eee.tx_lpi}.get(name))


def _pause(nic: Nic, name: str, _: Host | None) -> str | None:
    pause = nic.pause
    return None if pause is None else _on({"autoneg": pause.autoneg, "rx": pause.rx, "tx": pause.tx}.get(name))


def _ring(nic: Nic, name: str, _: Host | None) -> str | None:
    return None if nic.ring is None else _text({"rx": nic.ring.rx, "tx": nic.ring.tx}.get(name))


def _channels(nic: Nic, name: str, _: Host | None) -> str | None:
    own = nic.channels
    return None if own is None else _text({"rx": own.rx, "tx": own.tx, "other": own.other, "combined": own.combined}.get(name))


def _coalesce(nic: Nic, name: str, _: Host | None) -> str | None:
    value = (nic.coalesce or {}).get(name)
    return _on(bool(value)) if value is not None and name.startswith("adaptive") else _text(value)


def _mtu(nic: Nic, _name: str, _: Host | None) -> str | None:
    return _text(nic.mtu)


def _above(_nic: Nic, name: str, host: Host | None) -> str | None:
    interface = name.removesuffix(".mtu")
    found = None if host is None else next((link for link in host.links if link.interface == interface), None)
    return None if found is None else _text(found.mtu)


def _power(nic: Nic, name: str, _: Host | None) -> str | None:
    return None if nic.power is None or name != "control" else nic.power.control


def _link_file(nic: Nic, name: str, _: Host | None) -> str | None:
    files = None if nic.pcie is None else nic.pcie.link_files
    value = (files or {}).get(name.removeprefix("link_files."))
    return None if value is None else str(int(value))


def _interrupt(nic: Nic, name: str, _: Host | None) -> str | None:
    return next((one.affinity for one in nic.interrupts or () if name == f"{one.number}.affinity"), None)


def _command_line(_nic: Nic, name: str, host: Host | None) -> str | None:
    if host is None or host.command_line is None:
        return None
    words = [word.partition("=") for word in host.command_line.split()]
    values = [value.strip('"') for first, _, value in words if first.replace("-", "_") == name.replace("-", "_")]
    return values[-1] if values else "not there"


_READERS: Mapping[str, Callable[[Nic, str, Host | None], str | None]] = {
    "flags": _flags,
    "link": _link,
    "features": _feature,
    "eee": _eee,
    "pause": _pause,
    "ring": _ring,
    "channels": _channels,
    "coalesce": _coalesce,
    "mtu": _mtu,
    "above": _above,
    "power": _power,
    "pcie": _link_file,
    "interrupts": _interrupt,
    "cmdline": _command_line,
}


def read_setting(nic: Nic, name: str, host: Host | None = None) -> str | None:
    """What is set now, in the words of the tool that sets it; None: it cannot be read.

    Args:
        nic: the card.
        name: of the setting.
        host: for what is not the card's own: ``above.IF.mtu``.

    Raises:
        KeyError: there is no such family of settings.
    """
    family, _, rest = name.partition(".")
    return _READERS[family](nic, rest, host)


def take_settings(nic: Nic, names: Iterable[str], host: Host | None = None) -> tuple[Setting, ...]:
    """Those of the settings that can be read, each once."""
    values = ((name, read_setting(nic, name, host)) for name in dict.fromkeys(names))
    return tuple(Setting(name=name, value=value) for name, value in values if value is not None)


def _is_rounded(setting: Setting, value: str | None) -> bool:
    """Whether the driver took the next size that it has."""
    return setting.up_to is not None and value is not None and int(setting.value) < int(value) <= setting.up_to


def _needs_link(setting: Setting, nic: Nic) -> bool:
    """Whether only a link could tell of it, and there is none."""
    return setting.name in _NEGOTIATED and setting.value != "off" and nic.carrier is not True


def _find_overridden(setting: Setting, host: Host | None) -> str | None:
    """What has made a parameter of the command line void, though it stands there.

    The policy of ASPM can be written at any time (Linux 6.1, drivers/pci/pcie/aspm.c, ``pcie_aspm_set_policy()``), and counts for nothing
    where the kernel leaves ASPM to the firmware (``pcie_no_aspm()``).
    """
    aspm = None if host is None else host.aspm
    if aspm is None or setting.name.replace("-", "_") != "cmdline.pcie_aspm.policy":
        return None
    if aspm.owner == "firmware":
        return f"{setting.name} is void: the kernel leaves ASPM to the firmware{f' ({aspm.found_by})' if aspm.found_by else ''}"
    if aspm.policy not in {None, setting.value}:
        return f"{setting.name} is overridden: the policy is {aspm.policy} now, not {setting.value}"
    return None


def find_differences(wanted: Iterable[Setting], nic: Nic, host: Host | None = None) -> tuple[str, ...]:
    """What is not as it should be, a few words each: ``mtu is 1500, not 1400``.

    Without a link, what its two ends agree on is not judged, unless it should be off: it may be on its way back (``list_unjudged``).
    """
    found = []
    for setting in wanted:
        value = read_setting(nic, setting.name, host)
        if value == setting.value:
            overridden = _find_overridden(setting, host)
            found += [overridden] if overridden else []
        elif not _needs_link(setting, nic) and not _is_rounded(setting, value):
            seen = "cannot be read, and should be" if value is None else f"is {value}, not"
            found.append(f"{setting.name} {seen} {setting.value}")
    return tuple(found)


def list_unjudged(wanted: Iterable[Setting], nic: Nic) -> tuple[str, ...]:
    """Names of those settings that ``find_differences`` passes over although they do not read as they should, since there is no link."""
    return tuple(each.name for each in wanted if _needs_link(each, nic) and read_setting(nic, each.name) != each.value)
