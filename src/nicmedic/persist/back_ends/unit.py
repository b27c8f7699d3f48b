# SPDX-License-Identifier: GPL-2.0-or-later
"""The last resort on a host with systemd: a service of ours that sets it each time the interface appears. It needs neither Python nor nicmedic.

A rule of udev names the service to the card's interface (``SYSTEMD_WANTS``), whatever name that has: udev knows the card by its place on
the bus and its chip, and systemd makes an instance of the service out of the path in sysfs (since systemd 236; man systemd.device). So it
is carried out at each boot, after a driver was bound anew, and after a rename; nothing must be enabled, and both files go without a trace.
A service that has run stays active until its interface goes (``RemainAfterExit=``, ``BindsTo=``): udev's further events do not set it
again, for ``ethtool -s`` may take the link away for seconds.

It is carried out after the network managers were started, so that what they set at once does not win; it does not wait for a network that
is up, which there may not be before it has done its work. A card that is asleep answers "No such device" until the manager has brought it
up (systemd issue 16445): a failed try is repeated where systemd can do that for such a service (since 244).

A link that is away for a moment while systemd-networkd is busy may cost the default route: for a card of networkd's the service looks for
that afterwards, and has networkd configure it anew if networkd has given up on it, and only then.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.model.names import shell_name
from nicmedic.model.step import Pause, Run, Step, Write
from nicmedic.persist.back_end import BackEnd, Found, Place
from nicmedic.persist.marks import insert_block, take_out_marked
from nicmedic.persist.own_file import head_lines, take_out_own
from nicmedic.persist.udev_keys import match_address, match_interface
from nicmedic.persist.unit_steps import RECONFIGURE_S, find_obstacles, render_reconfigure, render_step, sum_seconds

__all__ = ["BACK_END"]

_NAME: Final = "unit"
_INIT: Final = "/proc/1/comm"
_ODD = re.compile(r"[^A-Za-z0-9 .,:;=_/()+-]")
"""What has no business in a line that is for reading; a backslash would join the next one to it."""
_MANAGERS = "network-pre.target networking.service NetworkManager.service systemd-networkd.service wicked.service network.target"
_TEMPLATES_SINCE, _REPEATS_SINCE, _RECONFIGURES_SINCE = (236,), (244,), (244,)
_GIVES_UP = (
    "Where the link is away for a moment while systemd-networkd is busy, networkd may give up on the card and leave the default route out"
)
_KNOWN_BY_ADDRESS = (
    "The rule of udev knows the card by its place, its chip and its own address: in another slot or port it is not carried out."
)
_KNOWN_BY_PLACE = (
    "The rule of udev knows the card by its place and its chip, since no permanent address of it is known: in another slot or port it is not "
    "carried out, and on a card of the same chip that stands in its place one day it is."
)
_NOT_HERE = {
    "cmdline": "only the boot loader can set {name}",
    "interrupts": "{name}: the number of an interrupt may be another one after a boot",
    "above": "{name}: it belongs to the configuration of the interface above",
}
_UCI = {"mtu": "mtu", "link.autoneg": "autoneg", "link.speed": "speed", "link.duplex": "duplex", "eee.enabled": "eee",
        "pause.rx": "rxpause", "pause.tx": "txpause", "features.rx-gro": "gro"}  # fmt: skip
"""Options of a device in /etc/config/network (openwrt/netifd, device.c, ``dev_attrs``)."""
_UCI_WORDS = {"on": "1", "off": "0", "full": "1", "half": "0"}


def _service_path(place: Place) -> str:
    return f"/etc/systemd/system/nicmedic-kept-{place.number}@.service"


def _rules_path(place: Place) -> str:
    return f"/etc/udev/rules.d/90-nicmedic-{place.number}.rules"


def _list_files(place: Place, wish: Wish) -> tuple[str, ...]:
    del wish
    return (_INIT, _service_path(place), _rules_path(place))


def _is_since(place: Place, version: tuple[int, ...]) -> bool:
    return place.versions.get("systemd", ()) >= version


def _render_service(place: Place, title: str, steps: Sequence[Run | Write | Pause]) -> str:
    number, repeats = place.number, _is_since(place, _REPEATS_SINCE)
    reconfigures = _may_fail_in_networkd(place, steps) and _can_reconfigure(place)
    return "\n".join(
        [
            *head_lines(number, title),
            "[Unit]",
            f"Description=nicmedic {number}: {title}",
            "BindsTo=%i.device",
            f"After=%i.device {_MANAGERS}",
            *(("StartLimitIntervalSec=600", "StartLimitBurst=10") if repeats else ()),
            "",
            "[Service]",
            "Type=oneshot",
            "RemainAfterExit=yes",
            "Environment=LC_ALL=C",
            f"TimeoutStartSec={sum_seconds(steps) + (RECONFIGURE_S if reconfigures else 0) + 30}",
            *(("Restart=on-failure", "RestartSec=10") if repeats else ()),
            *(f"ExecStart={render_step(step)}" for step in steps),
            *([f"ExecStartPost={render_reconfigure()}"] if reconfigures else ()),
            "",
        ]
    )


def _may_fail_in_networkd(place: Place, steps: Sequence[Step]) -> bool:
    """Seen with systemd 252 in machines of the lab: the link was away for half a second by ``ethtool -s``, and was back before networkd ran.

    It takes the address away for the lost carrier and asks for the route of the new one in one go: "Could not set route: Nexthop has invalid
    gateway. Network is unreachable", then "Failed", and no default route until somebody reconfigures it.
    Drivers take the link away for a ring, an MTU or an offload too (e1000e/netdev.c ``e1000_change_mtu``, ethtool.c ``e1000_set_ringparam``).
    """
    by_networkd = place.owner.manager == "networkd" or (place.owner.manager == "netplan" and place.owner.renderer == "networkd")
    return by_networkd and any(isinstance(step, Run) and step.argv[:1] in {("ethtool",), ("ip",)} for step in steps)


def _can_reconfigure(place: Place) -> bool:
    return "networkctl" in place.tools and _is_since(place, _RECONFIGURES_SINCE)


def _split_settings(wish: Wish) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of those that a command sets, and why the others are not."""
    names = [setting.name for setting in wish.settings]
    reasons = [_NOT_HERE[family].format(name=name) for name in names if (family := name.partition(".")[0]) in _NOT_HERE]
    return tuple(name for name in names if name.partition(".")[0] not in _NOT_HERE), tuple(reasons)


