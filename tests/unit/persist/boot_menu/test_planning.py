# SPDX-License-Identifier: GPL-2.0-or-later
"""What GRUB would start with our lines: the old kernel always, the new one once, and only where GRUB can write."""

import re
from dataclasses import replace

import pytest

from nicmedic.persist.boot_menu.block import put_in, take_out
from nicmedic.persist.boot_menu.copying import TRIAL_WORDS
from nicmedic.persist.boot_menu.entries import find_default, find_start, list_starts
from nicmedic.persist.boot_menu.planning import Kernel, Promotion, Setup, find_kernel, plan_promotion, plan_trial, run_setup
from tests.unit.persist.boot_menu.menus import NAMES, NEW, OLD, name_kernel, set_up, tell_default

OPEN = [name for name in NAMES if name != "locked"]
THEIRS = b"set color_normal=white/black\nset default=1\nmenuentry 'rescue' { linux /boot/rescue\n}\n"


def plan(name: str, custom: bytes | None = None, **environment: str) -> tuple[Setup, bytes]:
    setup = set_up(name, **environment)
    planned = plan_trial(setup, custom, 7, name_kernel(name, OLD), name_kernel(name, NEW))
    assert isinstance(planned, bytes), planned
    return setup, planned


@pytest.mark.parametrize("name", OPEN)
@pytest.mark.parametrize("custom", [None, THEIRS, THEIRS[:-1], b""])
def test_everything_ends_on_the_old_kernel_but_one_boot_that_is_asked_for(name: str, custom: bytes | None) -> None:
    setup, planned = plan(name, custom)
    assert tell_default(setup, planned) == ("nicmedic-old", OLD)
    assert tell_default(setup, planned, word="7") == ("nicmedic-trial", NEW)
    assert tell_default(setup, planned, word="7", writable=False) == ("nicmedic-old", OLD)
    assert tell_default(setup, planned, word="8") == ("nicmedic-old", OLD)
    assert tell_default(setup, planned, word="-") == ("nicmedic-old", OLD)
    assert take_out(planned) == custom


@pytest.mark.parametrize("name", OPEN)
def test_second_boot_is_of_the_old_kernel(name: str) -> None:
    setup, planned = plan(name)
    first = run_setup(setup, planned, word="7")
    assert first.environment["nicmedic_trial"] == "-"
    assert tell_default(setup, planned, word=first.environment["nicmedic_trial"]) == ("nicmedic-old", OLD)


@pytest.mark.parametrize("name", OPEN)
def test_copies_start_the_same_as_the_entries_that_they_are_of(name: str) -> None:
    setup, planned = plan(name)
    starts = {start.entry.id: start for start in list_starts(run_setup(setup, planned).entries)}
    old = find_kernel(setup, run_setup(setup, None), name_kernel(name, OLD), setup.running)
    assert old is not None
    kept, tried = starts["nicmedic-old"], starts["nicmedic-trial"]
    assert (kept.image, kept.initrds, kept.words, kept.hypervisor) == (old.image, old.initrds, old.words, old.hypervisor)
    assert tried.file_name == f"vmlinuz-{NEW}"
    assert tried.words == (*old.words, "nicmedic.trial=7", *TRIAL_WORDS)
    assert f" nicmedic.trial=7 {' '.join(TRIAL_WORDS)}; then true; else reboot; fi\n" in tried.entry.body
    assert tried.entry.body.endswith("\n\tboot\n\treboot\n")
    assert "boot" not in kept.entry.body.split()
    assert not {"savedefault", "recordfail"} & {word for each in (kept, tried) for word in each.entry.body.split()}
    assert ("search" in old.entry.body) == ("search" in kept.entry.body)


def test_copies_write_nothing_to_disk_whatever_branch_is_taken() -> None:
    setup = set_up("plain")
    added = '\\tif [ "${grub_platform}" = pc ]; then savedefault; else set saved_entry=1; save_env -f /x saved_entry; fi\\n\\tlinux\\t'
    menu = re.sub(r"\tlinux\t", added, setup.menu)
    planned = plan_trial(replace(setup, menu=menu), None, 7, name_kernel("plain", OLD), name_kernel("plain", NEW))
    assert isinstance(planned, bytes)
    assert planned.count(b"then true; else set saved_entry=1; true; fi") == 2
    assert not {b"savedefault", b"/x"} & set(planned.split())


