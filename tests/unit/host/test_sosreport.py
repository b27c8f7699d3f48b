# SPDX-License-Identifier: GPL-2.0-or-later
"""What ethtool and ip printed is read back into the words of the model; a sosreport packed or unpacked is a host."""

import shutil
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.host import ethtool_text
from nicmedic.host.ip_text import parse_links, parse_routes
from nicmedic.host.sosreport import find_sosreport, read_sosreport
from nicmedic.model.errors import NicmedicError, NotASnapshotError
from nicmedic.model.event import Duplex
from nicmedic.model.link import Feature, Pause, Ring
from nicmedic.model.nic import Bus
from nicmedic.model.ownership import Manager
from nicmedic.model.stack import NextHop, Upper

CASE = Path(__file__).parents[2] / "cases" / "sosreports" / "bridge" / "sosreport-nas7-2026"


def printed(command: str) -> str:
    """What a command of the case printed."""
    return (CASE / "sos_commands" / "networking" / command).read_text(encoding="utf-8")


ETHTOOL, DRIVER, FEATURES, RING = (printed(f"ethtool_{each}eth0") for each in ("", "-i_", "-k_", "-g_"))
IP, ROUTES = printed("ip_-d_address"), printed("ip_route_show_table_all")


class TestEthtool:
    def test_the_link_is_told_with_both_sides(self) -> None:
        link = ethtool_text.parse_link(ETHTOOL)
        assert link is not None
        assert (link.speed_mbps, link.duplex, link.autoneg, link.detected) == (100, Duplex.FULL, True, True)
        assert (link.port, link.phy_address, link.transceiver, link.mdix, link.message_level) == ("Twisted Pair", 0, "external", None, 0x33)
        assert link.supported is not None
        assert {"1000baseT/Full", "10baseT/Half", "Autoneg", "Pause"} <= set(link.supported)
        assert link.advertised == ("100baseT/Full", "Autoneg")
        assert link.lp_advertised == ("10baseT/Half", "10baseT/Full", "1000baseT/Full", "Autoneg", "Asym_Pause")

    def test_what_is_unknown_is_none(self) -> None:
        link = ethtool_text.parse_link("Settings for eth0:\n\tSpeed: Unknown!\n\tDuplex: Unknown! (255)\n\tLink detected: no\n")
        assert link is not None
        assert (link.speed_mbps, link.duplex, link.autoneg, link.detected, link.supported) == (None, None, None, False, None)

    def test_settings_are_told(self) -> None:
        assert ethtool_text.parse_driver(DRIVER) == {
            "driver": "r8169", "version": "6.1.0-56-amd64", "firmware-version": "rtl8168h-2_0.0.2 02/26/15", "bus-info": "0000:02:00.0",
        }  # fmt: skip
        features = ethtool_text.parse_features(FEATURES)
        assert features is not None
        assert features["tx-tcp-segmentation"] == Feature(on=False, fixed=False, requested=True)
        assert features["rx-checksum"] == Feature(on=True, fixed=False, requested=True)
        assert features["rx-lro"] == Feature(on=False, fixed=True, requested=False)
        assert "scatter-gather" not in features
        assert ethtool_text.parse_ring(RING) == Ring(
            rx=256, rx_max=4096, rx_mini=0, rx_mini_max=0, rx_jumbo=0, rx_jumbo_max=0, tx=128, tx_max=4096
        )
        pause = "Pause parameters for eth0:\nAutonegotiate:\ton\nRX:\t\toff\nTX:\t\ton\nRX negotiated: off\nTX negotiated: off\n"
        assert ethtool_text.parse_pause(pause) == Pause(autoneg=True, rx=False, tx=True)
        coalesce = "Coalesce parameters for eth0:\nAdaptive RX: on  TX: n/a\nstats-block-usecs: 0\nrx-usecs: 3\nrx-frames: n/a\n"
        assert ethtool_text.parse_coalesce(coalesce) == {"stats-block-usecs": 0, "rx-usecs": 3}
        assert ethtool_text.parse_statistics("NIC statistics:\n     a: 1\n     a: 2\n     q [0]: x: 18446744073709551615\n     bad: x\n") == {
            "a": 1, "a#2": 2, "q [0]: x": 18_446_744_073_709_551_615,
        }  # fmt: skip
        assert ethtool_text.parse_private_flags("Private flags for eth0:\nlegacy-rx : off\ns0ix-enabled: on\n") == {
            "legacy-rx": False,
            "s0ix-enabled": True,
        }
        wol = ethtool_text.parse_wake_on_lan(ETHTOOL)
        assert wol is not None
        assert (wol.supported, wol.enabled) == ("pumbg", "d")
        channels = ethtool_text.parse_channels(
            "Channel parameters for eth0:\nPre-set maximums:\nRX:\t\tn/a\nTX:\t\tn/a\nOther:\t\t1\nCombined:\t8\n"
            "Current hardware settings:\nRX:\t\tn/a\nTX:\t\tn/a\nOther:\t\t1\nCombined:\t4\n"
        )
        assert channels is not None
        assert (channels.combined, channels.combined_max, channels.other) == (4, 8, 1)

    @given(
        text=st.text(max_size=200)
        | st.sampled_from([ETHTOOL, DRIVER, FEATURES, RING]).flatmap(lambda text: st.integers(0, len(text)).map(lambda n: text[n:]))
    )
    def test_no_text_makes_a_parser_fail(self, text: str) -> None:
        for name in ethtool_text.__all__:
            getattr(ethtool_text, name)(text)
        parse_links(text)
        parse_routes(text)

    def test_an_error_message_tells_nothing(self) -> None:
        for name in ethtool_text.__all__:
            assert (
                getattr(ethtool_text, name)("netlink error: Operation not supported\nCannot get device settings: Operation not supported\n")
                is None
            )


