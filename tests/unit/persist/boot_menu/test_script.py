# SPDX-License-Identifier: GPL-2.0-or-later
"""GRUB's script language: what is read, and that anything may be handed in."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.persist.boot_menu.run import run_menu
from nicmedic.persist.boot_menu.script import Command, If, ScriptError, parse_script
from tests.unit.persist.boot_menu.menus import CASES, NAMES


def run(text: str, **environment: str) -> dict[str, str | None]:
    """Variables in the end."""
    return dict(run_menu(text, {"grubenv": "x"}, environment, "pc").variables)


@pytest.mark.parametrize("name", NAMES)
def test_real_menu_is_understood(name: str) -> None:
    text = (CASES / f"{name}.cfg").read_text()
    menu = run_menu(text, {"grubenv": "x"}, {}, "pc")
    assert menu.is_certain
    assert menu.entries


def test_body_of_an_entry_is_kept_to_the_byte() -> None:
    text = "menuentry 'a}' --class x {\n\techo \"}\" '{' ${x}\n\tlinux /v  a=1 # }\n}\n"
    (entry,) = run_menu(text, {}, {}, "pc").entries
    assert entry.body == "\n\techo \"}\" '{' ${x}\n\tlinux /v  a=1 # }\n"
    assert entry.title == "a}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("set a=1", "1"),
        ("a=1", "1"),
        ("set a='x $b'", "x $b"),
        ('set b=2; set a="x $b ${b}"', "x 2 2"),
        (r'set a="\$b \"q\" \x"', r'$b "q" \x'),
        (r"set a=x\ y", "x y"),
        ("set a=1\\\n2", "12"),
        ("set a=1;set a=2", "2"),
        ("set a=1 # a=2", "1"),
        ("if [ x$b = xy ]; then set a=1; elif true; then set a=2; else set a=3; fi", "2"),
        ('if [ -z "$b" -a ! -f $prefix/none.cfg ]; then set a=1; fi', "1"),
        ('if [ -n "$b" -o 2 -gt 1 ]; then set a=1; fi', "1"),
        ("if ! false; then set a=1; fi", "1"),
        ("false; set a=$?", "1"),
        ("function f { set a=$1; set a=1; }\nf", "1"),
        ("function f\n{\nset a=1\n}\nf", "1"),
        ("search --set=a --fs-uuid 1", None),
        ("set a=1; if cpuid -l; then set a=2; fi", None),
        ("set a=1; if cpuid -l; then set a=1; fi", "1"),
        ("set a=1; while cpuid -l; do set a=2; done", None),
        ("for a in 1 2; do true; done", None),
        ("load_env; set a=$saved_entry", "kept"),
        ("load_env other; set a=x$saved_entry", "x"),
        ("set saved_entry=new; save_env saved_entry; load_env; set a=$saved_entry", "new"),
    ],
)
def test_variable_has_the_value_that_grub_gives_it(text: str, value: str | None) -> None:
    assert run(text, saved_entry="kept").get("a", "") == value


@pytest.mark.parametrize(
    "text",
    ["menuentry x {", "if true; then", "}", "fi", "set a='", 'set a="', "a | b", "case x", "function 1 { true; }", "for x y", "set a=$"],
)
def test_broken_text_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ScriptError, match="line 2"):
        parse_script("\n" + text)


def test_submenu_that_sets_something_makes_its_entries_unfit_for_a_copy() -> None:
    menu = run_menu("submenu a { set x=1\nmenuentry b { true\n}\n}\nsubmenu c { menuentry d { true\n}\n}", {}, {}, "pc")
    assert [each.entries[0].is_whole for each in menu.entries] == [False, True]


def test_places_are_those_of_the_text() -> None:
    text = "if a b; then\n c 'd'; fi"
    (node,) = parse_script(text)
    assert isinstance(node, If)
    (inner,) = node.then
    assert isinstance(inner, Command)
    assert text[inner.start : inner.end] == "c 'd'"


@given(st.text(alphabet="abif then$fi{}'\"\\\n;#=[]<>|&- xelsdo1\0", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ScriptError):
        run_menu(text, {}, {}, "pc")


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(ScriptError, match="too deeply"):
        parse_script("submenu a {\n" * 5000 + "}\n" * 5000)


def test_function_that_calls_itself_ends() -> None:
    assert run("function f { set a=1; f; }\nf")["a"] == "1"
