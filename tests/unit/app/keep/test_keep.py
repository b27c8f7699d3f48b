# SPDX-License-Identifier: GPL-2.0-or-later
"""Keeping and releasing on files in memory: what is written where, what is refused with the reason, and what is told."""

import dataclasses
from collections.abc import Mapping

import pytest

from nicmedic.app.keep.keep import Written, keep, plan_keeping
from nicmedic.app.keep.recover import recover_kept
from nicmedic.app.keep.release import plan_release, release
from nicmedic.model.errors import BusyError, KeepFailedError, NoSuchKeptError, RefusedError, UndoFailedError, UnreadableInputError
from nicmedic.model.host import Host
from nicmedic.model.keeping import Kept, KeptState, MadeFor, NoPlace, OnDrift, Wish
from nicmedic.model.plan import Plan, Setting
from nicmedic.persist.back_end import BackEnd, Place
from nicmedic.persist.expiry import find_expiry
from nicmedic.persist.files import FoundFiles
from nicmedic.testing.keeping import FilesWorld, build_keep_edges, list_states, make_back_end
from nicmedic.testing.world import Process
from tests.unit.app.keep.keeping import (
    BACK_ENDS,
    BEFORE,
    IDENTITY,
    INTERFACES,
    LINES,
    RULES,
    do_keep,
    make_host,
    make_nic,
    make_place,
    make_request,
    mtu_wish,
    power_wish,
)


def do_release(world: FilesWorld, number: int = 1) -> Kept:
    return release(build_keep_edges(world, BACK_ENDS), number, lambda _released: None).kept


def add_setting(wish: Wish, name: str) -> Wish:
    return dataclasses.replace(wish, settings=(*wish.settings, Setting(name=name, value="off")))


# Keeping ---------------------------------------------------------------------------------------------------------------------


def test_each_setting_goes_to_the_first_back_end_that_takes_it() -> None:
    world, shown = FilesWorld(BEFORE), []
    written = keep(build_keep_edges(world, BACK_ENDS), make_request(), lambda planned: shown.append(planned.kept.state))
    assert shown == [KeptState.WRITING]
    assert [(one.back_end, one.settings) for one in written.kept.placements] == [("lines", ("mtu",)), ("own", ("power.control",))]
    assert b"\nmtu=1400\n" in world.files[INTERFACES]
    assert b"\npower.control=on\n" in world.files[RULES]
    assert (written.kept.state, written.kept.id, world.unit, world.folders) == (KeptState.KEPT, 1, True, {"/etc/udev/rules.d"})
    assert world.refreshed == [("refresh-lines", "-a"), ("refresh-own", "-a")]
    assert written.kept.made_for == MadeFor(driver="r8169", chip="10ec:8168", kernel_package="6.1.148-1", kernel_release="6.1.0-40-amd64")
    assert written.notes == ("lines was told.", "own was told.")


def test_released_every_file_is_what_it_was_and_nothing_of_ours_is_left() -> None:
    world = FilesWorld(BEFORE)
    do_keep(world)
    kept = do_release(world)
    assert (kept.state, world.files, world.unit, world.folders) == (KeptState.RELEASED, BEFORE, False, set())


def test_a_dry_run_writes_nothing() -> None:
    world = FilesWorld(BEFORE)
    edges = build_keep_edges(world, BACK_ENDS)
    assert isinstance(plan_keeping(edges, make_request(), 1), Written)
    assert (world.files, world.kept, world.unit) == (BEFORE, {}, False)


def test_two_remedies_in_one_file_go_in_any_order() -> None:
    for order in ((1, 2), (2, 1)):
        world = FilesWorld(BEFORE)
        do_keep(world, request=make_request(mtu_wish()))
        offload = dataclasses.replace(mtu_wish(), settings=(Setting(name="features.tx-tcp-segmentation", value="off"),))
        do_keep(world, request=make_request(offload))
        for number in order:
            do_release(world, number)
        assert (world.files, world.unit) == (BEFORE, False)


