# SPDX-License-Identifier: GPL-2.0-or-later
"""Steps as lines of a systemd service that needs neither Python nor nicmedic: one line of POSIX shell each, for one interface.

Words stand in single quotes as a whole, so that the shell never evaluates them; the interface's name is the last part of the path that
systemd hands over.
"""

import shlex
from collections.abc import Sequence
from typing import Final

from nicmedic.model.step import INTERFACE, Pause, Run, Shown, Step, Write
from nicmedic.persist.systemd_words import quote_command

__all__ = ["RECONFIGURE_S", "find_obstacles", "render_reconfigure", "render_step", "sum_seconds"]

_NAME = "nic=${1##*/}; "
_LOOK_S, _AWAIT_S = 15, 20
RECONFIGURE_S: Final = 2 * _AWAIT_S + 25
"""How long that line may take on a host with much to do; networkctl itself gives up after 25 seconds (sd-bus, ``BUS_DEFAULT_TIMEOUT``)."""
_RECONFIGURE = (
    f'{_NAME}failed() {{ grep -qsx ADMIN_STATE=failed "/run/systemd/netif/links/$(cat "/sys/class/net/$nic/ifindex")"; }}; '
    f'n=0; until failed; do [ "$n" -lt {_LOOK_S} ] || exit 0; n=$((n + 1)); sleep 1; done; '
    f'until [ "$n" -ge {_AWAIT_S} ]; do n=$((n + 1)); sleep 1; if grep -qsx 1 "/sys/class/net/$nic/carrier"; then break; fi; done; '
    'if failed; then echo "systemd-networkd has given up on $nic: networkctl reconfigure"; networkctl reconfigure "$nic"; fi'
)


def _list_words(step: Step) -> tuple[str, ...]:
    """Everything in a step that somebody chose."""
    match step:
        case Run():
            own = (*step.argv, *step.otherwise)
        case Write():
            own = (step.path, step.text)
        case _:
            return ()
    return own if step.unless is None else (*own, *step.unless.argv, step.unless.text)


def find_obstacles(steps: Sequence[Step]) -> tuple[str, ...]:
    """Why they cannot be lines of a service."""
    if not all(isinstance(step, Run | Write | Pause) for step in steps):
        return ("the remedy takes the interface away and brings it back, which nothing does on its own at each boot",)
    words = [part for step in steps for word in _list_words(step) for part in word.split(INTERFACE)]
    return () if all(word.isprintable() for word in words) else ("a word of its commands cannot be written into a file",)


def _quote(word: str) -> str:
    return '"$nic"'.join(shlex.quote(part) if part else "" for part in word.split(INTERFACE)) if word else "''"


def _join(words: Sequence[str]) -> str:
    return " ".join(map(_quote, words))


def _look(shown: Shown) -> str:
    """As ``Shown`` tells it."""
    lines = f"{_join(shown.argv)} 2>&1 | sed 's/^/ /; s/$/ /' | tr -s ' \\t' ' '"
    return f"{lines} | grep -qF -e {_quote(f' {shown.text} ')}"


def _carry_out(step: Run | Write) -> str:
    if isinstance(step, Write):
        return f"printf '%s\\n' {_quote(step.text)} > {_quote(step.path)}"
    return f"{_join(step.argv)} || {_join(step.otherwise)}" if step.otherwise else _join(step.argv)


def _render_shell(step: Run | Write | Pause) -> str:
    if isinstance(step, Pause):
        return f"sleep {step.seconds}"
    done = _carry_out(step)
    if step.unless is not None:
        done = f"{_look(step.unless)} || {done}"
    if step.tries > 1:
        done = f'n=1; until {done}; do [ "$n" -lt {step.tries} ] || exit 1; n=$((n + 1)); sleep 1; done'
    return done


def render_step(step: Run | Write | Pause) -> str:
    r"""The value of ``ExecStart=``; the unit's instance is the path of the interface in sysfs.

    >>> print(render_step(Run(argv=("ip", "link", "set", "dev", INTERFACE, "mtu", "1400"), needed=False)))
    -/bin/sh -c "nic=$${1##*/}; ip link set dev \"$$nic\" mtu 1400" sh "%f"
    """
    may_fail = isinstance(step, Run | Write) and not step.needed
    command = quote_command(("/bin/sh", "-c", _NAME + _render_shell(step), "sh"))
    return f'{"-" if may_fail else ""}{command} "%f"'


def render_reconfigure() -> str:
    """The value of ``ExecStartPost=`` that has networkd configure the card anew, once, if it has given up on it; it never fails the service.

    systemd-networkd 252 does nothing more for a card that has failed, also where its link comes back (networkd-link.c ``link_carrier_gained``).
    257 tries a few times itself (``link_enter_failed``): therefore two looks, the second once the link is back, or some seconds on.
    The state is read from networkd's file, out of which ``networkctl list`` has it too (sd-network.c ``sd_network_link_get_setup_state``).
    """
    return f'-{quote_command(("/bin/sh", "-c", _RECONFIGURE, "sh"))} "%f"'


def sum_seconds(steps: Sequence[Run | Write | Pause]) -> int:
    """How long all of them may take."""
    total = 0
    for step in steps:
        if isinstance(step, Pause):
            total += step.seconds
        else:
            total += (step.within_s * (2 if isinstance(step, Run) and step.otherwise else 1) + 6) * step.tries
    return total