def test_options_of_an_entry_stay_options() -> None:
    setup = set_up("plain")
    menu = setup.menu.replace("--class os", "--class '--x; set default=1' --class os")
    planned = plan_trial(replace(setup, menu=menu), None, 7, name_kernel("plain", OLD), name_kernel("plain", NEW))
    assert isinstance(planned, bytes)
    assert planned.count(b" --class '--x; set default=1' --class 'os'") == 2
    unknown = setup.menu.replace("--class os", '--class "$root"')
    refused = plan_trial(replace(setup, menu=unknown), None, 7, name_kernel("plain", OLD), None)
    assert refused == (f"GRUB's menu has no entry for {OLD} that nicmedic understands",)


def test_boot_that_somebody_else_asked_for_is_left_alone() -> None:
    setup, planned = plan("plain", next_entry="0")
    assert tell_default(setup, planned, word="7") == ("gnulinux-simple-/dev/vda", NEW)


def test_of_several_hypervisors_the_running_one_is_taken() -> None:
    setup = set_up("xen")
    for version in ("4.17", "4.19"):
        running = Setup(**{each: getattr(setup, each) for each in ("menu", "files", "running", "is_xen")}, hypervisor=version)
        start = find_kernel(running, run_setup(running, None), name_kernel("xen", OLD), running.running)
        assert start is not None
        assert start.hypervisor == f"/boot/xen-{version}-amd64.gz"


def test_rescue_entry_is_never_taken() -> None:
    setup = set_up("plain")
    for like in ((), ("single",), setup.running):
        start = find_kernel(setup, run_setup(setup, None), name_kernel("plain", OLD), like)
        assert start is not None
        assert not start.is_rescue


def test_saved_copy_takes_the_place_of_the_package_s_files() -> None:
    setup = set_up("plain")
    saved = Kernel(release=OLD, image=f"/boot/nicmedic/3/vmlinuz-{OLD}", initrd=f"/boot/nicmedic/3/initrd.img-{OLD}", saved="3")
    planned = plan_trial(setup, None, 7, saved, name_kernel("plain", OLD))
    assert isinstance(planned, bytes)
    starts = {start.entry.id: start for start in list_starts(run_setup(setup, planned).entries)}
    old = starts["nicmedic-old"]
    assert (old.image, old.initrds) == (saved.image, (saved.initrd,))
    assert old.words == ("root=/dev/vda", "ro", "quiet", "nicmedic.saved=3")
    assert f"\tif linux\t/boot/vmlinuz-{OLD} root=" in planned.decode()


@pytest.mark.parametrize("name", OPEN)
def test_saved_copy_is_booted_though_its_package_is_gone(name: str) -> None:
    setup = set_up(name)
    copy = f"/boot/nicmedic/3/vmlinuz-{OLD}"
    saved = Kernel(release=OLD, image=copy, initrd=f"/boot/nicmedic/3/initrd.img-{OLD}", saved="3")
    custom = plan_trial(setup, THEIRS, 3, saved, None)
    assert isinstance(custom, bytes)
    purged = replace(
        setup, menu=setup.menu.replace(f"vmlinuz-{OLD}", "vmlinuz-6.6.6-gone").replace(f"initrd.img-{OLD}", "initrd.img-6.6.6-gone")
    )
    planned = plan_trial(purged, custom, 3, saved, name_kernel(name, NEW))
    assert isinstance(planned, bytes), planned
    starts = {start.entry.id: start for start in list_starts(run_setup(purged, planned).entries)}
    before = {start.entry.id: start for start in list_starts(run_setup(setup, custom).entries)}
    assert (starts["nicmedic-old"].image, starts["nicmedic-old"].words) == (copy, before["nicmedic-old"].words)
    assert starts["nicmedic-old"].initrds[-1] == saved.initrd
    assert tell_default(purged, planned, word="3") == ("nicmedic-trial", NEW)
    assert plan_trial(purged, THEIRS, 3, saved, None) == (f"GRUB's menu has no entry for {OLD} that nicmedic understands",)


@pytest.mark.parametrize("name", OPEN)
def test_saved_copy_that_is_gone_has_the_package_s_files_loaded(name: str) -> None:
    setup = set_up(name)
    of_package = name_kernel(name, OLD)
    saved = Kernel(release=OLD, image=f"/boot/nicmedic/3/vmlinuz-{OLD}", initrd=f"/boot/nicmedic/3/initrd.img-{OLD}", saved="3")
    planned = plan_trial(setup, None, 7, saved, None)
    assert isinstance(planned, bytes)
    start = find_kernel(setup, run_setup(setup, None), of_package, setup.running)
    assert start is not None
    *_, linux, initrd = (start.entry.body[node.start : node.end] for node in start.loads)
    there, text = f"if [ -s {saved.image} -a -s {saved.initrd} ]; then", planned.decode()
    assert f"{there} {linux.replace(of_package.image, saved.image)} nicmedic.saved=3; else {linux}; fi\n" in text
    assert f"{there} {initrd.replace(str(of_package.initrd), str(saved.initrd))}; else {initrd}; fi\n" in text
    held = next(each for each in list_starts(run_setup(setup, planned).entries) if each.entry.id == "nicmedic-old")
    assert (held.image, held.initrds) == (saved.image, (saved.initrd,))
    again = plan_trial(setup, planned, 7, saved, None)
    assert again == planned
    without = plan_trial(setup, None, 7, of_package, None)
    assert isinstance(without, bytes)
    assert b"[ -s" not in without


