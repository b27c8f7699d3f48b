# SPDX-License-Identifier: GPL-2.0-or-later
"""``python -m lab.replay``: play the story and write its page."""

import argparse
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab import needs
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.replay.play import Play

__all__ = ["main"]

PAGE = Path("docs/replay.md")
HALVES = ("without", "with")
HEAD = """\
# One upgrade of srv4, played twice

<!-- Made by make replay; changes here get lost. -->

A server with ifupdown, a bridge and two guests gets a new kernel whose driver hangs the network card under load at 1000 Mb/s.
First it is upgraded as servers are, with nicmedic there to help; then the same upgrade is made with `nicmedic trial` in front of it.
Played on DAY by `make replay`, on Debian 12 in a virtual machine; every line below `srv4#` was carried out there, and its answer is what was printed.

What is real: two kernel packages of Debian, GRUB, systemd, ifupdown, the bridge, apt and dpkg, every reboot, and all of nicmedic.
What is not:

- The card: QEMU has no RTL8111, so [lab/hangsim](../lab/hangsim/README.md) stands in the place of r8169.
  Its module is the same in both kernels; in the new one it stops sending {after} s after the link came up at 1000 Mb/s, if there is load.
- The two guests are programs that hold a tap device and answer ARP and pings.
- Time: minutes are compressed by {factor}: the 551 s after which the host of the report hung, the pauses of the policy, how long settings are held.
  What nicmedic and Debian take is not compressed; the processor is emulated{slow}.
- The kernel's package was downloaded from Debian and repacked without compression before it was copied to the server: an emulated dpkg spends nine
  tenths of its time on unpacking xz.

"Outside" is another machine on the same network, which pings the server and its guests ten times a second, and for a load has the server answer
20 large pings a second. Times are seconds since the server was switched on for the first time.
Of a long answer the first lines are shown, and how many more there are.
"""


def _slow() -> str:
    from lab import accel

    return "" if accel.accelerator() == "kvm" else ": twenty times slower than a real one, so that to start Python alone takes seconds"


def main() -> int:
    """Play it; return the exit status."""
    parser = argparse.ArgumentParser(prog="lab.replay", description="The story of a kernel upgrade that hangs a network card.")
    parser.add_argument(
        "half", nargs="?", choices=("both", *HALVES), default="both", help="without nicmedic trial, with it, or both (the default)"
    )
    parser.add_argument("--output", type=Path, default=PAGE, help=f"the page (default: {PAGE})")
    arguments = parser.parse_args()
    try:
        needs.check()
        _play(HALVES if arguments.half == "both" else (arguments.half,), arguments.output)
    except LabError as error:
        print(f"lab: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"     type: {error.hint}", file=sys.stderr)
        return 2
    return 0


def _play_half(half: str, play: "Play") -> dict[str, str]:
    if half == "without":
        from lab.replay.without import play_without

        return play_without(play)
    from lab.replay.with_trial import play_with_trial

    return play_with_trial(play)


def _play(halves: tuple[str, ...], output: Path) -> None:
    from lab.replay.play import FACTOR, open_play
    from lab.replay.srv4 import AFTER_S

    with open_play() as play:
        before_s = _worked_s()
        figures: dict[str, str] = {}
        for half in halves:
            play.srv4.begin_again()
            figures |= _play_half(half, play)
    page = play.page
    share = (_worked_s() - before_s) / page.now_s()
    page.head("Figures")
    page.row("what", "how long")
    page.row("---", "---")
    for what, figure in figures.items():
        page.row(what, figure)
    page.row("what the machine that played this gave the server", f"{100 * share:.0f} % of a processor")
    page.write(output, HEAD.replace("{after}", str(AFTER_S)).replace("{factor}", str(FACTOR)).replace("{slow}", _slow()))


def _worked_s() -> float:
    """Processor time of all that was started here and has ended, which is the virtual machine but for a little."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