def test_the_unit_stays_while_something_is_kept() -> None:
    world = FilesWorld(BEFORE)
    do_keep(world, request=make_request(mtu_wish()))
    do_keep(world, request=make_request(power_wish()))
    do_release(world, 1)
    assert world.unit
    do_release(world, 2)
    assert not world.unit


def test_the_unit_stays_while_a_record_is_damaged() -> None:
    world = FilesWorld(BEFORE)
    do_keep(world)
    world.damaged.append("2/kept.json: damaged")
    assert (do_release(world).state, world.unit) == (KeptState.RELEASED, True)


def test_an_empty_folder_that_somebody_else_made_since_stays() -> None:
    world = FilesWorld(BEFORE)
    do_keep(world)
    do_release(world)
    world.folders.add("/etc/udev/rules.d")
    do_keep(world, request=make_request(mtu_wish()))
    do_release(world, 2)
    assert world.folders == {"/etc/udev/rules.d"}


def test_without_systemd_it_is_told_that_nothing_looks_after_a_boot() -> None:
    world = FilesWorld(BEFORE, has_systemd=False)
    assert "This host has no systemd" in do_keep(world).notes[-1]


def test_what_was_not_tried_is_told_so() -> None:
    notes = " ".join(do_keep(FilesWorld(BEFORE), request=make_request(transaction=None)).notes)
    assert "was not tried on this host" in notes
    assert "nicmedic treat eth0 --remedy mtu:1400 --remedy runtime-pm-off" in notes


def test_what_may_go_wrong_with_what_was_not_tried_is_told() -> None:
    request = dataclasses.replace(make_request(transaction=None), risks=("link-force-100: A duplex mismatch is certain.",))
    for written in (
        plan_keeping(build_keep_edges(FilesWorld(BEFORE), BACK_ENDS), request, 1),
        do_keep(FilesWorld(BEFORE), request=request),
    ):
        assert written.notes[-3:-1] == ("It was not tried on this host, and is not in force now.", *request.risks)


def test_what_was_tried_in_an_earlier_boot_is_kept_for_its_kernel_and_told_not_to_be_in_force() -> None:
    request = dataclasses.replace(make_request(), host=make_host(1500, "on", "6.1.200-1"), nic=make_nic(1500, "on"))
    request = dataclasses.replace(request, tried=Plan(nic=IDENTITY, boot_id="boot-0", kernel_package="6.1.148-1"))
    written = do_keep(FilesWorld(BEFORE), request=request)
    assert (written.kept.made_for.kernel_package, written.kept.made_for.kernel_release) == ("6.1.148-1", None)
    assert written.notes[-2:] == (
        "It is not in force now: mtu is 1500, not 1400.",
        "It was tried with kernel 6.1.148-1; this is 6.1.200-1, which may not need it.",
    )


SUSE = "6.4.0-150600.23-default"


def tried_earlier(plan: Plan, host: Host) -> Written:
    request = dataclasses.replace(make_request(), host=host, nic=make_nic(1400, "on"), tried=plan)
    return do_keep(FilesWorld(BEFORE), request=request)


def test_where_the_kernel_names_no_package_its_release_is_what_it_was_made_for() -> None:
    host = dataclasses.replace(make_host(1400, "on"), boot_id="boot-2", kernel_package=None, kernel_release="6.4.0-150600.30-default")
    written = tried_earlier(Plan(nic=IDENTITY, boot_id="boot-1", kernel_release=SUSE), host)
    assert (written.kept.made_for.kernel_package, written.kept.made_for.kernel_release) == (None, SUSE)
    assert find_expiry(written.kept, host, None) == f"kept for kernel {SUSE}, this is 6.4.0-150600.30-default"
    assert written.notes[-1] == f"It was tried with kernel {SUSE}; this is 6.4.0-150600.30-default, which may not need it."


