# SPDX-License-Identifier: GPL-2.0-or-later
"""What GRUB would make of its configuration, as far as that can be told without its machine: variables, menu entries, its environment block.

What depends on the machine (a disk that is searched, a module that is loaded, the firmware) is unknown; then both ways are gone, and what differs
behind them is unknown too. Not for what an entry starts: that is ``entries.py``.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from nicmedic.persist.boot_menu.script import Block, Command, Function, If, Loop, Node, Word, parse_script

__all__ = ["Entry", "Menu", "run_menu"]

_FEATURES = (
    "feature_chainloader_bpb", "feature_ntldr", "feature_platform_search_hint", "feature_default_font_path", "feature_all_video_module",
    "feature_menuentry_id", "feature_menuentry_options", "feature_200_final", "feature_nativedisk_cmd", "feature_timeout_style",
)  # fmt: skip
"""Since 2.00 (grub-core/normal/main.c, ``features``); ``feature_timeout_style`` since 2.02."""
_UNKNOWN = "\0"
"""Stands in a text for what only the machine knows; no file of GRUB holds one."""
_ASSIGNS = re.compile(r"([A-Za-z_]\w*)=(.*)\Z", re.DOTALL | re.ASCII)
_QUIET = frozenset(
    {"insmod", "export", "echo", "terminal_input", "terminal_output", "serial", "background_color", "clear", "sleep", "play"}
)
"""They change nothing that counts here; whether they succeed is not known."""
_ELSEWHERE = frozenset(
    {"configfile", "normal", "extract_entries_configfile", "legacy_configfile", "syslinux_configfile", "exit", "halt", "reboot"}
)
"""What follows them is not carried out, or a menu that is not this one is shown."""
_FOLDER = "(ours)/grub"
"""Stands for GRUB's folder; none has this name."""
_MOST_CALLS = 20
_WITH_VALUE = frozenset({"--class", "--users", "--hotkey", "--id", "--source"})
_NUMBERS: Mapping[str, Callable[[int, int], bool]] = {
    "-eq": int.__eq__, "-ne": int.__ne__, "-lt": int.__lt__, "-gt": int.__gt__, "-le": int.__le__, "-ge": int.__ge__,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the menu."""

    title: str | None
    """None: not to be told, as it depends on the machine."""
    id: str | None
    words: tuple[str, ...]
    """Options of it, without title and id; complete for another entry: ``--class``, ``debian``, ``--unrestricted``."""
    body: str
    """What stands between its braces, to the byte."""
    commands: tuple[Node, ...]
    """The same; their places count from the beginning of the body."""
    entries: tuple["Entry", ...] = ()
    """Of a submenu."""
    is_submenu: bool = False
    is_certain: bool = True
    """Whether it is in the menu whatever the machine says."""
    is_whole: bool = True
    """Whether it starts the same wherever it stands: no submenu around it sets anything, and its options can be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """The end of a run."""

    entries: tuple[Entry, ...]
    variables: Mapping[str, str | None]
    """None: not to be told. One that is missing is not set."""
    environment: Mapping[str, str]
    """What stands in the block on disk then, if it can be written."""
    ran: frozenset[str]
    """Names of all commands that were carried out, or may be."""
    is_certain: bool
    """False: another file may have changed anything."""


@dataclass(slots=True)
class _World:
    variables: dict[str, str]
    environment: dict[str, str]
    entries: list[Entry] = field(default_factory=list)
    is_certain: bool = True
    settled: bool = True
    """Whether what runs now runs in any case."""

    def copy(self) -> "_World":
        return _World(dict(self.variables), dict(self.environment), list(self.entries), self.is_certain, settled=False)


class _Runner:
    def __init__(self, files: Mapping[str, str], *, writable: bool) -> None:
        self.files, self.writable = files, writable
        self.functions: dict[str, tuple[Node, ...]] = {}
        self.ran: set[str] = set()
        self.calls = 0
        self.outer_is_plain = True

    def run(self, nodes: Sequence[Node], text: str, world: _World) -> bool | None:
        """Whether the last command succeeded; None: not to be told."""
        status: bool | None = True
        for node in nodes:
            if isinstance(node, Function):
                self.functions[node.name] = node.body
                continue
            if isinstance(node, If):
                status = self._run_if(node, text, world)
            elif isinstance(node, Loop):
                self._run_maybe(node.body, (), text, world)
                status = None
                if node.variable:
                    world.variables[node.variable] = _UNKNOWN
            else:
                status = self._run_command(node, text, world)
            world.variables["?"] = _UNKNOWN if status is None else "0" if status else "1"
        return status

    def _run_if(self, node: If, text: str, world: _World) -> bool | None:
        held = self.run(node.condition, text, world)
        if held is None:
            self._run_maybe(node.then, node.otherwise, text, world)
            return None
        return self.run(node.then if held else node.otherwise, text, world)

    def _run_maybe(self, one: Sequence[Node], other: Sequence[Node], text: str, world: _World) -> None:
        """Go both ways, and keep what is the same at their ends."""
        first, second = world.copy(), world.copy()
        self.run(one, text, first)
        self.run(other, text, second)
        for name in {*first.variables, *second.variables}:
            one_way, other_way = first.variables.get(name, ""), second.variables.get(name, "")
            world.variables[name] = one_way if one_way == other_way else _UNKNOWN
        world.environment = first.environment if first.environment == second.environment else world.environment
        begun = len(world.entries)
        world.entries += [*first.entries[begun:], *second.entries[begun:]]
        world.is_certain = first.is_certain and second.is_certain

    @staticmethod
    def _expand(word: Word, world: _World) -> list[str]:
        """The arguments that a word makes: none, one, or, of a variable with blanks and no quotes, several."""
        held: list[str] = []
        text, seen = "", False
        for part in word.parts:
            value = world.variables.get(part.text, "") if part.is_variable else part.text
            if part.is_variable and not part.is_quoted and value.split() != [value]:
                pieces = value.split()
                for piece in pieces[:-1]:
                    held.append(text + piece)
                    text = ""
                text += pieces[-1] if pieces else ""
                seen = seen or bool(pieces)
            else:
                text += value
                seen = True
        return [*held, text] if seen else held

    def _run_command(self, node: Command, text: str, world: _World) -> bool | None:
        arguments = [each for word in node.words for each in self._expand(word, world)]
        if not arguments:
            return True
        name, rest = arguments[0], arguments[1:]
        self.ran.add(name)
        if name == "!":
            held = self._run_command(Command(node.words[1:], node.block, node.start, node.end), text, world) if node.words[1:] else False
            return _turn(held)
        if found := _ASSIGNS.match(name):
            world.variables[found[1]] = found[2]
            return True
        if name in {"menuentry", "submenu"}:
            return self._add_entry(node, rest, text, world)
        if name in self.functions and self.calls < _MOST_CALLS:
            self.calls += 1
            status = self.run(self.functions[name], text, world)
            self.calls -= 1
            return status
        return self._run_known(name, rest, world)

    def _run_known(self, name: str, rest: list[str], world: _World) -> bool | None:
        if name == "set":
            for found in filter(None, map(_ASSIGNS.match, rest)):
                world.variables[found[1]] = found[2]
            return True
        if name == "unset":
            for each in rest:
                world.variables.pop(each, None)
            return True
        if name in {"[", "test"}:
            return _test(rest[:-1] if name == "[" else rest, self.files)
        if name in {"true", "false"}:
            return name == "true"
        if name in {"load_env", "save_env"}:
            return self._run_block(name, rest, world)
        if name in {"source", "."}:
            return self._run_file(rest[0] if rest else "", world)
        if name in _ELSEWHERE or _UNKNOWN in name:
            world.is_certain = False
        if name not in _QUIET:
            _forget(rest, world)
        return None

    def _run_block(self, name: str, rest: list[str], world: _World) -> bool:
        """``load_env`` and ``save_env``. Whichever file they name, it is taken for the one in GRUB's folder."""
        if f"{_FOLDER}/grubenv" not in self.files:
            return False
        names: list[str] = []
        waiting = iter(rest)
        for each in waiting:
            if each in {"-f", "--file"}:
                next(waiting, None)
            elif not each.startswith("-"):
                names.append(each)
        if name == "load_env":
            world.variables |= {key: value for key, value in world.environment.items() if not names or key in names}
            return True
        if not self.writable:
            return False
        for key in names:
            if key in world.variables:
                world.environment[key] = world.variables[key]
            else:
                world.environment.pop(key, None)
        return True

    def _run_file(self, path: str, world: _World) -> bool | None:
        text = self.files.get(path)
        if text is None or self.calls >= _MOST_CALLS:
            world.is_certain = False
            return None
        self.calls += 1
        status = self.run(parse_script(text), text, world)
        self.calls -= 1
        return status

    def _add_entry(self, node: Command, rest: Sequence[str], text: str, world: _World) -> bool | None:
        block = node.block
        titles, options = _read_options(rest)
        if block is None or not titles:
            return None
        ids = [value for name, value in options if name == "--id"]
        is_submenu = node.words[0].literal == "submenu"
        words = tuple(part for key, value in options if key not in {"--id", "--hotkey"} for part in (key, value) if part)
        world.entries.append(
            Entry(
                title=_tell(titles[0]),
                id=_tell((ids or titles)[-1 if ids else 0]),
                words=words,
                body=text[block.start : block.end],
                commands=parse_script(text[block.start : block.end]),
                entries=self._read_submenu(block, text, world) if is_submenu else (),
                is_submenu=is_submenu,
                is_certain=world.settled,
                is_whole=self.outer_is_plain and _UNKNOWN not in "".join(words),
            )
        )
        return True

    def _read_submenu(self, block: Block, text: str, world: _World) -> tuple[Entry, ...]:
        """In a context of its own: what is set in there is gone behind it."""
        below = world.copy()
        below.entries, below.settled = [], True
        outer = self.outer_is_plain
        self.outer_is_plain = outer and all(isinstance(each, Command) and each.name in {"menuentry", "submenu"} for each in block.commands)
        self.run(block.commands, text, below)
        self.outer_is_plain = outer
        world.is_certain = world.is_certain and below.is_certain
        return tuple(below.entries)


def _tell(text: str) -> str | None:
    return None if _UNKNOWN in text else text


def _forget(rest: Sequence[str], world: _World) -> None:
    """A command that we do not know may set the variable that an option of it names: ``search --set=root``, ``regexp --set 1:x``."""
    waiting = iter(rest)
    for each in waiting:
        option, _, value = each.partition("=")
        if option in {"--set", "-s"}:
            name = value or next(waiting, "root")
            world.variables[name.rpartition(":")[2]] = _UNKNOWN


def _read_options(rest: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Arguments of an entry, and its options with their values; "" where one takes none (grub-core/commands/menuentry.c)."""
    titles: list[str] = []
    options: list[tuple[str, str]] = []
    waiting = iter(rest)
    for each in waiting:
        if not each.startswith("--"):
            titles.append(each)
            continue
        key, sign, value = each.partition("=")
        options.append((key, value if sign else next(waiting, "")) if key in _WITH_VALUE else (key, ""))
    return titles, options


def _test(words: Sequence[str], files: Mapping[str, str]) -> bool | None:
    """``[``: None where it cannot be told. Of ``-o`` and ``-a`` without brackets (grub-core/commands/test.c)."""
    if "-o" in words:
        at = words.index("-o")
        return _either(_test(words[:at], files), _test(words[at + 1 :], files))
    if "-a" in words:
        at = words.index("-a")
        return _turn(_either(_turn(_test(words[:at], files)), _turn(_test(words[at + 1 :], files))))
    if words[:1] == ["!"]:
        return _turn(_test(words[1:], files))
    if not words or any(_UNKNOWN in word for word in words):
        return None if words else False
    if len(words) == 3:
        return _compare(words[0], words[1], words[2])
    if len(words) == 2 and words[0] in {"-n", "-z"}:
        return (words[1] != "") == (words[0] == "-n")
    if len(words) == 2 and words[0] in {"-f", "-e", "-s"}:
        return _is_there(words[0], words[1], files)
    return words[0] != "" if len(words) == 1 else None


def _turn(value: bool | None, /) -> bool | None:  # noqa: FBT001  # of three values
    return None if value is None else not value


def _either(one: bool | None, other: bool | None, /) -> bool | None:  # noqa: FBT001  # of three values
    return True if one or other else None if one is None or other is None else False


def _compare(one: str, sign: str, other: str) -> bool | None:
    if sign in {"=", "==", "!="}:
        return (one == other) == (sign != "!=")
    return _NUMBERS[sign](int(one), int(other)) if sign in _NUMBERS and one.isdigit() and other.isdigit() else None


def _is_there(sign: str, path: str, files: Mapping[str, str]) -> bool | None:
    """A file of GRUB's own folder is known, whether it is there or not."""
    if path in files:
        return bool(files[path]) or sign != "-s"
    return False if path.rpartition("/")[0] == _FOLDER else None


def run_menu(text: str, files: Mapping[str, str], environment: Mapping[str, str], platform: str, *, writable: bool = True) -> Menu:
    """Carry out a configuration.

    Args:
        text: of grub.cfg.
        files: of all the files of GRUB's own folder, name and text: ``custom.cfg``, ``user.cfg``; of grubenv the text does not matter.
        environment: variables of its environment block.
        platform: ``pc``, ``efi``: what ``$grub_platform`` says.
        writable: whether GRUB can write the block.

    Raises:
        ScriptError: it is not understood.
    """
    variables = dict.fromkeys(_FEATURES, "y")
    variables |= {
        "prefix": _FOLDER,
        "config_directory": _FOLDER,
        "config_file": f"{_FOLDER}/grub.cfg",
        "grub_platform": platform,
        "root": _UNKNOWN,
    }
    world = _World(variables, dict(environment))
    runner = _Runner({f"{_FOLDER}/{name}": held for name, held in files.items()}, writable=writable)
    runner.run(parse_script(text), text, world)
    return Menu(
        entries=tuple(world.entries),
        variables={name: _tell(value) for name, value in world.variables.items()},
        environment=world.environment,
        ran=frozenset(runner.ran),
        is_certain=world.is_certain,
    )
