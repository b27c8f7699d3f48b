# SPDX-License-Identifier: GPL-2.0-or-later
"""Words of the kernel's command line, where the boot loader of this host takes them from.

GRUB: ``GRUB_CMDLINE_LINUX_DEFAULT``, in a file of ours below /etc/default/grub.d where grub-mkconfig reads that folder (Debian's
default-grub-d.patch, since Debian 8), else in marked lines at the end of /etc/default/grub. It is shell that grub-mkconfig carries out.
Entries for recovery do without it (10_linux: ``${GRUB_CMDLINE_LINUX_RECOVERY} ${GRUB_CMDLINE_LINUX}``), so they are the way back. Under Xen
the same words go to the kernel of dom0, on its module line, and none to the hypervisor (20_linux_xen of grub-common 2.06: ``linux_entry …
"${GRUB_CMDLINE_LINUX} ${GRUB_CMDLINE_LINUX_DEFAULT}" "${GRUB_CMDLINE_XEN} ${GRUB_CMDLINE_XEN_DEFAULT}"``), unless
``GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT`` stands for them.

systemd-boot: /etc/kernel/cmdline, one line that has no room for marks (90-loaderentry.install: ``tr -s "$IFS" ' '``; zz-proxmox-boot:
``cat``): there our words go at the end, and from there they go again.

Fedora and RHEL keep entries of their own that only grubby may change; images and boards have other places. That is told, and not done.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.persist.back_end import BackEnd, Found, Place
from nicmedic.persist.back_ends.looks import GRUB_FILES
from nicmedic.persist.boot_loader import CMDLINE_FILE, MARKERS, Doubt, Loader, find_loader, is_xen
from nicmedic.persist.files import base_name
from nicmedic.persist.ini import Setting, parse_assignments
from nicmedic.persist.kernel_words import add_to_line, find_clash, is_same_parameter, list_wanted, take_from_line
from nicmedic.persist.marks import find_block, insert_block, take_out_marked

__all__ = ["BACK_END"]

_NAME: Final = "command-line"
_GRUB: Final = "/etc/default/grub"
_MKCONFIG: Final = "/usr/sbin/grub-mkconfig"
_MENU: Final = "/boot/grub/grub.cfg"
_USUAL: Final = "GRUB_CMDLINE_LINUX_DEFAULT"
_XEN: Final = "GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT"
_COMMAND_LINES: Final = ("GRUB_CMDLINE_LINUX", _USUAL, "GRUB_CMDLINE_LINUX_XEN_REPLACE", _XEN)
_ENTRIES, _NO_RECOVERY = "GRUB_ENABLE_BLSCFG", "GRUB_DISABLE_RECOVERY"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Assigned:
    """One of GRUB's variables, where it is set."""

    path: str
    setting: Setting

    @property
    def where(self) -> str:
        return f"{self.path} line {self.setting.line}"

    @property
    def words(self) -> list[str]:
        return self.setting.value.split()

    @property
    def replaces(self) -> bool:
        """What was set before is gone."""
        return not re.search(rf"\$(?:{self.setting.key}\b|\{{{self.setting.key}\b)", self.setting.value)


def _own_path(place: Place) -> str:
    return f"/etc/default/grub.d/nicmedic-{place.number}.cfg"


def _list_files(place: Place, wish: Wish) -> tuple[str, ...]:
    if not list_wanted(wish)[0]:
        return ()
    others = [path for path, _ in place.files.find(GRUB_FILES)]
    return tuple(dict.fromkeys((*MARKERS, _GRUB, _MKCONFIG, _own_path(place), *others)))


def _reads_folder(found: Found) -> bool:
    """Whether this grub-mkconfig, which is a script, has the folder in it."""
    return b"default/grub.d/" in (found.get(_MKCONFIG) or b"")


def _list_assigned(place: Place, found: Found) -> list[_Assigned]:
    """In the order in which grub-mkconfig carries them out."""
    paths = [_GRUB, *(path for path, _ in place.files.find(GRUB_FILES) if _reads_folder(found))]
    return [
        _Assigned(path=path, setting=setting)
        for path in paths
        for setting in parse_assignments((found.get(path) or b"").decode("utf-8", "replace"))
        if setting.key in (*_COMMAND_LINES, _ENTRIES, _NO_RECOVERY)
    ]


