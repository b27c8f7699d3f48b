# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.watching.Teller``: journal and metrics at once, a command and messages when they can be reached. Resident.

Nothing here waits for a network or a library: what may take long is done by a child, and what cannot be told now stays in the outbox.
"""

import dataclasses
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping

from nicmedic import __version__
from nicmedic.host.files import make_folder, write_file
from nicmedic.host.watching.teller.children import Helper
from nicmedic.host.watching.teller.journal import Journal
from nicmedic.host.watching.teller.outbox import Loan, Outbox, name_targets
from nicmedic.model.errors import NicmedicError, StateError
from nicmedic.model.incident import Incident
from nicmedic.model.policy import Telling
from nicmedic.model.state_folder import find_state_folder
from nicmedic.report.incident_tally import IncidentTally
from nicmedic.report.metrics_text import render_label, render_metrics
from nicmedic.report.news_text import News, find_latest_action, render_host_news, render_news

__all__ = ["METRICS_FILE", "HostTeller"]

METRICS_FILE = "/run/nicmedic/metrics.prom"
"""Always written, for ``nicmedic metrics`` and the endpoint: memory, not disk."""
_IDS = {
    "began": "4f0a4b0f5d9b4a8c9a0e3a0f6a7f3c01",
    "verdict": "4f0a4b0f5d9b4a8c9a0e3a0f6a7f3c02",
    "restored": "4f0a4b0f5d9b4a8c9a0e3a0f6a7f3c03",
    "action": "4f0a4b0f5d9b4a8c9a0e3a0f6a7f3c04",
    "ended": "4f0a4b0f5d9b4a8c9a0e3a0f6a7f3c05",
    "host": "4f0a4b0f5d9b4a8c9a0e3a0f6a7f3c06",
}
"""``MESSAGE_ID`` of the journal, by kind of news."""
_ROUND_S = 300.0
"""A round of sending is ended after so long."""
_LEAVE_ALONE_S = 10.0
"""Messages take a library to send: the processor is for the treatment first, and while a card hangs they would hardly get out."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 5.0, 300.0
_SERVE_AGAIN_S, _LONGEST_SERVE_AGAIN_S = 60.0, 3600.0
_MOST_ACTIONS = 50
"""The newest, that are told with an incident."""
_ROUNDS_A_COMPLAINT = 12
"""An hour of them: who reads the journal knows by then."""


def _shorten(incident: Incident) -> Incident:
    return dataclasses.replace(incident, actions=incident.actions[-_MOST_ACTIONS:])


