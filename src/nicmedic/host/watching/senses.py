# SPDX-License-Identifier: GPL-2.0-or-later
"""All senses of the resident watcher, behind the protocol ``Senses``: one wait for everything that can be heard, and reads that cannot block.

What may sleep in the kernel is asked by children (``child``): the list of links, a closer look, the knowledge of the drivers present.
"""

import contextlib
import resource
import select
import socket
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from nicmedic.host.sysfs import Folder
from nicmedic.host.timed_reader import MOST_DESCRIPTORS
from nicmedic.host.watching.blind_spots import Sight, find_blind_cards, find_blind_host, find_hidden_cards
from nicmedic.host.watching.cards import NET, is_card, read_cards
from nicmedic.host.watching.child import Child
from nicmedic.host.watching.closer_look import ask_closer
from nicmedic.host.watching.gateways import Gateway, neighbour_filter, parse_neighbour, read_gateways
from nicmedic.host.watching.kernel_log import KernelLog, open_kernel_log
from nicmedic.host.watching.link_socket import LINKS, NEIGHBOURS, MessageSocket
from nicmedic.host.watching.link_table import LinkTable, split_messages
from nicmedic.host.watching.log_signals import LineReader, begin_reading, has_driver, patterns_of, without_handler
from nicmedic.host.watching.own_time import OwnTime
from nicmedic.host.watching.samples import CardReader, NetDev
from nicmedic.host.watching.silent_probe import SilentProbe
from nicmedic.host.watching.survey import begin_survey, links_of, speeds_of
from nicmedic.host.watching.tracepoint import Tracepoint, find_tracefs
from nicmedic.model.sample import Sample, Signal, SignalKind
from nicmedic.model.watched import Answer, Card

__all__ = ["HostSenses"]

_SURVEY_S = 1.0
"""A driver that resets in good order may hold the lock as long."""
_SURVEY_AGAIN_S = 30.0
_SURVEY_FAILED_S = 5.0
"""Links that come and go all the time may interrupt each list of them; a host without memory refuses it for a while."""
_READING_S = 180.0
_ROUTES_S = 60.0
_PROBE_S = 10.0
_LOST_S = 1.0
_NEVER_S = float("-inf")
"""The clock of a machine that has just started is near 0."""
_NEW = frozenset({SignalKind.APPEARED, SignalKind.VANISHED, SignalKind.RENAMED, SignalKind.CHANGED, SignalKind.ADMIN, SignalKind.CARRIER})
_ANEW = frozenset({SignalKind.APPEARED, SignalKind.VANISHED, SignalKind.RENAMED})


def _why(error: OSError) -> str:
    return error.strerror or str(error)


def _why_no_packets() -> str:
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, 0):
            return ""
    except OSError as error:
        return _why(error)


