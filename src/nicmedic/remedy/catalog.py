# SPDX-License-Identifier: GPL-2.0-or-later
"""The canonical remedies: title, commands, undo, disruption and risk of each, for one NIC. Text only: nothing here is carried out.

Commands are meant for the host whose log was explained, which may not be this one. Names out of the log are used only where a shell takes them as
plain words (``model/names.py``); else a placeholder in capitals stands there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nicmedic.model.finding import RankedRemedy, RemedyId
from nicmedic.model.names import shell_name

__all__ = ["DISRUPTIONS", "FEATURE_NAMES", "Prescription", "Target", "describe_remedy"]

DISRUPTIONS = ("none", "link flap of 2 to 5 s", "traffic stops for seconds", "reboot", "hands on the machine")

FEATURE_NAMES = ("tx", "rx", "sg", "tso", "gso", "gro", "lro", "ufo", "rxvlan", "txvlan", "ntuple", "rxhash")
"""Short feature names of ``ethtool -K``; longer ones are taken as they are when they are plain words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The NIC a remedy is written for, as the log names it."""

    interface: str | None
    driver: str | None
    bus: str | None
    virtualization: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """One remedy for one NIC."""

    title: str
    commands: tuple[str, ...]
    undo: tuple[str, ...]
    disruption: str
    caution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """The target's names, safe to stand in a command."""

    interface: str
    driver: str
    bus: str
    sysfs: str
    arguments: tuple[str, ...]
    virtualization: str | None


def _words(arguments: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in arguments if shell_name(word, "") == word) or default


def _advertise_100(to: _Names) -> Prescription:
    return Prescription(
        title="Offer the link partner 100 Mb/s full duplex only, with autonegotiation on",
        commands=(f"ethtool -s {to.interface} autoneg on advertise 0x008",),
        undo=(f"ethtool -s {to.interface} autoneg on advertise 0x02f",),
        disruption=DISRUPTIONS[1],
        caution="Throughput falls to 100 Mb/s. If the switch port is forced to 100/full the result is half duplex here: check `ethtool` afterwards.",
    )


def _force_100(to: _Names) -> Prescription:
    return Prescription(
        title="Force 100 Mb/s full duplex without autonegotiation",
        commands=(f"ethtool -s {to.interface} speed 100 duplex full autoneg off",),
        undo=(f"ethtool -s {to.interface} autoneg on advertise 0x02f",),
        disruption=DISRUPTIONS[1],
        caution="Duplex mismatch: a switch port that negotiates falls to half duplex; light traffic works, load collapses. "
        "Prefer link-advertise-100 unless the port itself is forced to 100/full.",
    )


def _renegotiate(to: _Names) -> Prescription:
    return Prescription(
        title="Negotiate the link anew",
        commands=(f"ethtool -r {to.interface}",),
        undo=(),
        disruption=DISRUPTIONS[1],
        caution="Needs autonegotiation on. Nothing to undo.",
    )


def _bounce(to: _Names) -> Prescription:
    return Prescription(
        title="Take the interface down and up",
        commands=(f"ip link set dev {to.interface} down && sleep 1 && ip link set dev {to.interface} up",),
        undo=(),
        disruption=DISRUPTIONS[2],
        caution="IPv6 addresses and routes through this interface are lost and must come back by the network manager. "
        "Over ssh on this interface, type it as one line, as it stands here.",
    )


def _offload_off(to: _Names) -> Prescription:
    features = _words(to.arguments, ("tso", "gso"))
    return Prescription(
        title=f"Switch offloads off: {', '.join(features)}",
        commands=(f"ethtool -K {to.interface} " + " ".join(f"{name} off" for name in features),),
        undo=(f"ethtool -K {to.interface} " + " ".join(f"{name} on" for name in features),),
        disruption=DISRUPTIONS[0],
        caution="More CPU work per byte. Look at `ethtool -k` first: undo only what was on before; features marked [fixed] cannot be changed.",
    )


def _eee_off(to: _Names) -> Prescription:
    return Prescription(
        title="Switch Energy-Efficient Ethernet off",
        commands=(f"ethtool --set-eee {to.interface} eee off",),
        undo=(f"ethtool --set-eee {to.interface} eee on",),
        disruption=DISRUPTIONS[1],
        caution="Some drivers refuse it. It costs a little power.",
    )


