# SPDX-License-Identifier: GPL-2.0-or-later
"""The interface is gone: lost from the bus, or taken away.

Whoever unregisters a device closes it first (net/core/dev.c ``unregister_netdevice_many`` calls ``dev_close_many``), so IFF_UP is cleared
right before it goes in any case; only one that was switched off for a while before was so by somebody. A line of a lost device counts if
it came *before*: an orderly removal powers the slot off afterwards, and drivers/pci/hotplug/pciehp_ctrl.c then may tell the same words.
``USB disconnect`` is printed for a plug that was pulled as for a device that dropped off (drivers/usb/core/hub.c), so nothing follows
from it. And a device that still answers on its bus without an interface has lost its driver: somebody unbound it, or unloaded the module.
"""

from nicmedic.diagnosis.sentry.finding import Finding, quote
from nicmedic.diagnosis.sentry.memory import Memory
from nicmedic.model.incident import IncidentVerdict

__all__ = ["judge"]

_LOST_WORDS = (
    "link down",
    "not present",
    "inaccessible",
    "refused to change power state",
    "link lost",
    "adapter removed",
    "device removed",
)
_RETURNS_S = 3.0
"""A driver that is bound anew, a reset of the slot, a rename that went wrong."""
_RELOADS_S = 10.0
"""A driver that is loaded anew."""
_BUSY_S = 60.0
_LINE_S = 10.0
_LOOKS_S = 5.0


def judge(memory: Memory, now_s: float) -> Finding | None:
    """Why, once it is clear that it does not come back at once; nothing for one that carried nothing."""
    gone_s = memory.gone_s
    if gone_s is None:
        return None
    if gone_s - max(memory.tx_moved_s, memory.rx_moved_s) > _BUSY_S or now_s - gone_s < _RETURNS_S:
        return Finding(None)
    line = next((text for at_s, text in reversed(memory.faults) if 0 <= gone_s - at_s <= _LINE_S and _tells_of_loss(text)), None)
    if line is not None:
        return Finding(IncidentVerdict.NIC_HUNG, ("it is gone from its bus", quote(line)), gone_s)
    if memory.down_s is not None and gone_s - memory.down_s >= 1.0:
        return Finding(IncidentVerdict.ADMINISTRATOR, ("it was switched off, and then taken away",), gone_s)
    looks = memory.looks.since(gone_s)
    if not looks:
        memory.looks.want(now_s, _LOOKS_S)
    lost = looks[-1].answer.lost if looks else None
    if lost:
        return Finding(IncidentVerdict.NIC_HUNG, ("it is gone, and its place on the bus answers with all ones",), gone_s)
    if now_s - gone_s < _RELOADS_S:
        return Finding(None)
    if lost is False:
        return Finding(IncidentVerdict.ADMINISTRATOR, ("its driver was taken away, and the device is still there",), gone_s)
    last = next((quote(text) for at_s, text in reversed(memory.faults) if abs(gone_s - at_s) <= _LINE_S), None)
    return Finding(
        IncidentVerdict.UNSURE, (f"it has been gone for {now_s - gone_s:.0f} s, and nothing tells why", *([last] if last else [])), gone_s
    )


def _tells_of_loss(text: str) -> bool:
    return any(word in text.lower() for word in _LOST_WORDS)