def test_menu_that_waits_for_ever_waits_half_a_minute() -> None:
    setup, planned = plan("saved")
    assert run_setup(setup, None).variables["timeout"] == "-1"
    assert run_setup(setup, planned).variables["timeout"] == "30"
    setup, planned = plan("ubuntu", recordfail="1")
    assert run_setup(setup, None).variables["timeout"] == "-1"
    assert run_setup(setup, planned).variables["timeout"] == "30"
    setup, planned = plan("ubuntu")
    assert run_setup(setup, planned).variables["timeout"] == "0"


def test_password_of_grub_is_refused() -> None:
    setup = set_up("locked")
    (reason,) = plan_trial(setup, None, 7, name_kernel("locked", OLD), None)
    assert isinstance(reason, str)
    assert "asks for a password" in reason
    free = Setup(menu=setup.menu.replace("--class os", "--class os --unrestricted"), files=setup.files, running=setup.running)
    planned = plan_trial(free, None, 7, name_kernel("locked", OLD), name_kernel("locked", NEW))
    assert isinstance(planned, bytes)
    assert planned.count(b" --unrestricted --id nicmedic-") == 2


def test_kernel_without_an_entry_is_refused() -> None:
    setup = set_up("plain")
    gone = Kernel(release="5.10.0-1-amd64", image="/boot/vmlinuz-5.10.0-1-amd64")
    assert plan_trial(setup, None, 7, gone, None) == ("GRUB's menu has no entry for 5.10.0-1-amd64 that nicmedic understands",)
    assert plan_trial(setup, None, 7, name_kernel("plain", OLD), gone) == (
        "GRUB's menu has no entry for 5.10.0-1-amd64 that nicmedic understands",
    )


def test_what_stands_behind_ours_is_seen() -> None:
    setup = set_up("plain")
    behind = Setup(menu=setup.menu + "set default=0\n", files=setup.files, running=setup.running)
    (reason,) = plan_trial(behind, None, 7, name_kernel("plain", OLD), None)
    assert isinstance(reason, str)
    assert "where nicmedic's custom.cfg wants nicmedic-old" in reason


@pytest.mark.parametrize(
    ("name", "environment", "kernel"),
    [
        ("plain", {}, NEW),
        ("flat", {}, NEW),
        ("ubuntu", {}, NEW),
        (
            "title",
            {},
            NEW,
        ),  # 10_linux compares "x$default" with the title without an x, so the old title is not corrected, and is not found
        ("xen", {}, NEW),
        ("saved", {"saved_entry": "gnulinux-advanced-/dev/vda>gnulinux-6.1.0-56-amd64-advanced-/dev/vda"}, OLD),
        ("saved", {"saved_entry": "1>2"}, OLD),
        ("saved", {"saved_entry": "Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux 6.1.0-56-amd64"}, OLD),
        ("saved", {"saved_entry": "not there"}, NEW),
        ("saved", {}, NEW),
        ("plain", {"next_entry": "1>2"}, OLD),
        ("saved", {"saved_entry": "1"}, None),
    ],
)
def test_default_is_told_as_grub_takes_it(name: str, environment: dict[str, str], kernel: str | None) -> None:
    assert tell_default(set_up(name, **environment), None)[1] == kernel


def test_default_that_hangs_on_the_machine_is_not_told() -> None:
    setup = set_up("plain")
    menu = setup.menu.replace('set default="0"', 'if cpuid -l; then set default="0"; else set default="1>2"; fi')
    assert find_default(run_setup(Setup(menu=menu, files=setup.files), None)) is None


@pytest.mark.parametrize("name", [name for name in OPEN if name != "xen"])
def test_kernel_that_is_the_default_by_itself_needs_nothing_of_ours(name: str) -> None:
    setup, planned = plan(name, THEIRS.replace(b"set default=1\n", b""))
    done = plan_promotion(setup, planned, 7, name_kernel(name, NEW))
    assert done == Promotion(custom=THEIRS.replace(b"set default=1\n", b""), saved_entry=None, notes=())