def _aspm_off(to: _Names) -> Prescription:
    states = ("l1_aspm", "l0s_aspm")
    return Prescription(
        title="Switch PCIe power saving (ASPM) off for this device",
        commands=tuple(f"echo 0 > {to.sysfs}/link/{state}" for state in states),
        undo=tuple(f"echo 1 > {to.sysfs}/link/{state}" for state in states),
        disruption=DISRUPTIONS[0],
        caution="The files exist since Linux 5.5, where the firmware leaves ASPM to the kernel. Elsewhere pcie_aspm=off on the command line does NOT "
        "turn off what the firmware set: use the BIOS switch, or pcie_aspm=force on kernels before 5.5, and look at LnkCtl in `lspci -vv`.",
    )


def _runtime_pm_off(to: _Names) -> Prescription:
    return Prescription(
        title="Keep the device awake (runtime power management off)",
        commands=(f"echo on > {to.sysfs}/power/control",),
        undo=(f"echo auto > {to.sysfs}/power/control",),
        disruption=DISRUPTIONS[0],
        caution="Lost when the driver is loaded anew or the machine boots.",
    )


def _mtu(to: _Names) -> Prescription:
    size = next((word for word in to.arguments if word.isascii() and word.isdigit() and 68 <= int(word) <= 65_536), "1500")
    return Prescription(
        title=f"Set the MTU to {size}",
        commands=(f"ip link set dev {to.interface} mtu {size}",),
        undo=(f"ip link set dev {to.interface} mtu FORMER_MTU",),
        disruption=DISRUPTIONS[1],
        caution="Every host on the segment must agree on the MTU; note the former one: `ip link show`.",
    )


def _pause_off(to: _Names) -> Prescription:
    return Prescription(
        title="Switch flow control (pause frames) off",
        commands=(f"ethtool -A {to.interface} autoneg off rx off tx off",),
        undo=(f"ethtool -A {to.interface} autoneg on rx on tx on",),
        disruption=DISRUPTIONS[1],
        caution="Under overload frames are dropped instead of held back. Note the former state: `ethtool -a`.",
    )


def _ring(to: _Names) -> Prescription:
    size = next((word for word in to.arguments if word.isascii() and word.isdigit()), "1024")
    return Prescription(
        title=f"Change the transmit ring to {size} descriptors",
        commands=(f"ethtool -G {to.interface} tx {size}",),
        undo=(f"ethtool -G {to.interface} tx FORMER_TX",),
        disruption=DISRUPTIONS[2],
        caution="Note the former size and the maximum: `ethtool -g`.",
    )


def _interrupt_mode(to: _Names) -> Prescription:
    return Prescription(
        title="Deliver this card's interrupts another way",
        commands=(
            f"grep -e {to.interface} -e {to.driver} /proc/interrupts",
            "# then boot once with pci=nomsi (or irqpoll for a shared line)",
        ),
        undo=("# boot without it",),
        disruption=DISRUPTIONS[3],
        caution="irqpoll costs CPU. pci=nomsi holds for every device; many drivers have a parameter of their own (see `modinfo`). "
        "Another slot moves the card to another interrupt line.",
    )


def _iommu(to: _Names) -> Prescription:
    del to
    return Prescription(
        title="Test without the IOMMU, or with pass-through",
        commands=("# boot once with iommu=pt (or intel_iommu=off, amd_iommu=off)",),
        undo=("# boot without it",),
        disruption=DISRUPTIONS[3],
        caution="A test, not a cure: without the IOMMU a device may write anywhere, and passing devices to guests no longer works.",
    )


def _rebind(to: _Names) -> Prescription:
    path = f"/sys/bus/{'usb' if _is_usb(to.bus) else 'pci'}/drivers/{to.driver}"
    return Prescription(
        title="Unbind the driver from the card and bind it again",
        commands=(f"echo {to.bus} > {path}/unbind; sleep 2; echo {to.bus} > {path}/bind",),
        undo=(),
        disruption=DISRUPTIONS[2],
        caution="The interface is made anew: addresses, routes, bridge and bond membership and ethtool settings are lost "
        "until the network manager puts them back.",
    )


