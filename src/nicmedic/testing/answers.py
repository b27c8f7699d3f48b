# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer to a log in memory, with the knowledge that comes with nicmedic."""

from functools import cache

from nicmedic.app.explain import Request, explain
from nicmedic.host.knowledge import SHIPPED_FOLDER, read_knowledge
from nicmedic.knowledge.base import KnowledgeBase
from nicmedic.model.explanation import Explanation
from nicmedic.testing.logs import FakeLogs
from nicmedic.testing.samples import SAMPLES

__all__ = ["explain_bytes", "explain_sample", "shipped_knowledge"]


@cache
def shipped_knowledge() -> KnowledgeBase:
    """What comes with nicmedic, without what the operator of this machine added."""
    return read_knowledge(SHIPPED_FOLDER / "no-such-folder")


def explain_bytes(data: bytes, name: str = "kern.log", *, interface: str | None = None) -> Explanation:
    """The answer to one log."""
    return explain(FakeLogs({name: data}), shipped_knowledge(), Request(names=(name,), interface=interface, fast=False))


@cache
def explain_sample(name: str) -> Explanation:
    """The answer to one of ``nicmedic.testing.samples``."""
    return explain_bytes(SAMPLES[name], f"{name}.log")
