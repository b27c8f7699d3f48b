# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes into a disk image, as far as it can be told without building one."""

import configparser
import os
import re
from pathlib import Path

import pytest

from lab.disk import INTERFACE, MANAGERS, Recipe, recipe
from lab.disk.managers import Manager, find_manager
from lab.disk.managers.manager import ADDRESS, ADDRESS6, GATEWAY
from lab.errors import LabError

each_manager = pytest.mark.parametrize("manager", MANAGERS, ids=lambda manager: manager.name)


@pytest.fixture
def known_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernel packages as an apt would offer them: their versions are not the matter here."""
    monkeypatch.setattr(recipe, "kernel_package", lambda release: f"linux-image-{release}=6.1.192-2")


@each_manager
def test_manager_gives_the_interface_both_addresses_and_the_gateway(manager: Manager) -> None:
    text = "".join(file.text for file in manager.files_for(INTERFACE))
    assert all(word in text for word in (ADDRESS, ADDRESS6, GATEWAY))


@each_manager
def test_no_placeholder_is_left_in_files_or_commands(manager: Manager) -> None:
    files = manager.files_for("enp0s9")
    words = [*(file.path + file.text for file in files), *manager.state_of("enp0s9")]
    assert not [word for word in words if re.search(r"\bINTERFACE\b", word)]
    assert any("enp0s9" in word for word in words)


def test_keyfile_of_networkmanager_is_for_root_only_as_networkmanager_demands() -> None:
    [file] = find_manager("networkmanager").files
    assert file.mode == 0o600
    keyfile = configparser.ConfigParser()
    keyfile.read_string(file.text)
    assert keyfile["connection"]["interface-name"] == "INTERFACE"


def test_manager_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(LabError, match="'wicked'; there are ifupdown, ifupdown2, networkd"):
        find_manager("wicked")


@pytest.mark.usefixtures("known_kernels")
def test_key_differs_with_everything_that_is_asked_for() -> None:
    recipes = (
        Recipe(manager="ifupdown"),
        Recipe(manager="networkd"),
        Recipe(manager="ifupdown", kernels=("6.1.0-50", "6.1.0-56")),
        Recipe(manager="ifupdown", kernels=("6.1.0-56", "6.1.0-50")),
        Recipe(manager="ifupdown", packages=("tcpdump",)),
        Recipe(manager="ifupdown", interface="enp0s9"),
    )
    assert len({each.key() for each in recipes}) == len(recipes)
    assert len({each.slot() for each in recipes}) == len(recipes)


def test_newer_package_of_the_same_kernel_changes_the_key_and_not_the_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Recipe(manager="ifupdown")
    keys = set()
    for version in ("6.1.192-1", "6.1.192-2"):
        monkeypatch.setattr(recipe, "kernel_package", lambda release, version=version: f"linux-image-{release}={version}")
        keys.add((asked.slot(), asked.key()))
    assert len(keys) == 2
    assert len({slot for slot, _ in keys}) == 1


def test_kernel_that_apt_does_not_offer_is_refused() -> None:
    with pytest.raises(LabError, match=r"no kernel package linux-image-1\.0\.0-1-amd64"):
        recipe.kernel_package("1.0.0-1")


def test_files_of_the_guest_are_found_with_their_paths() -> None:
    files = recipe.find_files()
    assert files["/etc/fstab"].read_text(encoding="ascii").startswith("LABEL=root / ext4 ")
    assert os.access(files["/etc/initramfs-tools/hooks/zz-lab"], os.X_OK)
    assert all(isinstance(path, Path) for path in files.values())
