# SPDX-License-Identifier: GPL-2.0-or-later
"""From the cards of a host and its files to who owns them."""

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