def test_where_nothing_tells_the_kernel_of_the_trial_the_one_that_runs_counts_and_that_is_told() -> None:
    """A transaction of an older nicmedic has no release."""
    host = dataclasses.replace(make_host(1400, "on"), boot_id="boot-2", kernel_package=None, kernel_release=SUSE)
    old = Plan(nic=IDENTITY, boot_id="boot-1")
    written = tried_earlier(old, host)
    assert (written.kept.made_for.kernel_package, written.kept.made_for.kernel_release) == (None, SUSE)
    told = f"With which kernel it was tried is not known, so it is tied to the one that runs now: {SUSE}."
    assert told in written.notes
    assert tried_earlier(old, dataclasses.replace(host, kernel_release=None)).notes[-1].endswith("the one that runs now: (unknown).")
    same_boot = tried_earlier(old, dataclasses.replace(host, boot_id="boot-1"))
    assert (same_boot.kept.made_for.kernel_release, told in same_boot.notes) == (SUSE, False)


def test_a_number_whose_lines_or_files_are_left_is_not_given_again() -> None:
    """The record may be damaged or lost while its lines stand in files."""
    lines = "auto eth0\n# >>> nicmedic 7: mtu; nicmedic release 7 takes this away\n\tmtu 1400\n# <<< nicmedic 7 00000000\n"
    for texts, number in (
        ({INTERFACES: lines}, 8),
        ({"/etc/udev/rules.d/90-nicmedic-11.rules": "", INTERFACES: lines}, 12),
        ({"/etc/systemd/system/nicmedic-kept-3@.service": "", "/etc/x/nicmedic-x.conf": ""}, 4),
        ({INTERFACES: "auto eth0\n"}, 1),
    ):

        def survey(number: int, texts: Mapping[str, str] = texts) -> Place:
            return dataclasses.replace(make_place(number), files=FoundFiles(texts=texts))

        request = dataclasses.replace(make_request(), survey=survey)
        assert do_keep(FilesWorld(BEFORE), request=request).kept.id == number


def test_links_are_followed_and_version_control_is_told() -> None:
    world = FilesWorld({**BEFORE, "/srv/interfaces": BEFORE[INTERFACES]})
    world.links[INTERFACES] = "/srv/interfaces"
    world.controlled = "/srv"
    written = do_keep(world, request=make_request(mtu_wish()))
    assert world.files[INTERFACES] == BEFORE[INTERFACES]
    assert b"mtu=1400" in world.files["/srv/interfaces"]
    assert written.notes[0] == f"{INTERFACES} leads to /srv/interfaces"
    assert "/srv (.git) is under version control: nothing is committed" in written.notes[2]


# Refusals --------------------------------------------------------------------------------------------------------------------


def test_a_setting_without_a_place_is_refused_with_every_reason() -> None:
    world = FilesWorld(BEFORE)
    with pytest.raises(RefusedError, match=r"eee.enabled cannot be kept here: lines: it has no word for that; own: it has no") as caught:
        do_keep(world, request=make_request(mtu_wish(), add_setting(power_wish(), "eee.enabled")))
    assert caught.value.hint.splitlines()[0] == "ethtool -k eth0"
    assert "nicmedic prescribe eth0 --remedy mtu:1400 --remedy runtime-pm-off" in caught.value.hint
    assert (world.files, world.kept) == (BEFORE, {})


def test_without_back_ends_the_refusal_says_so() -> None:
    with pytest.raises(RefusedError, match="nothing on this host takes it"):
        do_keep(FilesWorld(BEFORE), back_ends=())


def test_one_setting_of_a_card_is_kept_once() -> None:
    world = FilesWorld(BEFORE)
    do_keep(world, request=make_request(mtu_wish()))
    with pytest.raises(RefusedError, match=r"mtu 1400 is kept already \(number 1\)") as caught:
        do_keep(world, request=make_request(mtu_wish("1300")))
    assert caught.value.hint == "nicmedic release 1   # first"
    other = dataclasses.replace(
        make_request(mtu_wish()), identity=dataclasses.replace(IDENTITY, sysfs_path="/sys/devices/pci0/0000:03:00.0")
    )
    assert do_keep(world, request=other).kept.id == 2


