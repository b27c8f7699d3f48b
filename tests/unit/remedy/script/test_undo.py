# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of an undo script. What it does is tried in ``tests/host/test_undo_script.py``."""

import pytest

from nicmedic.model.finding import RemedyId
from nicmedic.model.nic import Bus
from nicmedic.model.plan import Change, Identity, Plan
from nicmedic.model.step import INTERFACE, AwaitNic, Pause, Rename, Run, Shown, Step, Write
from nicmedic.remedy.recipe import FLAP, NONE
from nicmedic.remedy.script import render_undo
from nicmedic.remedy.script.steps import Numberer

LINKED = "grep -q 1 /sys/class/net/eth0/carrier"


def call(step: Step) -> tuple[str, str]:
    """The line that carries a step out, and the body of its function."""
    numberer = Numberer("eth0")
    (line,) = numberer.call_steps((step,))
    return line, numberer.functions.partition("{\n")[2].rpartition("}")[0]


@pytest.mark.parametrize(
    ("step", "line", "body"),
    [
        (
            Run(argv=("ethtool", "-K", INTERFACE, "tso", "on")),
            "try 3 2 needed 'ethtool -K eth0 tso on' step_1",
            '    find_card || return 121\n    limit_program 10 ethtool -K "$nic" tso on\n',
        ),
        (
            Run(argv=("ip", "rule", "add"), within_s=3, needed=False, otherwise=("false", "")),
            """try 1 2 optional 'ip rule add || false '"'"''"'"'' step_1""",
            "    limit_program 3 ip rule add || limit_program 3 false ''\n",
        ),
        (
            Write(path="/sys/x/bind", text="2:0.0", tries=5, unless=Shown(argv=("ls", f"/x/{INTERFACE}"), text="a b")),
            "try 5 1 needed 'echo 2:0.0 > /sys/x/bind' step_1",
            "    find_card || return 121\n    shows 'a b' ls /x/\"$nic\" && return 0\n    limit 20 write_line /sys/x/bind 2:0.0\n",
        ),
        (Pause(seconds=2), "try 1 0 needed 'sleep 2' step_1", "    sleep 2\n"),
        (
            AwaitNic(within_s=9, carrier=True),
            f"try 9 1 optional 'n=0; until {LINKED} || [ $n -ge 9 ]; do sleep 1; n=$((n + 1)); done; {LINKED}' step_1",
            '    find_card || return 121\n    limit_program 10 grep -q 1 /sys/class/net/"$nic"/carrier\n',
        ),
    ],
)
def test_a_step_is_a_function_that_finds_the_card_first_where_it_speaks_of_it(step: Step, line: str, body: str) -> None:
    shown, function = call(step)
    assert (shown, function) == (line, body)


def test_a_card_that_does_not_come_is_no_failure_of_a_command() -> None:
    assert call(AwaitNic(within_s=9))[1] == "    await_card 9 || return 121\n"
    assert call(Rename(name="a$b"))[1] == "    rename_card 'a$b' || return 121\n"


def make_plan(nic: Identity) -> Plan:
    def change(disruption: str, *, takes_stack: bool = False) -> Change:
        return Change(remedy=RemedyId.MTU, title="", steps=(), undo=(Pause(seconds=1),), disruption=disruption, takes_stack=takes_stack)

    return Plan(nic=nic, boot_id="b-1", changes=(change(NONE), change(FLAP), change(NONE, takes_stack=True)), put_back=(Pause(seconds=7),))


def test_script_holds_the_card_the_boot_and_which_changes_move_the_stack() -> None:
    nic = Identity(
        interface="eth0",
        bus=Bus.PCI,
        bus_address="0000:02:00.0",
        sysfs_path="/sys/devices/x",
        dev_port=0,
        permanent_address="AB:CD:EF:00:11:22",
        driver="r8169",
    )
    text = render_undo(make_plan(nic))
    head = text.partition("# ----")[0].splitlines()
    assert head[0] == "#!/bin/sh"
    assert head[4:] == [
        "card_name=eth0", "card_path=/sys/devices/x", "card_bus=pci", "card_address=0000:02:00.0", "card_driver=r8169", "card_port=0",
        "card_permanent=ab:cd:ef:00:11:22", "plan_boot_id=b-1", "changes='2 1 0'", "moving=' 1 2 '",
        "lost_steps='echo 0000:02:00.0 > /sys/bus/pci/drivers/r8169/bind'", "",
    ]  # fmt: skip
    assert text.endswith("put_stack_back() {\n    try 1 0 needed 'sleep 7' step_4\n}\n\nmain \"$@\"\n")
    assert text.isascii()


def test_what_is_not_known_of_a_card_stays_empty() -> None:
    text = render_undo(Plan(nic=Identity(interface="eth0")))
    assert "card_path=''\n" in text
    assert "plan_boot_id=''\n" in text
    assert "lost_steps='ip link'\n" in text
    assert "put_stack_back() {\n    :\n}" in text
    text = render_undo(make_plan(Identity(interface="eth0", bus=Bus.USB, bus_address="1-1:1.0")))
    assert "lost_steps='echo 1-1:1.0 > /sys/bus/usb/drivers_probe'\n" in text
