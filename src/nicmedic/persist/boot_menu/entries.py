# SPDX-License-Identifier: GPL-2.0-or-later
"""What an entry of the menu starts, which entry the default is, and which one is of a kernel that is looked for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nicmedic.persist.boot_menu.run import Entry, Menu
from nicmedic.persist.boot_menu.script import Command, If, Node, Word

__all__ = ["Start", "find_default", "find_start", "is_plain_path", "list_starts"]

_LINUX = frozenset({"linux", "linuxefi", "linux16"})
_INITRD = frozenset({"initrd", "initrdefi", "initrd16"})
_XEN = frozenset({"multiboot", "multiboot2", "xen_hypervisor"})
_MODULE = frozenset({"module", "module2", "xen_module"})
_ROOT = re.compile(r"\(\$\{?root\}?\)")
"""``($root)/vmlinuz``, as Fedora's 10_linux writes it: the same as without."""
_PATH = re.compile(r"/[A-Za-z0-9._/@+~:-]+\Z")
_RESCUE = frozenset(
    {"single", "recovery", "s", "S", "1", "emergency", "rescue", "systemd.unit=rescue.target", "systemd.unit=emergency.target"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A kernel that an entry starts."""

    entry: Entry
    path: tuple[Entry, ...]
    """The submenus around it."""
    image: str
    """As GRUB calls it: from the root of its file system."""
    initrds: tuple[str, ...]
    words: tuple[str, ...]
    """Of the kernel's command line, as they are written."""
    hypervisor: str | None
    """Of Xen."""
    kernel: Command
    initrd: Command | None
    loads: tuple[Command, ...]
    """All commands that load something."""

    @property
    def is_rescue(self) -> bool:
        """Whether it is for repairs, or with another init."""
        return any(word in _RESCUE or word.startswith("init=") for word in self.words)

    @property
    def file_name(self) -> str:
        """Of the kernel."""
        return self.image.rpartition("/")[2]


def _find_files(command: Command, body: str) -> list[Word]:
    """Arguments that are no options."""
    return [word for word in command.words[1:] if not body.startswith("-", word.start)]


def _read_path(word: Word, body: str) -> str | None:
    """None: it is no plain path."""
    path = _ROOT.sub("", body[word.start : word.end], count=1)
    return path if is_plain_path(path) else None


def is_plain_path(path: str) -> bool:
    """Whether it means itself, wherever it stands in a script."""
    return _PATH.match(path) is not None


def _list_commands(nodes: Sequence[Node]) -> Iterator[Command]:
    """Those that are carried out in any case, as a condition is, or if a file is there."""
    for node in nodes:
        if isinstance(node, Command):
            yield node
        elif isinstance(node, If):
            yield from _list_commands(node.then if _asks_for_file(node) else node.condition)


def _asks_for_file(node: If) -> bool:
    """``if [ -s FILE … ]; then COMMAND``: as we load a saved kernel."""
    asked = [[word.literal for word in each.words[:2]] for each in node.condition if isinstance(each, Command)]
    return asked == [["[", "-s"]] and len(node.then) == 1


def find_start(entry: Entry, path: tuple[Entry, ...] = ()) -> Start | None:
    """What an entry starts; None: no kernel of Linux, or not in a way that is understood."""
    body = entry.body
    commands = list(_list_commands(entry.commands))
    kernels = [node for node in commands if node.name in _LINUX]
    hypervisors = [node for node in commands if node.name in _XEN]
    modules = [node for node in commands if node.name in _MODULE]
    if len(kernels) == 1 and not hypervisors:
        kernel, behind = kernels[0], [node for node in commands if node.name in _INITRD]
    elif len(hypervisors) == 1 and not kernels and modules:
        kernel, behind = modules[0], modules[1:2]
    else:
        return None
    files = _find_files(kernel, body)
    image = _read_path(files[0], body) if files else None
    if image is None or entry.is_submenu:
        return None
    initrd = behind[0] if len(behind) == 1 else None
    found = [_read_path(word, body) for word in _find_files(initrd, body)] if initrd else []
    named = _find_files(hypervisors[0], body)[:1] if hypervisors else []
    return Start(
        entry=entry,
        path=path,
        image=image,
        initrds=tuple(each for each in found if each is not None),
        words=tuple(body[word.start : word.end] for word in kernel.words[kernel.words.index(files[0]) + 1 :]),
        hypervisor=(_read_path(named[0], body) if named else None) or ("" if hypervisors else None),
        kernel=kernel,
        initrd=initrd,
        loads=tuple(node for node in commands if (node.name or "") in _LINUX | _INITRD | _XEN | _MODULE),
    )


def list_starts(entries: Sequence[Entry], path: tuple[Entry, ...] = ()) -> Iterator[Start]:
    """All kernels of a menu, in its order."""
    for entry in entries:
        if entry.is_submenu:
            yield from list_starts(entry.entries, (*path, entry))
        elif (start := find_start(entry, path)) is not None:
            yield start


def _split(spec: str) -> tuple[str, str]:
    """The first part of a path, and the rest: ``>`` parts, ``>>`` is a letter."""
    found = re.match(r"((?:[^>]|>>)*)(?:>(?!>)(.*))?\Z", spec, re.DOTALL)
    return (found[1].replace(">>", ">"), found[2] or "") if found else (spec, "")


def _find_entry(entries: Sequence[Entry], name: str) -> Entry | None:
    """One of a menu by number, id or title (grub-core/normal/menu.c, ``get_entry_number``); None: it cannot be told.

    A number counts what is in the menu for sure only; a name that is not there means the first.
    """
    if name.isdigit():
        at = int(name)
    else:
        at = next((index for index, each in enumerate(entries) if name in {each.id, each.title}), 0)
        if any(each.id is None for each in entries[: at or len(entries)]):
            return None
    at = at if at < len(entries) else 0
    found = entries[at] if entries else None
    if found is None or (not found.is_certain) or (name.isdigit() and not all(each.is_certain for each in entries[:at])):
        return None
    return found


def find_default(menu: Menu) -> tuple[Entry, tuple[Entry, ...]] | None:
    """The entry that is started when nobody touches a key, and the submenus around it; None: that cannot be told."""
    spec = menu.variables.get("default", "")
    if spec is None or not menu.is_certain:
        return None
    entries = menu.entries
    path: list[Entry] = []
    while True:
        name, spec = _split(spec)
        found = _find_entry(entries, name)
        if found is None or (found.is_submenu and not spec):
            return None  # of a submenu by itself: which one of it is started differs from version to version
        if not found.is_submenu:
            return found, tuple(path)
        path.append(found)
        entries = found.entries
