# SPDX-License-Identifier: GPL-2.0-or-later
"""Journal entries as fields: ``journalctl -o json``, ``-o export``, ``-o verbose``, and what reads a binary journal through them.

Field names: systemd.journal-fields(7). The time of an event is ``__REALTIME_TIMESTAMP`` less the delay between the kernel's own stamp
(``_SOURCE_MONOTONIC_TIMESTAMP``) and the moment journald read it (``__MONOTONIC_TIMESTAMP``); all in microseconds.
"""

import re
from collections.abc import Mapping

from nicmedic.kernlog.formats.head import Head
from nicmedic.kernlog.lazy import lazy_pattern
from nicmedic.kernlog.stamps import parse_epoch_us

__all__ = ["EXPORT_FIELD", "VERBOSE_FIELD", "VERBOSE_HEAD", "flatten_export", "parse_entry"]

EXPORT_FIELD = lazy_pattern(r"(?P<key>[A-Z_][A-Z0-9_]{0,63})=(?P<value>.*)\Z", re.DOTALL)
VERBOSE_FIELD = lazy_pattern(r" {4}(?P<key>[A-Z_][A-Z0-9_]{0,63})=(?P<value>.*)\Z")
VERBOSE_HEAD = lazy_pattern(
    r"[^\[\]]{10,60} \[s=[0-9a-f]+;i=[0-9a-f]+;b=(?P<boot>[0-9a-f]{32});m=(?P<mono>[0-9a-f]+);t=(?P<real>[0-9a-f]+);x=[0-9a-f]+\]\Z"
)
_BINARY_FIELD = re.compile(rb"(?m)^([A-Z_][A-Z0-9_]{0,63})\n")
_DEVICE = lazy_pattern(r"\+[\w-]+:(?P<name>\S+)\Z")
_LONGEST_FIELD = 1 << 20


def flatten_export(data: bytes) -> bytes:
    r"""Write binary fields of the export format (name, 8 bytes of length, bytes) as ``NAME=text`` with newlines as ``\x0a``.

    Each newline taken away comes back as an empty field ``_=``, so that the lines after it keep their numbers.

    https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-export-format
    """
    pieces: list[bytes] = []
    position = 0
    for found in _BINARY_FIELD.finditer(data):
        if found.start() < position:
            continue
        begin = found.end() + 8
        length = int.from_bytes(data[found.end() : begin], "little")
        if length > _LONGEST_FIELD or data[begin + length : begin + length + 1] != b"\n":
            continue
        value = data[begin : begin + length].replace(b"\n", b"\\x0a")
        pieces += [data[position : found.start()], found[1], b"=", value, b"\n_=" * data.count(b"\n", found.start(), begin + length)]
        position = begin + length
    return b"".join([*pieces, data[position:]]) if pieces else data


def _text_of(value: object) -> str | None:
    """A field's value: a text, a list of byte numbers (control characters inside), or a list of values (field given twice)."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if value and all(isinstance(item, int) and 0 <= item < 256 for item in value):  # bytes
            return bytes(value).decode("utf-8", "backslashreplace")
        texts = [text for text in map(_text_of, value) if text is not None]
        return texts[0] if texts else None
    return None


def _number(fields: Mapping[str, object], key: str) -> int | None:
    text = _text_of(fields.get(key))
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 20 else None  # 64 bit


def parse_entry(fields: Mapping[str, object]) -> Head | None:
    """One entry; None: it has no message."""
    message = _text_of(fields.get("MESSAGE"))
    if message is None:
        return None
    realtime, monotonic, source = (
        _number(fields, key) for key in ("__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP", "_SOURCE_MONOTONIC_TIMESTAMP")
    )
    transport = _text_of(fields.get("_TRANSPORT"))
    delay = monotonic - source if monotonic is not None and source is not None and transport == "kernel" else 0
    uptime = source if source is not None and transport == "kernel" else monotonic
    device = _DEVICE.match(_text_of(fields.get("_KERNEL_DEVICE")) or "")
    return Head(
        message,
        wall=parse_epoch_us(realtime - delay) if realtime is not None and realtime >= delay else None,
        uptime_s=None if uptime is None else uptime / 1e6,
        host=_text_of(fields.get("_HOSTNAME")),
        level=_number(fields, "PRIORITY"),
        kernel=transport == "kernel" if transport is not None else None,
        boot_id=_text_of(fields.get("_BOOT_ID")),
        device=device["name"] if device else None,
    )