def test_a_file_that_cannot_be_written_is_refused_before_anything() -> None:
    world = FilesWorld(BEFORE)
    world.read_only.add(RULES)
    with pytest.raises(RefusedError, match=f"{RULES} is read-only"):
        do_keep(world)
    assert (world.files, world.kept, world.unit) == (BEFORE, {}, False)


def test_a_file_that_each_boot_makes_anew_is_passed_over_and_that_is_told() -> None:
    """A stanza below /run/network/interfaces.d, as Debian's cloud images have it: what was kept there was gone with the next boot."""
    world = FilesWorld(BEFORE)
    world.fleeting.add(INTERFACES)
    written = do_keep(world)
    assert [(one.back_end, one.settings) for one in written.kept.placements] == [("own", ("mtu", "power.control"))]
    assert written.notes[0] == f"Not by lines: {INTERFACES} is made anew at each boot."
    do_release(world)
    world.fleeting.add(RULES)
    with pytest.raises(RefusedError, match=f"own: {RULES} is made anew at each boot"):
        do_keep(world, request=make_request(power_wish()))


def test_a_file_that_cannot_be_read_ends_it() -> None:
    world = FilesWorld(BEFORE)
    world.links[INTERFACES] = "/unreadable"
    with pytest.raises(UnreadableInputError):
        do_keep(world)


def test_why_the_managers_own_file_was_passed_over_is_told_though_another_place_was_found() -> None:
    passing = dataclasses.replace(LINES, name="passing", place=lambda _place, _wish, _found: passed)
    passed = NoPlace(back_end="passing", reasons=("it is never for that", "line 7 has MTU already"), told=("line 7 has MTU already",))
    written = do_keep(FilesWorld(BEFORE), request=make_request(mtu_wish()), back_ends=(passing, LINES))
    assert written.notes[0] == "Not by passing: line 7 has MTU already."
    assert not any("never for that" in note for note in written.notes)


def test_a_back_end_that_writes_the_same_file_again_is_turned_down() -> None:
    double = make_back_end("double", ("power",), INTERFACES)
    with pytest.raises(RefusedError, match=f"double: {INTERFACES} is written for another setting of this remedy already"):
        do_keep(FilesWorld(BEFORE), back_ends=(LINES, double))


def test_nobody_keeps_while_somebody_else_does() -> None:
    world = FilesWorld(BEFORE)
    world.holder = Process()
    with pytest.raises(BusyError):
        do_keep(world)
    assert recover_kept(build_keep_edges(world, BACK_ENDS)) == ()


# Failures --------------------------------------------------------------------------------------------------------------------


def test_a_program_that_fails_once_puts_everything_back() -> None:
    world = FilesWorld(BEFORE)
    process = Process()
    do_keep(FilesWorld(BEFORE), process)
    began = process.calls.index("refresh refresh-own")
    with pytest.raises(KeepFailedError, match="nothing is kept, and every file is as it was"):
        do_keep(world, Process(fail_at=began))
    assert (world.files, world.kept, world.unit, world.folders) == (BEFORE, {}, False, set())
    assert world.refreshed == [("refresh-lines", "-a"), ("refresh-lines", "-a"), ("refresh-own", "-a")]


def test_a_program_that_fails_again_leaves_it_to_the_next_command() -> None:
    world = FilesWorld(BEFORE)
    world.refusing.add(("refresh-own", "-a"))
    with pytest.raises(UndoFailedError, match="refresh-own -a: status 1: it failed; putting it back failed as well"):
        do_keep(world)
    assert world.files == BEFORE
    assert list_states(world) == {1: KeptState.WRITING}
    world.refusing.clear()
    assert [one.trouble for one in recover_kept(build_keep_edges(world, BACK_ENDS))] == [()]
    assert (world.kept, world.unit, world.folders) == ({}, False, set())