class HostTeller:
    """Of this host. Call ``turn`` about once a second."""

    def __init__(
        self,
        telling: Telling,
        *,
        incidents: Iterable[Incident] = (),
        sums: Mapping[str, float] | None = None,
        folder: str | None = None,
        echo: bool = False,
    ) -> None:
        """Nothing is begun yet.

        Args:
            telling: of the policy.
            incidents: the last ones on disk, oldest first, so that counters go on where they were.
            sums: those before, as ``report.incident_tally.sum_up`` gives them.
            folder: of the outbox; None: the usual one.
            echo: lines also on standard error, for who watches in a terminal.
        """
        self._telling, self._tally = telling, IncidentTally(incidents, sums=sums)
        self._journal = Journal(echo=echo)
        self._outbox = Outbox(folder or f"{find_state_folder(os.environ.get('NICMEDIC_STATE'))}/telling")
        self._host = os.uname().nodename
        self._sender: Helper | None = None
        self._server: Helper | None = None
        self._command_at_s = self._send_at_s = self._serve_at_s = 0.0
        self._wait_s, self._was_whole, self._rounds_in_vain = _FIRST_WAIT_S, True, 0
        self._serve_wait_s = _SERVE_AGAIN_S
        self._is_waiting = len(self._outbox) > 0
        self._was_refused = False

    def tell_incident(self, incident: Incident, news: str) -> None:
        self._tally.note(incident)
        told = render_news(incident, news)
        action = find_latest_action(incident) if news == "action" else None
        fields = {
            "NICMEDIC_INTERFACE": incident.interface,
            "NICMEDIC_DRIVER": incident.driver,
            "NICMEDIC_BUS_ADDRESS": incident.bus_address,
            "NICMEDIC_VERDICT": str(incident.verdict),
            "NICMEDIC_INCIDENT": None if incident.id is None else str(incident.id),
            "NICMEDIC_ACTION": None if action is None else action.what,
            "NICMEDIC_ACTION_STATE": None if action is None else str(action.state),
        }
        self._tell(told, {key: value for key, value in fields.items() if value is not None}, incident)
        if news in {"restored", "ended"}:  # the network may be back
            self._send_at_s, self._wait_s = time.monotonic() + 1.0, _FIRST_WAIT_S

    def tell_host(self, text: str, *, bad: bool) -> None:
        self._tell(render_host_news(text, bad=bad), {}, None)

    def _tell(self, news: News, fields: Mapping[str, str], incident: Incident | None) -> None:
        known = {"MESSAGE_ID": _IDS.get(news.what, _IDS["host"]), "NICMEDIC_NEWS": news.what, **fields}
        self._journal.tell(news.text, news.urgency, known)
        targets = name_targets(self._telling, for_people=news.worth_a_message)
        if not targets or (incident is None and not news.worth_a_message):
            return
        from nicmedic.report.incidents_json import build_incident  # only where somebody is told

        document = {
            "schema": "nicmedic.news/1",
            "host": self._host,
            "news": news.what,
            "incident": None if incident is None else build_incident(_shorten(incident), incident.boot_id),
        }
        title = f"{self._host}: {news.title}"
        self._outbox.add(targets=targets, at_s=time.time(), document=document, title=title, text=f"{self._host}: {news.text}")
        self._is_waiting = True
        now_s = time.monotonic()
        self._command_at_s = now_s if self._telling.command else math.inf
        if not now_s <= self._send_at_s <= now_s + _LEAVE_ALONE_S:
            self._send_at_s = now_s + _LEAVE_ALONE_S

    def write_metrics(self, values: Mapping[str, float]) -> None:
        dropped = "nicmedic_watch_dropped_total"
        own = {
            f"nicmedic_build_info{{{render_label('version', __version__)}}}": 1.0,
            "nicmedic_watch_untold": float(len(self._outbox)) if self._is_waiting else 0.0,
            f'{dropped}{{what="news"}}': float(self._outbox.lost),
            f'{dropped}{{what="journal lines"}}': float(self._journal.lost),
        }
        text = render_metrics({**values, **own, **self._tally.read_values(time.time())})
        try:
            make_folder(os.path.dirname(METRICS_FILE))  # noqa: PTH120  # strings throughout
            write_file(METRICS_FILE, text, 0o644, sync=False)
            if self._telling.metrics_file:
                write_file(self._telling.metrics_file, text, 0o644, sync=False)
            self._was_refused = False
        except StateError as error:
            if not self._was_refused:
                self._was_refused = True  # once, not four times a minute
                self._tell_journal(f"metrics are not written: {error.message}")

    def _tell_journal(self, text: str) -> None:
        news = render_host_news(text, bad=True)
        self._journal.tell(news.text, news.urgency, {"MESSAGE_ID": _IDS["host"], "NICMEDIC_NEWS": "host"})

    def change(self, telling: Telling) -> None:
        """The policy was read again."""
        if telling.metrics_listen != self._telling.metrics_listen and self._server is not None:
            self._server.end()
        self._telling = telling
        self._send_at_s = self._serve_at_s = 0.0
        self._serve_wait_s, self._rounds_in_vain = _SERVE_AGAIN_S, 0

    def turn(self, now_s: float) -> None:
        """Take note of children that ended, begin those that are wanted; ``now_s``: of ``time.monotonic``."""
        self._turn_sender(now_s)
        self._turn_server(now_s)

    def _turn_sender(self, now_s: float) -> None:
        if self._sender is not None:
            if not self._sender.has_ended():
                return
            self._sender = None
            self._outbox.take_back()
            self._is_waiting = len(self._outbox) > 0
            self._rounds_in_vain = self._rounds_in_vain + 1 if self._is_waiting else 0
            if self._was_whole:
                self._send_at_s = now_s + self._wait_s
                self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S) if self._is_waiting else _FIRST_WAIT_S
        if self._is_waiting and now_s >= min(self._send_at_s, self._command_at_s):
            self._was_whole, self._command_at_s = now_s >= self._send_at_s, math.inf
            loan = self._outbox.lend()
            self._sender = self._begin(lambda _until_closed: self._send(loan), _ROUND_S)
            if self._sender is None:
                self._outbox.take_back()

    def _turn_server(self, now_s: float) -> None:
        if self._server is not None:
            if not self._server.has_ended():
                return
            self._server = None
        if self._telling.metrics_listen and now_s >= self._serve_at_s:
            self._serve_at_s = now_s + self._serve_wait_s
            self._serve_wait_s = min(2 * self._serve_wait_s, _LONGEST_SERVE_AGAIN_S)
            self._server = self._begin(self._serve, None)

    def _begin(self, task: Callable[[int], None], within_s: float | None) -> Helper | None:
        try:
            return Helper(task, within_s=within_s)
        except OSError as error:
            self._tell_journal(f"no process to tell with: {error.strerror}")
            return None

    def _send(self, loan: Loan) -> None:
        """In a child."""
        from nicmedic.host.watching.teller.delivery import deliver_letters

        self._journal = Journal()  # the parent's socket is closed here
        try:
            complaints = deliver_letters(self._outbox.folder, self._telling, loan, for_people=self._was_whole)
        except NicmedicError as error:
            complaints = [error.message]
        for complaint in complaints if self._rounds_in_vain % _ROUNDS_A_COMPLAINT == 0 else ():
            self._tell_journal(f"news wait to be told: {complaint}")

    def _serve(self, until_closed: int) -> None:
        """In a child."""
        from nicmedic.host.watching.teller.endpoint import serve_metrics

        self._journal = Journal()  # as above
        try:
            serve_metrics(self._telling.metrics_listen or "", METRICS_FILE, until_closed)
        except NicmedicError as error:
            self._tell_journal(f"metrics are not served: {error.message}; {error.hint}")

    def close(self) -> None:
        """The watcher ends. What waits is told when it begins again."""
        for child in (self._sender, self._server):
            if child is not None:
                child.end()
                child.has_ended()
        self._outbox.take_back()
        self._outbox.flush()
        self._journal.close()
