# SPDX-License-Identifier: GPL-2.0-or-later
"""A rule of udev for what sysfs holds of the card's device: ``power/control``, and the files of ASPM in ``link/``.

When it must act (Linux 6.1): ``power/control`` is there before the event ``add`` is sent, and the driver comes after it
(drivers/base/core.c, ``device_add()``: ``dpm_sysfs_add()``, ``KOBJ_ADD``, ``bus_probe_device()``); a driver may allow runtime power
management in its probe (``pm_runtime_allow()``: wil6210, brcmfmac). The files of ASPM appear after ``add`` on a bus that is searched anew,
and before the driver comes (drivers/pci/pcie/aspm.c, ``pcie_aspm_update_sysfs_visibility()``). So ``add`` alone comes too early, and
``bind`` is the one that counts: it is sent when the driver has the card (drivers/base/dd.c, ``driver_bound()``; since Linux 4.14,
1455cf8dbfd0). ``add`` stays, for a card without a driver and for the events that udev asks for again at boot
(systemd-udev-trigger.service). What is written holds against a later change of the policy of ASPM (aspm.c, ``pcie_config_aspm_link()``:
"Enable only the states that were not explicitly disabled").
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Final

from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.model.step import INTERFACE, Write
from nicmedic.persist.back_end import BackEnd, Found, Place
from nicmedic.persist.back_ends.looks import RULES_FILES
from nicmedic.persist.files import base_name
from nicmedic.persist.marks import insert_block, take_out_marked
from nicmedic.persist.udev_keys import match_device

__all__ = ["BACK_END"]

_NAME: Final = "udev"
_VALUE = re.compile(r"[a-z0-9]{1,16}\Z")
_LINK_FILE = re.compile(r"pcie\.link_files\.([a-z0-9_]{1,32})\Z")
_ASSIGNED = re.compile(r"ATTR\{(?P<file>power/control|link/\w+)\}\s*=(?!=)")
_DAEMONS: Final = ("tlp", "powertop")


def _find_file(name: str) -> str | None:
    """The file of a setting, below the device's folder."""
    if name == "power.control":
        return "power/control"
    found = _LINK_FILE.match(name)
    return None if found is None else f"link/{found[1]}"


def _find_writes(wish: Wish) -> dict[str, tuple[str, str, str]]:
    """Name of a setting: folder of the device, file below it, value."""
    paths = [step.path for step in wish.steps if isinstance(step, Write)]
    found = {}
    for setting in wish.settings:
        file = _find_file(setting.name)
        path = next((path for path in paths if file is not None and path.endswith(f"/{file}") and INTERFACE not in path), None)
        if file is not None and path is not None and _VALUE.match(setting.value):
            found[setting.name] = (path.removesuffix(f"/{file}"), file, setting.value)
    return found


def _path(place: Place) -> str:
    return f"/etc/udev/rules.d/71-nicmedic-{place.number}.rules"


def _list_files(place: Place, wish: Wish) -> tuple[str, ...]:
    return (_path(place),) if _find_writes(wish) else ()


def _list_later_rules(place: Place, files: set[str]) -> Iterator[str]:
    """Rules that are read after ours and set the same files; whether they fit the card cannot be told from here."""
    for path, text in place.files.find(*RULES_FILES):
        if base_name(path) <= base_name(_path(place)):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if not line.lstrip().startswith("#") and any(found["file"] in files for found in _ASSIGNED.finditer(line)):
                yield f"Line {number} of {path} is read later and sets the same: where it fits this card, it holds."


def _list_notes(place: Place, files: set[str]) -> Iterator[str]:
    yield (
        "The rule knows the card by its place on the bus and its chip: in another slot or port it is not carried out, "
        "and on a card of the same chip that stands in its place one day it is."
    )
    yield from _list_later_rules(place, files)
    daemons = sorted(place.tools.intersection(_DAEMONS))
    if daemons and "power/control" in files:
        yield f"{' and '.join(daemons)} may set power/control anew after udev has: keep the card out of what it manages."


def _refuse(*reasons: str, settle: tuple[str, ...] = ()) -> NoPlace:
    return NoPlace(back_end=_NAME, reasons=reasons, settle=settle)


def _place(place: Place, wish: Wish, found: Found) -> Placement | NoPlace:
    writes = _find_writes(wish)
    if not writes:
        return _refuse("none of the settings is a file of the card's device in sysfs")
    if "udevadm" not in place.tools:
        return _refuse("udev is not installed")
    path = _path(place)
    if found.get(path) is not None:
        return _refuse(f"{path} is there already", settle=(f"cat {path}",))
    lines, reasons = [], []
    for folder, file, value in writes.values():
        keys = match_device(place.nic, folder)
        if isinstance(keys, str):
            reasons.append(keys)
        else:
            lines.append(", ".join((keys[0], 'ACTION=="add|bind"', *keys[1:], f'TEST=="{file}"', f'ATTR{{{file}}}="{value}"')))
    if reasons:
        return _refuse(*dict.fromkeys(reasons))
    return Placement(
        back_end=_NAME,
        settings=tuple(writes),
        edits=(FileEdit(path=path, before=None, after=insert_block(b"", -1, lines, place.number, wish.title or wish.remedy)),),
        refresh=(("udevadm", "control", "--reload"),),
        takes_hold="at the next boot, and whenever a driver takes the card",
        notes=tuple(_list_notes(place, {file for _, file, _ in writes.values()})),
    )


BACK_END: Final = BackEnd(name=_NAME, list_files=_list_files, place=_place, take_out=partial(take_out_marked, _NAME))
