# SPDX-License-Identifier: GPL-2.0-or-later
"""Children that ask: side by side, bounded, and nothing of them is left."""

import os
import time
from pathlib import Path

from nicmedic.host.side_by_side import ask_side_by_side, is_left


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split())


def count_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def fail() -> str:
    raise OSError(1, "forbidden")


def crash() -> str:
    raise KeyError("a bug")


def end() -> str:
    os._exit(3)


def doze() -> str:
    time.sleep(0.4)
    return "rested"


def sleep() -> str:
    time.sleep(30)
    return "late"


def test_answers_come_in_their_order_and_what_went_wrong_is_told() -> None:
    before, files = children(), count_files()
    began = time.monotonic()
    made = ask_side_by_side([doze, fail, crash, end, sleep, lambda: "ä\udcff\n" * 5000, doze], 1.0)
    assert 0.9 < time.monotonic() - began < 1.5
    assert made[0] == made[6] == "rested"
    assert made[5] == "ä\udcff\n" * 5000
    told = [one.strerror if isinstance(one, OSError) else one for one in made[1:5]]
    assert told == ["forbidden", "KeyError('a bug')", "who asked was ended", "no answer within 1.0 s"]
    assert isinstance(made[4], TimeoutError)
    assert children() == before
    assert count_files() == files


def test_jobs_run_at_the_same_time_and_end_as_soon_as_all_are_done() -> None:
    began = time.monotonic()
    assert ask_side_by_side([doze] * 5, 10.0) == ("rested",) * 5
    assert time.monotonic() - began < 1.5
    assert ask_side_by_side([], 10.0) == ()


def test_only_what_is_kept_stays_open_in_a_child() -> None:
    read_end, write_end = os.pipe()
    try:
        (kept, lost) = ask_side_by_side([lambda: str(os.write(write_end, b"here"))] * 2, 5.0, (write_end,))
        assert (kept, lost) == ("4", "4")
        assert os.read(read_end, 8) == b"herehere"
        (lost,) = ask_side_by_side([lambda: str(os.write(write_end, b"here"))], 5.0)
        assert isinstance(lost, OSError)
    finally:
        os.close(read_end)
        os.close(write_end)


def test_a_child_that_is_no_more_is_not_left() -> None:
    assert not is_left(1)
