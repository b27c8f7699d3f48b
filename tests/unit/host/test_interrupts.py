# SPDX-License-Identifier: GPL-2.0-or-later
"""/proc/interrupts in its shapes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.host.interrupts import parse_interrupts, read_interrupts
from nicmedic.host.sysfs import Folder
from nicmedic.model.queue import InterruptKind

X86 = """\
           CPU0       CPU1
  0:         35          0   IO-APIC   2-edge      timer
 16:         12          3   IO-APIC  16-fasteoi   ehci_hcd:usb1, eth1
 20:          9          0   IO-APIC  20-fasteoi
 29:         21          4   PCI-MSI 524288-edge      eth0-rx-0
 30:          0         14  PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0
NMI:          0          0   Non-maskable interrupts
ERR:          0
"""
ARM = """\
           CPU0       CPU1       CPU2       CPU3
 26:    1234567          1          2          3     GICv2 112 Level     fe00b880.mailbox
 37:    9876543          0          0          0     GICv2 189 Level     eth0
"""


@pytest.mark.parametrize(
    ("text", "number", "per_cpu", "chip", "name"),
    [
        (X86, 16, (12, 3), "IO-APIC 16-fasteoi", "ehci_hcd:usb1, eth1"),
        (X86, 20, (9, 0), "IO-APIC 20-fasteoi", None),
        (X86, 29, (21, 4), "PCI-MSI 524288-edge", "eth0-rx-0"),
        (X86, 30, (0, 14), "PCI-MSIX-0000:00:03.0 1-edge", "virtio2-input.0"),
        (ARM, 37, (9876543, 0, 0, 0), "GICv2 189 Level", "eth0"),
    ],
)
def test_lines_are_read(text: str, number: int, per_cpu: tuple[int, ...], chip: str, name: str | None) -> None:
    line = parse_interrupts(text)[number]
    assert (line.per_cpu, line.chip, line.name) == (per_cpu, chip, name)


def test_lines_that_are_no_devices_are_left_out() -> None:
    assert sorted(parse_interrupts(X86)) == [0, 16, 20, 29, 30]


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    parse_interrupts(text)
    parse_interrupts("  CPU0 CPU1\n" + text)


def test_vectors_of_a_pci_function_are_its_interrupts(tmp_path: Path) -> None:
    card = tmp_path / "sys/devices/pci0000:00/0000:02:00.0"
    (card / "msi_irqs").mkdir(parents=True)
    for number in ("29", "99"):
        (card / "msi_irqs" / number).write_text("msix\n")
    (tmp_path / "proc/irq/29").mkdir(parents=True)
    (tmp_path / "proc/irq/29/smp_affinity_list").write_text("0-1\n")
    found = read_interrupts(Folder(str(tmp_path)), "/sys/devices/pci0000:00/0000:02:00.0", ["eth0"], parse_interrupts(X86))
    assert [(one.number, one.kind, one.total, one.affinity) for one in found] == [
        (29, InterruptKind.MSIX, 25, "0-1"),
        (99, InterruptKind.MSIX, None, None),
    ]


def test_without_vectors_it_is_the_line_of_the_function(tmp_path: Path) -> None:
    card = tmp_path / "sys/devices/pci0000:00/0000:02:00.0"
    card.mkdir(parents=True)
    (card / "irq").write_text("16\n")
    (one,) = read_interrupts(Folder(str(tmp_path)), "/sys/devices/pci0000:00/0000:02:00.0", ["eth1"], parse_interrupts(X86))
    assert (one.number, one.kind, one.name) == (16, InterruptKind.INTX, "ehci_hcd:usb1, eth1")


def test_without_pci_it_is_what_carries_the_name(tmp_path: Path) -> None:
    (one,) = read_interrupts(Folder(str(tmp_path)), None, ["eth0", "30be0000.ethernet"], parse_interrupts(ARM))
    assert (one.number, one.kind, one.total) == (37, InterruptKind.OTHER, 9876543)
