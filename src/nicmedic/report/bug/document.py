# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.report/1`` for scripts: all values of the report, its title and summary. Described in ``docs/report-json.md``."""

import json
from collections.abc import Mapping

from nicmedic.model.bug_report import BugReport
from nicmedic.model.plain import Plain, to_plain
from nicmedic.report.bug.form import Form
from nicmedic.report.bug.words import is_regression, list_summary, say_title

__all__ = ["DOCUMENT", "SCHEMA", "build_report_document"]

SCHEMA = "nicmedic.report/1"


def build_report_document(report: BugReport) -> Mapping[str, Plain]:
    """The document as plain values."""
    plain = to_plain(report)
    assert isinstance(plain, dict)  # noqa: S101  # a dataclass is an object
    return {
        "schema": SCHEMA,
        "title": say_title(report),
        "summary": list(list_summary(report)),
        "is_regression": is_regression(report),
        **plain,
    }


def _render(report: BugReport) -> str:
    return json.dumps(build_report_document(report), ensure_ascii=True, indent=1, allow_nan=False) + "\n"


DOCUMENT = Form("json", "one JSON document, schema nicmedic.report/1", _render)
