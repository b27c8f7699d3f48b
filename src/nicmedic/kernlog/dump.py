# SPDX-License-Identifier: GPL-2.0-or-later
"""The register dump below Intel's hang reports: has the hardware sent everything, or does it stand?

``TDH == TDT`` means that the card took every descriptor, so the loss is the write-back or the interrupt; ``next_to_watch.status <1>`` that the
descriptor is done and only the clean-up came late (drivers/net/ethernet/intel/e1000e/netdev.c ``e1000_print_hw_hang``; igb and ixgbe alike).
"""

from nicmedic.kernlog.lazy import lazy_pattern

__all__ = ["DumpReader"]

_MEMBER = lazy_pattern(
    r"\s*(?P<name>TDH, TDT|TDH|TDT|next_to_use|next_to_clean|buffer_info\[next_to_clean\]|tx_buffer_info\[next_to_clean\]|dma|time_stamp"
    r"|next_to_watch|jiffies|next_to_watch\.status|desc\.status|Tx Queue|MAC Status|PHY Status|PHY 1000BASE-T Status|PHY Extended Status|PCI Status)"
    r":?\s*(?:<(?P<first>[0-9a-fx]{1,16})>(?:, <(?P<second>[0-9a-fx]{1,16})>)?)?\s*\Z"
)
_ALL_ONES = frozenset({"ffffffff", "ffff"})
_FOUR_GB = 1 << 32
_LONGEST = 25


class DumpReader:
    """Reads the lines after one hang report until something else comes."""

    def __init__(self) -> None:
        """Nothing read yet."""
        self._values: dict[str, str] = {}
        self._lines = 0

    def read(self, text: str) -> bool:
        """Take the lines of a message that belong to a dump; False: none does, the dump has ended."""
        taken = False
        for line in text.split("\n"):
            found = _MEMBER.match(line)
            if found is None:
                continue
            taken = True
            self._lines += 1
            if found["name"] == "TDH, TDT" and found["second"]:
                self._values["TDH"], self._values["TDT"] = found["first"], found["second"]
            elif found["first"]:
                self._values.setdefault(found["name"], found["first"])
        return taken and self._lines < _LONGEST

    def read_facts(self) -> frozenset[str]:
        """What the dump says; words as in ``nicmedic.model.event.Event.dump``."""
        facts = set()
        head, tail = self._values.get("TDH"), self._values.get("TDT")
        if head is not None and tail is not None:
            facts.add("all_ones" if head in _ALL_ONES and tail in _ALL_ONES else "head_eq_tail" if head == tail else "head_ne_tail")
        status = self._values.get("next_to_watch.status", self._values.get("desc.status"))
        if status is not None and int(status, 16) & 1:
            facts.add("status_done")
        address = self._values.get("dma")
        if address is not None and int(address, 16) >= _FOUR_GB:
            facts.add("address_above_4g")
        return frozenset(facts)
