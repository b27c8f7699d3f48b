# SPDX-License-Identifier: GPL-2.0-or-later
"""systemd's .link files: a drop-in beside the one that udev applies to the card, whoever else configures it.

What is written, ``/etc/systemd/network/10-netplan-lan.link.d/50-nicmedic-3.conf`` beside ``/run/systemd/network/10-netplan-lan.link``::

    # Written by nicmedic: offload-off:tso
    # nicmedic release 3 takes this file away.
    [Link]
    TCPSegmentationOffload=no
    TCP6SegmentationOffload=no

Only the first file that fits a card applies, so a new one would take the naming policy and the MAC policy of the former with it: never written.
A drop-in speaks for all that its file is for, and its [Match] would narrow the whole file (systemd 252, link-config.c ``link_load_one``: both
are parsed into one). So a file for many cards, as 99-default.link is, gets none. Since systemd 256 udev applies them at add, bind and move only
(issue 33619). Debian's initrd takes .link files along, and not their drop-ins (systemd's initramfs-tools hook): the root's udev applies them again
when it adds the devices, so no initrd must be made anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.model.link_modes import LINK_MODES
from nicmedic.model.names import shell_name
from nicmedic.persist.back_end import BackEnd, Found, Place
from nicmedic.persist.files import base_name
from nicmedic.persist.ini import Setting, parse_ini, split_words
from nicmedic.persist.matching import is_address
from nicmedic.persist.offloads import choose_offloads, find_words
from nicmedic.persist.own_file import head_lines, take_out_own
from nicmedic.persist.stanza_placing import OWN_EEE, name_wish, why_not_owned
from nicmedic.persist.udev import DATABASE, read_properties

__all__ = ["BACK_END"]

_NAME: Final = "link"
_FOLDERS: Final = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
_EEE: Final = "EnergyEfficientEthernet"
_ADVERTISED: Final = frozenset({*LINK_MODES[:6], "Pause", "Asym_Pause"})
"""Modes that the table of every version has; 2500baseT and others came later (systemd issues 6345, 11257)."""
_ADVERTISE_SINCE: Final = 241
"""240 has the key, and does not apply it (systemd issue 11257)."""
_ASLEEP: Final[Mapping[str, str]] = {"r8169": "16445", "lan743x": "30539"}
"""Drivers that were seen to answer udev "No such device" when a link mode was set before the interface was up, and systemd's issue."""
_OVER_1000: Final = frozenset({"10ec:8125", "10ec:8126", "10ec:8127"})
_TRUE: Final = ("1", "yes", "y", "true", "t", "on")
_FALSE: Final = ("0", "no", "n", "false", "f", "off")
_NUMBERS: Final[Mapping[str, tuple[str, int]]] = {
    "mtu": ("MTUBytes", 211),
    "ring.rx": ("RxBufferSize", 244),
    "ring.tx": ("TxBufferSize", 244),
    "coalesce.rx-frames": ("RxMaxCoalescedFrames", 250),
    "coalesce.tx-frames": ("TxMaxCoalescedFrames", 250),
}
_DELAYS: Final[Mapping[str, tuple[str, int]]] = {"coalesce.rx-usecs": ("RxCoalesceSec", 250), "coalesce.tx-usecs": ("TxCoalesceSec", 250)}
_SWITCHES: Final[Mapping[str, tuple[str, int]]] = {
    "pause.autoneg": ("AutoNegotiationFlowControl", 246),
    "pause.rx": ("RxFlowControl", 246),
    "pause.tx": ("TxFlowControl", 246),
    "coalesce.adaptive-rx": ("UseAdaptiveRxCoalesce", 250),
    "coalesce.adaptive-tx": ("UseAdaptiveTxCoalesce", 250),
}
"""Keys with the version that brought each (systemd.link(5), "Added in version")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One assignment, and the settings that it brings about."""

    section: str = "Link"
    key: str
    value: str
    since: int
    covers: tuple[str, ...]


def _yes(value: str) -> str:
    return "yes" if value == "on" else "no"


