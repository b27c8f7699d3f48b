# SPDX-License-Identifier: GPL-2.0-or-later
"""What the real grub-mkconfig makes of our words, with the scripts 10_linux and 20_linux_xen of grub-common and the kernels of this machine.

/etc/default and the kernels' configurations are of the test's own, in a mount namespace; the menu is printed, and written nowhere.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import Placement, Wish
from nicmedic.model.plan import Identity, Setting
from nicmedic.persist.back_end import Place
from nicmedic.persist.back_ends.command_line import BACK_END
from nicmedic.persist.files import FoundFiles
from nicmedic.persist.values import Owner, Target

_MKCONFIG = Path("/usr/sbin/grub-mkconfig")
pytestmark = [pytest.mark.host, pytest.mark.skipif(shutil.which("grub-mkconfig") is None, reason="needs grub-mkconfig")]

_WISH = Wish(
    remedy=RemedyId.ASPM_OFF,
    title="aspm-off $(reboot)",
    settings=(Setting(name="cmdline.pcie_aspm.policy", value="performance"), Setting(name="cmdline.irqpoll", value="")),
)
_WORDS = "pcie_aspm.policy=performance irqpoll"
_ROOM = """
set -e
mount --make-rprivate /
mount --bind "$1/default" /etc/default
mount --bind "$1/boot" /boot
mount --bind "$1/grub.d" /etc/grub.d
exec grub-mkconfig
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A kernel that can be dom0, a hypervisor, and GRUB's own scripts for both."""
    for name in ("default/grub.d", "boot", "grub.d"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "boot" / "vmlinuz-6.1.0-56-amd64").write_bytes(b"MZ" + bytes(600))
    (tmp_path / "boot" / "initrd.img-6.1.0-56-amd64").write_bytes(b"x")
    (tmp_path / "boot" / "config-6.1.0-56-amd64").write_text("CONFIG_XEN_DOM0=y\n")
    (tmp_path / "boot" / "xen-4.17-amd64.gz").write_bytes(b"\x1f\x8b" + bytes(600))
    for name in ("10_linux", "20_linux_xen"):
        shutil.copy2(f"/etc/grub.d/{name}", tmp_path / "grub.d" / name)
    return tmp_path


def _keep(tree: Path, default: str, **others: str) -> Placement:
    """Place the words as on a Debian with these files, and write what is to be written."""
    (tree / "default" / "grub").write_text(default)
    texts = {f"/etc/default/grub.d/{name}.cfg": text for name, text in others.items()}
    for path, text in texts.items():
        (tree / path.removeprefix("/etc/")).write_text(text)
    place = Place(
        number=3,
        nic=Identity(interface="lan0"),
        target=Target(interface="lan0"),
        owner=Owner(interface="lan0", manager="none", why="test"),
        files=FoundFiles(texts=texts),
        tools=frozenset({"grub-mkconfig"}),
    )
    found = {path: text.encode() for path, text in texts.items()} | {
        "/proc/cmdline": b"BOOT_IMAGE=/boot/vmlinuz-6.1.0-56-amd64 ro quiet\n",
        "/boot/grub/grub.cfg": b"",
        "/usr/sbin/grub-mkconfig": _MKCONFIG.read_bytes(),
        "/etc/default/grub": default.encode(),
    }
    answer = BACK_END.place(place, _WISH, {path: found.get(path) for path in BACK_END.list_files(place, _WISH)})
    assert isinstance(answer, Placement), answer
    for edit in answer.edits:
        (tree / edit.path.removeprefix("/etc/")).write_bytes(edit.after or b"")
    return answer


def _list_entries(tree: Path) -> tuple[dict[str, str], list[str]]:
    """Title of each entry: the line that starts its kernel; and the lines that start the hypervisor."""
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", _ROOM, "sh", str(tree)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    entries, title, hypervisor = {}, "", []
    for line in done.stdout.splitlines():
        if found := re.search(r"menuentry '([^']*)'", line):
            title = found[1]
        if re.search(r"\t(linux|module2?)\t.*root=", line):
            entries[title] = line.strip()
        if "xen-4.17" in line and "placeholder" in line:
            hypervisor.append(line)
    return entries, hypervisor


def test_every_entry_but_those_for_recovery_has_the_words_and_the_hypervisor_has_none(tree: Path) -> None:
    answer = _keep(tree, 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="net.ifnames=0"\nGRUB_CMDLINE_XEN="dom0_mem=2G"\n')
    assert [edit.path for edit in answer.edits] == ["/etc/default/grub.d/nicmedic-3.cfg"]
    entries, hypervisor = _list_entries(tree)
    assert {title for title in entries if "Xen" in title}
    assert len(entries) >= 4
    for title, line in entries.items():
        assert line.endswith(f"net.ifnames=0 quiet {_WORDS}") is ("recovery" not in title), line
        assert (_WORDS in line) is ("recovery" not in title)
    assert hypervisor
    assert not any("irqpoll" in line for line in hypervisor)


def test_words_that_stand_for_the_usual_ones_under_xen_get_ours_too(tree: Path) -> None:
    _keep(tree, 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT="max_loop=64"\n')
    entries, _ = _list_entries(tree)
    told = {title: line for title, line in entries.items() if "recovery" not in title}
    assert all(line.endswith(f"{'max_loop=64' if 'Xen' in title else 'quiet'} {_WORDS}") for title, line in told.items())


def test_files_that_begin_anew_before_ours_and_add_behind_it_are_joined(tree: Path) -> None:
    added = 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=384M"\n'
    _keep(
        tree, 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n', **{"50-cloudimg-settings": 'GRUB_CMDLINE_LINUX_DEFAULT="console=tty1"\n', "zz": added}
    )
    entries, _ = _list_entries(tree)
    assert all(line.endswith(f"console=tty1 {_WORDS} crashkernel=384M") for title, line in entries.items() if "recovery" not in title)
