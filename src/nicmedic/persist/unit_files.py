# SPDX-License-Identifier: GPL-2.0-or-later
"""systemd's .network and .link files: which one applies to a NIC.

A real file::

    [Match]
    Name=en* !enp3s0
    [Network]
    DHCP=yes

Rules, from systemd.network(5) and systemd.link(5) of systemd 252, and net-condition.c ``net_match_config``: files of all folders are sorted
by name
together; of two with one name, that in /etc goes before /run before /usr/local/lib before /usr/lib; an empty file or a link to /dev/null masks
the name; the first that matches is the only one that applies; drop-ins of it, ``NAME.network.d/*.conf``, are added, and follow the same
order of folders.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nicmedic.persist.files import FoundFiles, base_name
from nicmedic.persist.ini import Setting, parse_ini, split_words
from nicmedic.persist.matching import all_fit, fit_any_address, fit_patterns, fits_glob, is_address
from nicmedic.persist.udev import read_properties
from nicmedic.persist.values import Target

__all__ = ["Fit", "UnitFile", "find_fit", "list_unit_files", "unit_paths"]

FOLDERS = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
_SUFFIXES = (".network", ".link")


def unit_paths() -> tuple[str, ...]:
    """Globs of all such files and their drop-ins."""
    return tuple(f"{folder}/systemd/network/*{suffix}{rest}" for folder in FOLDERS for suffix in _SUFFIXES for rest in ("", ".d/*.conf"))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFile:
    """One file in force under its name, with its drop-ins."""

    path: str
    settings: tuple[Setting, ...]
    dropins: tuple[tuple[str, tuple[Setting, ...]], ...] = ()

    def all_settings(self) -> Iterator[tuple[str, Setting]]:
        """Each with the path that it stands in."""
        for path, settings in ((self.path, self.settings), *self.dropins):
            for setting in settings:
                yield path, setting

    def find(self, section: str, key: str) -> tuple[str, Setting] | None:
        """The assignment that counts: the last."""
        return next((each for each in reversed(list(self.all_settings())) if (each[1].section, each[1].key) == (section, key)), None)


def _in_force(files: FoundFiles, folder_globs: Sequence[str]) -> Iterator[str]:
    """For each base name the path that counts, sorted by name."""
    chosen: dict[str, str] = {}
    for glob in folder_globs:
        links = [path for path in files.links if path not in files.texts and FoundFiles(texts={path: ""}).exists(glob)]
        for path in (*(path for path, _ in files.find(glob)), *links):
            chosen.setdefault(base_name(path), path)
    for name in sorted(chosen):
        yield chosen[name]


def list_unit_files(files: FoundFiles, suffix: str) -> tuple[UnitFile, ...]:
    """Files of one kind in the order in which systemd asks them; masked ones are left out."""
    return files.make_once(f"units {suffix}", lambda found: tuple(_read_unit_files(found, suffix)))


def _read_unit_files(files: FoundFiles, suffix: str) -> Iterator[UnitFile]:
    for path in _in_force(files, [f"{folder}/systemd/network/*{suffix}" for folder in FOLDERS]):
        text = files.texts.get(path)
        if not text:
            continue
        name = base_name(path)
        dropins = _in_force(files, [f"{folder}/systemd/network/{_literal(name)}.d/*.conf" for folder in FOLDERS])
        yield UnitFile(
            path=path,
            settings=tuple(parse_ini(text)),
            dropins=tuple((each, tuple(parse_ini(files.texts[each]))) for each in dropins if files.texts.get(each)),
        )


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a file's [Match] section fits a NIC."""

    answer: bool | None
    exact: bool = False
    """It names this NIC alone: by name, address or path, without wildcards."""
    undecided: tuple[str, ...] = ()
    """The keys that could not be judged."""
    line: int | None = None
    """Where the telling key stands."""


_OF_HOST = ("Host", "Virtualization", "KernelCommandLine", "KernelVersion", "Credential", "Architecture", "Firmware")
_OF_WLAN = ("WLANInterfaceType", "SSID", "BSSID")


def find_fit(unit: UnitFile, files: FoundFiles, target: Target) -> Fit:
    """Judge a file's [Match] section. One without any valid key matches everything, as systemd has it (with a warning)."""
    wanted: dict[str, list[str]] = {}
    line = None
    for path, setting in unit.all_settings():
        if setting.section != "Match":
            continue
        line = line or (setting.line if path == unit.path else None)
        invert = "!" if setting.value.startswith("!") else ""
        words = split_words(setting.value[len(invert) :])
        wanted[setting.key] = [*wanted.get(setting.key, []), *(invert + word for word in words)] if setting.value else []
    properties = read_properties(files, target)
    answers = {key: _judge(key, words, target, properties) for key, words in wanted.items() if words}
    if not answers and target.interface == "lo":
        return Fit(answer=False)
    exact = any(_is_exact(key, words) for key, words in wanted.items())
    undecided = tuple(f"{key}={' '.join(wanted[key])}" for key, answer in answers.items() if answer is None)
    return Fit(answer=all_fit(answers.values()), exact=exact, undecided=undecided, line=line)


def _is_exact(key: str, words: Sequence[str]) -> bool:
    if key not in ("Name", "MACAddress", "PermanentMACAddress", "Path"):
        return False
    return bool(words) and not any(word.startswith("!") or set("*?[") & set(word) for word in words)


def _judge(key: str, words: Sequence[str], target: Target, properties: Mapping[str, str] | None) -> bool | None:
    if key == "Name":
        return fit_patterns(words, (target.interface, *target.altnames))
    if key == "OriginalName":
        return True if "*" in words else None
    if key == "MACAddress":
        return fit_any_address(filter(is_address, words), (target.address,))
    if key == "PermanentMACAddress":
        return fit_any_address(filter(is_address, words), (target.permanent_address,))
    if key in ("Path", "Driver", "Type"):
        return fit_patterns(words, ({"Path": target.path, "Driver": target.driver, "Type": target.kind}[key],))
    if key == "Kind":
        return fit_patterns(words, ("" if target.kind in ("ether", "wlan") else target.kind,))
    if key == "Property":
        return None if properties is None else all(_fits_property(word, properties) for word in words)
    if key in _OF_WLAN and target.kind == "ether":
        return False
    return None if key in (*_OF_HOST, *_OF_WLAN) else True


def _fits_property(word: str, properties: Mapping[str, str]) -> bool:
    key, _, value = word.lstrip("!").partition("=")
    fits = key in properties and fits_glob(properties[key], value)
    return fits != word.startswith("!")
