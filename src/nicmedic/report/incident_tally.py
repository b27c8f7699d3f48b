# SPDX-License-Identifier: GPL-2.0-or-later
"""Incidents as numbers. Old ones are added up, and only the last are kept: thousands cost no more memory than a few."""

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from nicmedic.model.incident import Incident, IncidentVerdict
from nicmedic.report.metrics_text import render_label

__all__ = ["IncidentTally", "sum_up"]

_NEWEST = "nicmedic_last_incident_timestamp_seconds"
_MOST_NAMES, _MOST_NAMES_OF_CARDS = 100, 200
"""Interfaces with values of their own; those of containers have another name each time, and after so many all others count together."""
_OTHERS = render_label("interface", "other")
_INTERFACE = re.compile(r'interface="(?:[^"\\]|\\.)*"')
_MOST_RECENT = 64
"""Something may become of one that is over, too: a treatment ends after traffic came back."""


def _read_time(text: str | None) -> float | None:
    try:
        return datetime.datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None


def _measure_outage(incident: Incident, now: float) -> float:
    """Seconds; by the clock that nobody sets where both ends are known by it."""
    if incident.restored_uptime_s is not None:
        return max(0.0, incident.restored_uptime_s - incident.began_uptime_s)
    began, over = _read_time(incident.began), _read_time(incident.restored or incident.ended)
    if began is None:
        return 0.0
    return max(0.0, (now if over is None else over) - began)


class IncidentTally:
    """Hand it every incident, and again whenever something became of it."""

    def __init__(self, incidents: Iterable[Incident] = (), *, sums: Mapping[str, float] | None = None) -> None:
        """Nothing more is known.

        Args:
            incidents: those that are known already, oldest first.
            sums: older ones, as ``sum_up`` gives them: who stays in memory need not read thousands.
        """
        known = sums or {}
        self._sums = {name: value for name, value in known.items() if not name.startswith(_NEWEST)}
        self._newest = {name: value for name, value in known.items() if name.startswith(_NEWEST)}
        self._recent: dict[tuple[str, int | None, str], Incident] = {}
        self._names = {found[0] for name in known if (found := _INTERFACE.search(name)) is not None}
        for incident in incidents:
            self.note(incident)

    def note(self, incident: Incident) -> None:
        """As it is now, in place of what it was."""
        if incident.id is not None:
            self._recent.pop(self._key(incident, unwritten=True), None)  # the disk has taken it since
        self._recent[self._key(incident)] = incident
        if len(self._recent) > _MOST_RECENT:
            over = next((key for key, one in self._recent.items() if one.ended is not None), None)
            if over is not None:
                self._add(self._sums, self._newest, self._recent.pop(over), 0.0)

    def _add(self, values: dict[str, float], newest: dict[str, float], incident: Incident, now: float) -> None:
        interface = self._label(incident)
        for name, value in self._measure(interface, incident, now).items():
            values[name] = values.get(name, 0.0) + value
        self._remember(newest, interface, incident)

    def _label(self, incident: Incident) -> str:
        """Of its interface, or of all others."""
        label = render_label("interface", incident.interface)
        if label not in self._names:
            if len(self._names) >= (_MOST_NAMES if incident.bus_address is None else _MOST_NAMES_OF_CARDS):
                return _OTHERS
            self._names.add(label)
        return label

    @staticmethod
    def _key(incident: Incident, *, unwritten: bool = False) -> tuple[str, int | None, str]:
        """One that the disk did not take at first has no number yet. A card may get another name while it hangs."""
        if incident.id is not None and not unwritten:
            return "", incident.id, incident.detected
        return incident.bus_address or incident.interface, None, incident.detected

    @staticmethod
    def _remember(newest: dict[str, float], interface: str, incident: Incident) -> None:
        began = _read_time(incident.began)
        if began is not None:
            name = f"{_NEWEST}{{{interface}}}"
            newest[name] = max(began, newest.get(name, 0.0))

    @staticmethod
    def _measure(interface: str, incident: Incident, now: float) -> dict[str, float]:
        labels = f"{interface},{render_label('driver', incident.driver or '')},{render_label('verdict', incident.verdict)}"
        found = {f"nicmedic_incidents_total{{{labels}}}": 1.0, f"nicmedic_outage_seconds_total{{{labels}}}": _measure_outage(incident, now)}
        for action in incident.actions:
            name = f"nicmedic_actions_total{{{interface},{render_label('what', action.what)},{render_label('state', action.state)}}}"
            found[name] = found.get(name, 0.0) + 1.0
        return found

    def read_values(self, now: float) -> dict[str, float]:
        """Values of Prometheus, by their full names.

        Args:
            now: seconds since 1970.
        """
        values, newest = dict(self._sums), dict(self._newest)
        for incident in self._recent.values():
            self._add(values, newest, incident, now)
            if incident.ended is not None:
                continue
            interface = render_label("interface", incident.interface)
            values[f"nicmedic_incident_open{{{interface},{render_label('verdict', incident.verdict)}}}"] = 1.0
            if incident.verdict is IncidentVerdict.NIC_HUNG:
                values[f"nicmedic_hung{{{interface}}}"] = 1.0
        return values | newest


def sum_up(incidents: Iterable[Incident]) -> dict[str, float]:
    """Those that are over and old, as numbers: for ``IncidentTally``. None of them is open, whether its end was seen or not."""
    tally = IncidentTally(replace(one, ended=one.ended or one.detected) for one in incidents)
    return tally.read_values(0.0)