class _TwiceProcess(Process):
    """Is interrupted at a call, and once more at another."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__()
        self.moments = {first, second}

    def call(self, name: str) -> None:
        super().call(name)
        if len(self.calls) in self.moments:
            raise KeyboardInterrupt


def test_interrupted_again_while_putting_back_it_is_put_back_all_the_same() -> None:
    process = Process()
    do_keep(FilesWorld(BEFORE), process)
    first = process.calls.index("refresh refresh-lines") + 1
    for second in range(first + 1, first + 12):
        world = FilesWorld(BEFORE)
        with pytest.raises(KeepFailedError, match="it was interrupted"):
            do_keep(world, _TwiceProcess(first, second))
        assert (world.files, world.kept, world.unit) == (BEFORE, {}, False)


def test_a_bug_of_ours_puts_everything_back() -> None:
    process = Process()
    do_keep(FilesWorld(BEFORE), process)
    world = FilesWorld(BEFORE)
    with pytest.raises(KeepFailedError, match="ZeroDivisionError: by zero"):
        do_keep(world, Process(fail_at=process.calls.index("refresh refresh-own"), error=ZeroDivisionError("by zero")))
    assert (world.files, world.kept) == (BEFORE, {})


def test_a_file_that_cannot_be_read_on_the_way_back_is_told_and_tried_again() -> None:
    world = FilesWorld(BEFORE)
    world.refusing.add(("refresh-own", "-a"))
    edges = build_keep_edges(world, BACK_ENDS)

    def show(_written: Written) -> None:
        world.refusing.add(("refresh-lines", "-a"))

    with pytest.raises(UndoFailedError):
        keep(edges, make_request(), show)
    world.links[INTERFACES] = "/unreadable"
    (recovered,) = recover_kept(build_keep_edges(world, BACK_ENDS))
    assert recovered.trouble == (f"{INTERFACES}: Input/output error",)
    assert "nicmedic kept   # tries it again" in recovered.left


def test_a_file_that_somebody_changes_this_moment_ends_it() -> None:
    world = FilesWorld(BEFORE)

    def show(_written: Written) -> None:
        world.files[INTERFACES] += b"# me\n"

    with pytest.raises(KeepFailedError, match="somebody else changed it this moment"):
        keep(build_keep_edges(world, BACK_ENDS), make_request(), show)
    assert world.files[INTERFACES] == BEFORE[INTERFACES] + b"# me\n"
    assert world.kept == {}


def test_a_failing_program_while_releasing_keeps_it() -> None:
    world = FilesWorld(BEFORE)
    do_keep(world)
    kept_files = dict(world.files)
    process = Process()
    planned = FilesWorld(BEFORE)
    do_keep(planned)
    release(build_keep_edges(planned, BACK_ENDS, process), 1, lambda _released: None)
    edges = build_keep_edges(world, BACK_ENDS, Process(fail_at=process.calls.index("refresh refresh-lines")))
    with pytest.raises(KeepFailedError, match="1 is kept as before"):
        release(edges, 1, lambda _released: None)
    assert (world.files, list_states(world)) == (kept_files, {1: KeptState.KEPT})


def _keep_with(program: str) -> tuple[FilesWorld, tuple[BackEnd, ...]]:
    """An MTU, whose file this program makes known."""
    world = FilesWorld(BEFORE)
    back_ends = (make_back_end("lines", ("mtu",), INTERFACES, program=program),)
    do_keep(world, request=make_request(mtu_wish()), back_ends=back_ends)
    return world, back_ends


@pytest.mark.parametrize("program", ["nmcli", "netplan", "udevadm", "systemctl", "update-grub", "update-initramfs"])
def test_what_is_not_installed_any_more_does_not_hold_a_release_up(program: str) -> None:
    world, back_ends = _keep_with(program)
    world.absent.add(program)
    released = release(build_keep_edges(world, back_ends), 1, lambda _released: None)
    assert (world.files, list_states(world)) == (BEFORE, {1: KeptState.RELEASED})
    assert released.notes == (f"{program} -a: {program} is not installed. The files are right all the same.",)


def test_a_daemon_that_does_not_listen_does_not_hold_a_release_up() -> None:
    world, back_ends = _keep_with("nmcli")
    world.refusing.add(("nmcli", "-a"))
    release(build_keep_edges(world, back_ends), 1, lambda _released: None)
    assert (world.files, list_states(world)) == (BEFORE, {1: KeptState.RELEASED})


def test_a_boot_menu_that_cannot_be_made_holds_a_release_up() -> None:
    world, back_ends = _keep_with("update-grub")
    world.refusing.add(("update-grub", "-a"))
    with pytest.raises(
        UndoFailedError, match="update-grub -a: status 1: it failed; 1 is half released: the same came of the way back"
    ) as caught:
        release(build_keep_edges(world, back_ends), 1, lambda _released: None)
    assert list_states(world) == {1: KeptState.RELEASING}
    assert caught.value.hint.splitlines()[-1].startswith("nicmedic release 1 --accept-stale-boot ")
    with pytest.raises(UndoFailedError, match="1 is half released still: update-grub -a: status 1"):
        release(build_keep_edges(world, back_ends), 1, lambda _released: None)
    assert (world.files, list_states(world)) == (BEFORE, {1: KeptState.RELEASING})
    world.refusing.clear()
    assert [one.trouble for one in recover_kept(build_keep_edges(world, back_ends))] == [()]
    assert (list_states(world), world.unit) == ({1: KeptState.RELEASED}, False)


@pytest.mark.parametrize("stuck", [False, True], ids=["at once", "when it is stuck"])
def test_a_boot_menu_that_can_never_be_made_is_told_and_released_if_somebody_says_so(*, stuck: bool) -> None:
    world, back_ends = _keep_with("update-grub")
    world.refusing.add(("update-grub", "-a"))
    if stuck:
        with pytest.raises(UndoFailedError):
            release(build_keep_edges(world, back_ends), 1, lambda _released: None)
        (recovered,) = recover_kept(build_keep_edges(world, back_ends))
        assert recovered.trouble == ("update-grub -a: status 1: it failed",)
        assert "--accept-stale-boot" in recovered.left
    released = release(build_keep_edges(world, back_ends), 1, lambda _released: None, accept_stale=True)
    assert (world.files, list_states(world), world.unit) == (BEFORE, {1: KeptState.RELEASED}, False)
    told = "The files are right, but until update-grub -a succeeds the host may boot as if it were kept."
    assert released.notes == (f"update-grub -a: status 1: it failed. {told}",)


def test_what_is_half_kept_for_a_boot_menu_that_can_never_be_made_is_ended_the_same_way() -> None:
    world = FilesWorld(BEFORE)
    back_ends = (make_back_end("lines", ("mtu",), INTERFACES, program="update-grub"),)
    world.refusing.add(("update-grub", "-a"))
    with pytest.raises(UndoFailedError) as caught:
        do_keep(world, request=make_request(mtu_wish()), back_ends=back_ends)
    assert "nicmedic release 1 --accept-stale-boot " in caught.value.hint
    with pytest.raises(UndoFailedError, match="1 is half kept still"):
        release(build_keep_edges(world, back_ends), 1, lambda _released: None)
    release(build_keep_edges(world, back_ends), 1, lambda _released: None, accept_stale=True)
    assert (world.files, list_states(world), world.unit) == (BEFORE, {1: KeptState.RELEASED}, False)


def test_a_way_out_is_named_only_where_there_is_one() -> None:
    world, back_ends = _keep_with("nmcli")
    world.read_only.add(INTERFACES)
    world.kept[1] = dataclasses.replace(world.kept[1], state=KeptState.RELEASING)
    (recovered,) = recover_kept(build_keep_edges(world, back_ends))
    assert recovered.left.splitlines()[-1] == "nicmedic kept   # tries it again"


def test_a_daemon_that_does_not_run_reads_what_is_kept_when_it_starts() -> None:
    world = FilesWorld(BEFORE)
    world.absent.add("udevadm")
    back_ends = (make_back_end("lines", ("mtu",), INTERFACES, program="udevadm"),)
    written = do_keep(world, request=make_request(mtu_wish()), back_ends=back_ends)
    assert list_states(world) == {1: KeptState.KEPT}
    assert any("udevadm is not installed" in note for note in written.notes)


def test_a_daemon_that_does_not_take_what_is_to_be_kept_puts_everything_back() -> None:
    world = FilesWorld(BEFORE)
    world.refusing.add(("netplan", "-a"))
    back_ends = (make_back_end("lines", ("mtu",), INTERFACES, program="netplan"),)
    with pytest.raises(KeepFailedError, match="netplan -a: status 1"):
        do_keep(world, request=make_request(mtu_wish()), back_ends=back_ends)
    assert (world.files, world.kept) == (BEFORE, {})


# Edited since ----------------------------------------------------------------------------------------------------------------


def test_what_somebody_wrote_since_stays() -> None:
    world = FilesWorld(BEFORE)
    do_keep(world)
    world.files[INTERFACES] = b"# mine\n" + world.files[INTERFACES] + b"auto eth1\n"
    planned = plan_release(build_keep_edges(world, BACK_ENDS), 1)
    assert planned.notes == (f"{INTERFACES} was edited since: only the lines of nicmedic go",)
    do_release(world)
    assert world.files == {**BEFORE, INTERFACES: b"# mine\n" + BEFORE[INTERFACES] + b"auto eth1\n"}


def test_our_lines_edited_since_are_named_and_left() -> None:
    world = FilesWorld(BEFORE)
    do_keep(world)
    world.files[INTERFACES] = world.files[INTERFACES].replace(b"mtu=1400", b"mtu=1280")
    with pytest.raises(RefusedError, match=r"lines 3 to 5 of /etc/network/interfaces were edited since") as caught:
        do_release(world)
    assert caught.value.hint.startswith("nicmedic release 1 ")
    assert list_states(world) == {1: KeptState.KEPT}


def test_files_that_are_gone_or_have_nothing_of_ours_any_more_are_told() -> None:
    world = FilesWorld(BEFORE)
    do_keep(world)
    del world.files[INTERFACES]
    world.files[RULES] = b"theirs\n"
    planned = plan_release(build_keep_edges(world, BACK_ENDS), 1)
    assert planned.edits == ()
    assert planned.notes[0] == f"{RULES} has nothing of nicmedic in it any more, and stays as it is"
    assert planned.notes[1].startswith(f"{INTERFACES} is gone")
    do_release(world)
    assert world.files == {"/etc/hosts": BEFORE["/etc/hosts"], RULES: b"theirs\n"}


def test_what_is_gone_from_its_file_and_stands_in_another_stays_kept() -> None:
    world = FilesWorld(BEFORE)
    do_keep(world)
    world.files[f"{INTERFACES}.d/eth0"] = world.files.pop(INTERFACES)
    with pytest.raises(RefusedError, match=r"interfaces\.d/eth0 has the lines of nicmedic 1"):
        do_release(world)
    assert list_states(world) == {1: KeptState.KEPT}


def test_a_file_of_a_back_end_that_is_gone_is_left_to_a_person_where_it_was_edited() -> None:
    world = FilesWorld(BEFORE)
    do_keep(world)
    world.files[RULES] += b"#\n"
    with pytest.raises(RefusedError, match="this version of nicmedic does not know how it was written"):
        release(build_keep_edges(world, (LINES,)), 1, lambda _released: None)
    world.files[RULES] = world.files[RULES].removesuffix(b"#\n")
    release(build_keep_edges(world, (LINES,)), 1, lambda _released: None)
    assert world.files == BEFORE


def test_numbers_that_are_not_kept_are_told() -> None:
    world = FilesWorld(BEFORE)
    with pytest.raises(NoSuchKeptError, match="nothing is kept under number 1"):
        do_release(world)
    do_keep(world)
    do_release(world)
    with pytest.raises(NoSuchKeptError, match="was released at"):
        do_release(world)
    assert do_keep(world, request=make_request(mtu_wish(), on_drift=OnDrift.REPAIR)).kept.on_drift is OnDrift.REPAIR
