# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy as its file: read again, it is the same."""

import dataclasses
from collections.abc import Iterator, Mapping

from nicmedic.model.policy import Match, NicPolicy, Policy, Telling
from nicmedic.remedy.policy.keys import MATCH_KEYS, NIC_KEYS, TELLING_KEYS, TOP_KEYS, Key

__all__ = ["render_policy"]


def render_policy(policy: Policy, *, mask: bool = False) -> str:
    """The text of the file.

    Args:
        policy: what it is to say.
        mask: of addresses that hold secrets, show the scheme only: for people, not for reading again.
    """
    telling = policy.telling
    if mask:
        telling = dataclasses.replace(telling, urls=tuple(_mask(url) for url in telling.urls))
    parts = [
        "\n".join(_lines(policy, TOP_KEYS, Policy())),
        _table("[default]", _lines(policy.default, NIC_KEYS, None)),
        *(_table("[[nic]]", [*_lines(match, MATCH_KEYS, Match()), *_lines(nic, NIC_KEYS, policy.default)]) for match, nic in policy.nics),
        _table("[telling]", _lines(telling, TELLING_KEYS, Telling())),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _mask(url: str) -> str:
    scheme, separator, _ = url.partition("://")
    return f"{scheme}://***" if separator else "***"


def _table(title: str, lines: "list[str] | Iterator[str]") -> str:
    return "\n".join([title, *lines])


def _lines(value: Policy | NicPolicy | Match | Telling, keys: Mapping[str, Key], usual: object) -> Iterator[str]:
    """What differs from the usual; everything where there is none."""
    for name, key in keys.items():
        said = getattr(value, key.field)
        if usual is None or said != getattr(usual, key.field):
            yield f"{name} = {key.write(said)}"
