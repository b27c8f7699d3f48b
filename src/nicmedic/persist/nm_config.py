# SPDX-License-Identifier: GPL-2.0-or-later
"""NetworkManager's own configuration: which devices it leaves alone, and by which line.

A real file (Ubuntu's ``/usr/lib/NetworkManager/conf.d/10-globally-managed-devices.conf``)::

    [keyfile]
    unmanaged-devices=*,except:type:wifi,except:type:gsm,except:type:cdma

Files are read in this order, later ones win:
/usr/lib/NetworkManager/conf.d, /run/NetworkManager/conf.d, NetworkManager.conf in /etc, conf.d beside it;
a file in /etc hides one of the same name in /run, and that one in /usr/lib. ``key+=`` adds to a list.
Reference: NetworkManager.conf(5) of 1.42, "DESCRIPTION" and "Device List Format"; nm-core-utils.c ``nm_match_spec_device``.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nicmedic.persist.files import FoundFiles, base_name
from nicmedic.persist.ini import Setting, parse_ini
from nicmedic.persist.matching import fit_any_address, fits_glob, is_address
from nicmedic.persist.values import FileLine, Target

__all__ = ["CONFIG_PATHS", "Unmanaged", "find_setting", "find_unmanaged", "fit_specs"]

_MAIN = "/etc/NetworkManager/NetworkManager.conf"
_FOLDERS = ("/usr/lib/NetworkManager/conf.d", "/run/NetworkManager/conf.d", "/etc/NetworkManager/conf.d")
CONFIG_PATHS = (_MAIN, *(f"{folder}/*.conf" for folder in _FOLDERS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmanaged:
    """Where it says that a device is left alone; ``answer`` None: it may say so."""

    answer: bool | None
    place: FileLine
    what: str


def _files_in_order(files: FoundFiles) -> Iterator[str]:
    names: set[str] = set()
    kept: list[list[str]] = []
    for folder in reversed(_FOLDERS):
        paths = [path for path, _ in files.find(f"{folder}/*.conf") if base_name(path) not in names]
        kept.append(paths)
        names |= {base_name(path) for path, _ in files.find(f"{folder}/*.conf")}
    for paths in reversed(kept[1:]):
        yield from paths
    yield from [_MAIN] if _MAIN in files.texts else []
    yield from kept[0]


def _settings(files: FoundFiles) -> Sequence[tuple[str, Setting]]:
    return files.make_once("nm config", _read_settings)


def _read_settings(files: FoundFiles) -> Sequence[tuple[str, Setting]]:
    return [(path, setting) for path in _files_in_order(files) for setting in parse_ini(files.texts[path], joined=False)]


def find_setting(files: FoundFiles, section: str, key: str) -> tuple[str, FileLine] | None:
    """A value's last assignment."""
    found = [(setting.value, path, setting.line) for path, setting in _settings(files) if (setting.section, setting.key) == (section, key)]
    return (found[-1][0], FileLine(path=found[-1][1], line=found[-1][2], role="unmanaged")) if found else None


def find_unmanaged(files: FoundFiles, target: Target) -> Unmanaged | None:
    """The line that keeps NetworkManager from the NIC; None: there is none."""
    return _by_keyfile(files, target) or _by_device_section(files, target)


def _by_keyfile(files: FoundFiles, target: Target) -> Unmanaged | None:
    specs: list[str] = []
    place = None
    for path, setting in _settings(files):
        if setting.section == "keyfile" and setting.key in ("unmanaged-devices", "unmanaged-devices+"):
            listed = _split(setting.value)
            specs = [*specs, *listed] if setting.key.endswith("+") else listed
            place = FileLine(path=path, line=setting.line, role="unmanaged")
    answer = fit_specs(specs, target)
    return Unmanaged(answer=answer, place=place, what="unmanaged-devices") if place and answer is not False else None


def _by_device_section(files: FoundFiles, target: Target) -> Unmanaged | None:
    sections: dict[str, dict[str, tuple[str, FileLine]]] = {}
    for path, setting in _settings(files):
        if setting.section.startswith("device"):
            place = FileLine(path=path, line=setting.line, role="unmanaged")
            sections.setdefault(setting.section, {})[setting.key] = (setting.value, place)
    for section, settings in sections.items():
        value, place = settings.get("managed", ("", FileLine(path="", role="")))
        matches = fit_specs(_split(settings["match-device"][0]), target) if "match-device" in settings else True
        if value and matches is not False:
            return Unmanaged(answer=matches, place=place, what=f"[{section}] managed={value}") if _is_false(value) else None
    return None


def _is_false(value: str) -> bool:
    return value.lower() in ("0", "no", "false", "off")


def _split(value: str) -> list[str]:
    return [word for word in re.split(r"[,;\s]+", value) if word]


def fit_specs(specs: Sequence[str], target: Target) -> bool | None:
    """A device list: ``except:`` goes before all else; a list of nothing but ``except:`` takes what none of them fits.

    >>> eth0 = Target(interface="eth0")
    >>> fit_specs(["*", "except:type:wifi"], eth0), fit_specs(["except:interface-name:eth*"], eth0), fit_specs(["mac:00:11:22:33:44:55"], eth0)
    (True, False, None)
    """
    negative = [_fit_spec(spec.removeprefix("except:"), target) for spec in specs if spec.startswith("except:")]
    positive = [_fit_spec(spec, target) for spec in specs if not spec.startswith("except:")]
    if not specs or True in negative:
        return False
    fits = True if not positive or True in positive else (None if None in positive else False)
    return None if fits and None in negative else fits


_TYPES = {"ether": "ethernet", "wlan": "wifi"}


def _fit_spec(spec: str, target: Target) -> bool | None:
    if spec == "*":
        return True
    key, mark, value = spec.partition(":")
    if is_address(spec) or not mark:
        return fit_any_address([spec], (target.permanent_address,)) if is_address(spec) else spec == target.interface
    if key == "interface-name":
        return value[1:] == target.interface if value.startswith("=") else fits_glob(target.interface, value.removeprefix("~"))
    if key == "mac":
        return fit_any_address([value], (target.permanent_address,))
    if key == "type":
        return None if target.kind is None else value == _TYPES.get(target.kind, target.kind)
    if key == "driver":
        return None if target.driver is None else value.split("/", 1)[0] == target.driver
    return None if key in ("s390-subchannels", "dhcp-plugin") else False
