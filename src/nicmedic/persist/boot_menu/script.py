# SPDX-License-Identifier: GPL-2.0-or-later
"""GRUB's script language: text to commands, with the place of each, so that the body of a menu entry can be copied to the byte.

Not for carrying out anything: that is ``run.py``. The grammar is that of grub-core/script/yylex.l and parser.y.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

__all__ = ["Block", "Command", "Function", "If", "Loop", "Node", "Part", "ScriptError", "Word", "parse_script"]

_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_COMMENT = re.compile(r"#[^\n]*")
_SINGLE = re.compile(r"'([^']*)'")
_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*|\d+|[?#*@])|\{([A-Za-z_]\w*|\d+|[?#*@])\})", re.ASCII)
_PLAIN = re.compile(r"[^{}|&$;<> \t\n'\"\\]+")
_NAME = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_RESERVED = frozenset(
    {"case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select", "then", "until", "while"}
)
_DEEPEST = 60


class ScriptError(ValueError):
    """The text is none of GRUB's script language, or of a part of it that GRUB itself does not carry out."""

    def __init__(self, line: int, reason: str) -> None:
        """``line``: from 1."""
        super().__init__(f"line {line}: {reason}")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a word."""

    text: str
    is_variable: bool = False
    is_quoted: bool = False
    """A variable without quotes that is empty makes no word at all."""


@dataclass(frozen=True, slots=True)
class Word:
    """One argument, as it is written."""

    parts: tuple[Part, ...]
    start: int
    end: int

    @property
    def literal(self) -> str | None:
        """What it says; None: that depends on variables."""
        return None if any(part.is_variable for part in self.parts) else "".join(part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between braces."""

    commands: tuple["Node", ...]
    start: int
    """Of the first letter behind the brace."""
    end: int
    """Of the brace that closes it."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command with its arguments."""

    words: tuple[Word, ...]
    block: Block | None
    start: int
    end: int

    @property
    def name(self) -> str | None:
        """What it is called."""
        return self.words[0].literal


@dataclass(frozen=True, slots=True)
class If:
    """``elif`` is one in ``otherwise``."""

    condition: tuple["Node", ...]
    then: tuple["Node", ...]
    otherwise: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """``for``, ``while``, ``until``."""

    variable: str | None
    body: tuple["Node", ...]
    """With the condition in front."""


@dataclass(frozen=True, slots=True)
class Function:
    """It is defined as soon as it is read, as GRUB does."""

    name: str
    body: tuple["Node", ...]


Node = Command | If | Loop | Function


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Literal["word", "end", "{", "}", "eof"]
    word: Word
    key: str = ""
    """A reserved word, without quotes."""


class _Reader:
    """Tokens of a text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def fail(self, at: int, reason: str) -> ScriptError:
        return ScriptError(self.text.count("\n", 0, at) + 1, reason)

    def read_tokens(self) -> Iterator[_Token]:
        text, at = self.text, 0
        while at < len(text):
            if blank := _BLANK.match(text, at) or _COMMENT.match(text, at):
                at = blank.end()
            elif text[at] in "\n;":
                yield _Token("end", Word((), at, at + 1))
                at += 1
            elif text[at] == "{":
                yield _Token("{", Word((), at, at + 1))
                at += 1
            elif text[at] == "}":
                yield _Token("}", Word((), at, at + 1))
                at += 1
            elif text[at] in "|&<>":
                raise self.fail(at, f"{text[at]} is no part of a command of GRUB")
            else:
                word = self._read_word(at)
                at = word.end
                raw = text[word.start : word.end]
                yield _Token("word", word, raw if raw in _RESERVED else "")
        yield _Token("eof", Word((), at, at))

    def _read_word(self, start: int) -> Word:
        text, at, parts = self.text, start, []
        while at < len(text):
            if found := _PLAIN.match(text, at):
                parts.append(Part(found[0]))
            elif found := _VARIABLE.match(text, at):
                parts.append(Part(found[1] or found[2], is_variable=True))
            elif found := _SINGLE.match(text, at):
                parts.append(Part(found[1], is_quoted=True))
            elif text[at] == '"' or text.startswith('$"', at):
                inner, at = self._read_double(at + (2 if text[at] == "$" else 1))
                parts += inner
                continue
            elif text[at] == "\\" and at + 1 < len(text):
                parts.append(Part("" if text[at + 1] == "\n" else text[at + 1], is_quoted=True))
                at += 2
                continue
            elif text[at] in "'$\\":
                raise self.fail(at, f"{text[at]} begins what has no end")
            else:
                break
            at = found.end()
        return Word(tuple(parts), start, at)

    def _read_double(self, at: int) -> tuple[list[Part], int]:
        r"""Between double quotes a backslash takes the meaning of ``$ \ "`` and a newline only."""
        begin, text, parts, held = at, self.text, [], ""
        while at < len(text) and text[at] != '"':
            if text[at] == "\\" and text[at + 1 : at + 2] in {"$", "\\", '"', "\n"}:
                held += "" if text[at + 1] == "\n" else text[at + 1]
                at += 2
            elif text[at] == "$":
                found = _VARIABLE.match(text, at)
                if found is None:
                    raise self.fail(at, "$ between quotes without a name")
                parts += [Part(held, is_quoted=True), Part(found[1] or found[2], is_variable=True, is_quoted=True)]
                held, at = "", found.end()
            else:
                held += text[at]
                at += 1
        if at >= len(text):
            raise self.fail(begin, "a quote has no end")
        return [*parts, Part(held, is_quoted=True)], at + 1


