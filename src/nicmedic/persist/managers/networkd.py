# SPDX-License-Identifier: GPL-2.0-or-later
"""systemd-networkd. Its files and their order stand in ``persist/unit_files.py``.

The best witness is its state of this boot, ``/run/systemd/netif/links/<ifindex>`` (networkd-state-file.c ``link_save``)::

    ADMIN_STATE=configured
    OPER_STATE=routable
    NETWORK_FILE=/etc/systemd/network/20-wired.network
    NETWORK_FILE_DROPINS=""

``ADMIN_STATE=unmanaged`` says that no .network file is for the NIC; with configuring, configured and failed networkd has it.
"""

from nicmedic.persist.files import FoundFiles
from nicmedic.persist.ini import parse_ini
from nicmedic.persist.manager import Manager, find_enabled
from nicmedic.persist.udev import DATABASE, read_properties
from nicmedic.persist.unit_files import Fit, UnitFile, find_fit, list_unit_files, unit_paths
from nicmedic.persist.values import Claim, FileLine, Strength, Target

__all__ = ["MANAGER", "find_link_file"]

_HAS_IT = ("configuring", "configured", "failed")
_PORT_KEYS = ("Bridge", "Bond", "BatmanAdvanced", "VRF")
_UNIT = "systemd-networkd.service"


def _read_state(files: FoundFiles, target: Target) -> tuple[str, dict[str, str]] | None:
    path = f"/run/systemd/netif/links/{target.ifindex}"
    text = files.texts.get(path) if target.ifindex is not None else None
    if text is None:
        return None
    return path, {setting.key: setting.value.strip('"') for setting in parse_ini(text, joined=False)}


def _find_unit(
    files: FoundFiles, target: Target, suffix: str
) -> tuple[UnitFile, Fit, tuple[str, ...]] | tuple[None, None, tuple[str, ...]]:
    """The first file that fits, and what before it could not be judged."""
    undecided: list[str] = []
    for unit in list_unit_files(files, suffix):
        fit = find_fit(unit, files, target)
        if fit.answer:
            return unit, fit, tuple(undecided)
        if fit.answer is None:
            undecided.append(f"{unit.path}: whether {', '.join(fit.undecided)} fits {target.interface} is not known")
    return None, None, tuple(undecided)


def _describe(unit: UnitFile, line: int | None) -> tuple[FileLine, ...]:
    found = [FileLine(path=unit.path, line=line, role="defines")]
    found += [FileLine(path=path, role="drop-in") for path, _ in unit.dropins]
    for key in _PORT_KEYS:
        if held := unit.find("Network", key):
            found.append(FileLine(path=held[0], line=held[1].line, role="port-of"))
    return tuple(found)


def _claim(files: FoundFiles, target: Target) -> Claim | None:
    held = _read_state(files, target)
    active = True if files.exists("/run/systemd/netif/state") or held else find_enabled(files, _UNIT)
    if held:
        return _claim_by_state(files, target, *held)
    unit, fit, undecided = _find_unit(files, target, ".network")
    undecided += tuple(f"{path}: {reason}" for path, reason in files.find_unreadable(*unit_paths()))
    if unit is None or fit is None:
        if not undecided:
            return None
        why = "a .network file may be for it, which could not be judged"
        return Claim(manager="networkd", strength=Strength.POSSIBLE, why=why, active=active, undecided=undecided)
    unmanaged = unit.find("Link", "Unmanaged")
    if unmanaged and unmanaged[1].value.lower() in ("yes", "true", "1", "on", "y", "t"):
        place = FileLine(path=unmanaged[0], line=unmanaged[1].line, role="unmanaged")
        return Claim(manager="networkd", strength=None, files=(place,), why=f"{place.path} says Unmanaged=yes", active=active)
    strength = Strength.DEFINED if fit.exact else Strength.MATCHED
    why = f"{unit.path} is the first .network file whose [Match] fits {target.interface}"
    return Claim(manager="networkd", strength=strength, files=_describe(unit, fit.line), why=why, active=active, undecided=undecided)


def _claim_by_state(files: FoundFiles, target: Target, path: str, state: dict[str, str]) -> Claim | None:
    place = FileLine(path=path, role="state")
    admin, network = state.get("ADMIN_STATE", ""), state.get("NETWORK_FILE", "")
    if admin == "unmanaged":
        return Claim(manager="networkd", strength=None, files=(place,), why=f"networkd itself says unmanaged ({path})", active=True)
    if admin not in _HAS_IT:
        return None
    unit = next((each for each in list_unit_files(files, ".network") if each.path == network), None)
    if unit is not None:
        described = _describe(unit, find_fit(unit, files, target).line)
    else:
        described = (FileLine(path=network, role="defines"),) if network else ()
    listed = [each for each in state.get("NETWORK_FILE_DROPINS", "").split(":") if each.startswith("/")]
    missing = tuple(FileLine(path=each, role="drop-in") for each in listed if each not in {known.path for known in described})
    why = f"networkd says {admin} with {network or 'no file'} ({path})"
    return Claim(manager="networkd", strength=Strength.RUNNING, files=(*described, *missing, place), why=why, active=True)


def find_link_file(files: FoundFiles, target: Target) -> tuple[FileLine | None, tuple[str, ...]]:
    """The .link file that udev applies: as its database says, else by the same rules; and what could not be judged."""
    path = (read_properties(files, target) or {}).get("ID_NET_LINK_FILE")
    if path:
        return FileLine(path=path, role="link"), ()
    unit, fit, undecided = _find_unit(files, target, ".link")
    return (None, undecided) if unit is None or fit is None else (FileLine(path=unit.path, line=fit.line, role="link"), undecided)


MANAGER = Manager(
    name="networkd",
    paths=(
        *unit_paths(),
        DATABASE,
        "/run/systemd/netif/state",
        "/run/systemd/netif/links/*",
        f"/etc/systemd/system/*.wants/{_UNIT}",
        f"/etc/systemd/system/{_UNIT}",
    ),
    claim=_claim,
)
