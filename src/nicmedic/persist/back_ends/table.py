# SPDX-License-Identifier: GPL-2.0-or-later
"""All back ends in the order in which they are asked: the network manager that has the card first, what works beside every manager after it."""

from nicmedic.persist.back_end import BackEnd
from nicmedic.persist.back_ends import command_line, ifcfg, ifupdown, ifupdown2, link, modprobe, netplan, networkmanager, udev, unit, wicked

__all__ = ["BACK_ENDS"]

BACK_ENDS: tuple[BackEnd, ...] = (
    ifupdown.BACK_END,
    ifupdown2.BACK_END,
    networkmanager.BACK_END,
    netplan.BACK_END,
    link.BACK_END,
    ifcfg.BACK_END,
    wicked.BACK_END,
    udev.BACK_END,
    command_line.BACK_END,
    modprobe.BACK_END,
    unit.BACK_END,
)
