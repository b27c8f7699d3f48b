# SPDX-License-Identifier: GPL-2.0-or-later
"""Back ends are asked in their order for what has no place yet; what they answer is checked before it is believed."""

import dataclasses
from collections.abc import Sequence

from nicmedic.model.keeping import FileEdit, Placement
from nicmedic.persist.back_end import BackEnd, Found
from nicmedic.persist.choosing import Chosen, choose_places, join_wishes, name_wish
from tests.unit.app.keep.keeping import BACK_ENDS, BEFORE, INTERFACES, LINES, RULES, make_place, mtu_wish, power_wish


def read(paths: Sequence[str]) -> Found:
    return {path: BEFORE.get(path) for path in paths}


def choose(*back_ends: BackEnd) -> Chosen:
    return choose_places(back_ends, make_place(4), (mtu_wish(), power_wish()), read, lambda _path: None)


def test_who_is_asked_first_makes_the_file() -> None:
    assert [placement.settings for placement in choose(*BACK_ENDS).placements] == [("mtu",), ("power.control",)]
    assert [placement.settings for placement in choose(*reversed(BACK_ENDS)).placements] == [("mtu", "power.control")]


def test_those_that_took_something_say_why_not_the_rest() -> None:
    chosen = choose(LINES)
    assert chosen.left == ("power.control",)
    assert [one.reasons for one in chosen.turned_down] == [("it has no word for that",)]


def test_wishes_become_one() -> None:
    both = join_wishes((mtu_wish(), power_wish()), ("mtu", "power.control"))
    assert (both.title, both.argument, len(both.settings), len(both.steps)) == ("mtu:1400, runtime-pm-off", "", 2, 2)
    assert list(both.lift) == [*power_wish().lift, *mtu_wish().lift]
    one = join_wishes((mtu_wish(), power_wish()), ("power.control",))
    assert (name_wish(one), one.steps) == ("runtime-pm-off", power_wish().steps)
    assert [setting.value for setting in join_wishes((mtu_wish(), mtu_wish("1300")), ("mtu",)).settings] == ["1300"]


def test_an_answer_that_cannot_be_right_is_turned_down() -> None:
    def answer(**fields: object) -> BackEnd:
        good = Placement(back_end="odd", settings=("mtu",), edits=(FileEdit(path=INTERFACES, before=BEFORE[INTERFACES], after=b""),))
        made = dataclasses.replace(good, **fields)  # type: ignore[arg-type]  # names are those of the fields
        return dataclasses.replace(LINES, name="odd", place=lambda _place, _wish, _found: made)

    for fields, reason in (
        ({"settings": ()}, "it answered for nothing, which it was not asked for"),
        ({"settings": ("eee.enabled",)}, "it answered for eee.enabled, which it was not asked for"),
        ({"edits": (FileEdit(path=INTERFACES, before=b"old", after=b""),)}, f"{INTERFACES} is not as it was read"),
        ({"edits": (FileEdit(path="/etc/shadow", before=None, after=b""),)}, "/etc/shadow is not as it was read"),
    ):
        assert choose(answer(**fields)).turned_down[0].reasons == (reason,)
    assert choose(answer()).left == ("power.control",)


def test_what_the_manager_sets_by_a_line_of_somebodys_is_kept_nowhere() -> None:
    claiming = dataclasses.replace(LINES, name="claiming", find_claims=lambda _place, _wish, _found: {"mtu": "mtu: line 4 says mtu 9000"})
    chosen = choose(*BACK_ENDS, claiming)
    assert (chosen.placements, chosen.left) == ((), ("mtu",))
    told = "mtu: line 4 says mtu 9000, and sets it whenever the card is brought up; take that out, or change it there"
    assert [(one.back_end, one.reasons) for one in chosen.turned_down] == [("claiming", (told,))]


def test_a_file_that_does_not_outlive_a_boot_is_passed_over_and_that_is_told() -> None:
    def find_fleeting(path: str) -> str | None:
        return "it is gone after a boot" if path == INTERFACES else None

    chosen = choose_places(BACK_ENDS, make_place(4), (mtu_wish(), power_wish()), read, find_fleeting)
    assert [(one.back_end, one.settings) for one in chosen.placements] == [("own", ("mtu", "power.control"))]
    assert [(one.back_end, one.told) for one in chosen.turned_down] == [("lines", ("it is gone after a boot",))]
    nowhere = choose_places(BACK_ENDS, make_place(4), (mtu_wish(), power_wish()), read, lambda path: f"{path} is gone")
    assert (nowhere.placements, nowhere.left) == ((), ("mtu", "power.control"))
    assert [one.reasons for one in nowhere.turned_down] == [(f"{INTERFACES} is gone",), (f"{RULES} is gone",)]
