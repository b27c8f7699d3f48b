# SPDX-License-Identifier: GPL-2.0-or-later
"""GRUB's environment block: 1024 bytes of ``name=value`` lines, filled up with ``#`` (grub-core/lib/envblk.c).

It is changed here without being made shorter or longer, so that it can be written over itself, as GRUB does: no block of the disk changes its place,
and no journal has a part in it.
"""

from collections.abc import Iterator, Mapping

__all__ = ["SIZE", "SPENT", "VARIABLE", "is_block", "parse_environment", "set_variable", "spend_word"]

SIZE = 1024
VARIABLE = "nicmedic_trial"
"""The number of the trial whose kernel is to be booted once."""
SPENT = "-"
_HEAD = b"# GRUB Environment Block\n"


def spend_word(trial: int) -> str:
    """What GRUB writes in place of the word: as long as that, so that nothing else moves."""
    return SPENT * len(str(trial))


def is_block(data: bytes) -> bool:
    """Whether GRUB would take it for its block, and write it."""
    return len(data) == SIZE and data.startswith(_HEAD) and data.rstrip(b"#").endswith(b"\n")


def _list_lines(data: bytes) -> Iterator[bytes]:
    """With their ends; a backslash takes the meaning of the byte behind it."""
    at = begin = len(_HEAD)
    while at < len(data):
        if data[at : at + 1] == b"\\":
            at += 2
            continue
        at += 1
        if data[at - 1 : at] == b"\n":
            yield data[begin:at]
            begin = at
    yield data[begin:]


def _decode(value: bytes) -> str:
    held, waiting = bytearray(), False
    for byte in value:
        if byte == ord("\\") and not waiting:
            waiting = True
            continue
        held.append(byte)
        waiting = False
    return held.decode("utf-8", "surrogateescape")


def parse_environment(data: bytes) -> Mapping[str, str]:
    """Variables and their values."""
    lines = (line[:-1].partition(b"=") for line in _list_lines(data) if line.endswith(b"\n") and not line.startswith(b"#"))
    return {name.decode("utf-8", "surrogateescape"): _decode(value) for name, sign, value in lines if sign}


def set_variable(data: bytes, name: str, value: str | None) -> bytes | None:
    r"""The block with a variable set, or, of None, taken out; None: there is no room for it.

    >>> set_variable(b"# GRUB Environment Block\n" + b"#" * 999, "a", "1")[25:32]
    b'a=1\n###'
    """
    ours = name.encode() + b"="
    new = b""
    if value is not None:
        new = (
            ours
            + b"".join(b"\\" + bytes([byte]) if byte in b"\\\n" else bytes([byte]) for byte in value.encode("utf-8", "surrogateescape"))
            + b"\n"
        )
    lines = list(_list_lines(data.rstrip(b"#")))
    at = next((index for index, line in enumerate(lines) if line.startswith(ours)), None)
    if at is None:
        lines.append(new)
    else:
        lines[at] = new
    held = _HEAD + b"".join(lines)
    return held.ljust(SIZE, b"#") if len(held) <= SIZE else None
