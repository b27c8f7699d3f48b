# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings become calls of ethtool and ip in which no letter means anything to a shell."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import Wish
from nicmedic.model.plan import Setting
from nicmedic.model.step import INTERFACE
from nicmedic.persist.calls import is_plain_name, plan_calls, render_call
from tests.unit.persist.back_ends.hosts import ADVERTISE, ASPM, COALESCE, EEE, FORCE, MTU, PAUSE, RING, TSO, wish_for


@pytest.mark.parametrize(
    ("wish", "lines"),
    [
        (ADVERTISE, ["ethtool -s eth0 autoneg on advertise 0x6008"]),
        (FORCE, ["ethtool -s eth0 speed 100 duplex full autoneg off"]),
        (TSO, ["ethtool -K eth0 tx-tcp-segmentation off tx-tcp6-segmentation off tx-tcp-ecn-segmentation off"]),
        (EEE, ["ethtool --set-eee eth0 eee off"]),
        (PAUSE, ["ethtool -A eth0 autoneg off rx off tx off"]),
        (RING, ["ethtool -G eth0 tx 256"]),
        (COALESCE, ["ethtool -C eth0 adaptive-rx off", "ethtool -C eth0 rx-usecs 50"]),
        (
            wish_for(RemedyId.INTERRUPT_MODE, "-C", "tx-usecs", "50", coalesce__rx_usecs="50"),
            ["-C eth0 rx-usecs 50", "-C eth0 tx-usecs 50"],
        ),
        (MTU, ["ip link set dev eth0 mtu 1400"]),
        (ASPM, []),
    ],
)
def test_each_remedy_is_what_was_tried(wish: Wish, lines: list[str]) -> None:
    planned = plan_calls(wish)
    assert [render_call(call, "eth0").removeprefix("ethtool ") for call in planned.calls] == [
        line.removeprefix("ethtool ") for line in lines
    ]
    assert set(planned.left) == ({setting.name for setting in wish.settings} if not lines else set())


def test_modes_that_were_tried_with_others_are_not_taken_over() -> None:
    wish = wish_for(RemedyId.LINK_ADVERTISE_100, "-s", "autoneg", "on", "advertise", "0x602f", link__autoneg="on", link__modes="0x008")
    assert render_call(plan_calls(wish).calls[0], None) == 'ethtool -s "$IFACE" autoneg on advertise 0x008'


@pytest.mark.parametrize(
    "settings",
    [
        {"link__autoneg": "on"},
        {"link__modes": "0x008"},
        {"link__autoneg": "off", "link__speed": "100"},
        {"link__autoneg": "on", "link__modes": "0x008", "link__speed": "100"},
        {"link__autoneg": "off", "link__speed": "100;reboot", "link__duplex": "full"},
        {"features__tso$(reboot)": "off"},
        {"features__tso": "off; reboot"},
        {"eee__enabled": "off\n"},
        {"eee__tx_lpi": "off"},
        {"pause__rx": "`x`"},
        {"ring__rx_mini": "5"},
        {"mtu": "1400 x"},
        {"mtu": "١٤٠٠"},
        {"mtu__x": ""},
        {"interrupts__30__affinity": "0"},
        {"power__control": "on"},
    ],
    ids=str,
)
def test_what_is_not_whole_or_odd_is_left(settings: dict[str, str]) -> None:
    wish = wish_for(RemedyId.MTU, **settings)
    planned = plan_calls(wish)
    assert not planned.calls
    assert planned.left == tuple(setting.name for setting in wish.settings)


@pytest.mark.parametrize("name", ["eth0;reboot", "-x", "", "a b", "$(x)", "eth0\n", "'", INTERFACE])
def test_an_odd_name_of_an_interface_is_refused(name: str) -> None:
    assert not is_plain_name(name)
    with pytest.raises(ValueError, match="no plain name"):
        render_call(plan_calls(MTU).calls[0], name)


NAMES = st.sampled_from(["link.autoneg", "link.modes", "features.tso", "mtu", "ring.tx", "pause.rx", "coalesce.rx-usecs", "eee.enabled"])


@given(
    st.lists(st.builds(lambda name, value: Setting(name=name, value=value), NAMES | st.text(max_size=20), st.text(max_size=9)), max_size=4)
)
def test_whatever_is_set_a_shell_reads_the_very_words(settings: list[Setting]) -> None:
    planned = plan_calls(Wish(remedy=RemedyId.MTU, settings=tuple(settings)))
    for call in planned.calls:
        assert shlex.split(render_call(call, "eth0")) == ["eth0" if word == INTERFACE else word for word in call.argv]
    assert {name for call in planned.calls for name in call.settings} | set(planned.left) == {setting.name for setting in settings}
