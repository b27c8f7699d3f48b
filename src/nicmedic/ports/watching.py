# SPDX-License-Identifier: GPL-2.0-or-later
"""What the resident watcher asks of the outside. Nothing here may block on the lock of networking, or import a netlink library."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from nicmedic.model.incident import Action, Evidence, Incident
from nicmedic.model.sample import Sample, Signal
from nicmedic.model.watched import Answer, Card

__all__ = ["Errands", "Heart", "IncidentStore", "Senses", "Teller", "Treater"]


class Senses(Protocol):
    """Eyes and ears. Never raises for what a host may be like; what cannot be sensed is told by ``find_blind_spots``."""

    def list_cards(self) -> tuple[Card, ...]:
        """Interfaces that are there now, without guests' and containers' ends."""

    def read_sample(self, interface: str) -> Sample | None:
        """None: it is gone."""

    def wait_signals(self, until_s: float) -> tuple[Signal, ...]:
        """What happened, as soon as something does, or empty when that moment (``time.monotonic``) is reached."""

    def look_closer(self, interface: str) -> Answer:
        """A closer look; comes back within a second, whatever happens."""

    def begin_probe(self, interface: str) -> bool:
        """Ask the gateways behind a card whether they are there, once (ARP, ND); False: there is none, or it cannot be asked. Does not wait."""

    def read_probe(self, interface: str) -> bool | None:
        """Whether one has answered since, over this card; None: nothing was asked."""

    def read_kernel_log(self, most_bytes: int = 256 << 10) -> bytes:
        """The newest part of the kernel's ring buffer, as ``/dev/kmsg`` gives it."""

    def find_blind_spots(self) -> tuple[str, ...]:
        """What cannot be seen on this host, a sentence each, with what would change that."""


class IncidentStore(Protocol):
    """Incidents on disk. What a method wrote is synced before it returns.

    Every method may raise:
        StateError: the disk is full, the folder is read-only, the database is locked for good. Nothing that was written before is lost.
    """

    def add_incident(self, incident: Incident, evidence: Sequence[Evidence]) -> Incident:
        """Write one down, whole or not at all; returns it with its number."""

    def update_incident(self, incident: Incident) -> None:
        """Replace everything but its number, its actions and its evidence."""

    def add_evidence(self, number: int, evidence: Evidence) -> None:
        """One more piece."""

    def add_action(self, number: int, action: Action) -> int:
        """Begun; returns its place among the actions of this incident."""

    def update_action(self, number: int, place: int, action: Action) -> None:
        """As it ended."""

    def list_incidents(self, *, newest: int | None = None) -> tuple[Incident, ...]:
        """Oldest first; ``newest``: only so many."""

    def list_acted(self, what: str, *, newest: int) -> tuple[Incident, ...]:
        """Those that such an action was begun for, however many others there were since; oldest first, and only so many."""

    def find_incident(self, number: int) -> Incident | None:
        """None: there is none."""

    def read_evidence(self, number: int) -> tuple[Evidence, ...]:
        """In the order in which it was kept."""

    def note_boot(self, boot_id: str, facts: Mapping[str, str], at: str) -> None:
        """What this boot is like: kernel package, firmware, ASPM, link, …; again later in the same boot: replaces it."""

    def find_last_healthy_boot(self, before_boot_id: str) -> Mapping[str, str] | None:
        """Facts of the newest earlier boot without an incident ``nic_hung``; None: none is known."""

    def put_aside(self) -> str | None:
        """What had to be put aside as damaged when the store was opened: its new path; None: nothing."""

    def read_damage_age_s(self) -> float | None:
        """How long ago that was, in seconds, also if another process did it; None: never, as far as is known."""


class Treater(Protocol):
    """Acts, in a process of its own: ``nicmedic treat`` through its transaction. One at a time a card."""

    def begin(self, incident: Incident, what: str, arguments: Sequence[str]) -> int:
        """Start ``nicmedic treat INTERFACE …``, or with ``reboot`` what boots the host; returns its job's number at once.

        ``what`` is as of ``Action``. What cannot be started has ended: ``read_ended`` tells it, with status 10.
        """

    def warm_up(self, interface: str) -> None:
        """A treatment may be wanted within a second: have the process ready. Ends by itself if nothing comes of it."""

    def list_undecided(self) -> tuple[int, ...]:
        """Transactions of this boot, of whichever card, that nobody has confirmed or undone yet: somebody, or ``treat``, is at it."""

    def read_ended(self) -> tuple[tuple[int, int, str, tuple[int, ...]], ...]:
        """Jobs that ended since: number, exit status, first line, transactions."""


class Errands(Protocol):
    """What takes long, in programs of their own that nobody waits for. Never raises: evidence that they could not get is missing."""

    def keep_evidence(self, number: int) -> bool:
        """Add the heavy pieces to an incident: host and changes. False: too many others wait, and it is not done."""

    def is_keeping(self, number: int) -> bool:
        """Whether those of an incident wait to be made, or are being made."""

    def note_boot(self) -> None:
        """Note what this boot is like."""


class Teller(Protocol):
    """Tells people and programs. Never raises, never blocks for more than a moment; what cannot be sent now is sent later, once."""

    def tell_incident(self, incident: Incident, news: str) -> None:
        """``news``: ``began``, ``verdict`` (that of an open one was revised), ``restored``, ``action``, ``ended``."""

    def tell_host(self, text: str, *, bad: bool) -> None:
        """Something about the watcher itself."""

    def write_metrics(self, values: Mapping[str, float]) -> None:
        """As gauges and counters of Prometheus, by their full names with labels."""


class Heart(Protocol):
    """Tells whoever supervises us that we live (``sd_notify``)."""

    def ready(self, status: str) -> None:
        """Watching has begun."""

    def beat(self, status: str) -> None:
        """Still alive."""

    def reloading(self) -> None:
        """The policy is read again; ``ready`` follows."""

    def stopping(self) -> None:
        """On the way out."""