def test_saved_entry_is_set_where_the_menu_goes_by_it() -> None:
    setup, planned = plan("saved")
    done = plan_promotion(setup, planned, 7, name_kernel("saved", OLD))
    assert isinstance(done, Promotion)
    assert done.custom is None
    assert done.saved_entry == "gnulinux-advanced-/dev/vda>gnulinux-6.1.0-56-amd64-advanced-/dev/vda"
    assert "it was 'not set'" in done.notes[0]
    assert tell_default(set_up("saved", saved_entry=done.saved_entry), None)[1] == OLD


@pytest.mark.parametrize("name", ["plain", "flat", "ubuntu", "xen", "separate"])
def test_kernel_that_is_not_the_default_by_itself_is_held_by_a_line(name: str) -> None:
    setup, planned = plan(name, THEIRS)
    done = plan_promotion(setup, planned, 7, name_kernel(name, OLD))
    assert isinstance(done, Promotion)
    assert done.custom is not None
    assert take_out(done.custom) == THEIRS
    assert tell_default(setup, done.custom)[1] == OLD
    found = find_default(run_setup(setup, done.custom))
    assert found is not None
    start = find_start(*found)
    assert start is not None
    assert (start.hypervisor is not None) == (name == "xen")
    assert "holds 6.1.0-56-amd64" in done.notes[0]


def test_saved_copy_is_promoted_by_an_entry_of_its_own() -> None:
    setup, planned = plan("plain")
    saved = Kernel(release=OLD, image=f"/boot/nicmedic/3/vmlinuz-{OLD}", initrd=f"/boot/nicmedic/3/initrd.img-{OLD}", saved="3")
    done = plan_promotion(setup, planned, 7, saved)
    assert isinstance(done, Promotion)
    assert tell_default(setup, done.custom) == ("nicmedic-promoted", OLD)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("linux /boot/vmlinuz-6.1.0-56-amd64 ro -- splash", "linux /boot/vmlinuz-6.1.0-56-amd64 ro nicmedic.saved=3 -- splash"),
        ("linux ($root)/vmlinuz-6.1.0-56-amd64", "linux ($root)/saved nicmedic.saved=3"),
        ("linux /boot/vmlinuz-6.1.0-56-amd64 ${x}", "linux /saved ${x} nicmedic.saved=3"),
        ("linuxefi /boot/vmlinuz-6.1.0-56-amd64 nicmedic.saved=3", "linuxefi /saved nicmedic.saved=3"),
    ],
)
def test_words_stand_where_the_kernel_reads_them(line: str, wanted: str) -> None:
    menu = (
        f"menuentry 'it'\"'\"'s' --hotkey=x --id a {{\n\t{line}\n\tinitrd /ucode.img /initrd\n}}\n"
        + set_up("plain").menu.partition("### BEGIN /etc/grub.d/41_custom")[2].partition("\n")[2]
    )
    old = Kernel(release=OLD, image="/saved", initrd="/saved.img", saved="3")
    planned = plan_trial(Setup(menu=menu, files={"grubenv": "x"}), None, 7, old, None)
    assert isinstance(planned, bytes)
    text = planned.decode()
    there = f"if [ -s {'($root)' if '($root)' in line else ''}/saved -a -s /saved.img ]; then"
    assert f"\t{there} {wanted.replace('/boot/vmlinuz-6.1.0-56-amd64', '/saved')}; else {line}; fi\n" in text
    assert f"\t{there} initrd /ucode.img /saved.img; else initrd /ucode.img /initrd; fi\n" in text


def test_word_that_another_value_overrules_is_put_behind_it() -> None:
    setup = set_up("plain")
    menu = setup.menu.replace("ro  quiet", "ro panic=30 oops=panic quiet panic=0")
    planned = plan_trial(Setup(menu=menu, files=setup.files), None, 7, name_kernel("plain", OLD), name_kernel("plain", NEW))
    assert isinstance(planned, bytes)
    assert (
        "ro panic=30 oops=panic quiet panic=0 nicmedic.trial=7 panic=30 softlockup_panic=1 nmi_watchdog=panic rd.shell=0 rd.emergency=reboot;"
        in planned.decode()
    )


def test_lines_of_ours_are_replaced() -> None:
    setup, planned = plan("plain", THEIRS)
    again = plan_trial(setup, planned, 8, name_kernel("plain", NEW), None)
    assert isinstance(again, bytes)
    assert again.count(b"# >>> nicmedic trial") == 1
    assert take_out(again) == THEIRS
    assert tell_default(setup, again, word="7") == ("nicmedic-old", NEW)
    assert put_in(again, 9, ["x"]) == put_in(THEIRS, 9, ["x"])
