# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules of the house that no linter knows; CONTRIBUTING.md tells them in prose."""

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
SPDX = "# SPDX-License-Identifier: GPL-2.0-or-later"
MAX_MODULE_LINES = 600
MAX_FUNCTION_LINES = 60
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}

FOLDERS = [ROOT / name for name in ("src", "tests", "tools", "bench", "lab", ".ci")]
SOURCES = sorted(path for folder in FOLDERS for path in folder.rglob("*.py") if "cases" not in path.parts)
MODULES = sorted(SRC.rglob("*.py"))
SHELL = sorted(path for folder in FOLDERS for path in [*folder.rglob("*.sh"), *folder.glob("run")])


def name(path: Path) -> str:
    """The test's id."""
    return str(path.relative_to(ROOT))


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_source_begins_with_its_licence(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    if lines and lines[0].startswith("#!"):
        del lines[0]
    assert lines[:1] == [SPDX]


@pytest.mark.parametrize("path", SHELL, ids=name)
def test_shell_script_tells_its_licence(path: Path) -> None:
    shebang, licence = path.read_text(encoding="utf-8").splitlines()[:2]
    assert shebang.startswith("#!")
    assert licence == SPDX


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_unfinished_business_has_no_mark_in_the_source(path: Path) -> None:
    """It belongs where others look for it: the issue tracker."""
    with path.open("rb") as file:
        comments = [token for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT]
    marks = [f"line {token.start[0]}" for token in comments if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", token.string)]
    assert not marks


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_module_name_says_what_is_in_it(path: Path) -> None:
    assert not EMPTY_NAMES.intersection(path.relative_to(SRC).with_suffix("").parts)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_module_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_MODULE_LINES
    lengths = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions(parse(path))}
    assert not {function: lines for function, lines in lengths.items() if lines > MAX_FUNCTION_LINES}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_module_and_what_it_offers_have_docstrings(path: Path) -> None:
    tree = parse(path)
    assert ast.get_docstring(tree), "the module has none"
    public = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    assert not [node.name for node in public if not ast.get_docstring(node)]


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=name)
def test_init_holds_only_docstring_and_re_exports(path: Path) -> None:
    allowed = {"__all__"}
    if path == SRC / "nicmedic" / "__init__.py":
        allowed.add("__version__")  # the one place where it stands; pyproject.toml reads it here
    for node in parse(path).body[1:]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        assert isinstance(target, ast.Name), f"line {node.lineno}"
        assert target.id in allowed, f"line {node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_all_lists_every_public_function_and_class_and_nothing_unknown(path: Path) -> None:
    listed: set[str] = set()
    offered: set[str] = set()
    known: set[str] = set()
    for node in parse(path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            offered.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            known.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            known.update(ast.unparse(target) for target in targets)
            if "__all__" in map(ast.unparse, targets) and node.value:
                listed = set(ast.literal_eval(node.value))
    assert not {word for word in offered if not word.startswith("_")} - listed
    assert not listed - offered - known
