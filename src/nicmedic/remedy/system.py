# SPDX-License-Identifier: GPL-2.0-or-later
"""Remedies on the host: kernels, drivers, firmware, boot parameters, parts.

Commands are those of the distribution that the log names; where it names none, the step is told in words.
"""

from nicmedic.remedy.recipe import HANDS, NONE, REBOOT, Recipe
from nicmedic.remedy.target import BusKind, Family, Names

__all__ = [
    "change_bios", "change_interrupts", "change_iommu", "change_model", "change_part", "kernel_previous", "kernel_upgrade", "mend_host", "reboot",
    "update_firmware", "vendor_driver",
]  # fmt: skip

_UPGRADES = {
    Family.DEBIAN: "apt-get update && apt-get install --only-upgrade 'linux-image-*'",
    Family.PROXMOX: "apt-get update && apt-get dist-upgrade",
    Family.RASPBERRY: "apt-get update && apt-get dist-upgrade",
    Family.DNF: "dnf upgrade 'kernel*'",
    Family.YUM: "yum update 'kernel*'",
    Family.SUSE: "zypper update 'kernel-*'",
    Family.ARCH: "pacman -Syu",
    Family.HAOS: "ha os update",
}
_TRY_ONCE = "At the console it can be tried for one boot: key e in GRUB's menu, then add it to the line that begins with linux."


