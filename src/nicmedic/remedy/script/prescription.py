# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan as one shell file that a person carries to a host without Python: it checks, keeps, arms, changes, probes, asks and undoes by itself.

What it does to the card are the steps of the plan; what takes them back comes from what the script reads on the host just before, since that may
differ from what was known when it was written. Pure POSIX sh with ip; ethtool where it is there, else mii-tool or NetworkManager's nmcli.
"""

import re
import shlex
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Change, Plan
from nicmedic.model.step import Run, Step, Write
from nicmedic.remedy.recipe import NONE
from nicmedic.remedy.script.steps import SHELLCHECK, Numberer, load_part, quote_in_script, render_identity, tell_how_to_raise
from nicmedic.remedy.script.words import quote_word, render_step

__all__ = ["render_prescription"]

_GROUPS: Final[Mapping[RemedyId, tuple[str, ...]]] = {
    RemedyId.LINK_ADVERTISE_100: ("pause", "link"),
    RemedyId.LINK_FORCE_100: ("pause", "link"),
    RemedyId.OFFLOAD_OFF: ("features",),
    RemedyId.EEE_OFF: ("eee", "link"),
    RemedyId.ASPM_OFF: ("files",),
    RemedyId.RUNTIME_PM_OFF: ("files",),
    RemedyId.MTU: ("mtu",),
    RemedyId.PAUSE_OFF: ("pause", "link"),
    RemedyId.RING: ("ring",),
    RemedyId.INTERRUPT_MODE: ("coalesce", "files"),
}
"""What a remedy sets, by the groups of ``saving.sh``."""
_RESTARTS: Final = frozenset(
    {RemedyId.LINK_BOUNCE, RemedyId.DRIVER_REBIND, RemedyId.MODULE_RELOAD, RemedyId.PCI_RESET, RemedyId.PCI_RESCAN}
)
_ORDER: Final = "name mac features ring coalesce pause eee link mtu files sysctl up master port addresses neighbours routes rules".split()  # noqa: SIM905  # as the script has it
_FLAPPED: Final = frozenset({"up", "master", "addresses", "neighbours", "routes", "rules"})
_PROBING_S: Final = 15
_NOT_SETTINGS: Final = re.compile(r"/(?:bind|unbind|remove|rescan|reset|drivers_probe|driver_override|uevent)\Z")
"""Files that act when they are written and hold nothing that could be put back."""


def _quote_lines(text: str) -> str:
    """Several lines for people as one word."""
    return shlex.quote("".join(letter if letter == "\n" or letter.isprintable() else "?" for letter in text))


def _own_steps(change: Change, put_back: Sequence[Step]) -> tuple[Step, ...]:
    """The steps without those that put back what stood on the card: the script has its own."""
    if put_back and change.steps[-len(put_back) :] == tuple(put_back):
        return change.steps[: -len(put_back)]
    return change.steps


def _find_groups(changes: Iterable[Change]) -> tuple[list[str], list[str]]:
    """What the changes set, and what may fall with it."""
    settings = {group for change in changes for group in _GROUPS.get(change.remedy, ())}
    stack: set[str] = set()
    for change in changes:
        if change.remedy in _RESTARTS:
            stack.update(_ORDER)
        elif change.takes_stack or change.disruption != NONE:
            stack.update(_FLAPPED)
    return [name for name in _ORDER if name in settings], [name for name in _ORDER if name in stack - settings]


def _find_files(steps: Iterable[Step]) -> list[str]:
    return list(dict.fromkeys(step.path for step in steps if isinstance(step, Write) and not _NOT_SETTINGS.search(step.path)))


def _needs_ethtool(change: Change, steps: Iterable[Step]) -> Iterator[str]:
    if any(isinstance(step, Run) and step.argv[0] == "ethtool" and step.needed for step in steps):
        is_link = change.remedy in {RemedyId.LINK_ADVERTISE_100, RemedyId.LINK_FORCE_100}
        yield "link" if is_link else change.remedy


def _tell(change: Change, steps: Iterable[Step], interface: str) -> Iterator[str]:
    yield f"  * {change.title}" + (f" ({change.disruption})" if change.disruption != NONE else "")
    yield from (f"      {render_step(step, interface)}" for step in steps if isinstance(step, Run | Write))
    yield from (f"      Beware: {risk}" for risk in change.risks)


def _render_cases(name: str, bodies: Iterable[Sequence[str]]) -> str:
    cases = "".join(
        f"    {index})\n" + "".join(f"        {line}\n" for line in lines or [":"]) + "        ;;\n" for index, lines in enumerate(bodies)
    )
    return f"{name}() {{\n    case $1 in\n{cases}    *) return 1 ;;\n    esac\n}}\n"


def render_prescription(plan: Plan) -> str:
    """The script of a plan that has changes, none of which needs a boot."""
    name = plan.nic.interface
    steps = [_own_steps(change, plan.put_back) for change in plan.changes]
    numberer = Numberer(name, bare=True, least=1)
    applying = _render_cases("apply_change", [numberer.call_steps(one, stop=True) for one in steps])
    files = [[f"path={quote_in_script(path)}"] for path in _find_files(step for one in steps for step in one)]
    settings, stack = _find_groups(plan.changes)
    pairs = list(zip(plan.changes, steps, strict=True))
    restarts = "".join(f" {index}" for index, change in enumerate(plan.changes) if change.remedy in _RESTARTS)
    values = {
        "title": quote_word(f"{name}: " + "; ".join(change.title for change in plan.changes)),
        "summary": _quote_lines("\n".join(line for change, one in pairs for line in _tell(change, one, name))),
        "plan_hostname": quote_word(plan.hostname or ""),
        "plan_machine_id": quote_word(plan.machine_id or ""),
        "changes": quote_word(" ".join(str(index) for index in range(len(plan.changes)))),
        "restarts": quote_word(f"{restarts} "),
        "remakes": "yes" if any(change.remedy in _RESTARTS for change in plan.changes) else "''",
        "setting_groups": quote_word(" ".join(settings)),
        "stack_groups": quote_word(" ".join(stack)),
        "needs_ethtool": quote_word(" ".join(dict.fromkeys(word for change, one in pairs for word in _needs_ethtool(change, one)))),
        "settle_s": str(_PROBING_S + sum(change.settle_s for change in plan.changes)),
        "lost_steps": quote_word(tell_how_to_raise(plan.nic)),
    }
    head = render_identity(plan.nic) + "".join(f"{key}={value}\n" for key, value in values.items())
    body = f"\n# ---- The steps ----\n\n{numberer.functions}\n{applying}\n{_render_cases('file_path', files)}"
    mark = f"{re.sub('[^A-Za-z0-9_-]', '', name) or 'card'}-{zlib.crc32((head + body).encode()):08x}"
    parts = (load_part(part) for part in ("library.sh", "undoing.sh", "saving.sh", "prescription_main.sh"))
    introduction = f"# Written by nicmedic for a host without it. Read it, then: sh FILE check\n{SHELLCHECK}\n\n"
    return f'#!/bin/sh\n{introduction}prescription={mark}\n{head}\n{"".join(parts)}{body}\nmain "$@"\n'
