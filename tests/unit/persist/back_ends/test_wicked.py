# SPDX-License-Identifier: GPL-2.0-or-later
"""What wicked sets at each ifup is kept nowhere else; its own file stays as it is, and that is told."""

import pytest

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import FileEdit, NoPlace, Wish
from nicmedic.model.plan import Setting
from nicmedic.persist.back_ends.wicked import BACK_END
from tests.unit.persist.back_ends.hosts import ADVERTISE, ASPM, EEE, FORCE, MTU, RING, TSO, ask, place_on

PATH = "/etc/sysconfig/network/ifcfg-lan0"
PLAIN = b"BOOTPROTO='dhcp'\nSTARTMODE='auto'\n"


@pytest.mark.parametrize(
    ("line", "wish", "claimed"),
    [
        ("MTU='9000'", MTU, True),
        ("MTU='1400'", MTU, False),
        ("MTU=''", MTU, False),
        ("MTU='9000'", TSO, False),
        ("ETHTOOL_OPTIONS='-K iface tso on'", TSO, True),
        ("ETHTOOL_OPTIONS='-K lan0 tcp-segmentation-offload on gro off'", TSO, True),
        ("ETHTOOL_OPTIONS='-K iface tso off'", TSO, False),
        ("ETHTOOL_OPTIONS=''", TSO, False),
        ("ETHTOOL_OPTIONS_ring='-G iface tx 4096'", RING, True),
        ("ETHTOOL_OPTIONS_1='--set-eee iface eee on'", EEE, True),
        ("ETHTOOL_OPTIONS='speed 1000 duplex full autoneg on'", FORCE, True),
        ("ETHTOOL_OPTIONS='-s iface speed 100 duplex full autoneg off'", FORCE, False),
        ("ETHTOOL_OPTIONS='wol g'", ADVERTISE, False),
        ("ETHTOOL_OPTIONS='-L iface combined 1'", RING, False),
        ("ETHTOOL_OPTS='-G iface tx 4096'", RING, False),
    ],
)
def test_what_wicked_sets_at_each_ifup_is_kept_nowhere(line: str, wish: Wish, *, claimed: bool) -> None:
    files = {PATH: PLAIN + line.encode() + b"\n"}
    found = BACK_END.find_claims(place_on(files), wish, files)
    assert set(found) == ({setting.name for setting in wish.settings} if claimed else set())
    assert all(said.endswith(f"{PATH} line 3 says {line.replace(chr(39), '')}") for said in found.values())


def test_of_two_values_the_last_counts() -> None:
    files = {PATH: b"MTU=9000\nMTU=1400\n"}
    assert BACK_END.find_claims(place_on(files), MTU, files) == {}


def test_that_its_file_was_passed_over_is_told_with_the_reason() -> None:
    files = {PATH: PLAIN}
    answer = ask(BACK_END, place_on(files), MTU, files)
    assert isinstance(answer, NoPlace)
    assert answer.told == (f"wicked has the card by {PATH}; it passes over in silence what it does not know there, so nothing is written",)
    aspm = ask(BACK_END, place_on(files), ASPM, files)
    assert isinstance(aspm, NoPlace)
    assert aspm.told == ()
    state = {"/run/wicked/state-2.xml": b"<interface/>"}
    answer = ask(BACK_END, place_on(state), MTU, state)
    assert isinstance(answer, NoPlace)
    assert "by its own state" in answer.told[0]


def test_cards_of_others_are_not_spoken_of() -> None:
    files = {"/etc/systemd/network/a.network": b"[Match]\nName=lan0\n", PATH.replace("lan0", "lan1"): b"MTU=9000\n"}
    place = place_on(files)
    assert BACK_END.list_files(place, MTU) == ()
    assert BACK_END.find_claims(place, MTU, files) == {}
    answer = ask(BACK_END, place, MTU, files)
    assert isinstance(answer, NoPlace)
    assert (answer.reasons, answer.told) == (("lan0: networkd has it",), ())


def test_there_is_nothing_to_take_out() -> None:
    assert BACK_END.take_out(FileEdit(path=PATH, before=PLAIN, after=PLAIN), b"now", 3) == b"now"


def test_a_setting_that_no_program_sets_claims_nothing() -> None:
    files = {PATH: b"MTU=9000\n"}
    wish = Wish(remedy=RemedyId.ASPM_OFF, settings=(Setting(name="power.control", value="on"),))
    assert BACK_END.find_claims(place_on(files), wish, files) == {}
