# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of a prescription. What it does is tried in ``tests/host/test_prescription.py``."""

import shlex

import pytest

from nicmedic.model.finding import RemedyId
from nicmedic.model.nic import Bus
from nicmedic.model.plan import Change, Identity, Plan
from nicmedic.model.step import INTERFACE, AwaitNic, Pause, Run, Shown, Step, Write
from nicmedic.remedy.recipe import FLAP, NONE, PAUSE
from nicmedic.remedy.script import render_prescription

NIC = Identity(interface="eth0", bus=Bus.PCI, bus_address="0000:02:00.0", driver="r8169")
PUT_BACK = (Run(argv=("ip", "address", "replace", "10.0.0.1/24", "dev", INTERFACE)),)


def render(*changes: Change, nic: Identity = NIC) -> str:
    return render_prescription(Plan(nic=nic, hostname="srv4", machine_id="abc", changes=changes, put_back=PUT_BACK))


def change(remedy: RemedyId, *steps: Step, disruption: str = NONE, takes_stack: bool = False) -> Change:
    return Change(
        remedy=remedy, title=f"Do {remedy}", steps=steps, disruption=disruption, takes_stack=takes_stack, risks=("It's slow.",), settle_s=3
    )


def read_values(text: str) -> dict[str, str]:
    """The variables in its head."""
    head = text.partition("# ---- What every script")[0]
    words = [word.partition("=") for word in shlex.split(head, comments=True)]
    return {name: value for name, _, value in words}


TSO = Run(argv=("ethtool", "-K", INTERFACE, "tso", "off"))


def test_head_tells_host_card_and_what_is_to_be_kept() -> None:
    values = read_values(render(change(RemedyId.OFFLOAD_OFF, TSO), change(RemedyId.MTU, Run(argv=("ip", "x")), disruption=FLAP)))
    assert (values["plan_hostname"], values["plan_machine_id"]) == ("srv4", "abc")
    assert values["card_address"] == "0000:02:00.0"
    assert values["changes"] == "0 1"
    assert (values["setting_groups"], values["stack_groups"]) == ("features mtu", "up master addresses neighbours routes rules")
    assert (values["restarts"], values["remakes"], values["needs_ethtool"]) == (" ", "", "offload-off")
    assert values["settle_s"] == "21"
    assert values["prescription"].startswith("eth0-")
    assert values["summary"].splitlines() == [
        "  * Do offload-off", "      ethtool -K eth0 tso off", "      Beware: It's slow.",
        f"  * Do mtu ({FLAP})", "      ip x", "      Beware: It's slow.",
    ]  # fmt: skip


def test_restart_keeps_everything_and_leaves_putting_back_to_the_script() -> None:
    bind = Write(path="/sys/bus/pci/drivers/r8169/bind", text="0000:02:00.0", tries=5)
    text = render(change(RemedyId.DRIVER_REBIND, bind, Pause(seconds=1), AwaitNic(), *PUT_BACK, disruption=PAUSE, takes_stack=True))
    values = read_values(text)
    assert values["setting_groups"] == ""
    assert values["stack_groups"].split()[:3] == ["name", "mac", "features"]
    assert (values["restarts"], values["remakes"]) == (" 0 ", "yes")
    assert "10.0.0.1/24" not in text
    assert "step_2 || return 1\n" in text
    assert "file_path() {\n    case $1 in\n    *) return 1 ;;\n" in text, "bind holds nothing that could be put back"


def test_stack_that_may_go_without_a_restart_is_kept_too() -> None:
    assert read_values(render(change(RemedyId.MTU, takes_stack=True)))["stack_groups"] == "up master addresses neighbours routes rules"
    assert read_values(render(change(RemedyId.RING)))["stack_groups"] == ""


def test_files_that_are_written_are_kept_by_their_path_even_if_the_interface_is_renamed() -> None:
    text = render(change(RemedyId.RUNTIME_PM_OFF, *2 * (Write(path=f"/sys/class/net/{INTERFACE}/x y", text="1", needed=False),)))
    assert text.count("path=/sys/class/net/\"$nic\"'/x y'\n") == 1
    assert "step_1\n" in text, "what is not needed may fail"


@pytest.mark.parametrize(
    ("remedy", "need"), [(RemedyId.LINK_FORCE_100, "link"), (RemedyId.LINK_ADVERTISE_100, "link"), (RemedyId.RENEGOTIATE, "renegotiate")]
)
def test_what_takes_the_place_of_ethtool_depends_on_the_remedy(remedy: RemedyId, need: str) -> None:
    text = render(
        change(
            remedy, Run(argv=("ethtool", "-r", INTERFACE), otherwise=("ethtool", "x"), unless=Shown(argv=("ethtool", INTERFACE), text="a"))
        )
    )
    assert read_values(text)["needs_ethtool"] == need
    assert 'use_ethtool 10 -r "$nic" || use_ethtool 10 x\n' in text
    assert read_values(render(change(remedy, Run(argv=("ethtool", "x"), needed=False))))["needs_ethtool"] == ""


def test_two_plans_never_share_a_folder_and_a_name_makes_no_path() -> None:
    marks = {
        read_values(render(change(remedy), nic=Identity(interface="../$(x)\n")))["prescription"] for remedy in (RemedyId.MTU, RemedyId.RING)
    }
    assert len(marks) == 2
    assert all(mark.startswith("x-") for mark in marks)
    assert read_values(render(nic=Identity(interface="$")))["prescription"].startswith("card-")
    assert read_values(render(change(RemedyId.MTU), nic=Identity(interface="a\x1bb")))["card_name"].endswith("\\033b')")
