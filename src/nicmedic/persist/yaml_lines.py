# SPDX-License-Identifier: GPL-2.0-or-later
"""YAML as mappings of text with line numbers. Nothing is built from tags, and nothing is kept that a network definition does not need."""

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Node", "parse_yaml"]

_LARGEST = 256 << 10
"""PyYAML without its C part takes 3 s for this; a netplan file has a few hundred bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value of a document. What is not there is an empty node, so that a path of keys can be asked for."""

    value: str = ""
    """The text of a scalar; empty for all else."""
    line: int = 0
    key_line: int = 0
    """Where the key stands that leads to it."""
    pairs: tuple[tuple[str, "Node"], ...] = ()
    members: tuple["Node", ...] = ()

    def child(self, key: str) -> "Node":
        """The value of a key; the last where a key stands twice."""
        return next((node for name, node in reversed(self.pairs) if name == key), Node())

    def text(self, key: str) -> str | None:
        """A scalar below a key; None: there is none."""
        return self.child(key).value or None

    def items(self) -> Iterator[tuple[str, "Node"]]:
        """Keys and values of a mapping."""
        return iter(self.pairs)

    def elements(self) -> Iterator["Node"]:
        """Members of a list."""
        return iter(self.members)


def parse_yaml(text: str) -> Node | str:
    r"""The first document; a sentence where it is no YAML.

    >>> node = parse_yaml("network:\n  ethernets: {eth0: {mtu: 1400}}\n")
    >>> node.child("network").child("ethernets").child("eth0").text("mtu") if isinstance(node, Node) else node
    '1400'
    """
    import yaml  # only where there is such a file: its import takes 20 ms

    if len(text) > _LARGEST:
        return f"larger than {_LARGEST >> 10} KiB: not read"
    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return Node() if root is None else _convert(root, 0, _Budget())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        return f"{where}no YAML: {getattr(error, 'problem', None) or 'it has characters that YAML does not allow'}"
    except (RecursionError, ValueError):
        return "nested too deeply: not read"


class _Budget:
    """Aliases can make a short text expand without end."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = 100_000


def _convert(node: object, key_line: int, budget: _Budget) -> Node:
    import yaml

    budget.left -= 1
    if budget.left < 0:
        raise ValueError
    if isinstance(node, yaml.MappingNode):
        pairs = tuple(
            (key.value, _convert(value, key.start_mark.line + 1, budget)) for key, value in node.value if isinstance(key, yaml.ScalarNode)
        )
        return Node(line=node.start_mark.line + 1, key_line=key_line, pairs=pairs)
    if isinstance(node, yaml.SequenceNode):
        return Node(line=node.start_mark.line + 1, key_line=key_line, members=tuple(_convert(each, 0, budget) for each in node.value))
    assert isinstance(node, yaml.ScalarNode)  # noqa: S101  # YAML has no fourth kind
    return Node(value=node.value, line=node.start_mark.line + 1, key_line=key_line)
