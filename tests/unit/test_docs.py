# SPDX-License-Identifier: GPL-2.0-or-later
"""The documents point to things that are there."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(<?([^)>\s]+)>?(?: \"[^\"]*\")?\)|^\[[^\]]+\]: *(\S+)", re.MULTILINE)
REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+")


def documents() -> list[Path]:
    """Every Markdown file of ours, wherever it stands."""
    inside = [path for path in ROOT.rglob("*.md") if path.relative_to(ROOT).parts[0] not in {".venv", "build", "dist"}]
    return sorted(path for path in inside if not any(part.endswith("_cache") for part in path.parts))


def links(path: Path) -> Iterator[str]:
    """Where a document's links lead."""
    for match in LINK.finditer(FENCE.sub("", path.read_text(encoding="utf-8"))):
        yield match[1] or match[2]


def slug(heading: str) -> str:
    """The anchor that a forge makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def requirement_names(requirements: list[str]) -> set[str]:
    """Bare names of dependencies."""
    return {match[0] for text in requirements if (match := REQUIREMENT.match(text))}


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_into_the_repository_lead_somewhere(path: Path) -> None:
    broken = []
    for link in links(path):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists():
            broken.append(link)
        elif anchor and target.suffix == ".md":
            text = FENCE.sub("", target.read_text(encoding="utf-8"))
            if anchor not in {slug(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}:
                broken.append(link)
    assert not broken


def test_each_dependency_has_its_reason() -> None:
    project = PYPROJECT["project"]
    wanted = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted += extra
    for group in PYPROJECT["dependency-groups"].values():
        wanted += group
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))
    assert told == requirement_names(wanted + PYPROJECT["build-system"]["requires"])


def test_each_development_tool_has_a_pinned_version() -> None:
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pinned = {re.sub(r"[-_.]+", "-", word.lower()) for word in pins}
    assert requirement_names(PYPROJECT["dependency-groups"]["dev"]) <= pinned
