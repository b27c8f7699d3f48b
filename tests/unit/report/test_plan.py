# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan as a person and as a script read it."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nicmedic.model.host import Host
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.plan import Ladder, Plan
from nicmedic.model.stack import Xdp
from nicmedic.remedy.planning import EVERYTHING, build_plan
from nicmedic.report.plan_json import build_plan_document, render_plan_json
from nicmedic.report.plan_text import render_plan_overview, render_plan_text
from nicmedic.report.style import Style
from nicmedic.testing.answers import shipped_knowledge
from tests.unit.remedy.toy_card import make_host, make_nic

SCHEMA = Path(__file__).parents[3] / "docs/schema/plan-1.json"
STYLE = Style(width=100)


def plan(*wanted: str, nic: Nic | None = None, ladder: Ladder | None = None, told: bool = False, bare: bool = False) -> Plan:
    """Of the usual card, on which little stands."""
    card = dataclasses.replace(nic or make_nic(), module="r8169", addresses=(), uppers=(), qdiscs=())
    host = make_host(card, links=(), routes=(), rules=(), neighbours=())
    if bare:
        host = Host(nics=(Nic(interface="eth0", addresses=(), uppers=()),), routes=(), rules=(), neighbours=())
    return build_plan(host, card.interface, wanted, knowledge=shipped_knowledge(), ladder=ladder, accept_losses=told)


def lines(made: Plan, *, accepted: bool = False) -> list[str]:
    return render_plan_text(made, STYLE, accepted=accepted).splitlines()


def test_the_first_line_says_what_would_be_done_and_that_nothing_was() -> None:
    assert lines(plan("mtu:1500"))[0] == "On eth0 (r8169) 1 change would be made. Nothing has been changed."
    assert (
        lines(plan("mtu:1500", "hardware", "eee-off"))[0] == "On eth0 (r8169) 2 changes would be made, 1 refused. Nothing has been changed."
    )
    assert lines(plan("mtu:9000"))[0] == "Nothing would be done on eth0 (r8169): mtu:9000 is refused. Nothing has been changed."
    all_refused = " ".join(lines(plan("mtu:9000", "hardware")))
    assert all_refused.startswith("Nothing would be done on eth0 (r8169): all that was asked for is refused. Nothing has been changed.")
    assert lines(plan(ladder=Ladder.RESTORE))[0] == "On eth0 (r8169) 5 rungs would be tried until traffic flows. Nothing has been changed."
    assert " 16 settings would be tried, one at a time," in lines(plan(ladder=Ladder.PREVENT))[0]


def test_a_change_is_told_with_commands_undo_and_how_long_traffic_is_away() -> None:
    assert lines(plan("eee-off")) == [
        "On eth0 (r8169) 1 change would be made. Nothing has been changed.",
        "  1. eee-off: Switch Energy-Efficient Ethernet (EEE) off",
        "       ethtool --set-eee eth0 eee off",
        "     The link drops for 2 to 5 s; treat gives it 8 s to come back.",
        "     Undo:",
        "       ethtool --set-eee eth0 eee on tx-lpi on tx-timer 17 advertise 0x020 || ethtool --set-eee eth0 eee on",
        "To carry it out, with an undo that comes by itself unless it is confirmed in time:",
        "       nicmedic treat eth0 --remedy eee-off",
    ]


def test_what_goes_on_is_not_said_to_come_back() -> None:
    assert "     Traffic goes on. Costs CPU time." in lines(plan("offload-off:tso"))


def test_a_change_without_a_setting_needs_no_undo() -> None:
    assert "     Undo: none needed, for no setting changes." in lines(plan("renegotiate"))
    bounce = lines(plan("link-bounce"))
    assert "     Undo: none needed, for no setting changes; what stood on the card is put back." in bounce
    assert bounce[2:5] == ["       ip link set dev eth0 down", "       sleep 1", "       ip link set dev eth0 up"]
    assert bounce[5].startswith("     Traffic stops for seconds;")


def test_what_is_put_back_is_told_once_after_the_changes() -> None:
    made = plan("driver-rebind")
    told = lines(made)
    begin = told.index("What stood on the card is put back by these, each of which does nothing where it still stands")
    assert told[begin + 1].startswith("       ")
    assert len(made.changes[0].steps) > len(made.put_back) > 0
    assert "put back by these" not in "\n".join(lines(plan("eee-off")))
    assert any(line.startswith("What stood on the card is put back by ") for line in lines(plan(ladder=Ladder.RESTORE)))