def _simple_lines(wish: Wish) -> Iterator[_Line]:
    for setting in wish.settings:
        name, value = setting.name, setting.value
        if name in _NUMBERS and value.isascii() and value.isdecimal():
            key, since = _NUMBERS[name]
            yield _Line(key=key, value=value, since=since, covers=(name,))
        elif name in _DELAYS and value.isascii() and value.isdecimal():
            key, since = _DELAYS[name]
            yield _Line(key=key, value=f"{value}us", since=since, covers=(name,))
        elif name in _SWITCHES and value in {"on", "off"}:
            key, since = _SWITCHES[name]
            yield _Line(key=key, value=_yes(value), since=since, covers=(name,))
        elif name == "eee.enabled" and value in {"on", "off"}:
            yield _Line(section=_EEE, key="Enable", value=_yes(value), since=258, covers=(name,))
    named = {setting.name for setting in wish.settings}
    if named & {"pause.rx", "pause.tx"} and "pause.autoneg" not in named and find_words(wish, "-A")[:2] == ("autoneg", "off"):
        yield _Line(key="AutoNegotiationFlowControl", value="no", since=246, covers=("pause.autoneg",))


def _offload_lines(wish: Wish) -> Iterator[_Line]:
    for each in choose_offloads(wish):
        yield _Line(key=each.offload.link_key, value=_yes(each.value), since=each.offload.since, covers=each.covers)


def _find_mask(wish: Wish, modes: str) -> int | None:
    """What is advertised: as it was tried, with the bits for flow control; else the speeds alone."""
    try:
        words = find_words(wish, "-s")
        tried = next((int(words[at + 1], 16) for at, word in enumerate(words[:-1]) if word == "advertise"), None)
        wanted = int(modes, 16)
    except ValueError:
        return None
    flow = 1 << LINK_MODES.index("Pause") | 1 << LINK_MODES.index("Asym_Pause")
    return tried if tried is not None and tried & ~flow == wanted else wanted


def _mode_lines(wish: Wish) -> tuple[_Line, ...]:
    """The link mode, which is set as a whole or not at all."""
    wanted = {setting.name: setting.value for setting in wish.settings if setting.name.startswith("link.")}
    autoneg = _Line(key="AutoNegotiation", value=_yes(wanted.get("link.autoneg", "")), since=233, covers=("link.autoneg",))
    if set(wanted) == {"link.autoneg", "link.modes"} and wanted["link.autoneg"] == "on":
        mask = _find_mask(wish, wanted["link.modes"])
        modes = [mode for bit, mode in enumerate(LINK_MODES) if mask and mask >> bit & 1]
        if modes and _ADVERTISED.issuperset(modes):
            words = " ".join(mode.lower().replace("/", "-").replace("_", "-") for mode in modes)
            return autoneg, _Line(key="Advertise", value=words, since=_ADVERTISE_SINCE, covers=("link.modes",))
    if set(wanted) == {"link.autoneg", "link.speed", "link.duplex"} and wanted["link.autoneg"] == "off":
        speed, duplex = wanted["link.speed"], wanted["link.duplex"]
        if speed.isascii() and speed.isdecimal() and duplex in {"half", "full"}:
            fast = _Line(key="BitsPerSecond", value=f"{speed}M", since=211, covers=("link.speed",))
            return autoneg, fast, _Line(key="Duplex", value=duplex, since=211, covers=("link.duplex",))
    return ()


def _network_settings(place: Place) -> Iterator[tuple[str, Setting]]:
    """What networkd's files say of the card."""
    for path in dict.fromkeys(each.path for each in place.owner.files if "/systemd/network/" in each.path):
        yield from ((path, setting) for setting in parse_ini(place.files.texts.get(path, "")))


def _why_no_mtu(place: Place, line: _Line) -> str | None:
    """Who would set another MTU after udev."""
    owner = place.owner
    if owner.manager not in {"networkd", "netplan", "none"} or owner.renderer == "networkmanager":
        return f"mtu: {owner.manager} comes after udev, and may set another"
    for path, setting in _network_settings(place):
        if (setting.section, setting.key) == ("Link", "MTUBytes") and setting.value != line.value:
            return f"mtu: {path} line {setting.line} says MTUBytes={setting.value}, and networkd comes after udev"
    return None


def _why_not(place: Place, line: _Line) -> str | None:
    """What speaks against one line on this host; None: nothing."""
    version, driver = place.versions.get("systemd", (0,))[0], place.nic.driver or ""
    if line.key == "MTUBytes" and (reason := _why_no_mtu(place, line)) is not None:
        return reason
    if line.covers[0].startswith("link.") and driver in _ASLEEP:
        return f"link mode: udev sets it before the card is up, and {driver} may be asleep then (systemd issue {_ASLEEP[driver]})"
    if line.section == _EEE and driver in OWN_EEE:
        return f"eee.enabled: {driver} sets it anew whenever it opens the card"
    if line.since > version:
        return f"{line.key}= needs systemd {line.since}, this is {version or 'of unknown version'}"
    return None