def _find_value(assigned: Sequence[_Assigned], key: str) -> str | None:
    """The last that is set."""
    return next((each.setting.value for each in reversed(assigned) if each.setting.key == key), None)


def _list_notes(assigned: Sequence[_Assigned], found: Found) -> Iterator[str]:
    if _find_value(assigned, _NO_RECOVERY) == "true":
        yield "The menu has no entries for recovery; there, key e takes the words out for one boot."
    else:
        yield "GRUB's entries for recovery start without it: they are the way back."
    if is_xen(found):
        yield "It goes to the kernel of dom0, not to Xen itself."


def _find_later(place: Place, assigned: Sequence[_Assigned]) -> Iterator[str]:
    """Files behind ours that begin anew; the order of a shell's glob depends on the language, so both orders must agree."""
    ours = base_name(_own_path(place))
    for each in assigned:
        name = base_name(each.path)
        is_before = each.path == _GRUB or (name < ours and name.lower() < ours)
        if not is_before and each.replaces and each.setting.key in (_USUAL, _XEN):
            yield f"{each.where} sets {each.setting.key} anew, and may be read after ours"


def _render_lines(words: Sequence[str], assigned: Sequence[_Assigned]) -> tuple[str, ...]:
    added = " ".join(words)
    lines = [f'{_USUAL}="${_USUAL} {added}"']
    if any(each.setting.key == _XEN for each in assigned):
        lines.append(f'{_XEN}="${{{_XEN}:+${_XEN} {added}}}"')
    return tuple(lines)


def _find_refresh(place: Place, loader: Loader, found: Found) -> tuple[str, ...] | None:
    """What makes GRUB's menu anew; None: nothing that is known to write the menu that is read."""
    if loader is Loader.PROXMOX_GRUB:
        return ("proxmox-boot-tool", "refresh")
    if found.get(_MENU) is None:
        return None
    if "update-grub" in place.tools:
        return ("update-grub",)
    return ("grub-mkconfig", "-o", _MENU) if "grub-mkconfig" in place.tools else None


def _refuse(reasons: Sequence[str], settle: Sequence[str] = ()) -> NoPlace:
    return NoPlace(back_end=_NAME, reasons=tuple(reasons), settle=tuple(settle))


def _prescribe_grubby(words: Sequence[str]) -> NoPlace:
    added = " ".join(words)
    names = " ".join(word.partition("=")[0] for word in words)
    return _refuse(
        ("this GRUB has an entry for each kernel with a command line of its own, which grubby keeps",),
        (
            f"grubby --update-kernel=ALL --args={shlex.quote(added)}",
            f"grubby --update-kernel=ALL --remove-args={shlex.quote(names)}   # undo",
        ),
    )


def _edit_grub(place: Place, words: Sequence[str], assigned: Sequence[_Assigned], found: Found, title: str) -> FileEdit | str:
    """The file of ours, or lines in GRUB's own; a text: why not."""
    lines = _render_lines(words, assigned)
    if _reads_folder(found):
        path = _own_path(place)
        if found.get(path) is not None:
            return f"{path} is there already"
        return FileEdit(path=path, before=None, after=insert_block(b"", -1, lines, place.number, title))
    data = found.get(_GRUB)
    if data is None or found.get(_MKCONFIG) is None:
        return f"there is no {_GRUB if data is None else _MKCONFIG}"
    try:
        shlex.split(data.decode("utf-8", "replace"), comments=True)
    except ValueError:
        return f"{_GRUB} cannot be understood: a quote in it has no end"
    if data.rstrip(b" \t\r\n").endswith(b"\\"):
        return f"the last line of {_GRUB} goes on"
    return FileEdit(path=_GRUB, before=data, after=insert_block(data, data.count(b"\n") + 1, lines, place.number, title))


def _list_running(found: Found) -> list[str]:
    return (found.get("/proc/cmdline") or b"").decode("utf-8", "replace").split()