def _select_steps(wish: Wish) -> list[Step]:
    """Without those on interrupts, whose numbers may be others."""
    return [step for step in wish.steps if not (isinstance(step, Write) and step.path.startswith("/proc/irq/"))]


def _list_uci(place: Place, wish: Wish) -> Iterator[str]:
    """For OpenWrt, as far as its netifd knows the setting."""
    words = [(_UCI[each.name], _UCI_WORDS.get(each.value, each.value)) for each in wish.settings if each.name in _UCI]
    name = shell_name(place.nic.interface, "IFACE")
    if words:
        yield f"uci show network | grep -F {name}   # where a section 'device' names it already: set it there, and add none"
        yield f"uci add network device && uci set network.@device[-1].name={name}"
        yield from (f"uci set network.@device[-1].{option}={value}" for option, value in words)
        yield "uci commit network && /etc/init.d/network reload"


def _check_host(place: Place, found: Found) -> tuple[str, ...]:
    """Why there cannot be such a service here."""
    if (found.get(_INIT) or b"").strip() != b"systemd" or "systemctl" not in place.tools:
        return ("systemd does not run this host",)
    if "udevadm" not in place.tools:
        return ("udev is not installed",)
    version = place.versions.get("systemd")
    if version is not None and version < _TEMPLATES_SINCE:
        return (f"systemd {version[0]} makes no instance of a service for a device: it is older than {_TEMPLATES_SINCE[0]}",)
    there = [path for path in (_service_path(place), _rules_path(place)) if found.get(path) is not None]
    return tuple(f"{path} is there already" for path in there)


