# SPDX-License-Identifier: GPL-2.0-or-later
"""Remedies on the device and its bus, through sysfs (Documentation/ABI/testing/sysfs-bus-pci, sysfs-devices-power).

A device whose address the log does not tell is found through its interface, before the driver lets go of it: afterwards the interface is gone.
"""

from nicmedic.remedy.recipe import HANDS, NONE, PAUSE, Recipe
from nicmedic.remedy.target import BusKind, Names

__all__ = ["drain_power", "keep_awake", "rebind", "reload_module", "rescan_pci", "reset_pci", "switch_aspm_off"]

_REMADE = (
    "The interface is made anew: addresses, routes, bridge and bond membership and ethtool settings are lost "
    "until the network manager sets them again."
)
_FIND = 'd=$(readlink -f /sys/class/net/{interface}/device); p=$(readlink -f "$d/driver")'


def _take_and_give(to: Names, between: str) -> str:
    """Unbind, do something, bind again."""
    if to.bus is not None and to.kind is not BusKind.UNKNOWN and to.driver != "DRIVER":
        driver = f"/sys/bus/{to.kind}/drivers/{to.driver}"
        return f"echo {to.bus} > {driver}/unbind; {between.format(device=to.device)}; echo {to.bus} > {driver}/bind"
    find, meanwhile = _FIND.format(interface=to.interface), between.format(device='"$d"')
    return f'{find}; echo "${{d##*/}}" > "$p/unbind"; {meanwhile}; echo "${{d##*/}}" > "$p/bind"'


def switch_aspm_off(to: Names) -> Recipe:
    """Per device where the kernel can (since Linux 5.5, 72ea91afbfb0), else by the policy of the whole host."""
    if to.is_older(5, 5):
        policy = "/sys/module/pcie_aspm/parameters/policy"
        return Recipe(
            title="Switch PCIe power saving (ASPM) off for the whole host",
            commands=(f"echo performance > {policy}",),
            undo=(f"echo default > {policy}",),
            disruption=NONE,
            caution="'Operation not permitted': the firmware keeps ASPM to itself. Then switch it off in the BIOS set-up; pcie_aspm=off does not.",
            look=(f"cat {policy}",),
        )
    files = f"{to.device}/link/l*_aspm"
    since = "" if to.kernel is not None else " or the kernel is older than 5.5"
    return Recipe(
        title="Switch PCIe power saving (ASPM) off for this card",
        commands=(f"for f in {files}; do echo 0 > $f; done",),
        undo=(f"for f in {files}; do echo 1 > $f; done",),
        disruption=NONE,
        caution=f"No such files: the firmware keeps ASPM to itself{since}. Then switch it off in the BIOS set-up; pcie_aspm=off does not.",
        look=(f"grep . {files}",),
        undo_note="switch on only what was 1 before",
    )


def keep_awake(to: Names) -> Recipe:
    """Runtime power management; of a USB NIC, that of the whole device."""
    path = f"{to.device}/power/control"
    return Recipe(
        title="Keep the device awake (runtime power management off)",
        commands=(f"echo on > {path}",),
        undo=(f"echo auto > {path}",),
        disruption=NONE,
        caution="Holds until the driver is loaded anew or the host boots.",
        look=(f"cat {path}",),
    )


def rebind(to: Names) -> Recipe:
    """On whatever bus the card stands."""
    return Recipe(
        title="Take the driver off the card and bind it again",
        commands=(_take_and_give(to, "sleep 2"),),
        disruption=PAUSE,
        caution=_REMADE,
        danger=True,
    )


def reload_module(to: Names) -> Recipe:
    """All NICs of the driver go along."""
    return Recipe(
        title="Load the driver's module anew",
        commands=(f"modprobe -r {to.driver}; sleep 2; modprobe {to.driver}",),
        disruption=PAUSE,
        caution=f"Takes every NIC of {to.driver} along, healthy ones too. {_REMADE}",
        danger=True,
    )


def reset_pci(to: Names) -> Recipe:
    """A function-level or bus reset, with the driver off."""
    return Recipe(
        title="Reset the PCI function",
        commands=(_take_and_give(to, "echo 1 > {device}/reset"),),
        disruption=PAUSE,
        caution=f"No file 'reset': the card knows no reset. {_REMADE}",
        danger=True,
    )


def rescan_pci(to: Names) -> Recipe:
    """With a reboot armed first: the card may stay away."""
    device = to.device if to.bus is not None else f"$(readlink -f /sys/class/net/{to.interface}/device)"
    return Recipe(
        title="Remove the card from the bus and search for it again",
        commands=("shutdown -r +5", f'echo 1 > "{device}/remove"; sleep 2; echo 1 > /sys/bus/pci/rescan'),
        undo=("shutdown -c",),
        disruption=PAUSE,
        caution="The card may not come back before a reboot; that is why one is armed first.",
        undo_note="calls the reboot off when the card is back",
        danger=True,
    )


def drain_power(to: Names) -> Recipe:
    """A reboot leaves many cards powered."""
    if to.kind is BusKind.USB:
        return Recipe(
            title="Cut the adapter's power",
            disruption=HANDS,
            caution="Some adapters come back only so.",
            steps=("Pull the adapter, wait ten seconds, plug it into another port.",),
        )
    return Recipe(
        title="Cut the power for half a minute",
        commands=("poweroff",),
        disruption=HANDS,
        caution="Somebody, or a switchable socket, must bring the host back.",
        steps=("Unplug the power supply for 30 s, then start the host again: a reboot leaves many cards powered.",),
        danger=True,
    )
