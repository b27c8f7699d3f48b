# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the knowledge files: those that come with nicmedic, and an operator's in /etc/nicmedic/knowledge.d.

Parsing all shipped TOML takes longer than everything else that ``explain`` does with a short log, so the build keeps their tables in one JSON file
beside them. That file is only ever a copy: each table in it carries the checksum of the TOML it came from, and where that differs the TOML is read.
"""

import dataclasses
import json
import os
import tomllib
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import nicmedic.knowledge
from nicmedic.knowledge.base import KnowledgeBase, KnowledgeFile
from nicmedic.knowledge.values import Problem

__all__ = ["COMPILED", "OPERATOR_FOLDER", "SHIPPED_FOLDER", "compile_knowledge", "read_knowledge", "read_knowledge_file"]

SHIPPED_FOLDER = Path(nicmedic.knowledge.__path__[0]) / "data"
COMPILED = SHIPPED_FOLDER / "compiled.json"
OPERATOR_FOLDER = Path("/etc/nicmedic/knowledge.d")


def read_knowledge_file(path: Path, data: bytes | None = None) -> KnowledgeFile | Problem:
    """One TOML file, or why it cannot be read."""
    try:
        text = (path.read_bytes() if data is None else data).decode("utf-8")
        return KnowledgeFile(name=path.stem, path=str(path), data=tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        line = next((int(word) for word in str(error).replace(",", " ").split() if word.isdigit()), None)
        return Problem(file=str(path), line=line, reason=str(error))
    except UnicodeDecodeError as error:
        return Problem(file=str(path), line=None, reason=f"not UTF-8 text: {error}")
    except OSError as error:
        return Problem(file=str(path), line=None, reason=error.strerror or str(error))


def _list(folder: Path) -> list[Path]:
    try:
        return sorted(folder / name for name in os.listdir(folder) if name.endswith(".toml") and not name.startswith("."))  # noqa: PTH208  # 5 ms faster
    except OSError:
        return []


def _read_compiled() -> Mapping[str, object]:
    try:
        tables = json.loads(COMPILED.read_bytes())
    except (OSError, ValueError):
        return {}
    return tables if isinstance(tables, Mapping) else {}


def _read_shipped() -> Iterator[KnowledgeFile | Problem]:
    compiled = _read_compiled()
    for path in _list(SHIPPED_FOLDER):
        content = path.read_bytes()
        kept = compiled.get(path.stem)
        if isinstance(kept, Mapping) and kept.get("crc32") == zlib.crc32(content) and isinstance(kept.get("tables"), Mapping):
            yield KnowledgeFile(name=path.stem, path=str(path), data=kept["tables"], shipped=True)
        else:
            read = read_knowledge_file(path, content)
            yield read if isinstance(read, Problem) else dataclasses.replace(read, shipped=True)


def read_knowledge(operator_folder: Path = OPERATOR_FOLDER) -> KnowledgeBase:
    """All knowledge. A file that cannot be read becomes a problem of the base; the rest stands."""
    items = [*_read_shipped(), *(read_knowledge_file(path) for path in _list(operator_folder))]
    return KnowledgeBase(
        [item for item in items if isinstance(item, KnowledgeFile)],
        [item for item in items if isinstance(item, Problem)],
    )


def compile_knowledge() -> str:
    """The JSON that ``COMPILED`` holds: for each shipped file its tables and the checksum of its TOML."""
    tables: dict[str, object] = {}
    for path in _list(SHIPPED_FOLDER):
        content = path.read_bytes()
        tables[path.stem] = {"crc32": zlib.crc32(content), "tables": tomllib.loads(content.decode("utf-8"))}
    return json.dumps(tables, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
