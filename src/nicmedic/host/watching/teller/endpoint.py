# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics over HTTP, for who scrapes rather than reads text files: on loopback only, in a process of its own that reads what the watcher wrote last.

Whoever wants them from outside puts a proxy with a password in front: what a host's cards do is nobody's business, and this listens to anybody.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nicmedic.model.errors import MissingToolError, StateError, UsageError

if TYPE_CHECKING:
    from prometheus_client import Metric

__all__ = ["parse_address", "serve_metrics"]


def parse_address(listen: str) -> tuple[str, int]:
    """Host and port of ``127.0.0.1:9833`` or ``[::1]:9833``.

    Raises:
        UsageError: it is neither, or not on loopback.
    """
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    is_loopback = host in {"::1", "localhost"} or (host.startswith("127.") and host.replace(".", "").isdecimal())
    if not is_loopback or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise UsageError(f"metrics_listen {listen!r}: only loopback, with a port", hint='metrics_listen = "127.0.0.1:9833"')
    return host, int(port)


class _TextFile:
    """A collector of ``prometheus_client``: what stands in the file now."""

    def __init__(self, path: str) -> None:
        self._path = path

    def collect(self) -> "Iterator[Metric]":
        """Called at each request."""
        from prometheus_client.parser import text_string_to_metric_families

        with open(self._path, encoding="utf-8") as file:  # noqa: PTH123  # strings throughout
            yield from text_string_to_metric_families(file.read())


def serve_metrics(listen: str, path: str, until_closed: int) -> None:
    """Serve the file until a descriptor is at its end: then the watcher is gone, and its metrics are of yesterday.

    Raises:
        UsageError: not an address of loopback.
        MissingToolError: prometheus_client is not installed.
        StateError: the address is taken.
    """
    host, port = parse_address(listen)
    try:
        from prometheus_client import CollectorRegistry, start_http_server
    except ImportError:
        hint = "apt install python3-prometheus-client   # or: pip install 'nicmedic[metrics]'"
        raise MissingToolError("prometheus_client is not installed", hint=hint) from None
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_TextFile(path))
    try:
        start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise StateError(f"{listen}: {error.strerror or error}", hint=f"ss -ltnp 'sport = :{port}'") from None
    while os.read(until_closed, 1):
        pass
