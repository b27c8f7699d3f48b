# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings as calls of ``ethtool`` and ``ip``, for files that can only run programs; and one call as a line for a shell.

What was carried out when the remedy was tried adds what settings do not say: which bits for flow control stay advertised, that flow control is no
longer negotiated. Nothing is taken over that is not known: every word is checked, so that no letter of a call means anything to a shell.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nicmedic.model.keeping import Wish
from nicmedic.model.names import shell_name
from nicmedic.model.step import INTERFACE, Run

__all__ = ["FLOW_BITS", "Call", "Calls", "is_plain_name", "plan_calls", "render_call"]

FLOW_BITS = 0x6000
"""``Pause`` and ``Asym_Pause`` among the link modes (include/uapi/linux/ethtool.h, ``ETHTOOL_LINK_MODE_Pause_BIT`` is 13)."""
_ON_OFF = re.compile(r"(?:on|off)\Z")
_NUMBER = re.compile(r"\d{1,9}\Z", re.ASCII)
_MASK = re.compile(r"0x[0-9a-f]{1,32}\Z")
_FEATURE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, and what it brings about."""

    family: str
    """``link``, ``features``, ``eee``, ``pause``, ``ring``, ``coalesce``, ``mtu``."""
    settings: tuple[str, ...]
    """Names of them; none: it goes with the others of its family, and may fail."""
    words: tuple[str, ...]
    """What is said, in pairs of name and value: ``("rx", "512", "tx", "512")``."""
    argv: tuple[str, ...]
    """With ``INTERFACE`` for the card's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """A wish, as far as programs can fulfil it."""

    calls: tuple[Call, ...]
    left: tuple[str, ...]
    """Settings that no call brings about, or whose value is odd."""


def is_plain_name(interface: str) -> bool:
    """Whether an interface's name can stand in a file as one word that nobody takes for anything else.

    >>> is_plain_name("enp3s0"), is_plain_name("eth0;reboot"), is_plain_name("-x")
    (True, False, False)
    """
    return bool(interface) and shell_name(interface, "") == interface


def render_call(call: Call, interface: str | None) -> str:
    """A call as a line for a POSIX shell; None: the name is in its variable ``IFACE``.

    Raises:
        ValueError: the name is not plain.
    """
    if interface is not None and not is_plain_name(interface):
        raise ValueError(f"no plain name: {interface!r}")
    name = '"$IFACE"' if interface is None else interface
    return " ".join(name if word == INTERFACE else word for word in call.argv)


def _tried(wish: Wish, option: str) -> Mapping[str, str]:
    """Names and values of the steps that called ``ethtool`` with an option."""
    found: dict[str, str] = {}
    for step in wish.steps:
        if isinstance(step, Run) and step.argv[:3] == ("ethtool", option, INTERFACE):
            found.update(zip(step.argv[3::2], step.argv[4::2], strict=False))
    return found


def _ethtool(family: str, option: str, settings: Sequence[str], words: Sequence[str]) -> Call:
    return Call(family=family, settings=tuple(settings), words=tuple(words), argv=("ethtool", option, INTERFACE, *words))


def _link(values: Mapping[str, str], wish: Wish) -> list[Call]:
    if set(values) == {"autoneg", "modes"} and values["autoneg"] == "on" and _MASK.match(values["modes"]):
        mask, tried = values["modes"], _tried(wish, "-s").get("advertise", "")
        if _MASK.match(tried) and int(tried, 16) & ~FLOW_BITS == int(mask, 16):
            mask = tried
        return [_ethtool("link", "-s", ("link.autoneg", "link.modes"), ("autoneg", "on", "advertise", mask))]
    forced = set(values) == {"autoneg", "speed", "duplex"} and values["autoneg"] == "off"
    if forced and _NUMBER.match(values["speed"]) and values["duplex"] in {"full", "half"}:
        words = ("speed", values["speed"], "duplex", values["duplex"], "autoneg", "off")
        return [_ethtool("link", "-s", ("link.autoneg", "link.speed", "link.duplex"), words)]
    return []


def _features(values: Mapping[str, str], _: Wish) -> list[Call]:
    good = {name: value for name, value in values.items() if _FEATURE.match(name) and _ON_OFF.match(value)}
    words = [word for name, value in good.items() for word in (name, value)]
    return [_ethtool("features", "-K", [f"features.{name}" for name in good], words)] if good else []


def _eee(values: Mapping[str, str], _: Wish) -> list[Call]:
    value = values.get("enabled", "")
    return [_ethtool("eee", "--set-eee", ("eee.enabled",), ("eee", value))] if _ON_OFF.match(value) else []


def _pause(values: Mapping[str, str], wish: Wish) -> list[Call]:
    good = {name: value for name, value in values.items() if name in {"autoneg", "rx", "tx"} and _ON_OFF.match(value)}
    if not good:
        return []
    said = dict(good)
    negotiated = _tried(wish, "-A").get("autoneg", "")
    if "autoneg" not in said and _ON_OFF.match(negotiated):
        said = {"autoneg": negotiated, **said}
    return [_ethtool("pause", "-A", [f"pause.{name}" for name in good], [word for pair in said.items() for word in pair])]


def _ring(values: Mapping[str, str], _: Wish) -> list[Call]:
    good = {name: value for name, value in values.items() if name in {"rx", "tx"} and _NUMBER.match(value)}
    words = [word for pair in good.items() for word in pair]
    return [_ethtool("ring", "-G", [f"ring.{name}" for name in good], words)] if good else []


def _coalesce(values: Mapping[str, str], wish: Wish) -> list[Call]:
    """One call each: drivers refuse a call that names one thing which they do not have. The delay of sending may be refused."""
    good = {name: value for name, value in values.items() if _FEATURE.match(name) and (_NUMBER.match(value) or _ON_OFF.match(value))}
    calls = [_ethtool("coalesce", "-C", (f"coalesce.{name}",), (name, value)) for name, value in good.items()]
    sending = _tried(wish, "-C").get("tx-usecs", "")
    if calls and "tx-usecs" not in good and _NUMBER.match(sending):
        calls.append(_ethtool("coalesce", "-C", (), ("tx-usecs", sending)))
    return calls


def _mtu(values: Mapping[str, str], _: Wish) -> list[Call]:
    size = values.get("", "")
    argv = ("ip", "link", "set", "dev", INTERFACE, "mtu", size)
    return [Call(family="mtu", settings=("mtu",), words=("mtu", size), argv=argv)] if _NUMBER.match(size) else []


_MAKERS: Mapping[str, Callable[[Mapping[str, str], Wish], list[Call]]] = {
    "link": _link,
    "features": _features,
    "eee": _eee,
    "pause": _pause,
    "ring": _ring,
    "coalesce": _coalesce,
    "mtu": _mtu,
}


def plan_calls(wish: Wish) -> Calls:
    """What to run so that the settings of a wish are in force; nothing for a setting whose family is not known here or is not whole."""
    values: dict[str, dict[str, str]] = {}
    for setting in wish.settings:
        family, _, rest = setting.name.partition(".")
        values.setdefault(family, {})[rest] = setting.value
    calls = tuple(call for family, held in values.items() if family in _MAKERS for call in _MAKERS[family](held, wish))
    done = {name for call in calls for name in call.settings}
    return Calls(calls=calls, left=tuple(setting.name for setting in wish.settings if setting.name not in done))