def _place_in_grub(place: Place, loader: Loader, wanted: Mapping[str, str], found: Found, title: str) -> Placement | NoPlace:
    words, assigned = tuple(wanted.values()), _list_assigned(place, found)
    if _find_value(assigned, _ENTRIES) == "true":
        return _prescribe_grubby(words)
    lines = [each for each in assigned if each.setting.key in _COMMAND_LINES]
    reasons = [reason for each in lines for reason in find_clash(each.words, words, each.where)]
    running = [each for each in _list_running(found) if any(is_same_parameter(each, word) and each != word for word in words)]
    if running and not reasons:
        reasons = [f"the running kernel was started with {running[0]}, and none of GRUB's files says so"]
    stands = bool(reasons)
    reasons += _find_later(place, assigned)
    edit = _edit_grub(place, words, assigned, found, title)
    refresh = _find_refresh(place, loader, found)
    reasons += [edit] if isinstance(edit, str) else []
    reasons += [] if refresh is not None else ["which program writes GRUB's menu on this host is not known"]
    if reasons or isinstance(edit, str) or refresh is None:
        added = f"add {' '.join(words)} to {_USUAL} in {_GRUB} and make GRUB's menu anew"
        return _refuse(reasons, (f"grep -rn CMDLINE {_GRUB} {_GRUB}.d", *(() if stands else (added,))))
    return Placement(
        back_end=_NAME,
        settings=tuple(wanted),
        edits=(edit,),
        refresh=(refresh,),
        takes_hold="at the next boot",
        notes=tuple(_list_notes(assigned, found)),
    )


def _place_in_line(loader: Loader, wanted: Mapping[str, str], found: Found) -> Placement | NoPlace:
    words = tuple(wanted.values())
    data = found.get(CMDLINE_FILE) or b""
    there, running = data.decode("utf-8", "replace").split(), _list_running(found)
    reasons = list(find_clash(there, words, CMDLINE_FILE))
    missing = [word for word in there if word not in running]
    if missing:
        reasons.append(f"the running kernel was not started with {missing[0]}, which stands in {CMDLINE_FILE}")
    after = add_to_line(data, words)
    if isinstance(after, str):
        reasons.append(f"{CMDLINE_FILE}: {after}")
    if reasons or isinstance(after, str):
        return _refuse(reasons, (f"cat {CMDLINE_FILE} /proc/cmdline",))
    refresh = ("proxmox-boot-tool", "refresh") if loader is Loader.PROXMOX_ENTRIES else ("kernel-install", "add-all")
    return Placement(
        back_end=_NAME,
        settings=tuple(wanted),
        edits=(FileEdit(path=CMDLINE_FILE, before=data, after=after),),
        refresh=(refresh,),
        takes_hold="at the next boot",
        notes=(f"{CMDLINE_FILE} is one line and has no room for comments; in the menu, key e takes the words out for one boot.",),
    )


def _place(place: Place, wish: Wish, found: Found) -> Placement | NoPlace:
    wanted, reasons = list_wanted(wish)
    if not wanted:
        return _refuse(reasons or ("none of the settings is a word of the kernel's command line",))
    loader = find_loader(found, place.tools, tuple(wanted.values()))
    if isinstance(loader, Doubt):
        return _refuse((loader.reason,), loader.settle)
    if loader in (Loader.GRUB, Loader.PROXMOX_GRUB):
        return _place_in_grub(place, loader, wanted, found, wish.title or wish.remedy)
    return _place_in_line(loader, wanted, found)


def _take_out(edit: FileEdit, now: bytes, number: int) -> bytes | NoPlace | None:
    if edit.after is None or find_block(edit.after, number) is not None:
        return take_out_marked(_NAME, edit, now, number)
    before, after = (edit.before or b"").decode("utf-8", "replace").split(), edit.after.decode("utf-8", "replace").split()
    return take_from_line(_NAME, edit.path, after[len(before) :], now)


BACK_END: Final = BackEnd(name=_NAME, list_files=_list_files, place=_place, take_out=_take_out)
