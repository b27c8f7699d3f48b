# SPDX-License-Identifier: GPL-2.0-or-later
"""The keys of the policy file: which field each sets, what it may say, and how it is written. Parser and renderer both go by these tables."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from nicmedic.model.durations import parse_seconds
from nicmedic.model.policy import Mode
from nicmedic.model.probe_words import parse_probe_words

__all__ = ["MATCH_KEYS", "NIC_KEYS", "TELLING_KEYS", "TOP_KEYS", "Key", "MisfitError"]

_DAY_S = 86_400.0
_UNITS = {"": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_SIZE = re.compile(r"(?P<count>\d{1,15}) ?(?P<unit>[kmg]ib)?\Z", re.ASCII | re.IGNORECASE)
_LEAST_EVIDENCE, _MOST_EVIDENCE = 1 << 20, 1 << 40
_LISTEN = re.compile(r"(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost):(?P<port>\d{1,5})\Z", re.ASCII)
_AUTO = "auto"


class MisfitError(ValueError):
    """The text says what would be allowed."""


class Key(NamedTuple):
    """One of them."""

    field: str
    read: Callable[[object], object]
    """Value of TOML to value of the model; raises ``MisfitError``."""
    write: Callable[[object], str]
    """And back, as TOML."""


def _read_text(value: object) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise MisfitError("a text of printable characters")
    return value


def _read_texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item and item.isprintable() for item in value):
        raise MisfitError('a list of texts, as ["one", "two"]')
    return tuple(value)


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise MisfitError("true or false")
    return value


def _read_mode(value: object) -> Mode:
    if not isinstance(value, str) or value not in set(Mode):
        raise MisfitError(", ".join(f'"{mode}"' for mode in Mode))
    return Mode(value)


def _read_attempts(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 60:
        raise MisfitError("a whole number from 1 to 60")
    return value


def _read_size(value: object) -> int:
    size: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif isinstance(value, str) and (match := _SIZE.match(value)) is not None:
        size = int(match["count"]) * _UNITS[(match["unit"] or "").lower()]
    if size is None or not _LEAST_EVIDENCE <= size <= _MOST_EVIDENCE:
        raise MisfitError('from "1 MiB" to "1024 GiB"')
    return size


def _read_file(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("/") or value.endswith("/") or not value.isprintable():
        raise MisfitError("the whole path of a file")
    return value


def _read_command(value: object) -> tuple[str, ...]:
    words = _read_texts(value)
    if words and not words[0].startswith("/"):
        raise MisfitError('a list of a program with its whole path, and its arguments, as ["/usr/local/bin/page-me", "now"]')
    return words


def _read_probes(value: object) -> tuple[str, ...]:
    words = _read_texts(value)
    for number, one in enumerate(words, 1):
        try:
            parse_probe_words(one)
        except ValueError as error:
            allowed = "a list of gateway:ADDRESS, ping:ADDRESS, tcp:HOST:PORT, or none:KIND to leave one out"
            raise MisfitError(f"{allowed}; number {number}: {error}") from None
    return words


def _read_listen(value: object) -> str:
    match = _LISTEN.match(value) if isinstance(value, str) else None
    if match is None or not 1 <= int(match["port"]) <= 65_535:
        raise MisfitError('an address of this host alone with a port, as "127.0.0.1:9833"')
    return match[0]


def _read_seconds(least_s: float, most_s: float, *, may_be_auto: bool = False) -> Callable[[object], float | None]:
    def read(value: object) -> float | None:
        if may_be_auto and value == _AUTO:
            return None
        seconds = parse_seconds(value) if isinstance(value, str) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = float(max(-1, min(value, 2 * most_s)))  # a whole number may be too large for a float
        if seconds is None or not least_s <= seconds <= most_s:
            auto = f', or "{_AUTO}"' if may_be_auto else ""
            raise MisfitError(f'a duration from {least_s:g} s to {most_s:g} s, as "90s", "5m", "1h"{auto}')
        return seconds

    return read


def _write(value: object) -> str:
    """A text, number, flag or list; TOML and JSON write them alike, but for DEL."""
    if isinstance(value, tuple):
        return f"[{', '.join(_write(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write_seconds(value: object) -> str:
    return _write(_AUTO if value is None else value)


NIC_KEYS: Final[Mapping[str, Key]] = {
    "mode": Key("mode", _read_mode, _write),
    "quiet_after_boot": Key("quiet_after_boot_s", _read_seconds(0, _DAY_S), _write_seconds),
    "cool_down": Key("cool_down_s", _read_seconds(0, _DAY_S), _write_seconds),
    "attempts_per_hour": Key("attempts_per_hour", _read_attempts, _write),
    "reboot": Key("reboot", _read_flag, _write),
    "accept_losses": Key("accept_losses", _read_flag, _write),
    "probes": Key("probes", _read_probes, _write),
    "hold": Key("hold_s", _read_seconds(5, 7 * _DAY_S, may_be_auto=True), _write_seconds),
}
"""Of ``[default]`` and of each ``[[nic]]``."""
MATCH_KEYS: Final[Mapping[str, Key]] = {
    name: Key(name, _read_text, _write) for name in ("interface", "driver", "bus_address", "permanent_address")
}
"""Of each ``[[nic]]``: which cards it is for."""
TELLING_KEYS: Final[Mapping[str, Key]] = {
    "command": Key("command", _read_command, _write),
    "urls": Key("urls", _read_texts, _write),
    "metrics_file": Key("metrics_file", _read_file, _write),
    "metrics_listen": Key("metrics_listen", _read_listen, _write),
}
TOP_KEYS: Final[Mapping[str, Key]] = {
    "watch_virtual": Key("watch_virtual", _read_texts, _write),
    "evidence_bytes": Key("evidence_bytes", _read_size, _write),
    "stand_by": Key("stand_by", _read_flag, _write),
}
