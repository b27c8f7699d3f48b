# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands in custom.cfg while a kernel is on trial, and after it was promoted; each tried out on the whole of GRUB's configuration before.

From the first line of it on everything ends on the old kernel. GRUB starts the other one only after it has found the word for it in its environment
block, has written the block without it, and has read that back from the disk: where it cannot write, the old kernel is started
(grub-core/commands/loadenv.c gives back the failure of ``grub_disk_write``, and reading goes to the disk: the write has thrown the cache away).
A boot that somebody else has asked for (``grub-reboot``: 00_header sets ``boot_once``) is left alone, once.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nicmedic.persist.boot_menu.block import put_in, take_out
from nicmedic.persist.boot_menu.copying import TRIAL_WORDS, copy_entry
from nicmedic.persist.boot_menu.entries import Start, find_default, find_start, list_starts
from nicmedic.persist.boot_menu.environment import VARIABLE, spend_word
from nicmedic.persist.boot_menu.run import Menu, run_menu

__all__ = [
    "CUSTOM",
    "OLD",
    "TRIAL",
    "Kernel",
    "Promotion",
    "Setup",
    "find_kernel",
    "parse_release",
    "plan_promotion",
    "plan_trial",
    "run_setup",
]

CUSTOM = "custom.cfg"
OLD = "nicmedic-old"
TRIAL = "nicmedic-trial"
_KEPT = "nicmedic-promoted"
ASKED = ("next_entry", "prev_saved_entry")
"""Variables by which others ask for one boot (``grub-reboot``)."""
_WAIT_S = 30
"""For a menu that would wait for ever: nobody is there."""
_OURS = ("nicmedic.trial=", "nicmedic.saved=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """All that decides what GRUB starts."""

    menu: str
    """grub.cfg."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Of the same folder, name and text; of grubenv only whether it is there and not empty."""
    environment: Mapping[str, str] = field(default_factory=dict)
    platform: str = "pc"
    running: tuple[str, ...] = ()
    """The running kernel's command line."""
    is_xen: bool = False
    hypervisor: str | None = None
    """Its version: ``4.17``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """One that is to be started, in GRUB's words."""

    release: str
    image: str
    initrd: str | None = None
    saved: str | None = None
    """Name of the copy that it is, for the service that puts its modules in place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """How a kernel becomes the default."""

    custom: bytes | None
    """custom.cfg then; None: it is not there."""
    saved_entry: str | None
    """What GRUB's own variable is set to; None: it stays."""
    notes: tuple[str, ...]


def parse_release(file_name: str) -> str:
    """What stands behind the first minus that a digit follows, as 10_linux has it.

    >>> parse_release("vmlinuz-6.1.0-56-amd64"), parse_release("vmlinuz-lts")
    ('6.1.0-56-amd64', 'vmlinuz-lts')
    """
    return re.sub(r"\A[^0-9]*-(?=[0-9])", "", file_name)


def run_setup(setup: Setup, custom: bytes | None, *, word: str | None = None, writable: bool = True) -> Menu:
    """What GRUB makes of it with another custom.cfg, and with this word of ours in its environment block.

    Raises:
        ScriptError: the configuration is not understood.
    """
    files = {name: text for name, text in setup.files.items() if name != CUSTOM}
    if custom is not None:
        files[CUSTOM] = custom.decode("utf-8", "surrogateescape")
    environment = {name: value for name, value in setup.environment.items() if name != VARIABLE}
    if word is not None:
        environment[VARIABLE] = word
    return run_menu(setup.menu, files, environment, setup.platform, writable=writable)


def _list_plain(words: Iterable[str]) -> frozenset[str]:
    """What counts when two command lines are compared."""
    return frozenset(
        word
        for word in words
        if word != "placeholder" and word not in TRIAL_WORDS and not word.startswith(("BOOT_IMAGE=", "initrd=", "$", *_OURS))
    )


def find_kernel(setup: Setup, menu: Menu, kernel: Kernel, like: Sequence[str]) -> Start | None:
    """The entry of a kernel: its own image, else the release; started as the running one is, and with a command line most like another one."""
    starts = [each for each in list_starts(menu.entries) if each.entry.is_whole and each.entry.id not in {OLD, TRIAL, _KEPT}]
    held = [each for each in starts if each.image == kernel.image] or [
        each for each in starts if parse_release(each.file_name) == kernel.release
    ]
    wanted = _list_plain(like)
    version = setup.hypervisor

    def rank(start: Start) -> tuple[bool, bool, bool, int]:
        other = version is not None and not re.search(rf"(?<![0-9.]){re.escape(version)}(?![0-9])", start.hypervisor or "")
        return (start.hypervisor is not None) != setup.is_xen, start.is_rescue, other, len(_list_plain(start.words) ^ wanted)

    return min(held, key=rank, default=None)


def _find_held(setup: Setup, custom: bytes | None, kernel: Kernel) -> Start | None:
    """Our own entry of this kernel: that of its package may be gone, with the package, and the saved copy is still there."""
    starts = list_starts(run_setup(setup, custom).entries)
    return next((each for each in starts if each.entry.id == OLD and each.image == kernel.image), None)


def _render_default(name: str) -> list[str]:
    """Lines that make an entry the default, and have it started though nobody is there."""
    return [
        'if [ "${boot_once}" != "true" ]; then',
        f'  set default="{name}"',
        f'  if [ -z "${{timeout}}" -o "${{timeout}}" = "-1" ]; then set timeout="{_WAIT_S}"; fi',
    ]


def _render_once(trial: int) -> list[str]:
    """Lines that start the other entry if our word stands there and GRUB has taken it away."""
    spent = spend_word(trial)
    block = '"${nicmedic_folder}/grubenv" ' + VARIABLE
    return [
        '  set nicmedic_folder="${config_directory}"',
        '  if [ -z "${nicmedic_folder}" ]; then set nicmedic_folder="${prefix}"; fi',
        f'  set {VARIABLE}=""',
        f"  load_env -f {block}",
        f'  if [ "${{{VARIABLE}}}" = "{trial}" ]; then',
        f'    set {VARIABLE}="{spent}"',
        f"    if save_env -f {block}; then",
        f'      set {VARIABLE}="{trial}"',
        f"      if load_env -f {block}; then",
        f'        if [ "${{{VARIABLE}}}" = "{spent}" ]; then set default="{TRIAL}"; fi',
        "      fi",
        "    fi",
        "  fi",
    ]


def _render_entry(kernel: Kernel, start: Start, name: str, title: str, words: Sequence[str]) -> str:
    saved = (f"nicmedic.saved={kernel.saved}",) if kernel.saved else ()
    initrd = None if kernel.initrd in start.initrds else kernel.initrd
    return copy_entry(start, title=title, name=name, image=kernel.image, initrd=initrd, words=(*saved, *words), guard=name == TRIAL)


def _tell_default(setup: Setup, custom: bytes | None, **how: bool | str) -> str | None:
    """Id of the entry that is started then."""
    word = how.get("word")
    found = find_default(run_setup(setup, custom, word=str(word) if word else None, writable=how.get("writable") is not False))
    return found[0].id if found else None


def plan_trial(setup: Setup, custom: bytes | None, trial: int, old: Kernel, candidate: Kernel | None) -> bytes | tuple[str, ...]:
    """Custom.cfg from which everything ends on the old kernel, but for one boot that is asked for; texts: why there is none.

    Raises:
        ScriptError: the configuration is not understood.
    """
    menu = run_setup(setup, take_out(custom))
    first = find_kernel(setup, menu, old, setup.running) or _find_held(setup, custom, old)
    if first is None:
        return (f"GRUB's menu has no entry for {old.release} that nicmedic understands",)
    second = find_kernel(setup, menu, candidate, first.words) if candidate else None
    if candidate and second is None:
        return (f"GRUB's menu has no entry for {candidate.release} that nicmedic understands",)
    chosen = [first, *([second] if second else [])]
    if menu.variables.get("superusers", "") != "":
        locked = [each.entry.title for each in chosen if "--unrestricted" not in each.entry.words]
        if locked:
            return (f"GRUB asks for a password before it starts {locked[0]!r}: nobody would be there to type it",)
    lines = [_render_entry(old, first, OLD, f"nicmedic: Linux {old.release}, which everything ends on", ())]
    if candidate and second:
        words = (f"nicmedic.trial={trial}", *TRIAL_WORDS)
        lines.append(_render_entry(candidate, second, TRIAL, f"nicmedic: Linux {candidate.release} on trial, once", words))
    lines += [*_render_default(OLD), *(_render_once(trial) if candidate else []), "fi"]
    planned = put_in(custom, trial, lines)
    return planned if not (wrong := _check(setup, planned, trial, once=candidate is not None)) else wrong


def _check(setup: Setup, planned: bytes, trial: int, *, once: bool) -> tuple[str, ...]:
    """What GRUB would make of it that is not wanted, but for the boots that others have asked for."""
    setup = replace(setup, environment={name: value for name, value in setup.environment.items() if name not in ASKED})
    word = str(trial)
    wanted = ((None, True, OLD), (word, True, TRIAL if once else OLD), (word, False, OLD), (spend_word(trial), True, OLD))
    for held, writable, name in wanted:
        found = _tell_default(setup, planned, word=held or "", writable=writable)
        if found != name:
            return (f"GRUB's configuration would start {found or 'what cannot be told'} where nicmedic's custom.cfg wants {name}",)
    return ()


def _name_path(start: Start) -> tuple[str, ...]:
    """The ways in which an entry may be named, the one that lasts longest first."""
    all_of = (*start.path, start.entry)
    ids, titles = [each.id for each in all_of], [each.title for each in all_of]
    return tuple(">".join(str(each).replace(">", ">>") for each in names) for names in (ids, titles) if None not in names)


def _starts(setup: Setup, custom: bytes | None, kernel: Kernel) -> bool:
    """Whether this kernel is the default by itself."""
    found = find_default(run_setup(setup, custom))
    start = find_start(*found) if found else None
    return start is not None and start.image == kernel.image and (start.hypervisor is not None) == setup.is_xen and not start.is_rescue


def plan_promotion(setup: Setup, custom: bytes | None, trial: int, kernel: Kernel) -> Promotion | tuple[str, ...]:
    """How this kernel is what GRUB starts from now on, with as little of ours left as can be; texts: why not.

    Raises:
        ScriptError: the configuration is not understood.
    """
    theirs = take_out(custom)
    if _starts(setup, theirs, kernel):
        return Promotion(custom=theirs, saved_entry=None, notes=())
    menu = run_setup(setup, theirs)
    start = find_kernel(setup, menu, kernel, setup.running)
    if start is None:
        return (f"GRUB's menu has no entry for {kernel.release} that nicmedic understands",)
    if kernel.image == start.image:
        for name in _name_path(start):
            saved = replace(setup, environment={**setup.environment, "saved_entry": name})
            if _starts(saved, theirs, kernel):
                former = setup.environment.get("saved_entry") or "not set"
                note = f"GRUB's saved_entry is now {name!r}; it was {former!r} (grub-editenv list)."
                return Promotion(custom=theirs, saved_entry=name, notes=(note,))
        for name in _name_path(start):
            quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
            planned = put_in(custom, trial, [*_render_default(quoted), "fi"])
            if _starts(setup, planned, kernel):
                return Promotion(custom=planned, saved_entry=None, notes=(_tell_kept(kernel),))
    entry = _render_entry(kernel, start, _KEPT, f"nicmedic: Linux {kernel.release}", ())
    planned = put_in(custom, trial, [entry, *_render_default(_KEPT), "fi"])
    if _tell_default(setup, planned) != _KEPT:
        return ("what stands in GRUB's configuration behind custom.cfg chooses another default",)
    return Promotion(custom=planned, saved_entry=None, notes=(_tell_kept(kernel),))


def _tell_kept(kernel: Kernel) -> str:
    return (
        f"GRUB's menu would start another kernel by itself, so a line in custom.cfg holds {kernel.release} for the default, newer kernels or not,"
        " until nicmedic trial abort takes it away."
    )