def _boot_parameter(to: Names, parameter: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Commands, undo and steps that add a word to the kernel's command line."""
    if to.family in (Family.DNF, Family.YUM):
        commands = (f"grubby --update-kernel=ALL --args={parameter}", "reboot")
        return commands, (f"grubby --update-kernel=ALL --remove-args={parameter}", "reboot"), (_TRY_ONCE,)
    if to.family is Family.DEBIAN and not to.is_older(3, 16):  # /etc/default/grub.d is read since Debian 8
        file, name = "/etc/default/grub.d/zz-nicmedic.cfg", "GRUB_CMDLINE_LINUX_DEFAULT"
        line = f"""echo '{name}="${name} {parameter}"' > {file} && update-grub"""
        return (line, "reboot"), (f"rm {file} && update-grub", "reboot"), (_TRY_ONCE,)
    return (
        (),
        (),
        (f"Boot once with {parameter} on the kernel's command line (in GRUB's menu: key e, add it to the line that begins with linux).",),
    )


_WHICH_INTERRUPTS = (
    "Boot once with irqpoll (a shared line that nobody serves) or pci=nomsi (MSI that does not arrive) on the command line.",
)


def change_interrupts(to: Names) -> Recipe:
    """The argument is the kernel parameter: irqpoll, irqfixup, noapic and their like."""
    words = ("irqpoll", "irqfixup", "noapic", "nolapic", "pci=nomsi", "acpi=noirq", "intremap=off")
    parameter = next((word for word in to.arguments if word in words), None)
    commands, undo, steps = _boot_parameter(to, parameter) if parameter else ((), (), _WHICH_INTERRUPTS)
    asked = "every device of the host" if parameter != "irqpoll" else "all drivers at every interrupt, which costs CPU time"
    return Recipe(
        title="Deliver interrupts another way" + (f": boot with {parameter}" if parameter else ""),
        commands=commands,
        undo=undo,
        disruption=REBOOT,
        caution=f"A test: it concerns {asked}.",
        look=(f"grep -E 'CPU|{to.interface}|{to.driver}' /proc/interrupts",),
        steps=steps,
        undo_note="" if undo else "boot without it",
    )


def change_iommu(to: Names) -> Recipe:
    """Pass-through, the mildest form."""
    commands, undo, steps = _boot_parameter(to, "iommu=pt")
    return Recipe(
        title="Let devices of the host pass the IOMMU by: boot with iommu=pt",
        commands=commands,
        undo=undo,
        disruption=REBOOT,
        caution="A test, no cure: a device may then write anywhere in memory.",
        look=("cat /proc/cmdline",),
        steps=steps,
        undo_note="" if undo else "boot without it",
    )


def reboot(to: Names) -> Recipe:
    """With the log saved first: it is gone afterwards."""
    del to
    return Recipe(
        title="Reboot, with the kernel log saved first",
        commands=("dmesg > /root/kern.log; sync; reboot",),
        disruption=REBOOT,
        caution="Brings traffic back, keeps nothing from coming again.",
    )


def kernel_previous(to: Names) -> Recipe:
    """For one boot where the boot loader can."""
    look: tuple[str, ...] = ("ls -t /boot/vmlinuz-*",)
    commands: tuple[str, ...] = ()
    steps: tuple[str, ...] = ("Choose the former kernel in the boot menu.",)
    caution = "A bridge until the fix is there: the former kernel lacks security fixes."
    if to.family is Family.PROXMOX:
        look, steps = ("proxmox-boot-tool kernel list",), ()
        commands = ("proxmox-boot-tool kernel pin VERSION --next-boot && reboot",)
    elif to.family in (Family.DEBIAN, Family.SUSE):
        steps, tool = (), "grub-reboot" if to.family is Family.DEBIAN else "grub2-reboot"
        commands = (f"{tool} '1>2' && reboot",)
        caution = f"'1>2' is the second newest kernel in the usual menu, for one boot. {caution}"
    elif to.family is Family.DNF:
        look, steps = ("grubby --info=ALL | grep -E '^(index|kernel)'",), ()
        commands = ("grub2-reboot 1 && reboot",)
        caution = f"Entry 1 is the second newest kernel, for one boot. {caution}"
    elif to.family is Family.ARCH:
        look, steps = ("ls -t /var/cache/pacman/pkg/linux-[0-9]*",), ()
        commands = ("pacman -U PACKAGE_FILE && reboot",)
    elif to.family is Family.HAOS:
        look, commands, steps = ("ha os info",), ("ha os boot-slot other",), ()
    elif to.family in (Family.OPENWRT, Family.RASPBERRY):
        look, steps = (), ("Put the former release's image back.",)
    return Recipe(
        title="Boot the kernel that was in use before",
        commands=commands,
        disruption=REBOOT,
        caution=caution,
        look=look,
        steps=steps,
        undo_note="the next boot takes the newer kernel again" if commands and to.family is not Family.ARCH else "boot the newer one again",
    )


def kernel_upgrade(to: Names) -> Recipe:
    """By the package manager of the host."""
    command = _UPGRADES.get(to.family)
    steps: tuple[str, ...] = ()
    if command is None:
        image = to.family is Family.OPENWRT
        steps = (
            "Install a newer release's image (sysupgrade)."
            if image
            else "Install the newest kernel with your package manager, then reboot.",
        )
    elif to.is_older(4, 4):
        steps = (f"Linux {to.kernel[0]}.{to.kernel[1]} gets no more fixes: take a newer release of the distribution.",) if to.kernel else ()
    return Recipe(
        title="Install a newer kernel",
        commands=() if command is None else (command, "reboot") if to.family is not Family.HAOS else (command,),
        disruption=REBOOT,
        caution="Keep the former kernel installed.",
        steps=steps,
        undo_note="boot the former kernel",
    )


def vendor_driver(to: Names) -> Recipe:
    """The maker's driver in place of the kernel's, or the other way round."""
    package = to.packages.vendor_driver.replace("{driver}", to.driver)
    install, remove = f"apt-get install {package} && reboot", f"apt-get purge {package} && update-initramfs -u && reboot"
    commands: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    if to.packages.replaces:
        title = f"Use the kernel's own driver {to.packages.replaces} in place of the maker's, or a newer one of the maker"
        steps: tuple[str, ...] = (f"Remove the package of {to.driver} and what it put into /etc/modprobe.d, then rebuild the initramfs.",)
    else:
        title = "Use the card maker's driver in place of the kernel's"
        steps = ("Install the maker's driver for this card and kernel.",)
    if package and to.family in (Family.DEBIAN, Family.PROXMOX):
        commands, undo = ((remove,), (install,)) if to.packages.replaces else ((install,), (remove,))
        steps = (to.packages.vendor_note,) if to.packages.vendor_note else ()
    return Recipe(
        title=title,
        commands=commands,
        undo=undo,
        disruption=REBOOT,
        caution="A driver that was not built for the running kernel, or a blacklist that stays behind, leaves no network: have a console.",
        steps=steps,
        undo_note="" if undo else "remove it with its blacklist in /etc/modprobe.d, rebuild the initramfs, reboot",
        danger=True,
    )


def update_firmware(to: Names) -> Recipe:
    """Firmware in a file comes as a package; firmware in the card's flash needs the maker's tool."""
    commands: tuple[str, ...] = ()
    steps: tuple[str, ...] = ("Flash the image that the maker of the card or of the server gives for exactly this card.",)
    package = to.packages.firmware
    if package:
        steps = ("Install the newest linux-firmware with your package manager, then reboot.",)
        if to.family in (Family.DEBIAN, Family.RASPBERRY):
            commands, steps = (
                (f"apt-get update && apt-get install {package}", "reboot"),
                ("Ubuntu names the package linux-firmware.",),
            )
        elif to.family in (Family.DNF, Family.YUM):
            commands, steps = (f"{to.family} upgrade linux-firmware", "reboot"), ()
        elif to.family is Family.ARCH:
            commands, steps = ("pacman -Syu linux-firmware", "reboot"), ()
        elif to.family is Family.SUSE:
            commands, steps = ("zypper update 'kernel-firmware*'", "reboot"), ()
    return Recipe(
        title="Update the card's firmware",
        commands=commands,
        disruption=REBOOT,
        caution="A flashed card cannot always go back." if not package else "Comes into force with the next start of the card.",
        look=(f"ethtool -i {to.interface}",),
        steps=steps,
        undo_note="install the former package" if commands else "",
    )


def change_bios(to: Names) -> Recipe:
    """In the machine's own set-up; there is no command for that."""
    board = to.kind is BusKind.PLATFORM
    return Recipe(
        title="Update the board's boot firmware" if board else "Change a setting in the machine's firmware (BIOS, UEFI)",
        disruption=HANDS,
        caution="One change at a time; it needs a console or remote management.",
        look=() if board else ("cat /sys/class/dmi/id/bios_version /sys/class/dmi/id/bios_date",),
        steps=("Install the newest boot firmware (U-Boot, EEPROM) that the board's maker gives.",)
        if board
        else ("Update it; then, one by one, switch off ASPM, deep C-states, wake-on-LAN and management (AMT, NC-SI) of the NIC.",),
        undo_note="set it back",
    )


def change_model(to: Names) -> Recipe:
    """Another virtual NIC; done in the hypervisor."""
    model, step = {
        "vmware-guest": ("vmxnet3", 'In the .vmx file: ethernet0.virtualDev = "vmxnet3".'),
        "virtualbox-guest": ("virtio-net", "On the host: VBoxManage modifyvm GUEST --nictype1 virtio."),
        "hyperv-guest": ("the synthetic adapter", "In the guest's settings take a network adapter in place of the legacy one."),
        "xen-domU": ("netfront (vif)", "In the guest's configuration take no model= in vif, so that the paravirtual NIC is used."),
        "kvm-guest": ("virtio-net", "On the host, Proxmox: qm set VMID --net0 virtio=MAC,bridge=BRIDGE; libvirt: virsh edit GUEST."),
        "qemu-guest": ("virtio-net", "On the host, Proxmox: qm set VMID --net0 virtio=MAC,bridge=BRIDGE; libvirt: virsh edit GUEST."),
    }.get(
        to.virtualization or "",
        ("vmxnet3 on VMware, else virtio-net", "Change the adapter's type in the hypervisor, and keep its MAC address."),
    )
    return Recipe(
        title=f"Give the guest another virtual NIC: {model}",
        disruption=REBOOT,
        caution="The interface may get another name: make the guest's network configuration fit first.",
        look=("ip -br link",),
        steps=(step,),
        undo_note="change it back",
    )


def change_part(to: Names) -> Recipe:
    """From the cheapest part on."""
    usb, board = to.kind is BusKind.USB, to.kind is BusKind.PLATFORM
    parts = (
        "USB port, cable or hub, power supply, adapter" if usb else "cable, switch port, power supply" + ("" if board else ", slot, card")
    )
    return Recipe(
        title=f"Change a part: {parts}",
        disruption=HANDS,
        caution="One part at a time, or you will not know which it was.",
        look=(f"ethtool -S {to.interface} | grep -iE 'err|crc|align|coll|drop' | grep -v ': 0$'",),
        undo_note="put the old part back",
    )


def mend_host(to: Names) -> Recipe:
    """What starves or breaks the NIC from outside."""
    del to
    return Recipe(
        title="Mend what starves or breaks the NIC from outside",
        disruption=NONE,
        caution="What is set on the NIC does not help when the fault is outside of it.",
        look=("dmesg | grep -iE 'stall|lockup|blocked for|out of memory|fault|error' | tail -n 50",),
        steps=("Follow the reasons above, and what the log says shortly before the hang.",),
    )
