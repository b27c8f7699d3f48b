# SPDX-License-Identifier: GPL-2.0-or-later
"""Which interrupts belong to a NIC, how often they came, and where they go: /proc/interrupts and ``msi_irqs``."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from nicmedic.host.sysfs import Folder
from nicmedic.model.queue import Interrupt, InterruptKind

__all__ = ["InterruptLine", "parse_interrupts", "read_interrupt_lines", "read_interrupts"]

_NO_ACTION = re.compile(r"\s\d+(?:-\w+)?(?:\s+(?:Edge|Level))?\s*\Z")
_MOST_BYTES = 16 << 20
"""A line has 11 bytes for each CPU."""


class InterruptLine(NamedTuple):
    """One numbered line of /proc/interrupts."""

    per_cpu: tuple[int, ...]
    chip: str | None
    name: str | None


def parse_interrupts(text: str) -> dict[int, InterruptLine]:
    r"""Numbered interrupts.

    >>> parse_interrupts("  CPU0 CPU1\n 24:  7  8  PCI-MSI 524288-edge      eth0-tx-0\nNMI: 0 0 Non-maskable")[24]
    InterruptLine(per_cpu=(7, 8), chip='PCI-MSI 524288-edge', name='eth0-tx-0')
    """
    lines = text.splitlines()
    cpus = lines[0].count("CPU") if lines else 0
    made = {}
    for line in lines[1:]:
        label, _, rest = line.partition(":")
        if not label.strip().isdecimal():
            continue
        words = rest.split(None, cpus)
        counts = words[:cpus]
        if len(counts) < cpus or not all(word.isdecimal() for word in counts):
            continue
        # kernel/irq/proc.c show_interrupts(): chip, hardware number and type in padded columns, two blanks, the actions
        body = words[cpus] if len(words) > cpus else ""
        columns, _, name = (body, "", "") if _NO_ACTION.search(body) else body.rpartition("  ")
        made[int(label)] = InterruptLine(tuple(map(int, counts)), " ".join(columns.split()) or None, name.strip() or None)
    return made


def read_interrupt_lines(root: Folder) -> dict[int, InterruptLine]:
    """/proc/interrupts of this host."""
    return parse_interrupts(root.text("proc/interrupts", note="interrupts", most=_MOST_BYTES) or "")


def _kinds(root: Folder, path: str | None, names: Iterable[str], lines: Mapping[int, InterruptLine]) -> dict[int, InterruptKind | None]:
    """Numbers that belong to a device: its MSI vectors, else its line; else what carries the interface's name."""
    if path is not None:
        folder = root.folder(path)
        numbers = [name for name in folder.names("msi_irqs") if name.isdecimal()]
        words = {"msix": InterruptKind.MSIX, "msi": InterruptKind.MSI}
        if numbers:
            return {int(name): words.get(folder.text(f"msi_irqs/{name}") or "") for name in numbers}
        line = folder.number("irq")
        if line:
            return {line: InterruptKind.INTX}
    wanted = tuple(names)
    return {
        number: InterruptKind.OTHER
        for number, line in lines.items()
        if any(word == name or word.startswith(f"{name}-") for word in (line.name or "").replace(",", " ").split() for name in wanted)
    }


def read_interrupts(root: Folder, path: str | None, names: Iterable[str], lines: Mapping[int, InterruptLine]) -> tuple[Interrupt, ...]:
    """Interrupts of one NIC.

    Args:
        root: the host.
        path: of its PCI function in sysfs; None: it has none.
        names: what its interrupts may be called after: interface, device.
        lines: /proc/interrupts.
    """
    made = []
    for number, kind in sorted(_kinds(root, path, names, lines).items()):
        line = lines.get(number)
        folder = root.folder(f"proc/irq/{number}")
        made.append(
            Interrupt(
                number=number,
                kind=kind,
                per_cpu=None if line is None else line.per_cpu,
                chip=None if line is None else line.chip,
                name=None if line is None else line.name,
                affinity=folder.text("smp_affinity_list"),
                effective_affinity=folder.text("effective_affinity_list"),
            )
        )
    return tuple(made)
