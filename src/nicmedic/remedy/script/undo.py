# SPDX-License-Identifier: GPL-2.0-or-later
"""``undo.sh``: what takes a transaction back when nobody is there any more. One file; no Python, no network, no name resolution.

The text is that of ``library.sh``, ``undoing.sh`` and ``undo_main.sh``, and the steps of one plan. All of it is functions, and the last line calls
them: a shell has read the file to its end before it does anything, so a disk that dies then takes nothing away.
"""

from nicmedic.model.plan import Plan
from nicmedic.remedy.recipe import NONE
from nicmedic.remedy.script.steps import SHELLCHECK, Numberer, load_part, render_identity, tell_how_to_raise
from nicmedic.remedy.script.words import quote_word

__all__ = ["render_undo"]


def _indent(lines: list[str], depth: int) -> str:
    return "".join(f"{'    ' * depth}{line}\n" for line in lines or [":"])


def render_undo(plan: Plan) -> str:
    """The undo script of a plan, for the folder of its transaction; its name there is ``undo.sh``."""
    numberer = Numberer(plan.nic.interface)
    cases = "".join(
        f"    {index})\n{_indent(numberer.call_steps(change.undo), 2)}        ;;\n" for index, change in enumerate(plan.changes)
    )
    put_back = _indent(numberer.call_steps(plan.put_back), 1)
    moving = [str(index) for index, change in enumerate(plan.changes) if change.takes_stack or change.disruption != NONE]
    newest_first = " ".join(str(index) for index in reversed(range(len(plan.changes))))
    return "".join(
        (
            "#!/bin/sh\n# Undoes a change that nicmedic made to a network card: sh undo.sh. It stands in the folder of its transaction.\n",
            f"{SHELLCHECK}\n\n",
            render_identity(plan.nic),
            f"plan_boot_id={quote_word(plan.boot_id or '')}\n",
            f"changes='{newest_first}'\n",
            f"moving=' {' '.join(moving)} '\n",
            f"lost_steps={quote_word(tell_how_to_raise(plan.nic))}\n\n",
            load_part("library.sh"),
            load_part("undoing.sh"),
            load_part("undo_main.sh"),
            f"\n# ---- The steps ----\n\n{numberer.functions}\n",
            f'undo_change() {{\n    case $1 in\n{cases}    *) ;;\n    esac\n}}\n\nput_stack_back() {{\n{put_back}}}\n\nmain "$@"\n',
        )
    )