def _choose_lines(place: Place, wish: Wish) -> tuple[list[_Line], list[str]]:
    """What can be said in .link files, and why not all."""
    mode, rest = _mode_lines(wish), [*_simple_lines(wish), *_offload_lines(wish)]
    covered = {name for line in (*mode, *rest) for name in line.covers}
    hindered = [reason for line in (*mode, *rest) if (reason := _why_not(place, line)) is not None]
    wordless = [f"{each.name}: .link files have no word for {each.value}" for each in wish.settings if each.name not in covered]
    whole = () if any(_why_not(place, line) for line in mode) else mode
    lines = [*whole, *(line for line in rest if _why_not(place, line) is None)]
    return lines, list(dict.fromkeys((*hindered, *wordless)))


def _globs_of_dropins(name: str) -> tuple[str, ...]:
    literal = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
    return tuple(f"{folder}/systemd/network/{literal}.d/*.conf" for folder in _FOLDERS)


def _own_path(place: Place, link_path: str) -> str:
    return f"/etc/systemd/network/{base_name(link_path)}.d/50-nicmedic-{place.number}.conf"


def _list_files(place: Place, wish: Wish) -> tuple[str, ...]:  # noqa: ARG001  # the shape of ``BackEnd.list_files``
    link = place.owner.link_file
    if link is None:
        return ()
    dropins = tuple(path for path, _ in place.files.find(*_globs_of_dropins(base_name(link.path))))
    return tuple(dict.fromkeys((link.path, *dropins, _own_path(place, link.path))))


def _in_force(found: Found, link_path: str) -> list[str]:
    """The file and its drop-ins in the order in which systemd reads them; of two drop-ins with one name the first folder's counts."""
    chosen: dict[str, str] = {}
    for folder in _FOLDERS:
        for path, data in found.items():
            if path != link_path and path.startswith(f"{folder}/") and data is not None:
                chosen.setdefault(base_name(path), path)
    return [link_path, *(chosen[name] for name in sorted(chosen))]


def _read(found: Found, path: str) -> list[tuple[str, str, str, int]]:
    text = (found.get(path) or b"").decode("utf-8", "surrogateescape")
    return [(each.section, each.key, each.value, each.line) for each in parse_ini(text)]


def _why_for_many(place: Place, found: Found, paths: Sequence[str]) -> str | None:
    """Why a drop-in would reach more than this card; None: it would not."""
    link_path = paths[0]
    matches: dict[str, list[str]] = {}
    for path in paths:
        for section, key, value, _ in _read(found, path):
            if section == "Match":
                matches[key] = [*matches.get(key, ()), *split_words(value)] if value else []
    single = [
        key
        for key, words in matches.items()
        if (key in {"MACAddress", "PermanentMACAddress"} and len(words) == 1 and is_address(words[0]))
        or (key == "Path" and len(words) == 1 and not set("*?[!") & set(words[0]))
        or (key == "OriginalName" and words == [place.nic.interface])
    ]
    others = []
    for path, text in place.files.find(DATABASE):
        number = path.removeprefix("/run/udev/data/n")
        if f"E:ID_NET_LINK_FILE={link_path}" in text.split("\n") and number != str(place.target.ifindex):
            others.append(number)
    if not single:
        return f"{link_path} is not for this card alone: a drop-in would reach others, a file of its own take the naming policy away"
    if others:
        return f"{link_path} is applied to other interfaces too (number {', '.join(sorted(others))})"
    return None


def _plain(value: str) -> str:
    """One word for all that systemd takes for yes, and one for no (src/basic/parse-util.c ``parse_boolean``)."""
    return {**dict.fromkeys(_TRUE, "yes"), **dict.fromkeys(_FALSE, "no")}.get(value.lower(), value)


def _find_conflicts(found: Found, paths: Sequence[str], own: str, lines: Sequence[_Line]) -> tuple[list[str], list[str], list[str]]:
    """Reasons why ours would not count, notes on what is overridden, and keys whose list must be emptied first."""
    reasons: list[str] = []
    notes: list[str] = []
    empty: list[str] = []
    mine = {(line.section, line.key): line.value for line in lines}
    forced = ("Link", "Duplex") in mine
    for path in paths:
        for section, key, value, line in _read(found, path):
            wanted = mine.get((section, key))
            lists = (section, key) == ("Link", "Advertise") and bool(value) and (wanted is not None or forced)
            if not lists and (wanted is None or _plain(wanted) == _plain(value)):
                continue
            if path != paths[0] and base_name(path) > base_name(own):
                reasons.append(f"{path} line {line} says {key}={value}, and is read later")
            else:
                notes.append(f"Overrides {key}={value} of {path} line {line}.")
                empty += ["Advertise"] if lists and "Advertise" not in empty else []
    return reasons, notes, empty


