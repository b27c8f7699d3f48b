# SPDX-License-Identifier: GPL-2.0-or-later
"""Frozen dataclasses to what JSON can hold, and back.

One walk over the declared types serves every value of a host: written by hand beside each of its thirty classes the same would be five times
as long and could miss a field. Not for schemas that scripts rely on: those are spelled out in ``nicmedic.report``.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import TypeVar, Union

__all__ = ["Plain", "PlainError", "from_plain", "to_plain"]

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
T = TypeVar("T")
_LARGEST = 2**64


class PlainError(ValueError):
    """Data that does not fit its class; the message begins with the place: ``nics.0.mtu: …``."""


def to_plain(value: object) -> Plain:
    """A value as lists, dictionaries and plain values.

    >>> from nicmedic.model.link import Pause
    >>> to_plain(Pause(autoneg=True, rx=False, tx=True))
    {'autoneg': True, 'rx': False, 'tx': True}
    """
    if isinstance(value, Enum):
        return typing.cast("str", value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"no plain form of {type(value).__name__}")


def from_plain(cls: type[T], data: object) -> T:
    """The value that ``to_plain`` was given.

    Unknown keys are passed over and missing ones have their default, so that a file of another version can be read.

    Raises:
        PlainError: something is of another type than its class says.
    """
    return typing.cast("T", _build(cls, data, ""))


@cache
def _hints(cls: type) -> Mapping[str, object]:
    return typing.get_type_hints(cls)


def _misfit(where: str, wanted: str, data: object) -> PlainError:
    return PlainError(f"{where or 'top'}: expected {wanted}, found {type(data).__name__}")


def _build(hint: object, data: object, where: str) -> object:
    origin = typing.get_origin(hint)
    if origin is Union or origin is types.UnionType:
        return _build_union(typing.get_args(hint), data, where)
    if origin is tuple:
        if not isinstance(data, list):
            raise _misfit(where, "a list", data)
        inner = typing.get_args(hint)[0]
        return tuple(_build(inner, item, f"{where}.{index}") for index, item in enumerate(data))
    if origin is Mapping:
        if not isinstance(data, dict):
            raise _misfit(where, "an object", data)
        key_type, inner = typing.get_args(hint)
        return {_build_key(key_type, key, where): _build(inner, item, f"{where}.{key}") for key, item in data.items()}
    if isinstance(hint, type):
        return _build_single(hint, data, where)
    raise TypeError(f"{where}: no way to build {hint}")


def _build_union(hints: tuple[object, ...], data: object, where: str) -> object:
    if data is None and type(None) in hints:
        return None
    kinds = [hint for hint in hints if dataclasses.is_dataclass(hint)]
    if len(kinds) > 1:
        return _build(_choose_kind(kinds, data, where), data, where)
    for hint in hints:
        if hint in (bool, int, float, str):
            if _fits(typing.cast("type", hint), data):
                _check_number(data, where)
                return data
        elif hint is not type(None):
            return _build(hint, data, where)
    raise _misfit(where, " or ".join(str(getattr(hint, "__name__", hint)) for hint in hints), data)


def _choose_kind(kinds: list[typing.Any], data: object, where: str) -> object:
    """Of several classes the one that has most of the data's keys, among those that miss none they need."""
    if not isinstance(data, dict):
        raise _misfit(where, "an object", data)

    def is_needed(field: "dataclasses.Field[object]") -> bool:
        return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING

    names = {kind: {field.name for field in dataclasses.fields(kind)} for kind in kinds}
    fit = [kind for kind in kinds if all(field.name in data for field in dataclasses.fields(kind) if is_needed(field))]
    if not fit:
        raise PlainError(f"{where or 'top'}: the keys {', '.join(map(str, data)) or '(none)'} are those of none of its classes")
    return max(fit, key=lambda kind: (len(names[kind] & set(data)), -len(names[kind] - set(data))))


def _build_key(key_type: type, key: object, where: str) -> object:
    try:
        made = key_type(key)
    except ValueError:
        raise PlainError(f"{where}: expected keys of {key_type.__name__}, found {key!r}") from None
    _check_number(made, where)
    return typing.cast("object", made)


def _check_number(data: object, where: str) -> None:
    """Counters of the kernel have 64 bits; with larger numbers, and with those that JSON does not know, whoever calculates would fail."""
    if isinstance(data, int) and not -_LARGEST <= data <= _LARGEST:
        raise PlainError(f"{where or 'top'}: a number of more than 64 bits")
    if isinstance(data, float) and not math.isfinite(data):
        raise PlainError(f"{where or 'top'}: no number: {data}")


def _fits(cls: type, data: object) -> bool:
    if cls is float:
        return isinstance(data, int | float) and not isinstance(data, bool)
    return type(data) is cls


def _build_single(cls: type, data: object, where: str) -> object:
    if dataclasses.is_dataclass(cls):
        if not isinstance(data, dict):
            raise _misfit(where, "an object", data)
        hints = _hints(cls)
        given = {name: _build(hints[name], data[name], f"{where}.{name}".lstrip(".")) for name in hints if name in data}
        try:
            return cls(**given)
        except TypeError as error:
            raise PlainError(f"{where or 'top'}: {error}") from None
    if issubclass(cls, Enum):
        try:
            return cls(data)
        except ValueError as error:
            raise PlainError(f"{where}: {error}") from None
    if not _fits(cls, data):
        raise _misfit(where, cls.__name__, data)
    _check_number(data, where)
    return float(typing.cast("float", data)) if cls is float else data
