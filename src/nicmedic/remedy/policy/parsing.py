# SPDX-License-Identifier: GPL-2.0-or-later
"""``/etc/nicmedic/policy.toml`` to values. Whatever it does not understand is an error: a policy that is half understood is none."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from nicmedic.model.errors import PolicyError
from nicmedic.model.policy import Match, NicPolicy, Policy, Telling
from nicmedic.remedy.policy.keys import MATCH_KEYS, NIC_KEYS, TELLING_KEYS, TOP_KEYS, Key, MisfitError

__all__ = ["parse_policy"]

_HINT = "nicmedic watch --once   # after mending the file"
_LONGEST = 60
_SECRETS = "telling."
_KINDS = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}


def parse_policy(text: str) -> Policy:
    """The policy.

    Raises:
        PolicyError: it is no TOML, or a key, a type or a value is none that is known; the message names it.
    """
    import tomllib  # the resident watcher needs it for a moment only

    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: of TOML, or a number of thousands of digits
        raise PolicyError(f"no TOML: {_quote(str(error))}", hint=_HINT) from None
    tables = ("default", "nic", "telling")
    _check_keys("", data, (*TOP_KEYS, *tables))
    default = NicPolicy(**_read("default.", _as_table("default", data.get("default", {})), NIC_KEYS))
    parts = data.get("nic", [])
    if not isinstance(parts, list):
        raise PolicyError("nic: one table; allowed are several, each begun by [[nic]]", hint=_HINT)
    return Policy(
        default=default,
        nics=tuple(_read_nic(number, part, default) for number, part in enumerate(parts, 1)),
        telling=Telling(**_read("telling.", _as_table("telling", data.get("telling", {})), TELLING_KEYS)),
        **_read("", {key: value for key, value in data.items() if key in TOP_KEYS}, TOP_KEYS),
    )


def _read_nic(number: int, part: object, default: NicPolicy) -> tuple[Match, NicPolicy]:
    """One ``[[nic]]``; what it does not say is as in ``[default]``."""
    where = f"nic {number}."
    table = _as_table(f"nic {number}", part)
    _check_keys(where, table, (*MATCH_KEYS, *NIC_KEYS))
    match = Match(**_read(where, {key: value for key, value in table.items() if key in MATCH_KEYS}, MATCH_KEYS))
    if match == Match():
        raise PolicyError(f"nic {number}: it does not say which card it is for; allowed are {', '.join(MATCH_KEYS)}", hint=_HINT)
    rest = {key: value for key, value in table.items() if key in NIC_KEYS}
    return match, dataclasses.replace(default, **_read(where, rest, NIC_KEYS))


def _as_table(where: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise PolicyError(f"{where}: {_show(where, value)}: allowed is a table, begun by its name in brackets", hint=_HINT)
    return value


def _check_keys(where: str, table: Mapping[str, object], allowed: tuple[str, ...]) -> None:
    for key in table:
        if key not in allowed:
            shown = "(a key)" if where == _SECRETS else _quote(key)
            raise PolicyError(f"{where}{shown}: there is no such key; allowed are {', '.join(allowed)}", hint=_HINT)


def _read(where: str, table: Mapping[str, object], keys: Mapping[str, Key]) -> dict[str, Any]:
    """Fields by their names."""
    _check_keys(where, table, tuple(keys))
    fields: dict[str, Any] = {}
    for name, value in table.items():
        try:
            fields[keys[name].field] = keys[name].read(value)
        except MisfitError as misfit:
            raise PolicyError(f"{where}{name}: {_show(where, value)}: allowed is {misfit}", hint=_HINT) from None
    return fields


def _show(where: str, value: object) -> str:
    """What stands there; of all that may be a secret only what kind of thing it is."""
    if where.startswith("telling"):
        return next((name for kind, name in _KINDS.items() if isinstance(value, kind)), "something else")
    try:
        return _quote(repr(value))
    except ValueError:
        return "a number of thousands of digits"


def _quote(text: str) -> str:
    """Harmless for a terminal, and short; a URL, which has strayed here, may hold a secret."""
    if "://" in text:
        return "(a URL)"
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[:_LONGEST])
    return shown + (" …" if len(text) > _LONGEST else "")
