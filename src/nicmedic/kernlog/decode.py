# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes to clean lines: encodings, carriage returns, escape sequences, blanks that are no blanks. Knows nothing of logs."""

import codecs

from nicmedic.kernlog.lazy import lazy_pattern

__all__ = ["clean_line", "decode_text", "find_encoding", "looks_binary"]

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CONTROL_SEQUENCE = lazy_pattern(
    r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]"  # CSI: colours, cursor movement
    r"|\x1b\][^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\)?"  # OSC: titles, links
    r"|\x1b[PX^_][^\x1b\n]{0,4096}(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]{0,4}[0-~]?"  # two-byte escapes
)
_ODD_BLANKS = {
    ord(blank): " "
    for blank in "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\u2028\u2029\x85\x0b\x0c"
}
_TRANSLATION = {
    **_ODD_BLANKS,
    **dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\x00\x07"), None),
    ord("\u2013"): "-",
    ord("\u2212"): "-",
}
_ORDINARY = lazy_pattern(r"[\t\x20-\x7e]*\Z")
_TEXT_CONTROLS = b"\t\n\r\x1b\x00\x1e\x0c\x08"
_SAMPLE = 8192
_MOST_CONTROLS = 0.05
"""Of random bytes every eleventh is a control character that no log has."""


def find_encoding(data: bytes) -> tuple[str, int]:
    """Encoding of a log and the length of its byte order mark. UTF-16 without a mark shows by every second byte being zero."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return name, len(mark)
    sample = data[:_SAMPLE]
    half = len(sample) // 2
    if half >= 16:  # too little to judge below that
        if sample[1::2].count(0) > 0.8 * half and sample[0::2].count(0) < 0.1 * half:  # shares of zero bytes
            return "utf-16-le", 0
        if sample[0::2].count(0) > 0.8 * half and sample[1::2].count(0) < 0.1 * half:  # shares of zero bytes
            return "utf-16-be", 0
    return "utf-8", 0


def decode_text(data: bytes, encoding: str | None = None) -> str:
    r"""Decode a whole piece; bytes that are no text stay visible as ``\xNN``. ``encoding``: known from the beginning of the source."""
    name, skip = find_encoding(data) if encoding is None else (encoding, 0)
    errors = "backslashreplace" if name == "utf-8" else "replace"
    return data[skip:].decode(name, errors)


def looks_binary(data: bytes) -> bool:
    """Whether a file's beginning is no text at all: many control bytes."""
    name, _ = find_encoding(data)
    sample = data[:_SAMPLE]
    if name != "utf-8" or not sample:
        return False
    controls = sum(sample.count(bytes([byte])) for byte in range(32) if byte not in _TEXT_CONTROLS)
    return controls > _MOST_CONTROLS * (len(sample) - sample.count(0))  # zeros stand in logs after a crash, and everywhere in programs


def clean_line(line: str) -> str:
    """Take escape sequences, zero-width characters and odd blanks out of one line, and the carriage return at its end."""
    if _ORDINARY.match(line):
        return line
    if "\x1b" in line:
        line = _CONTROL_SEQUENCE.sub("", line)
    return line.translate(_TRANSLATION).rstrip("\r")