class _Parser:
    """Tokens to commands."""

    def __init__(self, text: str) -> None:
        self._reader = _Reader(text)
        self._tokens = tuple(self._reader.read_tokens())
        self._at = 0
        self._depth = 0

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def _fail(self, reason: str) -> ScriptError:
        return self._reader.fail(self._peek().word.start, reason)

    def _expect(self, key: str) -> None:
        if self._peek().key != key:
            raise self._fail(f"{key} is missing")
        self._at += 1

    def parse_all(self) -> tuple[Node, ...]:
        commands = self._parse_commands(frozenset())
        if self._peek().kind != "eof":
            raise self._fail(f"{self._peek().key or self._peek().kind} without a beginning")
        return commands

    def _parse_commands(self, ends: frozenset[str]) -> tuple[Node, ...]:
        """Until one of these reserved words, a closing brace, or the end."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._fail("nested too deeply")
        found: list[Node] = []
        while self._peek().kind not in {"eof", "}"}:
            if self._peek().kind == "end":
                self._at += 1
                continue
            if self._peek().key in ends:
                break
            found.append(self._parse_command())
            if self._peek().kind not in {"end", "eof", "}"}:
                raise self._fail("a command does not end where it should")
        self._depth -= 1
        return tuple(found)

    def _parse_command(self) -> Node:
        key = self._peek().key
        if key == "if":
            self._at += 1
            return self._parse_if()
        if key in {"for", "while", "until"}:
            return self._parse_loop()
        if key == "function":
            return self._parse_function()
        if key or self._peek().kind != "word":
            raise self._fail(f"{key or self._peek().kind} is no command")
        start = self._peek().word.start
        words = []
        while self._peek().kind == "word":
            words.append(self._next().word)
        block = self._parse_block() if self._peek().kind == "{" else None
        return Command(tuple(words), block, start, words[-1].end if block is None else block.end + 1)

    def _parse_block(self) -> Block:
        if self._peek().kind != "{":
            raise self._fail("{ is missing")
        start = self._next().word.end
        commands = self._parse_commands(frozenset())
        if self._peek().kind != "}":
            raise self._fail("} is missing")
        return Block(commands, start, self._next().word.start)

    def _parse_if(self) -> If:
        condition = self._parse_commands(frozenset({"then"}))
        self._expect("then")
        then = self._parse_commands(frozenset({"elif", "else", "fi"}))
        otherwise: tuple[Node, ...] = ()
        if self._peek().key == "elif":
            self._at += 1
            return If(condition, then, (self._parse_if(),))
        if self._peek().key == "else":
            self._at += 1
            otherwise = self._parse_commands(frozenset({"fi"}))
        self._expect("fi")
        return If(condition, then, otherwise)

    def _parse_loop(self) -> Loop:
        kind = self._next().key
        variable = None
        if kind == "for":
            variable = self._next().word.literal
            self._expect("in")
            while self._peek().kind == "word":
                self._at += 1
        condition = self._parse_commands(frozenset({"do"}))
        self._expect("do")
        body = self._parse_commands(frozenset({"done"}))
        self._expect("done")
        return Loop(variable, (*condition, *body))

    def _parse_function(self) -> Function:
        self._at += 1
        name = self._next().word.literal or ""
        if not _NAME.match(name):
            raise self._fail("a function without a name")
        while self._peek().kind == "end" and self._reader.text[self._peek().word.start] == "\n":
            self._at += 1
        return Function(name, self._parse_block().commands)


@lru_cache(maxsize=64)
def parse_script(text: str) -> tuple[Node, ...]:
    """Commands of a text.

    Raises:
        ScriptError: it is not understood; where, and why.

    >>> [command.words[1].literal for command in parse_script("set default='0'; set timeout=5") if isinstance(command, Command)]
    ['default=0', 'timeout=5']
    """
    return _Parser(text).parse_all()
