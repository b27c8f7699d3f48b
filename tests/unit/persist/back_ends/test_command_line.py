# SPDX-License-Identifier: GPL-2.0-or-later
"""Words of the kernel's command line. What the real grub-mkconfig makes of them is in tests/host/test_kept_command_line.py."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.model.plan import Setting
from nicmedic.persist.back_ends.command_line import BACK_END
from tests.unit.persist.back_ends.hosts import MTU, ask, place_on

EFI = "/sys/firmware/efi/efivars/{}-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
INFO, ENTRY = EFI.format("LoaderInfo"), EFI.format("LoaderEntrySelected")
OWN = "/etc/default/grub.d/nicmedic-3.cfg"
GRUB, LINE = "/etc/default/grub", "/etc/kernel/cmdline"
DEFAULT = b'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX=""\n'
DEBIAN = {
    "/proc/cmdline": b"BOOT_IMAGE=/boot/vmlinuz-6.1.0-56-amd64 root=UUID=1 ro quiet\n",
    "/boot/grub/grub.cfg": b"menuentry\n",
    "/usr/sbin/grub-mkconfig": b"for x in ${sysconfdir}/default/grub.d/*.cfg ; do\n",
    GRUB: DEFAULT,
}
ARCH = DEBIAN | {"/usr/sbin/grub-mkconfig": b". ${sysconfdir}/default/grub\n"}
ROOT = b"root=ZFS=rpool/ROOT/pve-1 boot=zfs"
PROXMOX = {
    "/proc/cmdline": b"initrd=\\EFI\\proxmox\\6.8.12-4-pve\\initrd.img " + ROOT + b"\n",
    INFO: b"\6\0\0\0" + "systemd-boot 252.31\0".encode("utf-16-le"),
    "/etc/kernel/proxmox-boot-uuids": b"D34B-A25D\n",
    LINE: ROOT + b"\n",
}
ENTRIES = {
    "/proc/cmdline": b"initrd=x " + ROOT + b" systemd.machine_id=0123456789abcdef\n",
    INFO: PROXMOX[INFO],
    ENTRY: b"\6\0\0\0" + "0123456789abcdef-6.12.1.conf\0".encode("utf-16-le"),
    "/etc/machine-id": b"0123456789abcdef\n",
    "/usr/bin/kernel-install": b"\x7fELF add-all\0",
    LINE: ROOT + b"\n",
}
TOOLS = frozenset({"update-grub", "grub-mkconfig", "proxmox-boot-tool", "kernel-install", "grubby"})


def wish_words(**values: str) -> Wish:
    settings = tuple(Setting(name=f"cmdline.{name.replace('__', '.')}", value=value) for name, value in values.items())
    return Wish(remedy=RemedyId.IOMMU, settings=settings)


POLICY = wish_words(pcie_aspm__policy="performance")


def answer_for(files: dict[str, bytes], wish: Wish = POLICY, tools: frozenset[str] = TOOLS) -> Placement | NoPlace:
    return ask(BACK_END, place_on(files, tools=tools), wish, files)


def placed(files: dict[str, bytes], wish: Wish = POLICY, tools: frozenset[str] = TOOLS) -> Placement:
    answer = answer_for(files, wish, tools)
    assert isinstance(answer, Placement), answer
    return answer


def refused(files: dict[str, bytes], wish: Wish = POLICY, tools: frozenset[str] = TOOLS) -> str:
    answer = answer_for(files, wish, tools)
    assert isinstance(answer, NoPlace), answer
    return "\n".join((*answer.reasons, *answer.settle))


def list_lines(data: bytes | None) -> list[str]:
    return [line for line in (data or b"").decode().splitlines() if not line.startswith("#")]


def test_debian_has_a_file_of_ours() -> None:
    answer = placed(DEBIAN, wish_words(pcie_aspm__policy="performance", irqpoll=""))
    (edit,) = answer.edits
    assert (edit.path, edit.before) == (OWN, None)
    assert list_lines(edit.after) == ['GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT pcie_aspm.policy=performance irqpoll"']
    assert answer.refresh == (("update-grub",),)
    assert answer.settings == ("cmdline.pcie_aspm.policy", "cmdline.irqpoll")
    assert answer.notes == ("GRUB's entries for recovery start without it: they are the way back.",)
    assert "no entries for recovery" in placed(DEBIAN | {GRUB: DEFAULT + b"GRUB_DISABLE_RECOVERY=true\n"}).notes[0]


def test_where_grub_reads_no_folder_lines_stand_at_the_end_of_its_file() -> None:
    answer = placed(ARCH, tools=frozenset({"grub-mkconfig"}))
    (edit,) = answer.edits
    assert (edit.path, edit.before) == (GRUB, DEFAULT)
    assert (edit.after or b"").startswith(DEFAULT + b"# >>> nicmedic 3")
    assert answer.refresh == (("grub-mkconfig", "-o", "/boot/grub/grub.cfg"),)


def test_the_kernel_of_dom0_has_it_even_where_words_stand_for_the_usual_ones() -> None:
    files = DEBIAN | {"/proc/cmdline": b"placeholder root=UUID=1 ro quiet\n"}
    assert "dom0" in placed(files).notes[1]
    replaced = files | {GRUB: DEFAULT + b'GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT="quiet max_loop=64"\n'}
    assert list_lines(placed(replaced).edits[0].after)[1] == (
        'GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT="${GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT:+'
        '$GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT pcie_aspm.policy=performance}"'
    )


def test_proxmox_has_its_one_line_or_its_grub() -> None:
    answer = placed(PROXMOX)
    (edit,) = answer.edits
    assert (edit.path, edit.before, edit.after) == (LINE, ROOT + b"\n", ROOT + b" pcie_aspm.policy=performance\n")
    assert answer.refresh == (("proxmox-boot-tool", "refresh"),)
    by_grub = placed(DEBIAN | {"/etc/kernel/proxmox-boot-uuids": b"D34B-A25D\n"})
    assert by_grub.edits[0].path == OWN
    assert by_grub.refresh == (("proxmox-boot-tool", "refresh"),)


def test_entries_of_kernel_install_are_made_anew() -> None:
    assert placed(ENTRIES).refresh == (("kernel-install", "add-all"),)
    assert "not made" in refused(ENTRIES | {ENTRY: b"\6\0\0\0" + "arch.conf\0".encode("utf-16-le")})
    assert "add-all" in refused(ENTRIES | {"/usr/bin/kernel-install": b"#!/bin/sh\n"})
    assert "there is no /etc/kernel/cmdline" in refused({path: data for path, data in ENTRIES.items() if path != LINE})


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"/etc/os-release": b"NAME=x\nID=haos\n"}, "/mnt/boot/cmdline.txt"),
        ({"/proc/cmdline": b"BOOT_IMAGE=x ostree=/ostree/boot.1/x\n"}, "rpm-ostree kargs --append=pcie_aspm.policy=performance"),
        ({"/boot/firmware/cmdline.txt": b"console=tty1\n"}, "to the one line of /boot/firmware/cmdline.txt"),
        ({INFO: b"\6\0\0\0" + "rEFInd 0.14\0".encode("utf-16-le")}, "'rEFInd 0.14'"),
        ({"/boot/extlinux/extlinux.conf": b""}, "files of extlinux"),
        ({"/proc/cmdline": b"root=/dev/vda ro\n"}, "nothing tells of GRUB"),
        (
            {"/boot/grub/grub.cfg": b"", GRUB: DEFAULT + b"GRUB_ENABLE_BLSCFG=true\n"},
            "grubby --update-kernel=ALL --args=pcie_aspm.policy=performance",
        ),
        ({GRUB: DEFAULT + b"GRUB_CMDLINE_LINUX='pcie-aspm.policy=default'\n"}, "line 4 has pcie-aspm.policy=default, which somebody chose"),
        ({GRUB: DEFAULT + b"GRUB_CMDLINE_LINUX='pcie_aspm.policy=performance'\n"}, "line 4 already"),
        ({GRUB: DEFAULT + b"GRUB_CMDLINE_LINUX='quiet -- single'\n"}, "for init"),
        ({"/proc/cmdline": DEBIAN["/proc/cmdline"] + b" pcie_aspm.policy=powersave"}, "none of GRUB's files says so"),
        ({"/etc/default/grub.d/zz.cfg": b'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'}, "zz.cfg line 1 sets GRUB_CMDLINE_LINUX_DEFAULT anew"),
        ({"/etc/default/grub.d/Z.cfg": b'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'}, "Z.cfg line 1 sets"),
        ({OWN: b""}, f"{OWN} is there already"),
    ],
)
def test_what_is_not_sure_is_refused_with_what_to_do(files: dict[str, bytes], why: str) -> None:
    assert why in refused(DEBIAN | files)


def test_files_that_only_add_do_not_matter() -> None:
    added = b'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=384M"\n'
    files = {
        "/etc/default/grub.d/zz.cfg": added,
        "/etc/default/grub.d/50-cloudimg-settings.cfg": b'GRUB_CMDLINE_LINUX_DEFAULT="console=tty1"\n',
    }
    assert placed(DEBIAN | files).edits[0].path == OWN


@pytest.mark.parametrize(
    ("text", "why"), [(b'GRUB_CMDLINE_LINUX_DEFAULT="quiet\n', "a quote in it has no end"), (b"GRUB_DEFAULT=0 \\\n", "goes on")]
)
def test_a_file_of_grub_that_cannot_be_added_to_is_left(text: bytes, why: str) -> None:
    assert why in refused(ARCH | {GRUB: text})


def test_a_grub_whose_menu_nobody_is_known_to_write_is_left() -> None:
    elsewhere = {path: data for path, data in ARCH.items() if path != "/boot/grub/grub.cfg"} | {"/boot/grub2/grub.cfg": b""}
    assert "which program writes GRUB's menu" in refused(elsewhere)
    assert "which program writes GRUB's menu" in refused(ARCH, tools=frozenset())
    assert "there is no /usr/sbin/grub-mkconfig" in refused(
        {path: data for path, data in ARCH.items() if path != "/usr/sbin/grub-mkconfig"}
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"# comment\n" + ROOT, "not one line of words"),
        (ROOT + b"\n" + ROOT, "not one line of words"),
        (b"", "not one line of words"),
        (ROOT + b' x="', "a quote in it has no end"),
        (ROOT + b" pcie_aspm.policy=default", "which somebody chose"),
        (ROOT + b" splash", "was not started with splash"),
        (b"root=\xff", "not one line of words"),
    ],
)
def test_a_line_that_cannot_be_added_to_is_left(line: bytes, why: str) -> None:
    assert why in refused(PROXMOX | {LINE: line})


def test_words_that_need_quotes_are_none_of_ours() -> None:
    for name, value in (("a b", "c"), ("a", "b c"), ("a", "$(x)"), ("--", ""), ("", "x")):
        assert "without quotes" in refused(DEBIAN, Wish(remedy=RemedyId.IOMMU, settings=(Setting(name=f"cmdline.{name}", value=value),)))
    assert "none of the settings" in refused(DEBIAN, MTU)
    assert BACK_END.list_files(place_on(DEBIAN), MTU) == ()


words = st.lists(
    st.sampled_from(
        ["root=ZFS=rpool/ROOT/pve-1", "quiet", "ro", "pci=nomsi", "console=ttyS0,115200", "a-b_c.d=e:f,g", "irqpoll", "irqpoll23"]
    ),
    min_size=1,
    max_size=5,
)


@given(
    words=words,
    gap=st.sampled_from([" ", "  ", "\t"]),
    end=st.sampled_from(["", "\n", " \n", "\r\n", "\n\n"]),
    more=st.sampled_from(["", " nosmt"]),
)
def test_our_words_go_from_a_line_that_somebody_has_added_to(words: list[str], gap: str, end: str, more: str) -> None:
    line = (gap.join(words) + end).encode()
    running = (" ".join(words) + "\n").encode()
    (edit,) = placed(PROXMOX | {LINE: line, "/proc/cmdline": running}, wish_words(pcie_aspm="off", irqpoll2="")).edits
    assert edit.before == line
    assert edit.after is not None
    assert edit.after.split() == [*line.split(), b"pcie_aspm=off", b"irqpoll2"]
    now = edit.after[: len(edit.after.rstrip())] + more.encode() + edit.after[len(edit.after.rstrip()) :]
    left = BACK_END.take_out(edit, now, 3)
    assert left == line[: len(line.rstrip())] + more.encode() + line[len(line.rstrip()) :]
    assert BACK_END.take_out(edit, left or b"", 3) == left


def test_a_word_of_ours_that_somebody_changed_is_left_and_named() -> None:
    (edit,) = placed(PROXMOX).edits
    for now, why in (
        (ROOT + b" pcie_aspm.policy=default\n", "pcie_aspm.policy=default stands there"),
        (ROOT + b" pcie_aspm.policy=performance pcie_aspm.policy=performance\n", "2 times"),
    ):
        answer = BACK_END.take_out(edit, now, 3)
        assert isinstance(answer, NoPlace)
        assert why in answer.reasons[0]


lines = st.lists(
    st.sampled_from(["GRUB_DEFAULT=0", "# comment", "", "\t", 'GRUB_CMDLINE_LINUX="a b"', "if true; then :; fi", "GRUB_X='it'", "x=1 \t"])
)


@given(lines=lines, end=st.sampled_from(["\n", "\r\n"]), last=st.booleans(), more=st.sampled_from([b"", b"GRUB_TIMEOUT=1\n"]))
def test_lines_at_the_end_of_grubs_file_go_again_to_the_byte(lines: list[str], end: str, *, last: bool, more: bytes) -> None:
    text = end.join(lines) + (end if last else "")
    data = text.encode()
    answer = answer_for(ARCH | {GRUB: data})
    if isinstance(answer, NoPlace):
        assert "is no /etc/default/grub" in answer.reasons[0]
        return
    (edit,) = answer.edits
    assert edit.after is not None
    assert b'_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT pcie_aspm.policy=performance"' in edit.after
    left = BACK_END.take_out(edit, edit.after + more, 3)
    assert isinstance(left, bytes)
    assert left.startswith(data)
    between = left.removeprefix(data).removesuffix(more)
    assert between in ((b"\n", b"\r\n") if more and data and not data.endswith(b"\n") else (b"",))


@given(data=st.binary(max_size=200), grub=st.binary(max_size=200))
def test_whatever_stands_in_a_file_there_is_an_answer(data: bytes, grub: bytes) -> None:
    for files in (
        PROXMOX | {LINE: data},
        DEBIAN | {GRUB: grub},
        ARCH | {GRUB: grub},
        DEBIAN | {"/proc/cmdline": data},
        PROXMOX | {INFO: data},
    ):
        answer = answer_for(files)
        if isinstance(answer, Placement):
            (edit,) = answer.edits
            assert BACK_END.take_out(edit, edit.after or b"", 3) == edit.before


def test_a_title_does_not_matter_to_the_shell() -> None:
    answer = placed(DEBIAN, dataclasses.replace(POLICY, title="x\n$(reboot)`reboot` \\"))
    assert len(list_lines(answer.edits[0].after)) == 1
    assert b"$(" not in (answer.edits[0].after or b"")


def test_the_file_of_ours_goes_and_what_was_added_stays() -> None:
    (edit,) = placed(DEBIAN).edits
    assert edit.after is not None
    assert BACK_END.take_out(edit, edit.after, 3) is None
    assert BACK_END.take_out(FileEdit(path=OWN, before=None, after=edit.after), edit.after + b"GRUB_TIMEOUT=1\n", 3) == b"GRUB_TIMEOUT=1\n"
