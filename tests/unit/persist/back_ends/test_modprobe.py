# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters of the drivers r8168 and r8125."""

import pytest

from nicmedic.model.keeping import NoPlace, Placement, Wish
from nicmedic.model.plan import Setting
from nicmedic.persist.back_ends.modprobe import BACK_END
from nicmedic.persist.back_ends.table import BACK_ENDS
from nicmedic.persist.choosing import choose_places
from tests.unit.persist.back_ends.hosts import EEE, MTU, ask, place_on

OWN = "/etc/modprobe.d/nicmedic-3.conf"
ASPM = Setting(name="pcie.link_files.l1_aspm", value="0")
BOTH = Wish(remedy=EEE.remedy, title="eee-off, aspm-off", settings=(*EEE.settings, ASPM, Setting(name="mtu", value="1400")))
TOOLS = frozenset({"update-initramfs"})


def answer_for(
    wish: Wish, files: dict[str, bytes] | None = None, driver: str = "r8125", tools: frozenset[str] = TOOLS
) -> Placement | NoPlace:
    return ask(BACK_END, place_on(files or {}, driver=driver, tools=tools), wish, files or {})


def refused(answer: Placement | NoPlace) -> str:
    assert isinstance(answer, NoPlace), answer
    return "\n".join(answer.reasons)


def test_parameters_stand_in_a_file_of_ours_and_in_every_initramfs() -> None:
    answer = answer_for(BOTH)
    assert isinstance(answer, Placement)
    (edit,) = answer.edits
    assert edit.path == OWN
    assert (edit.after or b"").splitlines()[1:-1] == [b"options r8125 aspm=0 eee_enable=0"]
    assert set(answer.settings) == {"eee.enabled", "pcie.link_files.l1_aspm"}
    assert answer.refresh == (("update-initramfs", "-u", "-k", "all"),)
    assert BACK_END.take_out(edit, (edit.after or b"") + b"options x y=1\n", 3) == b"options x y=1\n"


@pytest.mark.parametrize(
    ("tool", "command"), [("dracut", ("dracut", "--force", "--regenerate-all")), ("mkinitcpio", ("mkinitcpio", "-P")), ("", None)]
)
def test_the_initramfs_is_made_by_what_is_there(tool: str, command: tuple[str, ...] | None) -> None:
    answer = answer_for(EEE, tools=frozenset({tool}))
    assert isinstance(answer, Placement)
    assert answer.refresh == (() if command is None else (command,))
    assert len(answer.notes) == (2 if command is None else 1)


@pytest.mark.parametrize("driver", ["r8169", "e1000e", ""])
def test_no_other_driver_is_spoken_of(driver: str) -> None:
    assert "no parameter of a module is known" in refused(answer_for(BOTH, driver=driver))
    assert "no parameter" in refused(answer_for(MTU))


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("/etc/modprobe.d/r8125.conf", b"# x\noptions r8125 aspm=1 eee_enable=1\n", "line 2 has eee_enable=1"),
        ("/usr/lib/modprobe.d/r8125.conf", b"options \\\n  r8125 \\\n eee_enable=0\n", "line 1 has eee_enable=0"),
        ("/etc/modprobe.d/a.conf", b"install r8125 /sbin/modprobe --ignore-install r8125 $CMDLINE_OPTS\n", "by a command of its own"),
        ("/proc/cmdline", b"quiet r8125.eee_enable=1\n", "command line has r8125.eee_enable=1"),
        (OWN, b"", "is there already"),
    ],
)
def test_what_somebody_else_says_of_it_is_not_written_against(path: str, text: bytes, why: str) -> None:
    assert why in refused(answer_for(EEE, {path: text}))


def test_what_others_say_of_other_things_does_not_matter() -> None:
    text = b"options r8168 eee_enable=1\noptions r8125 timer_count=1\noptions\n\\\nblacklist r8169\noptions r8125 \\"
    assert isinstance(answer_for(EEE, {"/etc/modprobe.d/x.conf": text}), Placement)


def test_where_kmodloader_loads_the_drivers_nothing_is_written() -> None:
    """OpenWrt: the file was written, and nothing read it."""
    for files in ({"/sbin/kmodloader": b"\x7fELF"}, {"/etc/config/network": b"config interface 'lan'\n\toption device 'lan0'\n"}):
        assert "does not read /etc/modprobe.d" in refused(answer_for(EEE, files))


def test_openwrt_is_told_its_own_words_instead() -> None:
    files = {"/etc/config/network": b"config interface 'lan'\n\toption device 'lan0'\n", "/proc/1/comm": b"procd\n"}
    place = place_on(files, driver="r8125", tools=frozenset({"uci", "ethtool", "ip"}))
    chosen = choose_places(BACK_ENDS, place, (EEE,), lambda paths: {path: files.get(path) for path in paths}, lambda _path: None)
    assert chosen.placements == ()
    assert "uci set network.@device[-1].eee=0" in [command for one in chosen.turned_down for command in one.settle]
