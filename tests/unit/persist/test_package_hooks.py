# SPDX-License-Identifier: GPL-2.0-or-later
"""What package managers are told to call, and what they hand over. That apt itself takes it, ``tests/host/test_package_hooks.py`` shows."""

import pytest

from nicmedic.persist.package_hooks import find_kernel_packages, render_apt_hook, render_dnf_hook

HEAD = "VERSION 2\nAPT::Architecture=amd64\nDir::State=var/lib/apt\n\n"


@pytest.mark.parametrize(
    ("line", "is_kernel"),
    [
        ("linux-image-6.1.0-56-amd64 6.1.148-1 < 6.1.153-1 /var/cache/apt/archives/x.deb", True),
        ("linux-image-6.1.0-55-amd64 6.1.140-1 > - **REMOVE**", True),
        ("linux-image-unsigned-6.8.0-50-generic - < 6.8.0-50.51 /a b/with a space.deb", True),
        ("linux-modules-extra-6.8.0-50-generic - < 6.8.0-50.51 /x.deb", True),
        ("proxmox-kernel-6.8.12-4-pve-signed - < 6.8.12-4 /x.deb", True),
        ("pve-kernel-5.15.108-1-pve - < 5.15.108-1 /x.deb", True),
        ("linux-image-6.1.0-56-amd64 6.1.148-1 < 6.1.153-1 **CONFIGURE**", False),
        ("linux-image-amd64 6.1.148-1 < 6.1.153-1 /x.deb", False),
        ("linux-headers-6.1.0-56-amd64 - < 6.1.153-1 /x.deb", False),
        ("vim 1 < 2 /linux-image-6.1.0-56-amd64.deb", False),
        ("linux-image-6.1.0-56-amd64", False),
        ("", False),
    ],
)
def test_a_kernel_is_known_by_its_name_and_by_what_is_done(line: str, is_kernel: bool) -> None:
    assert find_kernel_packages(f"{HEAD}{line}\n") == ((line.split(" ", 1)[0],) if is_kernel else ())


def test_a_line_of_the_configuration_is_no_package() -> None:
    assert find_kernel_packages("VERSION 2\nlinux-image-6.1 - < 1 /x.deb\n\n") == ()
    assert find_kernel_packages("") == ()


def test_words_that_a_file_cannot_hold_are_refused() -> None:
    assert render_apt_hook(['/opt/a"b/nicmedic'], None) is None
    assert render_apt_hook(["/opt/a\nb/nicmedic"], None) is None
    assert render_dnf_hook(["/opt/a b/nicmedic"], None) is None
    quoted = render_apt_hook(["/opt/a b/nicmedic"], "/srv/state")
    assert quoted is not None
    assert (
        "test -x '/opt/a b/nicmedic' && timeout -k 60 900 env NICMEDIC_STATE=/srv/state '/opt/a b/nicmedic' trial prepare --hook apt ||"
        in quoted
    )


def test_dnf_gets_a_line_of_five_items_a_kernel() -> None:
    text = render_dnf_hook(["/usr/bin/nicmedic"], None)
    assert text is not None
    actions = [line.split(":") for line in text.splitlines() if not line.startswith("#")]
    assert [action[:4] for action in actions] == [
        ["pre_transaction", "kernel-core", "in", ""],
        ["pre_transaction", "kernel-default", "in", ""],
    ]
    assert {action[4] for action in actions} == {"/usr/bin/timeout -k 60 900 /usr/bin/env /usr/bin/nicmedic trial prepare --hook dnf"}
