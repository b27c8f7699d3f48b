# SPDX-License-Identifier: GPL-2.0-or-later
"""Build step: keep the knowledge files' tables as JSON beside them, because parsing the TOML takes longer than explaining a log.

The JSON is only a copy with checksums (see ``nicmedic.host.knowledge``): without it everything works, more slowly.
"""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileKnowledge(BuildHookInterface[Any]):
    """Writes ``src/nicmedic/knowledge/data/compiled.json`` and puts it into the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is put together, editable ones included."""
        del version
        source = Path(self.root) / "src"
        sys.path.insert(0, str(source))
        try:
            from nicmedic.host.knowledge import COMPILED, compile_knowledge  # only now it can be found

            COMPILED.write_text(compile_knowledge(), "utf-8")
        finally:
            sys.path.remove(str(source))
        build_data["artifacts"].append(str(COMPILED.relative_to(self.root)))
