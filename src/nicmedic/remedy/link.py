# SPDX-License-Identifier: GPL-2.0-or-later
"""Remedies on the wire and in the queues: link mode, offloads, EEE, pause frames, MTU, ring.

Options are those of ethtool(8) and ip-link(8). Home Assistant OS has no ethtool on the host: there NetworkManager sets the same (nm-settings(5)),
and keeps it over reboots.
"""

from nicmedic.model.names import shell_name
from nicmedic.remedy.recipe import FLAP, NONE, PAUSE, Recipe
from nicmedic.remedy.target import Family, Names

__all__ = [
    "FEATURE_NAMES",
    "advertise_100",
    "bounce",
    "change_ring",
    "force_100",
    "offload_off",
    "pause_off",
    "renegotiate",
    "set_mtu",
    "switch_eee_off",
]

FEATURE_NAMES = ("tx", "rx", "sg", "tso", "gso", "gro", "lro", "ufo", "rxvlan", "txvlan", "ntuple", "rxhash")
"""Short feature names of ``ethtool -K``; longer ones are taken as they are when they are plain words."""


def _nmcli(to: Names, *settings: str) -> str:
    """Change the NetworkManager profile of an interface and bring it up again."""
    find = f"c=$(nmcli -g GENERAL.CONNECTION device show {to.interface})"
    return f'{find}; nmcli connection modify "$c" {" ".join(settings)} && nmcli connection up "$c"'


def advertise_100(to: Names) -> Recipe:
    """Autonegotiation stays on, so the other end agrees.

    The undo names no modes: ``autoneg on`` alone advertises all that the card supports (ethtool, netlink/settings.c ``nl_sset_compat_linkmodes()``).
    """
    commands = (f"ethtool -s {to.interface} autoneg on advertise 0x008",)
    undo = (f"ethtool -s {to.interface} autoneg on",)
    if to.family is Family.HAOS:
        mode = "802-3-ethernet.auto-negotiate yes 802-3-ethernet.speed"
        commands = (_nmcli(to, f"{mode} 100 802-3-ethernet.duplex full"),)
        undo = (_nmcli(to, f'{mode} 0 802-3-ethernet.duplex ""'),)
    return Recipe(
        title="Offer the switch 100 Mb/s full duplex only; autonegotiation stays on",
        commands=commands,
        undo=undo,
        disruption=FLAP,
        caution="Throughput falls to 100 Mb/s. Not for a switch port that is forced to 100/full: this end would take half duplex.",
    )


def force_100(to: Names) -> Recipe:
    """The other end must be forced as well."""
    commands = (f"ethtool -s {to.interface} speed 100 duplex full autoneg off",)
    undo = (f"ethtool -s {to.interface} autoneg on",)
    if to.family is Family.HAOS:
        mode = "802-3-ethernet.speed"
        commands = (_nmcli(to, f"802-3-ethernet.auto-negotiate no {mode} 100 802-3-ethernet.duplex full"),)
        undo = (_nmcli(to, f'802-3-ethernet.auto-negotiate yes {mode} 0 802-3-ethernet.duplex ""'),)
    return Recipe(
        title="Force 100 Mb/s full duplex, autonegotiation off",
        commands=commands,
        undo=undo,
        disruption=FLAP,
        caution="Only with a switch port that is forced to 100/full too: one that negotiates falls to half duplex and collapses under load.",
    )


def renegotiate(to: Names) -> Recipe:
    """As if the cable were pulled and put back."""
    command = f"ethtool -r {to.interface}"
    if to.family is Family.HAOS:
        command = f"nmcli device disconnect {to.interface} && nmcli device connect {to.interface}"
    return Recipe(title="Negotiate the link anew", commands=(command,), disruption=FLAP, caution="Works only while autonegotiation is on.")


def bounce(to: Names) -> Recipe:
    """Down and up in one line, so that the session that types it does not stand between the two."""
    return Recipe(
        title="Take the interface down and up",
        commands=(f"ip link set dev {to.interface} down; sleep 1; ip link set dev {to.interface} up",),
        disruption=PAUSE,
        caution="IPv6 addresses and static routes of the interface are lost until the network manager sets them again. "
        "Over this NIC, type it as one line.",
        danger=True,
    )


