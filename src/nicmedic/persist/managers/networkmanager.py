# SPDX-License-Identifier: GPL-2.0-or-later
"""NetworkManager; which devices it leaves alone stands in ``persist/nm_config.py``.

A connection, in ``/etc/NetworkManager/system-connections``::

    [connection]
    id=Wired connection 1
    uuid=8f1b3c1e-8a3e-4f3e-9d67-6a2f5d1f1a11
    type=ethernet
    interface-name=enp3s0

The best witness is its state of this boot, ``/run/NetworkManager/devices/<ifindex>`` (nm-config.c ``nm_config_device_state_write``)::

    [device]
    managed=true
    connection-uuid=8f1b3c1e-8a3e-4f3e-9d67-6a2f5d1f1a11

A profile marked ``external=true`` in ``[.nmmeta]`` is only NetworkManager's picture of what somebody else configured.
With the plugin ``ifupdown`` (Debian's default) NICs in /etc/network/interfaces are left alone unless ``[ifupdown] managed=true``.
ifcfg files are read by its plugin ifcfg-rh, of which ``managers/ifcfg.py`` speaks. Profiles are for root only: an ordinary user cannot see them.
Reference: nm-settings-keyfile(5), NetworkManager.conf(5) of 1.42; nms-ifupdown-plugin.c ``load_eni_ifaces``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from nicmedic.persist.files import FoundFiles
from nicmedic.persist.ini import parse_ini
from nicmedic.persist.interfaces import MAIN_FILE
from nicmedic.persist.manager import Manager, find_enabled
from nicmedic.persist.matching import all_fit, fit_any_address, fit_patterns
from nicmedic.persist.nm_config import CONFIG_PATHS, find_setting, find_unmanaged
from nicmedic.persist.stanza_claims import read_what_is_said
from nicmedic.persist.udev import DATABASE, read_properties
from nicmedic.persist.values import Claim, FileLine, Strength, Target

__all__ = ["MANAGER", "is_active"]

_PROFILES = tuple(
    f"{folder}/NetworkManager/system-connections/*{suffix}" for folder in ("/etc", "/run", "/usr/lib") for suffix in (".nmconnection", "")
)
_ETHERNET = ("ethernet", "802-3-ethernet", "vlan", "")
_UNIT = "NetworkManager.service"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Profile:
    path: str
    values: dict[tuple[str, str], tuple[str, int]]

    def find(self, *names: tuple[str, str]) -> tuple[str, int] | None:
        return next((self.values[name] for name in names if self.values.get(name, ("", 0))[0]), None)


def is_active(files: FoundFiles) -> bool | None:
    """Whether NetworkManager runs on this host."""
    return True if files.exists("/run/NetworkManager/devices/*") else find_enabled(files, _UNIT)


def _profiles(files: FoundFiles) -> Sequence[_Profile]:
    return files.make_once("nm profiles", _read_profiles)


def _read_profiles(files: FoundFiles) -> Sequence[_Profile]:
    found: list[_Profile] = []
    for glob in _PROFILES:
        for path, text in files.find(glob):
            if path not in {each.path for each in found} and not path.rsplit("/", 1)[1].startswith("."):
                settings = parse_ini(text, joined=False)
                found.append(_Profile(path=path, values={(each.section, each.key): (each.value, each.line) for each in settings}))
    return found


def _claim(files: FoundFiles, target: Target) -> Claim | None:
    active = is_active(files)
    state = files.texts.get(f"/run/NetworkManager/devices/{target.ifindex}") if target.ifindex is not None else None
    if state is not None and (claim := _claim_by_state(files, target, state)):
        return claim
    if left_alone := _find_left_alone(files, target):
        why, place = left_alone
        return Claim(manager="networkmanager", strength=None, files=(place,), why=why, active=active)
    undecided = tuple(f"{path}: {reason}" for path, reason in files.find_unreadable(*_PROFILES))
    unsure = find_unmanaged(files, target)
    if unsure:
        undecided += (f"{unsure.place.path}:{unsure.place.line}: whether {unsure.what} fits {target.interface} is not known",)
    found = _claim_by_profile(files, target, active=active, undecided=undecided)
    if found or not active:
        return found or (_possible(active=active, undecided=undecided) if undecided else None)
    return _possible(active=active, undecided=undecided)


def _possible(*, active: bool | None, undecided: tuple[str, ...]) -> Claim:
    why = "NetworkManager works on this host and takes every NIC that nothing keeps it from"
    return Claim(manager="networkmanager", strength=Strength.POSSIBLE, why=why, active=active, undecided=undecided)


def _claim_by_state(files: FoundFiles, target: Target, text: str) -> Claim | None:
    path = f"/run/NetworkManager/devices/{target.ifindex}"
    place = FileLine(path=path, role="state")
    values = {setting.key: setting.value for setting in parse_ini(text, joined=False) if setting.section == "device"}
    if values.get("managed") == "false":
        return Claim(
            manager="networkmanager", strength=None, files=(place,), why=f"NetworkManager itself says unmanaged ({path})", active=True
        )
    if values.get("managed") != "true":
        return None
    uuid = values.get("connection-uuid")
    if uuid is None:
        why = f"NetworkManager says that it manages {target.interface}, with no connection active ({path})"
        return Claim(manager="networkmanager", strength=Strength.DEFINED, files=(place,), why=why, active=True)
    profile = _find_profile(files, target, uuid)
    if profile is None:
        undecided = (f"the file of connection {uuid} was not found; NetworkManager's folders are readable for root only",)
        why = f"NetworkManager says that it manages {target.interface} with connection {uuid} ({path})"
        return Claim(manager="networkmanager", strength=Strength.RUNNING, files=(place,), why=why, active=True, undecided=undecided)
    if (profile.find((".nmmeta", "external")) or ("",))[0] == "true":
        why = f"NetworkManager only watches what somebody else configured ({profile.path} is marked external)"
        return Claim(manager="networkmanager", strength=None, files=(place,), why=why, active=True)
    why = f"NetworkManager says that it manages {target.interface} with {profile.path} ({path})"
    return Claim(manager="networkmanager", strength=Strength.RUNNING, files=(*_describe(profile), place), why=why, active=True)


def _find_profile(files: FoundFiles, target: Target, uuid: str) -> _Profile | None:
    """The profile of a connection; one without a uuid, as netplan writes them, is given one when it is read.

    That uuid is made out of the file's path (NetworkManager, libnm-core-impl/nm-keyfile.c ``nm_keyfile_read_ensure_uuid``), so
    it is the only profile without one that fits the NIC.
    """
    unnamed = []
    for profile in _profiles(files):
        held = profile.find(("connection", "uuid"))
        if held and held[0] == uuid:
            return profile
        if not held and _fits(profile, target):
            unnamed.append(profile)
    return unnamed[0] if len(unnamed) == 1 else None


def _describe(profile: _Profile) -> tuple[FileLine, ...]:
    held = profile.find(
        ("connection", "interface-name"), ("ethernet", "mac-address"), ("802-3-ethernet", "mac-address"), ("match", "interface-name")
    )
    found = [FileLine(path=profile.path, line=held[1] if held else None, role="defines")]
    if master := profile.find(("connection", "controller"), ("connection", "master")):
        found.append(FileLine(path=profile.path, line=master[1], role="port-of"))
    return tuple(found)


def _find_left_alone(files: FoundFiles, target: Target) -> tuple[str, FileLine] | None:
    """Why NetworkManager does not touch the NIC, and where that stands."""
    unmanaged = find_unmanaged(files, target)
    if unmanaged and unmanaged.answer:
        return f"{unmanaged.place.path} keeps NetworkManager from it by {unmanaged.what}", unmanaged.place
    if (read_properties(files, target) or {}).get("NM_UNMANAGED") == "1":
        place = FileLine(path=f"/run/udev/data/n{target.ifindex}", role="unmanaged")
        return "a udev rule keeps NetworkManager from it (NM_UNMANAGED=1)", place
    plugins = find_setting(files, "main", "plugins")
    managed = find_setting(files, "ifupdown", "managed")
    if plugins and "ifupdown" in plugins[0] and not (managed and managed[0].lower() in ("true", "1", "yes", "on")):
        said = read_what_is_said(files, target)
        if said and said.strength:
            return f"its plugin ifupdown keeps NetworkManager from what is in {MAIN_FILE}", (managed or plugins)[1]
    return None


def _fits(profile: _Profile, target: Target) -> bool | None:
    kind = (profile.find(("connection", "type")) or ("",))[0]
    if kind not in _ETHERNET or (kind == "vlan" and target.kind != "vlan"):
        return False
    answers: list[bool | None] = []
    if name := profile.find(("connection", "interface-name")):
        answers.append(name[0] in (target.interface, *target.altnames))
    if address := profile.find(("ethernet", "mac-address"), ("802-3-ethernet", "mac-address")):
        answers.append(fit_any_address([address[0]], (target.permanent_address,)))
    for key, value in (("interface-name", target.interface), ("path", target.path), ("driver", target.driver)):
        if held := profile.find(("match", key)):
            words = [word.lstrip("|&") for word in held[0].split(";") if word.strip("|&")]
            answers.append(fit_patterns(words, (value,)))
    if profile.find(("match", "kernel-command-line")):
        answers.append(None)
    return all_fit(answers)


def _claim_by_profile(files: FoundFiles, target: Target, *, active: bool | None, undecided: tuple[str, ...]) -> Claim | None:
    exact: list[_Profile] = []
    loose: list[_Profile] = []
    for profile in _profiles(files):
        fits = _fits(profile, target)
        named = profile.find(("connection", "interface-name"), ("ethernet", "mac-address"), ("802-3-ethernet", "mac-address"))
        if fits is None:
            undecided += (f"{profile.path}: whether it fits {target.interface} is not known",)
        elif fits:
            (exact if named else loose).append(profile)
    chosen = exact or loose
    if not chosen:
        return None
    places = tuple(place for profile in chosen for place in _describe(profile))
    strength = Strength.DEFINED if exact else Strength.MATCHED
    if len(chosen) > 1:
        undecided += (f"{len(chosen)} connections fit; which is active only NetworkManager knows",)
    why = f"{chosen[0].path} is a connection for {target.interface if exact else 'any Ethernet NIC'}"
    return Claim(manager="networkmanager", strength=strength, files=places, why=why, active=active, undecided=undecided)


MANAGER = Manager(
    name="networkmanager",
    paths=(
        *CONFIG_PATHS,
        *_PROFILES,
        DATABASE,
        "/run/NetworkManager/devices/*",
        f"/etc/systemd/system/*.wants/{_UNIT}",
        f"/etc/systemd/system/{_UNIT}",
    ),
    claim=_claim,
)