def _module_reload(to: _Names) -> Prescription:
    return Prescription(
        title="Load the driver's module anew",
        commands=(f"modprobe -r {to.driver}; sleep 2; modprobe {to.driver}",),
        undo=(),
        disruption=DISRUPTIONS[2],
        caution="Takes every NIC of this driver along, also healthy ones.",
    )


def _pci_reset(to: _Names) -> Prescription:
    path = f"/sys/bus/pci/drivers/{to.driver}"
    return Prescription(
        title="Reset the PCI function",
        commands=(f"echo {to.bus} > {path}/unbind; echo 1 > {to.sysfs}/reset; echo {to.bus} > {path}/bind",),
        undo=(),
        disruption=DISRUPTIONS[2],
        caution="As for driver-rebind; the file is absent where the card knows no reset.",
    )


def _pci_rescan(to: _Names) -> Prescription:
    return Prescription(
        title="Remove the card from the bus and search for it again",
        commands=(f"echo 1 > {to.sysfs}/remove; sleep 2; echo 1 > /sys/bus/pci/rescan",),
        undo=(),
        disruption=DISRUPTIONS[2],
        caution="The card may not come back before a reboot. Not on the only NIC without a reboot timer armed.",
    )


def _power_drain(to: _Names) -> Prescription:
    del to
    return Prescription(
        title="Cut the power for half a minute",
        commands=("# shut down, unplug the power supply (or remove the USB device) for 30 s, start again",),
        undo=(),
        disruption=DISRUPTIONS[4],
        caution="A reboot leaves many cards powered; some come back only after a real power cut.",
    )


def _reboot(to: _Names) -> Prescription:
    del to
    return Prescription(
        title="Reboot",
        commands=("systemctl reboot",),
        undo=(),
        disruption=DISRUPTIONS[3],
        caution="Save the kernel log first: `journalctl -k -b > kern.log` or `dmesg > kern.log`.",
    )


def _kernel_previous(to: _Names) -> Prescription:
    del to
    return Prescription(
        title="Boot the kernel that was in use before",
        commands=("ls /boot/vmlinuz-*", "# choose the former one in the boot menu, or grub-reboot 'ENTRY' && systemctl reboot"),
        undo=("# boot the newer one again",),
        disruption=DISRUPTIONS[3],
        caution="Leaves out security fixes: a test of a regression, and a bridge until the fix is there. "
        "grub-reboot needs a grubenv that GRUB can write.",
    )


def _kernel_upgrade(to: _Names) -> Prescription:
    del to
    return Prescription(
        title="Install a newer kernel",
        commands=(
            "apt-get update && apt-get install --only-upgrade 'linux-image-*'  # or: dnf upgrade kernel, zypper up, backports",
            "systemctl reboot",
        ),
        undo=("# boot the former kernel",),
        disruption=DISRUPTIONS[3],
        caution="Keep the former kernel installed.",
    )


def _vendor_driver(to: _Names) -> Prescription:
    return Prescription(
        title="Use the card maker's driver in place of the kernel's (or the kernel's in place of the maker's)",
        commands=(f"ethtool -i {to.interface}", "# e.g. Debian: apt-get install r8168-dkms"),
        undo=("# remove the package, remove its blacklist file in /etc/modprobe.d, rebuild the initramfs, reboot",),
        disruption=DISRUPTIONS[3],
        caution="Must be built anew for each kernel; blacklisting the other driver is the surest way to lock oneself out. Have another way in.",
    )


def _firmware_update(to: _Names) -> Prescription:
    return Prescription(
        title="Update the card's firmware",
        commands=(
            f"ethtool -i {to.interface}",
            "apt-get install firmware-misc-nonfree firmware-realtek  # or the maker's tool for flash in the card",
        ),
        undo=(),
        disruption=DISRUPTIONS[3],
        caution="Flashing cannot always be undone.",
    )


def _bios_setting(to: _Names) -> Prescription:
    del to
    return Prescription(
        title="Change a setting in the machine's firmware",
        commands=("# in the BIOS set-up: update it, or switch ASPM, C-states, wake-on-LAN or management (AMT) of the NIC",),
        undo=("# set it back",),
        disruption=DISRUPTIONS[4],
        caution="One setting at a time.",
    )