def _raise_limit() -> None:
    """Cards with many queues have many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class HostSenses:
    """Of this host, as its network namespace shows it."""

    def __init__(self, *, virtual: Sequence[str] = (), keep_log_bytes: int = 256 << 10) -> None:
        """Open everything once; the first list of links may take a second.

        Args:
            virtual: shell patterns of interfaces without a device that count as cards.
            keep_log_bytes: how much of the kernel log stays at hand.
        """
        _raise_limit()
        self._virtual = tuple(virtual)
        self._net = Folder().folder(NET)
        self._poll = select.poll()
        self._heard_by: dict[int, Callable[[float], list[Signal]]] = {}
        self._pending: list[Signal] = []
        self._links = LinkTable(lambda name: is_card(self._net, name, self._virtual))
        self._speeds: dict[str, int] = {}
        self._cards: tuple[Card, ...] | None = None
        self._net_dev = NetDev()
        self._readers: dict[str, CardReader] = {}
        self._probes: dict[str, SilentProbe] = {}
        self._lines = LineReader(self._known_cards)
        self._own_time = OwnTime()
        self._gateways: tuple[Gateway, ...] = ()
        self._gateways_s = _NEVER_S
        self._survey: Child | None = None
        self._survey_due_s: float | None = None
        self._reading: Child | None = None
        self._read_drivers: frozenset[str] | None = None
        self._without_handler: frozenset[str] = frozenset()
        self._stuck: Child | None = None
        self._left: list[Child] = []
        self._lock_stuck = False
        self._lost_told_s = _NEVER_S
        self._why_no_patterns = ""
        self._log, self._why_no_log = self._open_log(keep_log_bytes)
        self._link_socket, self._why_no_links = self._open_messages(LINKS, b"", self._hear_links)
        self._neighbour_socket, self._why_no_neighbours = self._open_messages(NEIGHBOURS, neighbour_filter(), self._hear_neighbours)
        self._tracepoint, self._why_no_tracepoint = self._open_tracepoint()
        self._begin_survey()
        self._pending += self._wait_for_survey()
        self.list_cards()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Leave nothing open and nothing switched on."""
        for child in (self._survey, self._reading, self._stuck, *self._left):
            if child is not None:
                child.leave()
        for reader in self._readers.values():
            reader.close()
        for probe in self._probes.values():
            probe.close()
        self._net_dev.close()
        self._own_time.close()
        for sense in (self._log, self._link_socket, self._neighbour_socket, self._tracepoint):
            if sense is not None:
                sense.close()

    # ------------------------------------------------------------------------------------------------------------ at the start

    def _listen(self, handle: int, hear: Callable[[float], list[Signal]]) -> None:
        self._poll.register(handle, select.POLLIN)
        self._heard_by[handle] = hear

    def _forget(self, handle: int) -> None:
        if self._heard_by.pop(handle, None) is not None:
            self._poll.unregister(handle)

    def _open_log(self, keep_bytes: int) -> tuple[KernelLog | None, str]:
        try:
            log = KernelLog(open_kernel_log(), keep_bytes)
        except OSError as error:
            return None, _why(error)
        self._listen(log.fileno(), self._hear_log)
        return log, ""

    def _open_messages(self, group: int, program: bytes, hear: Callable[[float], list[Signal]]) -> tuple[MessageSocket | None, str]:
        try:
            opened = MessageSocket(group, program)
        except OSError as error:
            return None, _why(error)
        self._listen(opened.fileno(), hear)
        return opened, ""

    def _open_tracepoint(self) -> tuple[Tracepoint | None, str]:
        root = find_tracefs()
        if root is None:
            return None, "tracefs is not mounted, or the kernel has none"
        try:
            opened = Tracepoint(root)
        except OSError as error:
            return None, _why(error)
        self._listen(opened.fileno(), self._hear_tracepoint)
        return opened, ""

    # ---------------------------------------------------------------------------------------------------------------- children

    def _begin_survey(self) -> None:
        if self._survey is not None:
            return
        self._left = [child for child in self._left if not child.is_gone()]
        self._survey_due_s = None
        if self._left:  # one is there still: the lock is held
            self._survey_due_s = time.monotonic() + _SURVEY_AGAIN_S
            return
        self._links.begin_listing()
        try:
            self._survey = begin_survey(self._virtual)
        except OSError:
            self._links.give_up_list()
            self._survey_due_s = time.monotonic() + _SURVEY_AGAIN_S
            return
        self._listen(self._survey.fileno(), self._hear_survey)

    def _wait_for_survey(self) -> list[Signal]:
        if self._survey is not None:
            self._survey.wait(_SURVEY_S)
        return self._end_survey(time.monotonic())

    def _hear_survey(self, now_s: float) -> list[Signal]:
        if self._survey is None:
            return []
        self._survey.read()
        return self._end_survey(now_s) if self._survey.ended else []

    def _end_survey(self, now_s: float) -> list[Signal]:
        """It has ended, or its time is over."""
        child = self._survey
        if child is None:
            return []
        self._forget(child.fileno())
        said = child.said()
        child.leave()
        self._survey, self._lock_stuck = None, not child.ended
        links = links_of(said)
        signals, due_s = [], self._survey_due_s  # what was lost meanwhile needs one more
        if links is not None:
            signals = self._links.take_list(links, now_s)
        else:
            self._links.give_up_list()
            due_s = now_s + _SURVEY_FAILED_S
        self._take_note(signals)
        self._speeds = speeds_of(said) or self._speeds
        self._cards, self._survey_due_s = None, due_s
        if not child.ended:
            self._left.append(child)
            self._survey_due_s = now_s + _SURVEY_AGAIN_S
            signals.append(Signal(SignalKind.RTNL_STUCK, now_s))
        return signals

    def _begin_reading(self, cards: Sequence[Card]) -> None:
        """Of the knowledge, as far as it is of drivers that were not there the last time."""
        drivers = frozenset(card.driver for card in cards if card.driver is not None)
        if self._reading is not None or self._log is None or (self._read_drivers is not None and drivers <= self._read_drivers):
            return
        try:
            self._reading = begin_reading(sorted(drivers))
        except OSError as error:
            self._why_no_patterns = _why(error)
            return
        self._read_drivers = drivers
        self._listen(self._reading.fileno(), self._hear_reading)

    def _hear_reading(self, now_s: float) -> list[Signal]:
        child = self._reading
        if child is None:
            return []
        child.read()
        if not child.ended and now_s - child.began_s < _READING_S:
            return []
        self._forget(child.fileno())
        said = child.said()
        child.leave()
        self._reading = None
        patterns = patterns_of(said)
        if not patterns:
            self._why_no_patterns = "it could not be read"
            return []
        self._why_no_patterns, self._without_handler = "", without_handler(said)
        return self._lines.learn(patterns, now_s)

    # ----------------------------------------------------------------------------------------------------------------- hearing

    def _known_cards(self) -> tuple[Card, ...]:
        return self._cards if self._cards is not None else self.list_cards()

    def _hear_log(self, now_s: float) -> list[Signal]:
        if self._log is None:
            return []
        signals = self._lines.read(self._log.read(), now_s)
        if self._log.rest_until_s > now_s:
            self._forget(self._log.fileno())
        if self._log.lost and now_s - self._lost_told_s >= _LOST_S:
            signals.append(Signal(SignalKind.LOG_LOST, now_s, value=self._log.lost))
            self._log.lost, self._lost_told_s = 0, now_s
        return signals

    def _hear_links(self, now_s: float) -> list[Signal]:
        opened = self._link_socket
        if opened is None:
            return []
        signals = [
            signal for data in opened.read() for kind, body in split_messages(data) for signal in self._links.hear(kind, body, now_s)
        ]
        if opened.overrun:
            opened.overrun = False
            self._survey_due_s = now_s
        self._take_note(signals)
        return signals

    def _take_note(self, signals: Sequence[Signal]) -> None:
        """What of our own is old now."""
        for signal in signals:
            if signal.kind in _ANEW:
                for name in {signal.interface, signal.text if signal.kind is SignalKind.RENAMED else None}:
                    reader = self._readers.pop(name or "", None)
                    if reader is not None:
                        reader.close()
            if signal.kind in _NEW:
                self._cards, self._gateways_s = None, _NEVER_S
            if signal.kind is SignalKind.APPEARED or (signal.kind is SignalKind.CARRIER and signal.value):
                self._survey_due_s = signal.monotonic_s  # its speed

    def _hear_neighbours(self, now_s: float) -> list[Signal]:
        signals: list[Signal] = []
        for data in [] if self._neighbour_socket is None else self._neighbour_socket.read():
            for _, body in split_messages(data):
                found = parse_neighbour(body)
                if found is not None:
                    signals += self._tell_gateway(*found, now_s)
        return signals

    def _tell_gateway(self, ifindex: int, address: bytes, answers: bool, now_s: float) -> list[Signal]:  # noqa: FBT001  # private
        if not any(gateway.address == address for gateway in self._gateways):
            return []
        try:
            name = socket.if_indextoname(ifindex)
        except OSError:
            return []
        if Gateway(name, address, True)[:2] not in {gateway[:2] for gateway in self._gateways}:  # noqa: FBT003  # a tuple
            return []
        below = [card.interface for card in self._known_cards() if name == card.interface or name in card.above]
        over_one_of = 2 if len(below) > 1 else 1
        return [Signal(SignalKind.GATEWAY, now_s, card, value=over_one_of if answers else 0) for card in below]

    def _hear_tracepoint(self, now_s: float) -> list[Signal]:
        found = [] if self._tracepoint is None else self._tracepoint.read()
        own = {card.interface: card for card in self._known_cards()} if found else {}
        return [
            Signal(SignalKind.XMIT_TIMEOUT, now_s, name, value=queue)
            for name, driver, queue in found
            if name in own and has_driver(own[name], driver)
        ]

    # ---------------------------------------------------------------------------------------------------------------- protocol

    def list_cards(self) -> tuple[Card, ...]:
        links = self._links
        self._cards = read_cards(
            self._net, self._virtual, speeds=self._speeds, permanent_addresses=links.permanent_addresses, leave_out=links.representors
        )
        self._begin_reading(self._cards)
        return self._cards

    def read_sample(self, interface: str) -> Sample | None:
        for _ in range(2):  # another interface may have come under the same name
            try:
                if interface not in self._readers:
                    self._readers[interface] = CardReader(interface, self._net_dev)
                return self._readers[interface].read(self._links.find(interface))
            except (OSError, ValueError):
                reader = self._readers.pop(interface, None)
                if reader is not None:
                    reader.close()
        return None

    def _keep_house(self, now_s: float) -> list[Signal]:
        """What is due now."""
        if self._log is not None and self._log.fileno() not in self._heard_by and now_s >= self._log.rest_until_s:
            self._listen(self._log.fileno(), self._hear_log)
        if now_s - self._gateways_s >= _ROUTES_S:
            self._gateways, self._gateways_s = read_gateways(Folder()), now_s
        for name in [name for name, probe in self._probes.items() if now_s - probe.began_s > _PROBE_S]:
            self._probes.pop(name).close()
        late = [] if self._reading is None or now_s - self._reading.began_s < _READING_S else self._hear_reading(now_s)
        if self._survey is None and self._survey_due_s is not None and now_s >= self._survey_due_s:
            self._begin_survey()
        if self._survey is not None and now_s - self._survey.began_s >= _SURVEY_S:
            late += self._end_survey(now_s)
        return late

    def wait_signals(self, until_s: float) -> tuple[Signal, ...]:
        began_s = time.monotonic()
        signals, self._pending = self._pending, []
        signals += self._keep_house(began_s)
        late_s = 0.0
        while True:
            now_s = time.monotonic()
            end_s = now_s if signals else until_s
            if self._log is not None and self._log.fileno() not in self._heard_by:
                end_s = min(end_s, self._log.rest_until_s)
            heard = self._poll.poll(max(0.0, end_s - now_s) * 1000)
            now_s = time.monotonic()
            late_s = max(late_s, now_s - max(end_s, began_s))
            for handle, _ in heard:
                hear = self._heard_by.get(handle)
                signals += [] if hear is None else hear(now_s)
            signals += self._keep_house(now_s)
            if signals or now_s >= until_s:
                return (*self._own_time.compare(late_s), *signals)

    def look_closer(self, interface: str) -> Answer:
        card = next((card for card in self._known_cards() if card.interface == interface), None)
        if card is None:
            return Answer(monotonic_s=time.monotonic())
        answer, self._stuck = ask_closer(card, self._stuck)
        if answer.stuck and not self._lock_stuck:
            self._pending.append(Signal(SignalKind.RTNL_STUCK, answer.monotonic_s, interface))
        self._lock_stuck = answer.stuck
        return answer

    def begin_probe(self, interface: str) -> bool:
        old = self._probes.pop(interface, None)
        if old is not None:
            old.close()
        card = next((card for card in self._known_cards() if card.interface == interface), None)
        if card is None:
            return False
        self._gateways, self._gateways_s = read_gateways(Folder()), time.monotonic()
        own = {interface, *card.above}
        probe = SilentProbe(interface, [gateway for gateway in self._gateways if gateway.interface in own])
        if not probe.was_sent:
            return False
        self._probes[interface] = probe
        return True

    def read_probe(self, interface: str) -> bool | None:
        probe = self._probes.get(interface)
        return None if probe is None else probe.read()

    def read_kernel_log(self, most_bytes: int = 256 << 10) -> bytes:
        if self._log is None:
            return b""
        self._pending += self._hear_log(time.monotonic())
        return self._log.newest(most_bytes)

    def find_blind_spots(self) -> tuple[str, ...]:
        cards = self.list_cards()
        sight = Sight(
            kernel_log=self._why_no_log,
            tracepoint=self._why_no_tracepoint,
            links=self._why_no_links,
            neighbours=self._why_no_neighbours,
            packets=_why_no_packets(),
            patterns=self._why_no_patterns,
            counts_waiting=self._own_time.counts_waiting,
            lock_stuck=self._lock_stuck,
        )
        self._gateways, self._gateways_s = read_gateways(Folder()), time.monotonic()
        for card in cards:  # so that it is known of how many queues no file can be kept open
            self.read_sample(card.interface)
        unread = {name: reader.unread for name, reader in self._readers.items()}
        blind = find_blind_cards(cards, self._gateways, self._without_handler, unread)
        return (*find_blind_host(sight, cards), *blind, *find_hidden_cards(cards))
