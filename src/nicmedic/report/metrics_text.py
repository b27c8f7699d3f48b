# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics as Prometheus reads them: the text format 0.0.4, and every name that there is, with what it means.

Written by hand rather than by ``prometheus_client``: the resident process writes them four times a minute, and the library's import takes more memory
than all of its own code. A test has the library read back what this writes, and ``promtool check metrics`` has nothing to complain of.
"""

from collections.abc import Mapping

__all__ = ["FAMILIES", "find_family", "parse_metrics", "render_label", "render_metrics"]

FAMILIES: Mapping[str, tuple[str, str]] = {
    "nicmedic_build_info": ("gauge", "Always 1; the label tells the version."),
    "nicmedic_hung": ("gauge", "1 while an incident nic_hung of this card is open: the card or its driver hangs."),
    "nicmedic_incident_open": ("gauge", "1 while an incident of this card is open, by its verdict."),
    "nicmedic_incidents_total": ("counter", "Incidents that were written down, by their verdict."),
    "nicmedic_outage_seconds_total": ("counter", "Seconds from the last sign of work to the return of traffic, or to now, by verdict."),
    "nicmedic_actions_total": ("counter", "What was done about incidents, and how it ended."),
    "nicmedic_last_incident_timestamp_seconds": ("gauge", "When the newest incident of this card began."),
    "nicmedic_tx_timeouts_total": ("counter", "Expiries of the kernel's transmit watchdog since the card appeared, all queues together."),
    "nicmedic_watch_heartbeat_timestamp_seconds": ("gauge", "When the watcher last said that it lives."),
    "nicmedic_watch_cards": ("gauge", "Cards that are watched now."),
    "nicmedic_watch_closer_looks_total": ("counter", "Closer looks at a card since the watcher began."),
    "nicmedic_watch_dropped_total": ("counter", "What the watcher lost or could not keep since it began."),
    "nicmedic_watch_errors_total": ("counter", "Bugs of the watcher that it went on after."),
    "nicmedic_watch_probes_total": ("counter", "Silent questions to gateways since the watcher began."),
    "nicmedic_watch_returns_total": ("counter", "Cards that worked again after an incident, since the watcher began."),
    "nicmedic_watch_untold": ("gauge", "News that wait to be told."),
    "nicmedic_watch_unwritten_incidents": ("gauge", "Incidents in memory that the disk has not taken yet."),
}
"""By name: its type, and its help."""


def find_family(name: str) -> str:
    """The family of a full name with labels."""
    return name.partition("{")[0]


def render_label(key: str, value: str) -> str:
    r"""One label.

    >>> render_label("interface", 'e"th\\0')
    'interface="e\\"th\\\\0"'
    """
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{key}="{escaped.encode("utf-8", "backslashreplace").decode("utf-8")}"'


def _render_value(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def render_metrics(values: Mapping[str, float]) -> str:
    """The whole text. A name without a family here is a bug of the caller, and is left out rather than break the reading of the others.

    >>> print(render_metrics({'nicmedic_hung{interface="eth0"}': 1.0}), end="")
    # HELP nicmedic_hung 1 while an incident nic_hung of this card is open: the card or its driver hangs.
    # TYPE nicmedic_hung gauge
    nicmedic_hung{interface="eth0"} 1
    """
    by_family: dict[str, list[str]] = {}
    for name, value in sorted(values.items()):
        by_family.setdefault(find_family(name), []).append(f"{name} {_render_value(float(value))}")
    lines: list[str] = []
    for family, (kind, text) in FAMILIES.items():
        if family in by_family:
            lines += (f"# HELP {family} {text}", f"# TYPE {family} {kind}", *by_family[family])
    return "".join(f"{line}\n" for line in lines)


def parse_metrics(text: str, *, prefix: str) -> dict[str, float]:
    """Values of the families that begin so, out of what ``render_metrics`` made; what is torn is passed over.

    >>> parse_metrics(render_metrics({"nicmedic_watch_cards": 2, "nicmedic_build_info": 1}), prefix="nicmedic_watch_")
    {'nicmedic_watch_cards': 2.0}
    """
    values: dict[str, float] = {}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if line.startswith(prefix) and find_family(name) in FAMILIES:
            try:
                values[name] = float(value)
            except ValueError:
                continue
    return values
