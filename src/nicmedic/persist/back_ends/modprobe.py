# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters of Realtek's own drivers r8168 and r8125, in a file below /etc/modprobe.d.

Both set Energy-Efficient Ethernet by what ``eee_enable`` was when they took the card, and switch ASPM off on its link where ``aspm`` is 0
(mtorromeo/r8168 9fbab994, src/r8168_n.c: ``module_param(eee_enable, int, 0)``, ``eee->eee_enabled = eee_enable``, ``if (!aspm …)
pci_disable_link_state(…)``; awesometic/realtek-r8125-dkms 60c86586, src/r8125_n.c: the same). Both parameters are read when the driver is
loaded, and hold for all of its cards. The drivers of the kernel have none such, and no other driver is spoken of here.

What more than one file says of a parameter is joined, and the last counts: a file that speaks of it is not written against. The initramfs
has a copy of these files (initramfs-tools, mkinitramfs: ``for file in /etc/modprobe.d/*.conf``), so it is made anew, after release too.

OpenWrt's kmodloader, which is its modprobe too, reads none of them (openwrt/ubox, kmodloader.c: /etc/modules.d, and ``load_options`` of
/etc/modules.conf).
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.persist.back_end import BackEnd, Found, Place
from nicmedic.persist.back_ends.looks import MODPROBE_FILES
from nicmedic.persist.marks import insert_block, take_out_marked

__all__ = ["BACK_END"]

_NAME: Final = "modprobe"
_DRIVERS: Final = frozenset({"r8168", "r8125"})
_EEE, _ASPM = "eee_enable", "aspm"
_INITRAMFS: Final[Mapping[str, tuple[str, ...]]] = {
    "update-initramfs": ("update-initramfs", "-u", "-k", "all"),
    "dracut": ("dracut", "--force", "--regenerate-all"),
    "mkinitcpio": ("mkinitcpio", "-P"),
}
"""Programs that write every initramfs anew; the first that is there."""
_RUNNING: Final = "/proc/cmdline"
_KMODLOADER: Final = "/sbin/kmodloader"


def _find_options(place: Place, wish: Wish) -> dict[str, str]:
    """Name of a setting: the parameter that brings it about."""
    if place.nic.driver not in _DRIVERS:
        return {}
    states = [setting for setting in wish.settings if setting.name.startswith("pcie.link_files.") and setting.name.endswith("_aspm")]
    options = {setting.name: f"{_ASPM}=0" for setting in states if setting.value == "0"}
    return options | {setting.name: f"{_EEE}=0" for setting in wish.settings if (setting.name, setting.value) == ("eee.enabled", "off")}


def _path(place: Place) -> str:
    return f"/etc/modprobe.d/nicmedic-{place.number}.conf"


def _list_files(place: Place, wish: Wish) -> tuple[str, ...]:
    return (_path(place), _RUNNING, _KMODLOADER) if _find_options(place, wish) else ()


def _join_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; a backslash at the end joins the next one (man modprobe.d)."""
    held, began = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        began = began or number
        if line.endswith("\\"):
            held += line[:-1]
            continue
        yield began, held + line
        held, began = "", 0
    if held:
        yield began, held


def _find_others(place: Place, driver: str, options: set[str], found: Found) -> Iterator[str]:
    """Who else speaks of the driver's parameters, or keeps it from being loaded as usual."""
    names = {option.partition("=")[0] for option in options}
    for path, text in place.files.find(*MODPROBE_FILES):
        for number, line in _join_lines(text):
            words = line.split()
            if words[:2] == ["install", driver]:
                yield f"{path} line {number} loads {driver} by a command of its own, which may leave parameters out"
            if words[:2] == ["options", driver]:
                yield from (f"{path} line {number} has {word}" for word in words[2:] if word.partition("=")[0] in names)
    for word in (found.get(_RUNNING) or b"").decode("utf-8", "replace").split():
        module, _, rest = word.partition(".")
        if module == driver and rest.partition("=")[0] in names:
            yield f"the kernel's command line has {word}"


def _refuse(*reasons: str, settle: tuple[str, ...] = ()) -> NoPlace:
    return NoPlace(back_end=_NAME, reasons=reasons, settle=settle)


def _place(place: Place, wish: Wish, found: Found) -> Placement | NoPlace:
    options, driver = _find_options(place, wish), place.nic.driver
    if not options or driver is None:
        return _refuse(f"no parameter of a module is known for it with the driver {driver or 'that the card has'}")
    if place.owner.manager == "netifd" or found.get(_KMODLOADER) is not None:
        return _refuse("kmodloader loads the drivers of this host, and does not read /etc/modprobe.d")
    path = _path(place)
    reasons = [*_find_others(place, driver, set(options.values()), found)]
    if found.get(path) is not None:
        reasons.append(f"{path} is there already")
    if reasons:
        return _refuse(*reasons, settle=(f"modprobe -c | grep -E '^(options|install) {driver} '",))
    line = f"options {driver} {' '.join(sorted(set(options.values())))}"
    program = next((name for name in _INITRAMFS if name in place.tools), None)
    others = f"Every card of {driver} has it then, not this one alone."
    wait = "It is read when the driver is loaded; an initramfs that no program known to nicmedic has made may load it before."
    return Placement(
        back_end=_NAME,
        settings=tuple(options),
        edits=(FileEdit(path=path, before=None, after=insert_block(b"", -1, [line], place.number, wish.title or wish.remedy)),),
        refresh=(_INITRAMFS[program],) if program is not None else (),
        takes_hold="when the driver is loaded anew: at the next boot",
        notes=(others,) if program is not None else (others, wait),
    )


BACK_END: Final = BackEnd(name=_NAME, list_files=_list_files, place=_place, take_out=partial(take_out_marked, _NAME))