class TestIp:
    def test_links_are_told_with_what_they_stand_on(self) -> None:
        lo, eth0, br0, vlan = parse_links(IP)
        assert (lo.kind, br0.kind, vlan.kind, eth0.kind) == ("loopback", "bridge", "vlan", None)
        assert (eth0.master, eth0.address, eth0.permanent_address, eth0.mtu_max, eth0.promiscuity) == (
            "br0", "52:54:00:12:34:56", "52:54:00:12:34:57", 9194, 1,
        )  # fmt: skip
        assert (eth0.altnames, eth0.operstate, vlan.lower, vlan.operstate) == (("enp2s0",), "up", "br0", "down")
        four, six = br0.addresses
        assert (four.address, four.prefix_length, four.label, four.flags, four.valid_lifetime_s) == (
            "192.0.2.10", 24, "br0", ("dynamic", "noprefixroute"), 86321,
        )  # fmt: skip
        assert (six.family, six.flags, six.valid_lifetime_s, six.preferred_lifetime_s, six.label) == (
            "inet6",
            ("tentative", "mngtmpaddr"),
            100,
            None,
            None,
        )

    def test_routes_are_told_with_table_protocol_and_next_hops(self) -> None:
        routes = parse_routes(ROUTES)
        assert [(route.family, route.destination, route.table, route.type, route.protocol) for route in routes] == [
            ("inet", "default", 254, "unicast", 16),
            ("inet", "default", 254, "unicast", 4),
            ("inet", "192.0.2.0/24", 254, "unicast", 2),
            ("inet", "192.0.2.10", 255, "local", 2),
            ("inet", "198.51.100.0/24", 77, "unreachable", 3),
            ("inet6", "2001:db8::/64", 254, "unicast", 9),
            ("inet6", "default", 254, "unicast", 9),
        ]
        assert routes[1].nexthops == (NextHop(interface="br0", gateway="192.0.2.2", weight=2), NextHop(interface="br0", weight=1))
        assert (routes[2].scope, routes[2].source, routes[2].flags) == ("link", "192.0.2.10", ("linkdown",))
        assert (routes[6].gateway, routes[6].preference, routes[6].scope) == ("fe80::1", "high", None)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A copy of the case: an unpacked sosreport of a host with a bridge."""
    return Path(shutil.copytree(CASE, tmp_path / "r" / CASE.name))


class TestSosreport:
    def test_a_host_is_told_as_far_as_it_says(self, report: Path) -> None:
        host = read_sosreport(str(report))
        assert (host.hostname, host.kernel_release, host.architecture, host.command_line) == (
            "nas7",
            "6.1.0-56-amd64",
            "x86_64",
            "quiet pcie_aspm=off",
        )
        (nic,) = host.nics
        assert (nic.interface, nic.driver, nic.bus, nic.bus_address, nic.carrier) == ("eth0", "r8169", Bus.PCI, "0000:02:00.0", True)
        assert nic.uppers == (Upper(interface="br0", kind="bridge", below="eth0"), Upper(interface="br0.7", kind="vlan", below="br0"))
        assert nic.carries_default_route
        assert nic.statistics == {"tx_errors": 7}
        assert nic.manager is not None
        assert nic.manager.manager is Manager.IFUPDOWN
        assert nic.tx_queues is None
        assert [link.interface for link in host.links] == ["lo", "br0", "br0.7"]
        assert host.routes is not None
        assert len(host.routes) == 7

    def test_packed_it_tells_the_same(self, report: Path, tmp_path: Path) -> None:
        with tarfile.open(tmp_path / "s.tar.xz", "w:xz") as archive:
            archive.add(report, arcname=report.name)
        packed, unpacked = read_sosreport(str(tmp_path / "s.tar.xz")), read_sosreport(str(report.parent))
        assert packed.nics == unpacked.nics
        assert packed.links == unpacked.links

    def test_links_and_names_that_lead_out_are_not_followed(self, report: Path, tmp_path: Path) -> None:
        (tmp_path / "outside").write_text("driver: evil\nbus-info: 0000:00:00.0\n")
        (report / "sos_commands/networking/ethtool_-i_eth1").symlink_to(tmp_path / "outside")
        with tarfile.open(tmp_path / "s.tar", "w") as archive:
            archive.add(report, arcname="../../../tmp/x")
            archive.add(report, arcname=report.name)
        assert [nic.interface for nic in read_sosreport(str(tmp_path / "s.tar")).nics] == ["eth0"]
        assert [nic.interface for nic in read_sosreport(str(report)).nics] == ["eth0"]

    def test_what_is_no_sosreport_is_an_error_in_words(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("x")
        with tarfile.open(tmp_path / "t.tar", "w") as archive:
            archive.add(tmp_path / "x", arcname="x")
        for path in (tmp_path, tmp_path / "t.tar", tmp_path / "x"):
            with pytest.raises(NotASnapshotError):
                read_sosreport(str(path))
        with pytest.raises(NicmedicError):
            read_sosreport(str(tmp_path / "no"))
        assert find_sosreport(str(tmp_path / "no")) is None
