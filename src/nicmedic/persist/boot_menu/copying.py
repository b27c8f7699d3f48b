# SPDX-License-Identifier: GPL-2.0-or-later
"""A second copy of a menu entry, to the byte but for the kernel that it starts and the words that are added to its command line.

What an entry does to GRUB's variables on disk is left out of the copy: ``savedefault`` would make it the default of later boots, and
``recordfail`` would have Ubuntu's GRUB wait at its menu after a boot that nobody ended.

A file that cannot be loaded would leave GRUB at its menu, with nobody there. In place of a saved copy that is gone the files of the package are
loaded; where an entry is on trial, GRUB starts anew. Which files are loaded is settled before any is: a second ``linux`` that succeeds frees its own
command line with the first kernel (grub-core/loader/i386/linux.c: ``grub_loader_set()`` calls ``grub_linux_unload()``).
"""

import re
from collections.abc import Iterator, Sequence

from nicmedic.persist.boot_menu.entries import Start
from nicmedic.persist.boot_menu.script import Command, If, Node, Word
from nicmedic.persist.kernel_words import is_same_parameter

__all__ = ["TRIAL_WORDS", "copy_entry"]

TRIAL_WORDS = ("panic=30", "oops=panic", "softlockup_panic=1", "nmi_watchdog=panic", "rd.shell=0", "rd.emergency=reboot")
"""What has a kernel that does not get on reboot by itself. initramfs-tools too reboots where it would open a shell, if ``panic=`` is given
(scripts/functions, ``panic()``); dracut does by its own two (man dracut.cmdline).
A processor that takes no interrupts any more is found out by another one only where its counters give non-maskable ones: not in most virtual machines
(kernel/watchdog_hld.c; ``nmi_watchdog=`` in kernel/watchdog.c)."""
_FORGET = frozenset({"savedefault", "recordfail", "save_env"})
_PLAIN = re.compile(r"--[a-z]+")
_BOOT = "\n\tboot\n\treboot\n"
"""A kernel that was loaded may not start, as EFI sees its signature only then; and a command that GRUB does not know counts as one that succeeded
(grub-core/script/execute.c, ``grub_script_execute_cmdline()``)."""
_REBOOT = "; then true; else reboot; fi"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _place(kernel: Command, body: str) -> int:
    """Behind the last word for the kernel: what follows ``--`` is for init."""
    behind = next((word for word in kernel.words if body[word.start : word.end] == "--"), None)
    return kernel.words[-1].end if behind is None else kernel.words[kernel.words.index(behind) - 1].end


def _name_file(word: Word, body: str, path: str) -> tuple[int, int, str]:
    """Another path in place of one, behind ``($root)`` if that stands there."""
    start = body.rindex(")", word.start, word.end) + 1 if body.startswith("(", word.start) else word.start
    return start, word.end, path


def _list_all(nodes: Sequence[Node]) -> Iterator[Command]:
    """Every command, also of a branch that may not be taken."""
    for node in nodes:
        if isinstance(node, Command):
            yield node
        elif isinstance(node, If):
            yield from _list_all((*node.condition, *node.then, *node.otherwise))
        else:
            yield from _list_all(node.body)


def _list_edits(start: Start, image: str, initrd: str | None, words: Sequence[str], *, guard: bool) -> Iterator[tuple[int, int, str]]:
    """Places in the body, and what stands there in the copy."""
    body = start.entry.body
    for node in _list_all(start.entry.commands):
        if node.name in _FORGET:
            yield node.start, node.end, "true"
    renamed = list(_list_names(start, image, initrd))
    yield from (edit for _, edit in renamed)
    at = _place(start.kernel, body)
    yield at, at, "".join(f" {word}" for word in words if word not in start.words or _is_overruled(word, start.words))
    if guard:
        for node in start.loads:
            yield node.start, node.start, "if "
            yield node.end, node.end, _REBOOT
    elif renamed:
        there = " -a ".join(f"-s {body[word.start : edit[0]]}{edit[2]}" for word, edit in renamed)
        loads = (start.kernel, *([start.initrd] if start.initrd is not None and renamed[1:] else []))
        for node in loads:
            yield node.start, node.start, f"if [ {there} ]; then "
            yield node.end, node.end, f"; else {body[node.start : node.end]}; fi"


def _list_names(start: Start, image: str, initrd: str | None) -> Iterator[tuple[Word, tuple[int, int, str]]]:
    """Files that another one takes the place of: of the kernel first."""
    body = start.entry.body
    if image == start.image:
        return
    word = next(word for word in start.kernel.words[1:] if not body.startswith("-", word.start))
    yield word, _name_file(word, body, image)
    if start.initrd is not None and initrd is not None and start.initrds and initrd not in start.initrds:
        word = [word for word in start.initrd.words[1:] if not body.startswith("-", word.start)][-1]
        yield word, _name_file(word, body, initrd)


def _is_overruled(word: str, words: Sequence[str]) -> bool:
    """Whether the same parameter with another value stands behind it: the last one counts."""
    return next((each for each in reversed(words) if is_same_parameter(each, word)), word) != word


def copy_entry(start: Start, *, title: str, name: str, image: str, initrd: str | None, words: Sequence[str], guard: bool = False) -> str:
    """A menu entry.

    Args:
        start: what is copied.
        title: of the copy.
        name: its id.
        image: the kernel that it starts, as GRUB calls it.
        initrd: its initial file system; None: as it is. Files in front of it, a processor's microcode, stay.
        words: for the kernel's command line.
        guard: have GRUB start anew when one of its files cannot be loaded, or it does not start, in place of a menu that waits for somebody.
    """
    body = start.entry.body
    edits = sorted(enumerate(_list_edits(start, image, initrd, words, guard=guard)), key=lambda each: (each[1][0], each[0]))
    pieces, at = [], 0
    for _, (begin, end, text) in edits:
        pieces += [body[at:begin], text]
        at = end
    copied = "".join((*pieces, body[at:]))
    if guard:
        copied = copied.rstrip() + _BOOT
    options = "".join(f" {word if _PLAIN.fullmatch(word) else _quote(word)}" for word in start.entry.words)
    return f"menuentry {_quote(title)}{options} --id {name} {{{copied}}}"
