# SPDX-License-Identifier: GPL-2.0-or-later
"""Who sits at the other end of a process' terminal: through sudo, su, script, tmux and screen, to the program that a remote login came in by.

A program of the terminal's other end holds the master of its pseudo terminal, and the kernel says which one that is (``tty-index`` in
/proc/PID/fdinfo, drivers/tty/pty.c ``pty_show_fdinfo``). Environment variables say nothing: anybody may set them.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from nicmedic.host.sysfs import Folder

__all__ = ["Login", "NoLogin", "find_login", "list_parents"]

_PTS_MAJORS = range(136, 144)
_OLD_PSEUDO_MAJORS = (2, 3)
_CONSOLE_MAJOR = 4
_FIRST_SERIAL_MINOR = 64
_TTY_INDEX = re.compile(r"^tty-index:\s*(\d+)$", re.MULTILINE)
_SOCKET = re.compile(r"socket:\[(\d+)\]\Z")
_MOST_STEPS = 8
_MOST_PARENTS = 100
_REMOTE = ("sshd", "dropbear")
"""Programs that bring a command without a terminal; ``sshd-session`` since OpenSSH 9.8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The process by which somebody came in."""

    process: int
    name: str
    sockets: tuple[int, ...]
    """Inodes of its sockets, in the order in which they were opened."""
    has_terminal: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NoLogin:
    """Nobody came in over a connection that could be looked at."""

    why: str
    local: bool = False
    """A console of the machine itself; False: it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Process:
    number: int
    name: str
    parent: int
    major: int
    minor: int
    """Of its controlling terminal; 0, 0: none."""

    @property
    def pts(self) -> int | None:
        """Index of its pseudo terminal."""
        return self.minor + (self.major - _PTS_MAJORS.start) * 256 if self.major in _PTS_MAJORS else None


def _read_process(number: int) -> _Process | None:
    text = Folder().text(f"proc/{number}/stat", most=4096) or ""
    head, _, rest = text.rpartition(")")
    words = rest.split()
    if len(words) < 5:
        return None
    device = int(words[4])
    return _Process(
        number=number,
        name=head.partition("(")[2],
        parent=int(words[1]),
        major=device >> 8 & 0xFFF,
        minor=device & 0xFF | device >> 12 & 0xFFF00,
    )


def list_parents(number: int) -> Iterator[_Process]:
    """A process, its parent, and so on."""
    for _ in range(_MOST_PARENTS):
        process = _read_process(number)
        if process is None:
            return
        yield process
        number = process.parent


def _list_files(number: int) -> Iterator[tuple[int, str]]:
    """Descriptors of a process and what they lead to; none where that is forbidden."""
    folder = f"/proc/{number}/fd"
    for name in Folder().names(folder):
        try:
            yield int(name), os.readlink(f"{folder}/{name}")  # noqa: PTH115  # no path: socket:[7]
        except OSError:
            continue


def _list_masters(number: int) -> frozenset[int]:
    """Indices of the pseudo terminals whose other end a process holds."""
    files = [handle for handle, target in _list_files(number) if target.endswith("/ptmx")]
    texts = [Folder().text(f"proc/{number}/fdinfo/{handle}") or "" for handle in files]
    return frozenset(int(found[1]) for text in texts if (found := _TTY_INDEX.search(text)))


def _list_sockets(number: int) -> tuple[int, ...]:
    return tuple(int(found[1]) for _, target in sorted(_list_files(number)) if (found := _SOCKET.match(target)))


def _list_attached(holder: int, masters: frozenset[int]) -> dict[tuple[int, int], int]:
    """Pseudo terminals that a process has open without holding their other end, as tmux has those of its clients: which file, which index."""
    found = {}
    for handle, target in _list_files(holder):
        if "/pts/" not in target or target.endswith("/ptmx"):
            continue
        try:
            status = os.stat(f"/proc/{holder}/fd/{handle}")  # noqa: PTH116  # as _list_files
        except OSError:
            continue
        major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
        index = minor + (major - _PTS_MAJORS.start) * 256
        if stat.S_ISCHR(status.st_mode) and major in _PTS_MAJORS and index not in masters:
            found[status.st_dev, status.st_ino] = index
    return found


def _find_client(file: tuple[int, int], index: int, server: int) -> _Process | None:
    """A process whose terminal is that very file, and not the server's own."""
    for name in Folder().names("proc"):
        process = _read_process(int(name)) if name.isdecimal() else None
        if process is None or process.pts != index or process.number == server:
            continue
        for handle in range(3):
            try:
                status = os.stat(f"/proc/{process.number}/fd/{handle}")  # noqa: PTH116  # as _list_files
            except OSError:
                continue
            if (status.st_dev, status.st_ino) == file:
                return process
    return None


def _judge_terminal(process: _Process) -> NoLogin | None:
    """What is known of a terminal that is no pseudo terminal; those of majors 2 and 3 are of an old kind."""
    if process.pts is not None:
        return None
    if process.major in _OLD_PSEUDO_MAJORS:
        return NoLogin(why="its terminal is an old pseudo terminal, whose other end cannot be found")
    console = process.major == _CONSOLE_MAJOR and process.minor < _FIRST_SERIAL_MINOR
    name = f"the console tty{process.minor}" if console else f"a console or serial line (device {process.major}:{process.minor})"
    return NoLogin(why=f"this is {name} of the machine itself", local=True)


def _find_without_terminal(number: int) -> Login | NoLogin:
    """A command that was given to sshd has pipes."""
    for process in list_parents(number):
        if process.name.startswith(_REMOTE) and (sockets := _list_sockets(process.number)):
            return Login(process=process.number, name=process.name, sockets=sockets, has_terminal=False)
    return NoLogin(why="there is no terminal, and no sshd among the parents of this process")


def find_login(number: int) -> Login | NoLogin:
    """Follow a process' terminal outwards."""
    process = _read_process(number)
    if process is None or not process.major:
        return _find_without_terminal(number)
    for _ in range(_MOST_STEPS):
        if (judged := _judge_terminal(process)) is not None:
            return judged
        index = process.pts
        holder = next((one for one in list_parents(process.number) if index in _list_masters(one.number)), None)
        if holder is None:
            return NoLogin(why=f"no parent of process {process.number} ({process.name}) holds the other end of its terminal pts/{index}")
        if holder.major:  # sudo, script: it has a terminal of its own and hands on
            process = holder
            continue
        attached = _list_attached(holder.number, _list_masters(holder.number))
        if not attached:
            return Login(process=holder.number, name=holder.name, sockets=_list_sockets(holder.number))
        if len(attached) > 1:
            return NoLogin(why=f"{len(attached)} terminals look at this session of {holder.name}; which of them types cannot be known")
        ((file, outer),) = attached.items()
        client = _find_client(file, outer, holder.number)
        if client is None:
            return NoLogin(why=f"nobody is found at pts/{outer}, which looks at this session of {holder.name}")
        process = client
    return NoLogin(why="its terminal is handed on too often")
