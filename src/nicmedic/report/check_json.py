# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.check/1``: the checkup for scripts, with every fact of the host. Described in ``docs/check-json.md`` and ``docs/schema``."""

import json
from collections.abc import Mapping

from nicmedic.model.checkup import Checkup
from nicmedic.model.nic import Nic
from nicmedic.model.plain import Plain, to_plain

__all__ = ["SCHEMA", "build_document", "render_check_json"]

SCHEMA = "nicmedic.check/1"


def _fields(value: object, *left_out: str) -> dict[str, Plain]:
    plain = to_plain(value)
    assert isinstance(plain, dict)  # noqa: S101  # every value here is a dataclass
    return {name: item for name, item in plain.items() if name not in left_out}


def build_document(checkup: Checkup) -> Mapping[str, object]:
    """The document as plain values."""
    nics: dict[str, Nic] = {nic.interface: nic for nic in checkup.host.nics}
    return {
        "schema": SCHEMA,
        "host": _fields(checkup.host, "nics"),
        "nics": [{**_fields(nics[one.interface]), **_fields(one)} for one in checkup.verdicts],
        "seconds_between_looks": checkup.seconds_between_looks,
        "notes": list(checkup.notes),
        "lost": [_fields(one) for one in checkup.lost],
        "kept_absent": [_fields(one) for one in checkup.kept_absent],
    }


def render_check_json(checkup: Checkup) -> str:
    """One JSON document, ASCII only."""
    return json.dumps(build_document(checkup), ensure_ascii=True, indent=1, allow_nan=False)
