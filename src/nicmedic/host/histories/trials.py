# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots of kernels on trial, from our own records: how long each was watched, with which traffic, and whether a card hung.

From the start of a soak to its end a hang would have been seen, whether or not a log was kept; so this covers a boot as a kernel log does.
"""

import datetime
import json
import os
from collections.abc import Iterator, Sequence

from nicmedic.evidence.history.sighting import Sighting, read_time
from nicmedic.host.histories.places import Found, Place
from nicmedic.host.histories.reader import Reader
from nicmedic.model.boot_trial import BootTrial, Leg, LegResult, TrialVerdict
from nicmedic.model.history import HangRecord, Source
from nicmedic.model.plain import PlainError, from_plain
from nicmedic.model.state_folder import find_state_folder
from nicmedic.ports.histories import HistoryItem
from nicmedic.report.trial_text import say_result

__all__ = ["READER"]

_SOURCE = "trials"
_MOST_BYTES = 16 << 20
_WITHIN_S = 60.0


def _find_folder(place: Place) -> str:
    state = find_state_folder(os.environ.get("NICMEDIC_STATE") if place.live else None)
    return f"{place.root}{state}/trials"


def _read_trial(path: str) -> BootTrial:
    with open(path, "rb") as file:  # noqa: PTH123  # as places.py
        data = json.loads(file.read(_MOST_BYTES))
    if not isinstance(data, dict):
        raise PlainError("no record of a trial")
    return from_plain(BootTrial, data.get("trial"))


def _moment(text: str | None) -> float | None:
    try:
        return None if text is None else read_time(text)[0]
    except ValueError:
        return None


def _list_hangs(trial: BootTrial, result: LegResult) -> tuple[HangRecord, ...]:
    if result.verdict is not TrialVerdict.HUNG:
        return ()
    driver = next((card.nic.driver for card in trial.cards if card.interface == result.hung), None)
    return (
        HangRecord(interface=result.hung, driver=driver, began=result.ended, uptime_s=result.ended_uptime_s, lines=0, sources=(_SOURCE,)),
    )


def _sight(trial: BootTrial, leg: Leg, order: int) -> Sighting | None:
    """The boot that a leg was; None: it has not ended, or it is not known which boot it was, or it was of another kernel."""
    result = leg.result
    if result is None or result.boot_id is None or result.verdict is TrialVerdict.NOT_BOOTED:
        return None
    began, ended = _moment(result.began), _moment(result.ended)
    first, last = result.began_uptime_s, result.ended_uptime_s
    booted = ended - last if ended is not None and last is not None else None
    place = f", boot {trial.legs.index(leg) + 1} of {len(trial.legs)}" if len(trial.legs) > 1 else ""
    promoted = "; it became the default" if trial.promoted else ""
    return Sighting(
        source=_SOURCE,
        order=order,
        kernels_own=True,
        boot_id=result.boot_id.replace("-", ""),
        began=booted,
        within_s=_WITHIN_S,
        seen=(began, ended) if began is not None and ended is not None and began <= ended else None,
        kernel_release=leg.kernel.release,
        kernel_package=leg.kernel.package,
        kernel_evidence="trial" if leg.kernel.package else None,
        covers_uptime=((first, last),) if first is not None and last is not None and first < last else (),
        hangs=_list_hangs(trial, result),
        circumstances=(("trial", f"{trial.id}{place}: {say_result(result)}{promoted}"),),
    )


def _read(place: Place, _files: Sequence[Found], _zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    if place.root is None:
        return
    folder = _find_folder(place)
    try:
        names = sorted(filter(str.isdecimal, os.listdir(folder)), key=int)  # noqa: PTH208  # as places.py
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError:
        yield Source(name=_SOURCE, trouble="this user may not read them (sudo nicmedic history)")
        return
    order = 0
    for name in names:
        try:
            trial = _read_trial(f"{folder}/{name}/trial.json")
        except FileNotFoundError:
            continue
        except (OSError, ValueError, PlainError) as error:
            yield Source(name=_SOURCE, trouble=f"{folder}/{name}/trial.json: {error}")
            continue
        for leg in trial.legs:
            sighting = _sight(trial, leg, order)
            if sighting is not None:
                yield sighting
                order += 1


READER = Reader("trials", None, _read, looks=True)
