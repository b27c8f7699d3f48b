# SPDX-License-Identifier: GPL-2.0-or-later
"""From the cards of a host and its files to who owns them."""

import time
from pathlib import Path

from nicmedic.host.owners import with_owners
from nicmedic.model.host import Host
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.ownership import Manager, OwningFile


def test_each_card_is_given_its_owner(tmp_path: Path) -> None:
    (tmp_path / "etc/systemd/network").mkdir(parents=True)
    (tmp_path / "etc/systemd/network/1.network").write_text("[Match]\nPath=pci-0000:02:00.0\n")
    cards = (Nic(interface="eth0", bus=Bus.PCI, bus_address="0000:02:00.0"), Nic(interface="eth1", bus=Bus.PCI, bus_address="0000:03:00.0"))
    first, second = with_owners(Host(nics=cards), str(tmp_path)).nics
    assert first.manager is not None
    assert first.manager.manager is Manager.NETWORKD
    assert first.manager.files == (OwningFile(path="/etc/systemd/network/1.network", line=2),)
    assert second.manager is not None
    assert second.manager.manager is Manager.NONE


def test_a_card_whose_place_is_not_known_may_be_anybodys(tmp_path: Path) -> None:
    (tmp_path / "etc/systemd/network").mkdir(parents=True)
    (tmp_path / "etc/systemd/network/1.network").write_text("[Match]\nPath=pci-0000:02:00.0\n")
    (card,) = with_owners(Host(nics=(Nic(interface="eth0"),)), str(tmp_path)).nics
    assert card.manager is not None
    assert card.manager.manager is Manager.UNKNOWN
    assert "ask again as root" in card.manager.reason or "networkctl status eth0" in card.manager.reason


def test_a_host_without_cards_stays_as_it_is(tmp_path: Path) -> None:
    assert with_owners(Host(), str(tmp_path)) == Host()


def test_two_hundred_cards_with_a_file_each_are_read_once(tmp_path: Path) -> None:
    """Each file parsed anew for each card took a minute."""
    folder = tmp_path / "etc/systemd/network"
    folder.mkdir(parents=True)
    for number in range(200):
        (folder / f"{number:03}.network").write_text(f"[Match]\nName=e{number}\n")
    (tmp_path / "etc/network").mkdir()
    (tmp_path / "etc/network/interfaces").write_text("".join(f"iface x{number} inet dhcp\n" for number in range(200)))
    begin = time.process_time()
    host = with_owners(Host(nics=tuple(Nic(interface=f"e{number}") for number in range(200))), str(tmp_path))
    assert time.process_time() - begin < 10
    assert [nic.manager.files[0].path for nic in host.nics if nic.manager] == [
        f"/etc/systemd/network/{number:03}.network" for number in range(200)
    ]