def offload_off(to: Names) -> Recipe:
    """Features by their short names, several in one call."""
    wanted = tuple(word for word in to.arguments if word and shell_name(word, "") == word) or ("tso", "gso")
    if not to.is_older(4, 14) and to.kernel is not None:
        wanted = tuple(word for word in wanted if word != "ufo") or ("tso", "gso")  # gone since Linux 4.14 (880388aa3c07)
    commands = (f"ethtool -K {to.interface} " + " ".join(f"{name} off" for name in wanted),)
    undo = (f"ethtool -K {to.interface} " + " ".join(f"{name} on" for name in wanted),)
    look: tuple[str, ...] = (f"ethtool -k {to.interface}",)
    fixed = "What ethtool -k marks [fixed] cannot be changed."
    if to.family is Family.HAOS:
        commands = (_nmcli(to, *(f"ethtool.feature-{name} off" for name in wanted)),)
        undo = (_nmcli(to, *(f'ethtool.feature-{name} ""' for name in wanted)),)
        look, fixed = (), "Stays set over reboots until it is undone."
    return Recipe(
        title=f"Switch offloads off: {', '.join(wanted)}",
        commands=commands,
        undo=undo,
        disruption=NONE,
        caution=f"Costs CPU time. {fixed}",
        look=look,
        undo_note="switch on only what was on before" if look else "",
    )


def switch_eee_off(to: Names) -> Recipe:
    """Energy-Efficient Ethernet, IEEE 802.3az."""
    commands, undo = (f"ethtool --set-eee {to.interface} eee off",), (f"ethtool --set-eee {to.interface} eee on",)
    if to.family is Family.HAOS:
        commands, undo = (_nmcli(to, "ethtool.eee-enabled no"),), (_nmcli(to, 'ethtool.eee-enabled ""'),)
    return Recipe(
        title="Switch Energy-Efficient Ethernet (EEE) off",
        commands=commands,
        undo=undo,
        disruption=FLAP,
        caution="Drivers without it answer 'Operation not supported'.",
    )


def set_mtu(to: Names) -> Recipe:
    """The former size is not in the log, unless it was the usual one."""
    size = next((word for word in to.arguments if word.isascii() and word.isdigit() and 68 <= int(word) <= 65_536), "1500")
    former = "FORMER_MTU" if size == "1500" else "1500"
    return Recipe(
        title=f"Set the MTU to {size}",
        commands=(f"ip link set dev {to.interface} mtu {size}",),
        undo=(f"ip link set dev {to.interface} mtu {former}",),
        disruption=FLAP,
        caution="All hosts of a segment must have the same MTU.",
        look=(f"cat /sys/class/net/{to.interface}/mtu",),
        undo_note="with the size it had before",
    )


def pause_off(to: Names) -> Recipe:
    """IEEE 802.3x flow control."""
    commands = (f"ethtool -A {to.interface} autoneg off rx off tx off",)
    undo = (f"ethtool -A {to.interface} autoneg on rx on tx on",)
    look: tuple[str, ...] = (f"ethtool -a {to.interface}",)
    if to.family is Family.HAOS:
        commands = (_nmcli(to, "ethtool.pause-autoneg off ethtool.pause-rx off ethtool.pause-tx off"),)
        undo = (_nmcli(to, 'ethtool.pause-autoneg "" ethtool.pause-rx "" ethtool.pause-tx ""'),)
        look = ()
    return Recipe(
        title="Switch flow control (pause frames) off",
        commands=commands,
        undo=undo,
        disruption=FLAP,
        caution="Under overload, frames are dropped instead of held back.",
        look=look,
        undo_note="switch on only what was on before" if look else "",
    )


def change_ring(to: Names) -> Recipe:
    """The transmit ring, unless the arguments say rx."""
    size = next((word for word in to.arguments if word.isascii() and word.isdigit()), "1024")
    ring = "rx" if "rx" in to.arguments else "tx"
    commands, undo = (f"ethtool -G {to.interface} {ring} {size}",), (f"ethtool -G {to.interface} {ring} FORMER_SIZE",)
    look: tuple[str, ...] = (f"ethtool -g {to.interface}",)
    if to.family is Family.HAOS:
        commands, undo, look = (_nmcli(to, f"ethtool.ring-{ring} {size}"),), (_nmcli(to, f'ethtool.ring-{ring} ""'),), ()
    return Recipe(
        title=f"Change the {'receive' if ring == 'rx' else 'transmit'} ring to {size} descriptors",
        commands=commands,
        undo=undo,
        disruption=PAUSE,
        caution="A size above what the card takes is refused (ethtool -g tells it).",
        look=look,
        undo_note="with the size it had before" if look else "",
    )