def _check_steps(place: Place, steps: Sequence[Step]) -> tuple[str, ...]:
    if not steps:
        return ("no command sets it on a running host",)
    programs = {word for step in steps if isinstance(step, Run) for word in step.argv[:1]}
    missing = sorted(programs.intersection({"ethtool", "ip"}) - place.tools)
    return (*(f"{program} is not installed" for program in missing), *find_obstacles(steps))


def _refuse(reasons: Sequence[str], settle: Sequence[str] = ()) -> NoPlace:
    return NoPlace(back_end=_NAME, reasons=tuple(reasons), settle=tuple(settle))


def _list_notes_of_networkd(place: Place, steps: Sequence[Step]) -> Iterator[str]:
    if not _may_fail_in_networkd(place, steps):
        return
    if _can_reconfigure(place):
        yield f"{_GIVES_UP}: the service looks for that for some seconds, and has networkd configure the card anew then, once."
    else:
        name = shell_name(place.nic.interface, "IFACE")
        yield f"{_GIVES_UP}: look after the next boot; networkctl reconfigure {name} brings it back."


def _place(place: Place, wish: Wish, found: Found) -> Placement | NoPlace:
    names, left_out = _split_settings(wish)
    if not names:
        return _refuse(left_out or ("nothing is to be set",))
    if reasons := _check_host(place, found):
        uci = list(_list_uci(place, wish)) if "uci" in place.tools else []
        return _refuse(reasons, settle=(*uci, f"nicmedic prescribe {shell_name(place.nic.interface, 'IFACE')}"))
    steps = _select_steps(wish)
    if reasons := _check_steps(place, steps):
        return _refuse(reasons)
    keys = match_interface(place.nic)
    if isinstance(keys, str):
        return _refuse((keys,))
    title = _ODD.sub("?", " ".join((wish.title or wish.remedy).split()))
    rendered = [step for step in steps if isinstance(step, Run | Write | Pause)]
    service = _render_service(place, title, rendered)
    wants = f'TAG+="systemd", ENV{{SYSTEMD_WANTS}}+="nicmedic-kept-{place.number}@.service"'
    addresses = match_address(place.nic)
    rules = [", ".join(('SUBSYSTEM=="net"', 'ACTION!="remove"', *keys, *address, wants)) for address in addresses]
    return Placement(
        back_end=_NAME,
        settings=names,
        edits=(
            FileEdit(path=_service_path(place), before=None, after=service.encode()),
            FileEdit(path=_rules_path(place), before=None, after=insert_block(b"", -1, rules, place.number, title)),
        ),
        refresh=(("systemctl", "daemon-reload"), ("udevadm", "control", "--reload")),
        takes_hold="whenever the interface appears: at the next boot, and after its driver was bound anew",
        notes=(
            "It is set after the network manager has started, so that the link may go down once more while the host boots.",
            *_list_notes_of_networkd(place, rendered),
            _KNOWN_BY_ADDRESS if any(addresses) else _KNOWN_BY_PLACE,
            "Once released, its service counts as active until the interface goes or the host boots; that sets nothing.",
        ),
    )


def _take_out(edit: FileEdit, now: bytes, number: int) -> bytes | NoPlace | None:
    """A service with somebody else's lines among ours is nothing that could be taken apart; rules are."""
    return take_out_own(_NAME, edit, now) if edit.path.endswith(".service") else take_out_marked(_NAME, edit, now, number)


BACK_END: Final = BackEnd(name=_NAME, list_files=_list_files, place=_place, take_out=_take_out)
