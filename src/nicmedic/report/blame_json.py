# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.blame/1`` for scripts. Described in ``docs/blame-json.md``."""

import json
from collections.abc import Mapping

from nicmedic.model.blame import Blame, KernelFigures, TwinSays, Verdict
from nicmedic.model.plain import Plain, to_plain
from nicmedic.report.blame_words import say_caveat, summarize_blame

__all__ = ["SCHEMA", "build_document", "render_blame_json"]

SCHEMA = "nicmedic.blame/1"


def _kernel(kernel: KernelFigures) -> dict[str, Plain]:
    figures = kernel.figures
    return {
        "package": kernel.package,
        "releases": list(kernel.releases),
        "first": kernel.first,
        "last": kernel.last,
        "ran_h": kernel.ran_h,
        "watched_h": kernel.watched_h,
        "boots_unwatched": kernel.boots_unwatched,
        "boots_treated": kernel.boots_treated,
        "boots": figures.boots,
        "boots_hung": figures.boots_hung,
        "hours_at_risk": figures.hours_at_risk,
        "first_hangs_h": list(figures.first_hangs_h),
        "quiet_h": list(figures.quiet_h),
        "rate_per_h": to_plain(figures.rate_per_h),
        "share_hung": to_plain(figures.share_hung),
    }


def _twin(twin: TwinSays) -> dict[str, Plain]:
    return {
        "host": twin.host,
        "word": str(twin.word),
        "boots": twin.figures.boots,
        "boots_hung": twin.figures.boots_hung,
        "hours_at_risk": twin.figures.hours_at_risk,
        "control_boots": twin.control.boots,
        "control_boots_hung": twin.control.boots_hung,
        "control_hours_at_risk": twin.control.hours_at_risk,
        "p": twin.p,
        "differences": [to_plain(one) for one in twin.differences],
    }


def build_document(blame: Blame) -> Mapping[str, object]:
    """The document as plain values."""
    compared, caveat = blame.comparison, say_caveat(blame)
    return {
        "schema": SCHEMA,
        "verdict": str(Verdict.NOT_SHOWN if compared is None else compared.verdict),
        "summary": summarize_blame(blame),
        "host": blame.host,
        "interface": blame.interface,
        "drivers": list(blame.drivers),
        "before": blame.before,
        "after": blame.after,
        "kernels": [_kernel(kernel) for kernel in blame.kernels],
        "comparison": None if compared is None else to_plain(compared),
        "confounders": [to_plain(one) for one in blame.confounders],
        "unknown_factors": list(blame.unknown_factors),
        "twins": [_twin(twin) for twin in blame.twins],
        "changelog": [to_plain(entry) for entry in blame.changelog],
        "changelog_trouble": blame.changelog_trouble,
        "next_steps": to_plain(blame.next_steps),
        "notes": [*([] if caveat is None else [caveat]), *blame.notes],
    }


def render_blame_json(blame: Blame) -> str:
    """One JSON document, ASCII only."""
    return json.dumps(build_document(blame), ensure_ascii=True, indent=1, allow_nan=False)