def test_where_nothing_stands_nothing_is_put_back() -> None:
    made = dataclasses.replace(plan("link-bounce"), put_back=())
    assert "put back by" not in "\n".join(lines(made))


def test_losses_are_told_and_how_to_accept_them() -> None:
    nic = make_nic(xdp=Xdp(mode="driver"))
    refused = lines(plan("driver-rebind", nic=nic))
    assert "     It is carried out all the same with --accept-losses." in refused
    told = lines(plan("driver-rebind", nic=nic, told=True), accepted=True)
    assert "What could not be put back" in told
    assert told[-1] == "       nicmedic treat eth0 --remedy driver-rebind --accept-losses"


def test_a_boot_is_for_a_person_to_type() -> None:
    told = lines(plan("reboot"))
    assert any(line.startswith("     The host boots: treat does not carry it out, type it yourself.") for line in told)
    assert not any("nicmedic treat" in line for line in told)
    assert "--remedy eee-off" in lines(plan("reboot", "eee-off"))[-1]
    assert "reboot" not in lines(plan("reboot", "eee-off"))[-1]


def test_a_refusal_has_its_reasons_and_what_shows_them() -> None:
    assert lines(plan("mtu:9000"))[1:] == ["Refused, and why", "  mtu:9000: the MTU is 9000 already", "       ip -d link show dev eth0"]
    assert not any("ip -d link" in line for line in lines(plan(ladder=Ladder.PREVENT, nic=make_nic(mtu=1400))))


def test_the_overview_has_a_line_for_every_remedy() -> None:
    text = render_plan_overview(plan(*EVERYTHING), STYLE)
    assert text.splitlines()[0].endswith(" of 27 remedies can be carried out on eth0 (r8169) as it is now. Nothing has been changed.")
    assert "  eee-off             Switch Energy-Efficient Ethernet (EEE) off (the link drops for 2 to 5 s)" in text
    assert "  reboot              Reboot, with the kernel log saved first (by hand: the host boots)" in text
    assert "By hand only: iommu, power-drain," in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_the_overview_of_a_card_of_which_nothing_is_known() -> None:
    made = plan("mtu", "hardware", bare=True)
    text = render_plan_overview(made, STYLE)
    assert text.startswith("0 of 2 remedies can be carried out on eth0 as it is now.")
    assert text.endswith("nicmedic plan eth0 --remedy hardware\n")
    assert "Not like this" not in render_plan_overview(plan("eee-off", "hardware"), STYLE)


def test_a_hostile_name_acts_neither_on_the_terminal_nor_in_a_shell() -> None:
    made = plan("mtu:1500", nic=make_nic(interface="e\x1b[2J;reboot"))
    text = render_plan_text(made, STYLE)
    assert "\x1b" not in text
    assert "nicmedic treat e" not in text


# ------------------------------------------------------------------------------------------------------------------------- JSON


def validator() -> jsonschema.Draft202012Validator:
    schema: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize(
    "made",
    [
        plan(*EVERYTHING),
        plan(ladder=Ladder.RESTORE),
        plan(ladder=Ladder.PREVENT),
        plan("mtu", bare=True),
        plan("eee-off", nic=make_nic(bus=Bus.USB, pcie=None)),
    ],
    ids=["everything", "restore", "prevent", "bare", "usb"],
)
def test_the_document_follows_the_schema(made: Plan) -> None:
    text = render_plan_json(made)
    assert text.isascii()
    assert [error.message for error in validator().iter_errors(json.loads(text))] == []


def test_the_schema_names_every_field_of_the_document() -> None:
    schema, document = json.loads(SCHEMA.read_text(encoding="utf-8")), build_plan_document(plan("eee-off", "hardware"))
    parts = schema["$defs"]
    assert set(document) == set(schema["properties"])
    for name, part in (("nic", "identity"), ("changes", "change"), ("refusals", "refusal")):
        value = document[name]
        first = value[0] if isinstance(value, list) else value
        assert isinstance(first, dict)
        assert set(first) == set(parts[part]["properties"])


def test_settings_are_told_before_and_wanted() -> None:
    changes = build_plan_document(plan("mtu:1500"))["changes"]
    assert isinstance(changes, list)
    assert isinstance(changes[0], dict)
    assert (changes[0]["before"], changes[0]["wanted"], changes[0]["argument"]) == ({"mtu": "9000"}, {"mtu": "1500"}, "1500")
