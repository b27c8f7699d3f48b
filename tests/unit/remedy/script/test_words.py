# SPDX-License-Identifier: GPL-2.0-or-later
"""A step as a line to paste."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.model.step import INTERFACE, AwaitNic, Pause, Rename, Run, Step, Write
from nicmedic.remedy.script.words import quote_word, render_step


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (Run(argv=("ethtool", "-K", INTERFACE, "tso", "off")), "ethtool -K eth0 tso off"),
        (Run(argv=("nmcli", "-g", "a b")), "nmcli -g 'a b'"),
        (Run(argv=("ethtool", "-r", INTERFACE), otherwise=("mii-tool", "-r", INTERFACE)), "ethtool -r eth0 || mii-tool -r eth0"),
        (Write(path="/sys/bus/pci/drivers/e1000e/bind", text="0000:02:00.0"), "echo 0000:02:00.0 > /sys/bus/pci/drivers/e1000e/bind"),
        (Write(path=f"/sys/class/net/{INTERFACE}/ifalias", text="-n \\c"), r"printf '%s\n' '-n \c' > /sys/class/net/eth0/ifalias"),
        (Write(path="/sys/x/$(reboot)", text=""), r"printf '%s\n' '' > '/sys/x/$(reboot)'"),
        (Pause(seconds=2), "sleep 2"),
        (
            AwaitNic(within_s=30),
            "n=0; until [ -e /sys/class/net/eth0 ] || [ $n -ge 30 ]; do sleep 1; n=$((n + 1)); done; [ -e /sys/class/net/eth0 ]",
        ),
        (
            AwaitNic(within_s=3, carrier=True),
            "n=0; until grep -q 1 /sys/class/net/eth0/carrier || [ $n -ge 3 ]; do sleep 1; n=$((n + 1)); done; grep -q 1 /sys/class/net/eth0/carrier",
        ),
        (Rename(name="lan0"), "ip link set dev eth0 down; ip link set dev eth0 name lan0"),
        (
            Rename(name="eth0"),
            "ip link show dev eth0 || echo 'the card has another name now: ip link; ip link set dev NAME name eth0'",
        ),
    ],
)
def test_a_step_is_the_line_that_would_be_typed(step: Step, line: str) -> None:
    assert render_step(step, "eth0") == line


def test_what_a_terminal_would_act_on_when_it_is_pasted_is_written_in_octal() -> None:
    assert render_step(Run(argv=("ip", "a\x1b[2J\nb'%\\")), "eth0") == "ip \"$(printf 'a\\033[2J\\012b\\047\\045\\134')\""
    assert quote_word("a\u202eb") == "\"$(printf 'a\\342\\200\\256b')\""


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_a_word_is_always_one_line_and_printable_words_read_back_as_they_were(text: str) -> None:
    word = quote_word(text)
    assert word.isprintable()
    if text.isprintable():
        assert shlex.split(word) == [text]
