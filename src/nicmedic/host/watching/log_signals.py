# SPDX-License-Identifier: GPL-2.0-or-later
"""Which lines of the kernel log tell of a hang or a fault of the cards that are here.

The knowledge base would take 15 MB to stay, so a child reads it and hands back the few signals that matter: those of the drivers present, of
``core`` and of ``platform``. Until it has, the kernel's own watchdog is known, and the lines that came meanwhile are looked at again.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from nicmedic.host.watching.child import Child, Tell
from nicmedic.host.watching.kernel_log import KernelRecord, parse_record
from nicmedic.kernlog.match import SignalIndex, SignalMatch
from nicmedic.model.event import EventKind
from nicmedic.model.sample import Signal, SignalKind
from nicmedic.model.signal import Signal as Pattern
from nicmedic.model.signal import Where
from nicmedic.model.watched import Card

__all__ = ["WATCHDOG", "LineReader", "begin_reading", "find_card", "has_driver", "patterns_of", "without_handler"]

_SHARED = ("core", "platform")
_FAULTS = frozenset(
    {EventKind.RESET, EventKind.DEVICE_LOST, EventKind.IRQ_FAULT, EventKind.IOMMU_FAULT, EventKind.PCI_ERROR}
    | {EventKind.FIRMWARE_FAULT, EventKind.USB_FAULT}
)
_FIELDS = ("file", "id", "kind", "where", "literal", "pattern", "hang", "drivers")
_MODESTY = 10
"""The card may hang while that child is at work."""
_MOST_SHAPES = 500
_MOST_WAITING = 1000
_DIGITS = b"0123456789"
_LONGEST = 1000
_WARM_UP = "e1000e 0000:00:1f.6 eth0: as good as any"
WATCHDOG = Pattern(
    file="core",
    id="watchdog",
    kind=EventKind.TX_TIMEOUT,
    where=Where.MESSAGE,
    literal="NETDEV WATCHDOG: ",
    pattern=(
        r"(?:(?P<pdriver>\S+) (?P<bus>\S+) (?P<pinterface>[^\s:]+): )?NETDEV WATCHDOG: (?:CPU: \d+: )?"
        r"(?:(?P<interface>[^\s:()]+)(?: \((?P<driver>[^)]*)\))?: )?transmit (?:queue \d+ )?timed out"
    ),
    hang=True,
    means="",
    scan=True,
    drivers=(),
)
"""As dev_watchdog() of net/sched/sch_generic.c has written it since Linux 2.6.27, and with its device in front since 6.10."""


def _matters(pattern: Pattern) -> bool:
    return pattern.kind is not None and (pattern.hang or pattern.kind in _FAULTS)


def begin_reading(drivers: Iterable[str]) -> Child:
    """Have the signals of these drivers read.

    Raises:
        OSError: no child can be started.
    """
    wanted = tuple(drivers)

    def work(tell: Tell) -> None:
        os.nice(_MODESTY)
        from nicmedic.host.knowledge import read_knowledge  # only here: see above

        base = read_knowledge()
        found = {driver: known for driver in wanted if (known := base.find_driver(driver)) is not None}
        files = {known.name: known for known in (*base.shared, *found.values())}
        for number, pattern in enumerate(one for known in files.values() for one in known.signals if _matters(one)):
            tell({str(number): [getattr(pattern, field) for field in _FIELDS]})
        tell({"without_handler": [driver for driver, known in found.items() if not known.tx_timeout_handler]})

    return Child(work)


def patterns_of(said: Mapping[str, object]) -> tuple[Pattern, ...]:
    """What that child handed back."""
    made = []
    for key, value in said.items():
        if key.isdecimal() and isinstance(value, list):
            fields = dict(zip(_FIELDS, value, strict=True))
            with contextlib.suppress(ValueError):
                kind, where, drivers = EventKind(fields.pop("kind")), Where(fields.pop("where")), tuple(fields.pop("drivers"))
                made.append(Pattern(kind=kind, where=where, drivers=drivers, means="", scan=True, **fields))
    return tuple(made)


def without_handler(said: Mapping[str, object]) -> frozenset[str]:
    """Drivers that are known to have no ``ndo_tx_timeout``: their watchdog never fires."""
    found = said.get("without_handler")
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def _stands_below(card: Card, bus: str) -> bool:
    """Whether an address, with or without its domain, is that of the card or of a port or controller above it."""
    return any(part == bus or part.endswith(f":{bus}") for part in (card.sysfs_path or card.bus_address or "").split("/"))


def has_driver(card: Card, *drivers: str | None) -> bool:
    """Whether it may be one of these; what is not known contradicts nothing. Modules are written with ``_``, some of their drivers with ``-``."""
    named = {driver.replace("-", "_") for driver in drivers if driver}
    return not named or card.driver is None or card.driver.replace("-", "_") in named


def find_card(cards: Sequence[Card], names: Mapping[str, str], device: str | None, drivers: Iterable[str] = ()) -> str | bool | None:
    """Whose line it is: an interface; None: it cannot be told; False: that of something else.

    Names are those of one network namespace, and the log is everybody's: where a line tells of a bus or a driver, they must be the card's too.

    Args:
        cards: those that are here.
        names: what the line says.
        device: on the bus, as the kernel noted it beside the line.
        drivers: whose words these are, beside the one that the line names.
    """
    interface = (names.get("interface") or names.get("pinterface") or "").split(" (", 1)[0]
    bus, driver = names.get("bus") or device, names.get("driver") or names.get("pdriver")
    for card in cards:
        if card.interface == interface:
            if bus is None or not (card.sysfs_path or card.bus_address):
                return interface if driver is None or has_driver(card, driver, *drivers) else False
            if _stands_below(card, bus):
                return interface
    if bus is not None:
        found = [card.interface for card in cards if _stands_below(card, bus)]
        return found[0] if len(found) == 1 else None if found else False
    if interface:
        return False
    own = [card.interface for card in cards if driver is not None and card.driver == driver]
    return own[0] if len(own) == 1 else None


class LineReader:
    """Lines to signals. A line that differs from an earlier one in its numbers alone costs next to nothing."""

    def __init__(self, cards: Callable[[], Sequence[Card]]) -> None:
        self._cards = cards
        self._is_complete = False
        self._waiting: list[bytes] = []
        self._use((WATCHDOG,))

    def _use(self, patterns: Sequence[Pattern]) -> None:
        self._index = SignalIndex.of(patterns)
        literals = {pattern.literal.encode() for pattern in patterns}
        self._plain = tuple(one for one in literals if one.translate(None, _DIGITS) == one)
        self._numbered = tuple(one for one in literals if one.translate(None, _DIGITS) != one)
        self._shapes: set[bytes] = set()
        for pattern in patterns:
            if pattern.hang:
                pattern.match("")  # compiled now: when a card hangs there is no time for it
        self._index.find_matches(f"{_WARM_UP} {patterns[0].literal}")

    def learn(self, patterns: Sequence[Pattern], now_s: float) -> list[Signal]:
        """All that is to be known; returns what is found in the lines that came before, and was not understood then."""
        waiting, self._waiting, self._is_complete = self._waiting, [], True
        old = self._index
        self._use((*patterns, *(() if any(one.key == WATCHDOG.key for one in patterns) else (WATCHDOG,))))
        again = [record for record in waiting if not old.find_matches(parse_record(record).text)]
        return self.read(again, now_s)

    def read(self, records: Iterable[bytes], now_s: float) -> list[Signal]:
        """Records of the kernel, in order."""
        signals = []
        shapes = self._shapes
        for record in records:
            if not self._is_complete and len(self._waiting) < _MOST_WAITING:
                self._waiting.append(record)
            shape = record[record.find(b";") :].translate(None, _DIGITS)
            if shape in shapes and not any(literal in record for literal in self._numbered):
                continue
            signal = self._look(record, shape, now_s)
            if signal is not None:
                signals.append(signal)
        return signals

    def _look(self, record: bytes, shape: bytes, now_s: float) -> Signal | None:
        if not any(literal in shape for literal in self._plain):
            if len(self._shapes) >= _MOST_SHAPES:
                self._shapes.clear()
            if len(shape) < _LONGEST:
                self._shapes.add(shape)
            if not any(literal in record for literal in self._numbered):
                return None
        parsed = parse_record(record)
        matches = self._index.find_matches(parsed.text)
        return self._signal(matches[0], parsed, now_s) if matches else None

    def _signal(self, match: SignalMatch, record: KernelRecord, now_s: float) -> Signal | None:
        cards = self._cards()
        whose = find_card(cards, match.fields, record.device, match.signal.drivers)
        if isinstance(whose, bool):
            return None  # of something that is not watched
        if whose is None and match.signal.hang and match.fields.get("driver") not in {card.driver for card in cards}:
            return None  # the WARNING before the line that names the card
        kind = SignalKind.HANG_LINE if match.signal.hang else SignalKind.FAULT_LINE
        return Signal(kind, now_s, whose, record.text[:_LONGEST])
