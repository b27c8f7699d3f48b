# SPDX-License-Identifier: GPL-2.0-or-later
"""The history of dnf 4 (``/var/lib/dnf/history.sqlite``) and dnf 5 (``transaction_history.sqlite``): every transaction with its packages.

Actions by their numbers: libdnf/transaction/Types.hpp and libdnf5/transaction/transaction_item_action.hpp, ``TransactionItemAction``.
"""

import datetime
import re
from collections.abc import Iterator, Sequence

from nicmedic.evidence.history.sighting import render_moment
from nicmedic.host.histories.places import Found, Place
from nicmedic.host.histories.reader import Reader
from nicmedic.host.histories.sqlite_copy import ask_copy
from nicmedic.model.history import PackageChange, Source
from nicmedic.ports.histories import HistoryItem

__all__ = ["READER", "pair_changes"]

_DNF5 = """SELECT 5, t.id, t.dt_begin, n.name, r.epoch, r.version, r.release, i.action_id FROM trans t JOIN trans_item i ON i.trans_id = t.id
 JOIN rpm r ON r.item_id = i.item_id JOIN pkg_name n ON n.id = r.name_id ORDER BY t.dt_begin, i.id LIMIT 1000000"""
_DNF4 = """SELECT 4, t.id, t.dt_begin, r.name, r.epoch, r.version, r.release, i.action FROM trans t JOIN trans_item i ON i.trans_id = t.id
 JOIN rpm r ON r.item_id = i.item_id ORDER BY t.dt_begin, i.id LIMIT 1000000"""
_COMES = {4: frozenset({1, 2, 4, 6}), 5: frozenset({1, 2, 3})}
"""Install, downgrade, obsolete, upgrade; a reinstallation changes nothing."""
_GOES = {4: frozenset({3, 5, 7, 8}), 5: frozenset({5, 6})}
_PARALLEL = re.compile(r"(?:kernel(?:-.*)?|gpg-pubkey)\Z")
"""Several versions of these stand beside each other: one that goes is not replaced by the one that comes."""


def pair_changes(moves: Sequence[tuple[str, str, str, bool]], transaction: str | None, source: str) -> Iterator[PackageChange]:
    """Comings and goings of one transaction (moment, package, version, whether it comes) to changes with before and after."""
    gone: dict[str, list[str]] = {}
    for _, package, version, comes in moves:
        if not comes:
            gone.setdefault(package, []).append(version)
    for time, package, version, comes in moves:
        if comes:
            before = None if _PARALLEL.match(package) else next(iter(gone.pop(package, [])), None)
            yield PackageChange(time=time, package=package, before=before, after=version, transaction=transaction, source=source)
    for time, package, version, comes in moves:
        if not comes and package in gone:
            yield PackageChange(time=time, package=package, before=version, after=None, transaction=transaction, source=source)


def _changes(rows: Sequence[tuple[object, ...]], source: str) -> Iterator[PackageChange]:
    transactions: dict[object, list[tuple[str, str, str, bool]]] = {}
    for generation, number, began, name, epoch, version, release, action in rows:
        time = render_moment(began) if isinstance(began, int) else None
        if time is None or not isinstance(generation, int):
            continue
        comes = action in _COMES[generation]
        if comes or action in _GOES[generation]:
            told = f"{version}-{release}" if epoch in (0, None, "0", "") else f"{epoch}:{version}-{release}"
            transactions.setdefault(number, []).append((time, str(name), told, comes))
    for number, moves in transactions.items():
        yield from pair_changes(moves, str(number), source)


def _read(_place: Place, files: Sequence[Found], _zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    for file in files:
        try:
            rows = ask_copy(file.path, (_DNF5, _DNF4))
        except OSError as error:
            yield Source(name=file.shown, trouble=error.strerror or str(error))
            continue
        if rows is None:
            yield Source(name=file.shown, trouble="its tables are not those of dnf 4 or 5")
            continue
        changes = list(_changes(rows, "dnf history"))
        yield from changes
        yield Source(name=file.shown, covers_from=changes[0].time if changes else None, covers_to=changes[-1].time if changes else None)


READER = Reader("dnf history", re.compile(r"(?:^|/)(?:transaction_)?history\.sqlite\Z"), _read)
