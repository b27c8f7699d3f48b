# SPDX-License-Identifier: GPL-2.0-or-later
"""The device prefix of a driver's message: who speaks, from which bus address, for which interface.

netdev_printk() has written ``DRIVER BUS INTERFACE: `` since about Linux 3.7; before that it was ``DRIVER BUS: INTERFACE: ``.
dev_printk() writes ``DRIVER BUS: ``, and older drivers each did as they liked (drivers/net/*, 2.6.35).
Not for deciding what a message means: that is ``match.py``.
"""

from typing import NamedTuple

from nicmedic.kernlog.lazy import lazy_pattern

__all__ = ["DevicePrefix", "is_nic_name", "parse_device_prefix"]


class DevicePrefix(NamedTuple):
    """What stood before the text. Unknown is None."""

    driver: str | None
    bus: str | None
    interface: str | None
    rest: str


_DRIVER = r"(?P<driver>[A-Za-z0-9][\w.+,-]{1,31})"
_BUS = r"(?P<bus>(?=[^\s]*\d)[0-9A-Za-z_](?:[\w.:+@/-]{0,62}[\w.+@/-])?)"
_STATE = r"(?: \((?:unnamed net_device|uninitialized|unregistering|unregistered|released|unknown)\))"
_INTERFACE = rf"(?P<interface>[^\s:()\[\]]{{1,63}}{_STATE}{{0,2}}|\(unnamed net_device\)(?: \(uninitialized\))?)"
_FUNCTION = r"(?:[a-z_][a-z0-9_]+(?:\[\d+\])?: )"

_NETDEV = lazy_pattern(rf"{_FUNCTION}?{_DRIVER} {_BUS} {_INTERFACE}: ")
_DEV = lazy_pattern(rf"{_FUNCTION}?{_DRIVER} {_BUS}: ")
_DRIVER_ONLY = lazy_pattern(rf"{_DRIVER}: ")
_BRACKET = lazy_pattern(r"(?:(?P<driver>[\w-]+): )?\[(?P<function>\w+):\d+\((?P<interface>[^\s()]{1,63})\)\] ?")
_NIC = (
    r"(?:(?:eth|en|em|wlan|wl|wwan|ww|ib|lan|wan|usb|slave|nic|vmnic|veth|bond|team|rename|net|seth|dsl|ath|ra|mlan|vif|xenbr|sl|pan|tr|fddi|hso|rmnet)"
    r"[\w.@-]*\d[\w.@-]*|[ps]\d+[ps]\d+[\w.@-]*|wan|lan)"
)
_NIC_NAME = lazy_pattern(rf"{_NIC}\Z")
_NAMED = lazy_pattern(rf"{_DRIVER} (?P<interface>{_NIC}): ")
"""``net eth0: `` (the class device, drivers/net/ethernet/dec/tulip) and ``sky2 eth0: `` (drivers that registered no parent name)."""
_NIC_COLON = lazy_pattern(rf"(?P<interface>{_NIC}): ?")
_NIC_SPACE = lazy_pattern(rf"(?P<interface>{_NIC}) (?=NIC |[Ll]ink |is |: )")
_OWN_NAME = lazy_pattern(r"(?P<driver>[a-z0-9][\w-]{1,31}): (?=\S)")
_FUNCTION_NAME = lazy_pattern(r"[a-z][a-z0-9]*_[a-z0-9_]+: ")
_BUS_WORD = lazy_pattern(r"(?=.*\d)[\w.+:@/-]+\Z")


def is_nic_name(word: str) -> bool:
    """Whether a word looks like the name of a network interface (``eth0``, ``enp2s0``, ``wlan0``, ``lan4``)."""
    return len(word) <= 63 and _NIC_NAME.match(word) is not None  # IFNAMSIZ is 16; vendors' kernels print longer ones


def _strip_interface(rest: str) -> tuple[str | None, str]:
    """Take ``eth0: `` or ``eth0 `` (before ``NIC Link …``) from the start."""
    found = _NIC_COLON.match(rest) or _NIC_SPACE.match(rest)
    return (found["interface"], rest[found.end() :]) if found else (None, rest)


def _strip_repeats(driver: str | None, interface: str | None, rest: str) -> tuple[str | None, str]:
    """Take what old drivers wrote a second time: ``igb: eth0 ``, ``e1000_clean_tx_irq: ``, ``: eth0 ``."""
    own = _OWN_NAME.match(rest)
    if own is not None and driver is not None and own["driver"] == driver:
        rest = rest[own.end() :]
    again, rest = _strip_interface(rest.lstrip())
    interface = interface or again
    function = _FUNCTION_NAME.match(rest)
    if function is not None:
        rest = rest[function.end() :]
    return interface, rest


def parse_device_prefix(text: str) -> DevicePrefix:
    """Split a kernel message into its device prefix and the rest.

    >>> parse_device_prefix("r8169 0000:02:00.0 eth0: rtl_tx_cond == 0")
    DevicePrefix(driver='r8169', bus='0000:02:00.0', interface='eth0', rest='rtl_tx_cond == 0')
    >>> parse_device_prefix("e1000: eth0: e1000_clean_tx_irq: Detected Tx Unit Hang")
    DevicePrefix(driver='e1000', bus=None, interface='eth0', rest='Detected Tx Unit Hang')
    >>> parse_device_prefix("bnx2x: [bnx2x_timer:5811(enP23p1s0f3)]MFW seems hanged")
    DevicePrefix(driver='bnx2x', bus=None, interface='enP23p1s0f3', rest='MFW seems hanged')
    """
    first_line = text.split("\n", 1)[0]
    bracket = _BRACKET.match(first_line)
    if bracket is not None:
        driver = bracket["driver"] or bracket["function"].lstrip("_").split("_", 1)[0]
        return DevicePrefix(driver, None, bracket["interface"], text[bracket.end() :])
    named = _NAMED.match(first_line)
    if named is not None:
        driver = None if named["driver"] == "net" else named["driver"]
        interface, rest = _strip_repeats(driver, named["interface"], text[named.end() :])
        return DevicePrefix(driver, None, interface, rest)
    found = _NETDEV.match(first_line)
    if found is not None and not found["driver"].endswith("."):
        interface, rest = _strip_repeats(found["driver"], found["interface"], text[found.end() :])
        return DevicePrefix(found["driver"], found["bus"], interface, rest)
    found = _DEV.match(first_line)
    if found is not None:
        interface, rest = _strip_interface(text[found.end() :])
        interface, rest = _strip_repeats(found["driver"], interface, rest)
        return DevicePrefix(found["driver"], found["bus"], interface, rest)
    interface, rest = _strip_interface(text)
    if interface is not None:
        return DevicePrefix(None, None, interface, rest)
    found = _DRIVER_ONLY.match(first_line)
    if found is not None:
        interface, rest = _strip_interface(text[found.end() :])
        if interface is not None:
            interface, rest = _strip_repeats(found["driver"], interface, rest)
            return DevicePrefix(found["driver"], None, interface, rest)
        return DevicePrefix(found["driver"], None, None, text[found.end() :])
    return DevicePrefix(None, None, None, text)
