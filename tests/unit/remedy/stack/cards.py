# SPDX-License-Identifier: GPL-2.0-or-later
"""A card with nothing on it, and the commands that put one back."""

import dataclasses

from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.step import Rename, Run, Step, Write
from nicmedic.remedy.script.words import render_step
from nicmedic.remedy.stack.put_back import build_put_back

__all__ = ["EMPTY", "FIX", "FLAGS", "card", "find_step", "lines"]

FIX = Nic(interface="eth0", ifindex=2, uppers=(), addresses=())
EMPTY = Host(routes=(), rules=(), neighbours=())
FLAGS = ("BROADCAST", "MULTICAST", "UP", "LOWER_UP")


def lines(nic: Nic, host: Host = EMPTY) -> list[str]:
    """Commands, without the first step, which names the interface."""
    first, *steps = build_put_back(dataclasses.replace(host, nics=(nic,)), nic)
    assert first == Rename(name="eth0")
    return [render_step(step, nic.interface) for step in steps]


def card(**fields: object) -> Nic:
    return dataclasses.replace(FIX, **fields)  # type: ignore[arg-type]  # names are those of the fields


def find_step(steps: tuple[Step, ...], words: str) -> Run | Write:
    """The one whose command holds the words."""
    (step,) = [step for step in steps if isinstance(step, Run | Write) and words in render_step(step, "eth0")]
    return step