def _render(place: Place, wish: Wish, lines: Sequence[_Line], empty: Sequence[str]) -> bytes:
    text = list(head_lines(place.number, name_wish(wish)))
    for section in dict.fromkeys(line.section for line in lines):
        text.append(f"[{section}]")
        text += [f"{key}=" for key in empty if section == "Link"]
        text += [f"{line.key}={line.value}" for line in lines if line.section == section]
    return ("\n".join(text) + "\n").encode("utf-8", "surrogateescape")


def _refuse(*reasons: str, settle: Sequence[str] = ()) -> NoPlace:
    return NoPlace(back_end=_NAME, reasons=reasons, settle=tuple(settle))


def _find_link_path(place: Place, found: Found) -> str | NoPlace:
    """The file beside which a drop-in may be put."""
    owner, name = place.owner, shell_name(place.nic.interface, "IFACE")
    look = f"udevadm info /sys/class/net/{name}"
    if owner.manager is None and (refused := why_not_owned(place, _NAME)) is not None:
        return refused
    path = (read_properties(place.files, place.target) or {}).get("ID_NET_LINK_FILE")
    if owner.link_file is None or owner.link_file.path != path:
        return _refuse(f"udev's database names no .link file that it applied to {name}", settle=(look,))
    if found.get(path) is None or not path.endswith(".link"):
        return _refuse(f"{path}, which udev applied, cannot be read", settle=(look,))
    own = _own_path(place, path)
    return _refuse(f"{own} is there already", settle=("nicmedic kept",)) if found.get(own) is not None else path


def _notes(place: Place, lines: Sequence[_Line]) -> Iterator[str]:
    if any(line.key in {"AutoNegotiation", "Advertise"} for line in lines):
        yield "udev sets the link mode before the interface is up; a driver that cannot do so then says so in udev's log."
    if any(line.section == _EEE for line in lines) and place.nic.chip in _OVER_1000:
        yield "The kernel warns of an old interface when udev sets EEE on such a card (systemd issue 40782); it is set all the same."
    if any(line.key == "MTUBytes" for line in lines):
        for path, setting in _network_settings(place):
            if setting.key == "UseMTU" and _plain(setting.value) == "yes":
                yield f"Where the DHCP server offers an MTU, networkd takes that ({path} line {setting.line})."
    if place.owner.manager not in {"networkd", "netplan", "none"}:
        yield f"udev sets this first, and {place.owner.manager} comes after it."


def _place(place: Place, wish: Wish, found: Found) -> Placement | NoPlace:
    link_path = _find_link_path(place, found)
    if isinstance(link_path, NoPlace):
        return link_path
    lines, reasons = _choose_lines(place, wish)
    if not lines:
        return _refuse(*reasons)
    own = _own_path(place, link_path)
    paths = _in_force(found, link_path)
    many = _why_for_many(place, found, paths)
    hindered, notes, empty = _find_conflicts(found, paths, own, lines)
    if many is not None or hindered:
        look = f"systemd-analyze cat-config systemd/network/{shell_name(base_name(link_path), 'NAME.link')}"
        return _refuse(*([many] if many else ()), *hindered, settle=(look,))
    notes += _notes(place, lines)
    return Placement(
        back_end=_NAME,
        settings=tuple(each.name for each in wish.settings if any(each.name in line.covers for line in lines)),
        edits=(FileEdit(path=own, before=None, after=_render(place, wish, lines, empty)),),
        refresh=(("udevadm", "control", "--reload"),) if "udevadm" in place.tools else (),
        takes_hold="at the next boot, or when the driver is bound anew",
        notes=tuple(notes),
    )


def _take_out(edit: FileEdit, now: bytes, number: int) -> bytes | NoPlace | None:  # noqa: ARG001  # the shape of ``BackEnd.take_out``
    return take_out_own(_NAME, edit, now)


BACK_END = BackEnd(name=_NAME, list_files=_list_files, place=_place, take_out=_take_out)
