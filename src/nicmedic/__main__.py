# SPDX-License-Identifier: GPL-2.0-or-later
"""The program ``nicmedic``, and ``python -m nicmedic``: whoever ends it gets a quiet end with nothing left behind.

That holds from the first import on, which is why the rest is imported within. What the program does, ``cli/main.py`` says.
"""

import signal
import time
from types import FrameType

__all__ = ["start"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TIDYING_S = 0.5
"""A session that is lost brings more than one signal: those after the first must not interrupt that what was begun is taken away."""


def start() -> int:
    """Run; an interruption from the keyboard, the end of the session or of the machine is the exit status 128 + its number."""
    ends: list[tuple[int, float]] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if not ends or time.monotonic() - ends[0][1] > _TIDYING_S:
            ends.append((number, time.monotonic()))
            raise KeyboardInterrupt

    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup(1)
            signal.signal(number, end)
    status = 128 + signal.SIGINT
    try:
        from nicmedic.cli.main import main

        status = main()
    except KeyboardInterrupt:
        pass
    for number in _SIGNALS:
        if signal.getsignal(number) is end:
            signal.signal(number, signal.SIG_DFL)
    return 128 + ends[0][0] if ends and status == 128 + signal.SIGINT else int(status)


if __name__ == "__main__":
    raise SystemExit(start())
