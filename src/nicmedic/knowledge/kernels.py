# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel version ranges, as evidence: ``>=6.4,<6.5``. Never used to decide what the machine can do."""

import re

from nicmedic.model.boot import Boot

__all__ = ["is_kernel_in", "parse_kernel_range", "parse_kernel_version"]

Bound = tuple[str, tuple[int, ...]]
_BOUND = re.compile(r"(>=|<=|==|>|<)\s*(\d+(?:\.\d+)*)$")
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


def parse_kernel_range(text: str) -> tuple[Bound, ...]:
    """Parse ``>=6.4,<6.5``.

    Raises:
        ValueError: a part is no comparison with a version.
    """
    bounds: list[Bound] = []
    for part in text.split(","):
        found = _BOUND.match(part.strip())
        if found is None:
            message = f"kernel range {text!r}: {part.strip()!r} is not a comparison such as >=6.4 or <6.5"
            raise ValueError(message)
        bounds.append((found[1], tuple(int(number) for number in found[2].split("."))))
    return tuple(bounds)


def parse_kernel_version(boot: Boot) -> tuple[int, ...] | None:
    """Upstream version of a boot's kernel, three numbers; None where the log does not say.

    A Debian package version (``3.2.73-2``) is preferred to the release (``3.2.0-4-amd64``), which hides the point release.
    """
    for text in (boot.kernel_package, boot.kernel_release):
        found = _VERSION.search(text) if text else None
        if found is not None:
            return int(found[1]), int(found[2]), int(found[3] or 0)
    return None


def is_kernel_in(version: tuple[int, ...], bounds: tuple[Bound, ...]) -> bool:
    """Whether a version lies within all bounds. Missing parts of a bound count as 0."""
    for sign, bound in bounds:
        wanted = (*bound, 0, 0)[:3]
        holds = {
            ">=": version >= wanted,
            "<=": version <= wanted,
            "==": version[: len(bound)] == bound,
            ">": version > wanted,
            "<": version < wanted,
        }[sign]
        if not holds:
            return False
    return True