def _nic_model(to: _Names) -> Prescription:
    model = {"vmware-guest": "vmxnet3", "xen-domU": "vif (netfront)", "hyperv-guest": "the synthetic adapter (hv_netvsc)"}.get(
        to.virtualization or "", "virtio-net (vmxnet3 on VMware)"
    )
    return Prescription(
        title=f"Give the guest another virtual NIC: {model}",
        commands=("# in the hypervisor: change the adapter's type; keep the MAC address",),
        undo=("# change it back",),
        disruption=DISRUPTIONS[3],
        caution="The interface may get another name: prepare the guest's network configuration first.",
    )


def _hardware(to: _Names) -> Prescription:
    return Prescription(
        title="Change a part: cable, switch port, power supply, slot, card",
        commands=(f"ethtool -S {to.interface} | grep -iE 'err|crc|align|coll|drop'", "# then exchange one part at a time, the cable first"),
        undo=("# put the old part back",),
        disruption=DISRUPTIONS[4],
        caution="One part at a time, or you will not know which it was.",
    )


def _host_fix(to: _Names) -> Prescription:
    del to
    return Prescription(
        title="Mend what starves or breaks the NIC from outside",
        commands=("dmesg -T | grep -iE 'stall|lockup|blocked for|out of|fault' | tail -50",),
        undo=(),
        disruption=DISRUPTIONS[0],
        caution="The NIC is the first to complain, not the one that is ill: see the reasons above.",
    )


_MAKERS: Mapping[RemedyId, Callable[[_Names], Prescription]] = {
    RemedyId.LINK_ADVERTISE_100: _advertise_100,
    RemedyId.LINK_FORCE_100: _force_100,
    RemedyId.RENEGOTIATE: _renegotiate,
    RemedyId.LINK_BOUNCE: _bounce,
    RemedyId.OFFLOAD_OFF: _offload_off,
    RemedyId.EEE_OFF: _eee_off,
    RemedyId.ASPM_OFF: _aspm_off,
    RemedyId.RUNTIME_PM_OFF: _runtime_pm_off,
    RemedyId.MTU: _mtu,
    RemedyId.PAUSE_OFF: _pause_off,
    RemedyId.RING: _ring,
    RemedyId.INTERRUPT_MODE: _interrupt_mode,
    RemedyId.IOMMU: _iommu,
    RemedyId.DRIVER_REBIND: _rebind,
    RemedyId.MODULE_RELOAD: _module_reload,
    RemedyId.PCI_RESET: _pci_reset,
    RemedyId.PCI_RESCAN: _pci_rescan,
    RemedyId.POWER_DRAIN: _power_drain,
    RemedyId.REBOOT: _reboot,
    RemedyId.KERNEL_PREVIOUS: _kernel_previous,
    RemedyId.KERNEL_UPGRADE: _kernel_upgrade,
    RemedyId.VENDOR_DRIVER: _vendor_driver,
    RemedyId.FIRMWARE_UPDATE: _firmware_update,
    RemedyId.BIOS_SETTING: _bios_setting,
    RemedyId.NIC_MODEL: _nic_model,
    RemedyId.HARDWARE: _hardware,
    RemedyId.HOST_FIX: _host_fix,
}


def _is_usb(bus: str) -> bool:
    return bus[:1].isdigit() and "-" in bus and bus.count(":") <= 1


def describe_remedy(remedy: RankedRemedy, target: Target) -> Prescription:
    """Commands, undo, disruption and risk of a ranked remedy for one NIC; the log's own cautions come first."""
    bus = shell_name(target.bus, "BUS")
    names = _Names(
        interface=shell_name(target.interface, "IFACE"),
        driver=shell_name(target.driver, "DRIVER"),
        bus=bus,
        sysfs=f"/sys/bus/{'usb' if _is_usb(bus) else 'pci'}/devices/{bus}",
        arguments=remedy.arguments,
        virtualization=target.virtualization,
    )
    made = _MAKERS[remedy.id](names)
    caution = " ".join((*remedy.cautions, made.caution))
    return Prescription(title=made.title, commands=made.commands, undo=made.undo, disruption=made.disruption, caution=caution)
