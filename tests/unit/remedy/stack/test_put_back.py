# SPDX-License-Identifier: GPL-2.0-or-later
"""The steps that put a card itself back, as commands; that they work is shown in ``tests/host`` and ``tests/lab``."""

import dataclasses

from nicmedic.model.event import Duplex
from nicmedic.model.host import Host
from nicmedic.model.link import Channels, Eee, Feature, Link, Pause, Ring, WakeOnLan
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.pcie import Pcie, PciFunction, PowerManagement
from nicmedic.model.queue import Bql, Interrupt, RxQueue, Spread, TxQueue
from nicmedic.model.stack import (
    BridgeVlan,
    Port,
)
from nicmedic.remedy.stack.put_back import build_put_back
from tests.unit.remedy.stack.cards import EMPTY, FIX, FLAGS, card, find_step, lines

FULL_100 = "100baseT/Full"
LINKED = "grep -q 1 /sys/class/net/eth0/carrier"


def test_a_card_of_which_nothing_is_known_gets_its_name_back_and_no_more() -> None:
    assert lines(Nic(interface="eth0"), Host()) == []


def test_settings_of_the_driver_are_set_while_it_is_down_and_only_on_a_new_interface() -> None:
    nic = card(
        flags=FLAGS,
        carrier=True,
        channels=Channels(rx=0, rx_max=0, tx=0, tx_max=0, other=1, other_max=1, combined=2, combined_max=8),
        private_flags={"legacy-rx": True, "other": False},
        ring=Ring(rx=256, rx_max=4096, rx_mini=0, rx_mini_max=0, rx_jumbo=0, rx_jumbo_max=0, tx=512, tx_max=4096),
        features={
            "tx-tcp-segmentation": Feature(on=False, fixed=False, requested=True),
            "rx-gro": Feature(on=False, fixed=False, requested=False),
            "highdma": Feature(on=True, fixed=True, requested=True),
        },
        coalesce={"rx-usecs": 3, "tx-usecs": 0, "adaptive-rx": 1, "adaptive-tx": 0, "rx-frames": 0},
        spread=Spread(rings=4, table=(0, 1, 0, 1)),
    )
    told = lines(nic)
    assert told == [
        "ethtool -L eth0 combined 2",
        "ethtool --set-priv-flags eth0 legacy-rx on other off",
        "ethtool -G eth0 rx 256 tx 512",
        "ethtool -K eth0 tx-tcp-segmentation on rx-gro off",
        "ethtool -C eth0 rx-usecs 3",
        "ethtool -C eth0 tx-usecs 0 || true",
        "ethtool -C eth0 adaptive-rx on",
        "ethtool -C eth0 adaptive-tx off || true",
        "ethtool -X eth0 equal 2",
        "ip link set dev eth0 up",
        f"n=0; until {LINKED} || [ $n -ge 10 ]; do sleep 1; n=$((n + 1)); done; {LINKED}",
    ]
    ring = find_step(build_put_back(EMPTY, nic), "-G")
    assert ring.unless is not None
    assert (ring.needed, ring.unless.argv, ring.unless.text) == (False, ("cat", "/sys/class/net/\0/ifindex"), "2")
    coalesce = find_step(build_put_back(EMPTY, nic), "adaptive-tx")
    assert coalesce.unless is not None
    assert coalesce.unless.text == "TX: off"
    assert nic.ring is not None
    assert nic.channels is not None
    fixed = dataclasses.replace(
        nic,
        ring=dataclasses.replace(nic.ring, rx_max=256, tx_max=512),
        channels=dataclasses.replace(nic.channels, combined_max=2),
    )
    assert lines(fixed)[:3:2] == ["ethtool -L eth0 combined 2 || true", "ethtool -G eth0 rx 256 tx 512 || true"]
    assert find_step(build_put_back(EMPTY, dataclasses.replace(nic, ifindex=None)), "-G").unless is None


def test_a_card_without_queues_rings_or_settings_is_asked_for_none() -> None:
    nothing = {"rx_mini": 0, "rx_mini_max": 0, "rx_jumbo": 0, "rx_jumbo_max": 0}
    nic = card(
        channels=Channels(rx=0, rx_max=0, tx=0, tx_max=0, other=1, other_max=1, combined=0, combined_max=0),
        private_flags={},
        ring=Ring(rx=0, rx_max=0, tx=0, tx_max=0, **nothing),
        features={"highdma": Feature(on=True, fixed=True, requested=True)},
        coalesce={"rx-frames": 0},
        spread=Spread(rings=2, table=(0, 1)),
        tx_queues=(TxQueue(index=0),),
        rx_queues=(RxQueue(index=0),),
        power=PowerManagement(),
        pcie=Pcie(device=PciFunction(address="0000:02:00.0")),
        link=Link(),
    )
    assert lines(nic) == []


def test_interrupts_that_were_not_delayed_at_all_are_not_delayed_again() -> None:
    nic = card(coalesce={"rx-usecs": 0, "tx-usecs": 0, "rx-frames": 0})
    assert lines(nic) == ["ethtool -C eth0 rx-usecs 0 || true", "ethtool -C eth0 tx-usecs 0 || true"]
    step = find_step(build_put_back(EMPTY, nic), "rx-usecs")
    assert step.unless is not None
    assert step.unless.text == "rx-usecs: 0"


def test_the_interface_gets_its_address_while_it_is_down_its_size_and_its_names() -> None:
    nic = card(address="02:00:00:00:00:01", mtu=1400, txqueuelen=777, group=7, alias="the  uplink", altnames=("a-long-name",))
    assert lines(nic) == [
        "ip link set dev eth0 down",
        "ip link set dev eth0 address 02:00:00:00:00:01",
        "ip link set dev eth0 mtu 1400",
        "ip link set dev eth0 txqueuelen 777",
        "ip link set dev eth0 group 7",
        "ip link set dev eth0 alias 'the  uplink'",
        "ip link property add dev eth0 altname a-long-name",
    ]
    alias = find_step(build_put_back(EMPTY, nic), "alias")
    assert alias.unless is not None
    assert alias.unless.text == "the uplink"


def test_a_port_of_a_bond_is_given_address_and_size_by_its_bond_and_joins_it_while_down() -> None:
    port = Port(master="bond0", kind="bond", settings={"bond_slave_queue_id": 2})
    assert lines(card(address="02:00:00:00:00:01", mtu=1400, port=port, flags=FLAGS)) == [
        "ip link set dev eth0 down",
        "ip link set dev eth0 master bond0",
        "ip link set dev eth0 up",
        "ip link set dev eth0 type bond_slave queue_id 2",
    ]


def test_a_port_of_a_bridge_has_its_settings_and_vlans() -> None:
    settings: dict[str, str | int] = {"brport_priority": 32, "brport_cost": 7, "brport_mode": 1, "brport_learning": 0, "brport_guard": 0}
    vlans = (*(BridgeVlan(vid=vid, untagged=vid == 9) for vid in (2, 3, 4, 9, 11)), BridgeVlan(vid=12, pvid=True, untagged=True))
    port = Port(master="br0", kind="bridge", settings=settings, vlans=vlans)
    assert lines(card(port=port)) == [
        "ip link set dev eth0 master br0",
        "ip link set dev eth0 type bridge_slave cost 7",
        "ip link set dev eth0 type bridge_slave hairpin on",
        "ip link set dev eth0 type bridge_slave learning off",
        "bridge vlan add dev eth0 vid 2-4",
        "bridge vlan add dev eth0 vid 9 untagged",
        "bridge vlan add dev eth0 vid 11",
        "bridge vlan add dev eth0 vid 12 pvid untagged",
        "bridge vlan delete dev eth0 vid 1 || true",
    ]
    first = Port(master="br0", kind="bridge", vlans=(BridgeVlan(vid=1, pvid=True, untagged=True),))
    assert lines(card(port=first))[1:] == ["bridge vlan add dev eth0 vid 1 pvid untagged"]
    assert lines(card(port=dataclasses.replace(first, vlans=()))) == [
        "ip link set dev eth0 master br0",
        "bridge vlan delete dev eth0 vid 1 || true",
    ]
    assert lines(card(port=Port(master="ovs-system", kind="openvswitch"))) == []


def test_flags_that_somebody_set() -> None:
    assert lines(card(flags=("PROMISC", "ALLMULTI", "NOARP"))) == [
        "ip link set dev eth0 promisc on",
        "ip link set dev eth0 allmulticast on",
        "ip link set dev eth0 arp off",
        "ip link set dev eth0 multicast off",
        "ip link set dev eth0 down",
    ]


def test_what_the_link_does_is_set_after_it_is_up() -> None:
    nic = card(
        flags=FLAGS,
        pause=Pause(autoneg=False, rx=True, tx=False),
        link=Link(autoneg=True, advertised=("100baseT/Full", "Autoneg"), supported=("100baseT/Full",), mdix_setting="auto", message_level=7),
        eee=Eee(enabled=True, active=True, tx_lpi=True, tx_lpi_timer_us=17, supported=(FULL_100,), advertised=(FULL_100,), lp_advertised=()),
        wol=WakeOnLan(supported="pg", enabled="g"),
    )  # fmt: skip
    assert lines(nic) == [
        "ip link set dev eth0 up",
        "ethtool -A eth0 autoneg off rx on tx off",
        "ethtool -s eth0 autoneg on advertise 0x048",
        "ethtool -s eth0 mdix auto",
        "ethtool --set-eee eth0 eee on tx-lpi on tx-timer 17 advertise 0x008",
        "ethtool -s eth0 wol g",
        "ethtool -s eth0 msglvl 7",
    ]
    assert nic.eee is not None
    off = dataclasses.replace(nic.eee, enabled=False)
    forced = Link(autoneg=False, speed_mbps=100, duplex=Duplex.FULL, supported=("100baseT/Full",))
    assert lines(card(link=forced, eee=off, pause=Pause(autoneg=True, rx=True, tx=True), wol=WakeOnLan(supported="d", enabled="d"))) == [
        "ethtool -s eth0 speed 100 duplex full autoneg off",
        "ethtool --set-eee eth0 eee off",
    ]


def test_files_of_queues_device_and_settings() -> None:
    bql = Bql(limit_max=1000, limit_min=0, hold_time_ms=1000)
    nic = card(
        sysctls={"ipv4.conf.rp_filter": "2", "ipv4.neigh.ucast_solicit": "5"},
        sysfs_path="/sys/devices/pci0000:00/0000:02:00.0",
        power=PowerManagement(control="on", wakeup="disabled", d3cold_allowed=True),
        pcie=Pcie(device=PciFunction(address="0000:02:00.0"), link_files={"l1_aspm": False}),
        gro_flush_timeout_ns=20000,
        napi_defer_hard_irqs=0,
        threaded_napi=True,
        tx_queues=(TxQueue(index=0, bql=bql, xps_cpus="3"),),
        rx_queues=(RxQueue(index=0, rps_cpus="1", rps_flow_cnt=32),),
    )
    assert lines(nic) == [
        "echo 2 > /proc/sys/net/ipv4/conf/eth0/rp_filter",
        "echo 5 > /proc/sys/net/ipv4/neigh/eth0/ucast_solicit",
        "echo on > /sys/devices/pci0000:00/0000:02:00.0/power/control",
        "echo disabled > /sys/devices/pci0000:00/0000:02:00.0/power/wakeup",
        "echo 1 > /sys/devices/pci0000:00/0000:02:00.0/d3cold_allowed",
        "echo 0 > /sys/devices/pci0000:00/0000:02:00.0/link/l1_aspm",
        "echo 20000 > /sys/class/net/eth0/gro_flush_timeout",
        "echo 0 > /sys/class/net/eth0/napi_defer_hard_irqs",
        "echo 1 > /sys/class/net/eth0/threaded",
        "echo 3 > /sys/class/net/eth0/queues/tx-0/xps_cpus",
        "echo 1000 > /sys/class/net/eth0/queues/tx-0/byte_queue_limits/limit_max",
        "echo 0 > /sys/class/net/eth0/queues/tx-0/byte_queue_limits/limit_min",
        "echo 1000 > /sys/class/net/eth0/queues/tx-0/byte_queue_limits/hold_time",
        "echo 1 > /sys/class/net/eth0/queues/rx-0/rps_cpus",
        "echo 32 > /sys/class/net/eth0/queues/rx-0/rps_flow_cnt",
    ]
    virtio = dataclasses.replace(
        FIX, bus=Bus.VIRTIO, sysfs_path="/sys/devices/p/0000:00:03.0/virtio0", pcie=nic.pcie, power=PowerManagement(control="on")
    )
    assert lines(virtio)[0] == "echo on > /sys/devices/p/0000:00:03.0/power/control"
    bare = dataclasses.replace(FIX, sysfs_path="/sys/devices/platform/x", power=None)
    assert lines(bare) == []


def test_an_interrupt_goes_where_it_went_if_its_number_is_still_this_cards() -> None:
    nic = card(
        interrupts=(
            Interrupt(number=24, name="eth0-tx-0", affinity="1"),
            Interrupt(number=25, name="a, b", affinity="1"),
            Interrupt(number=26, name="eth0^rx", affinity="0-3"),
            Interrupt(number=27, affinity="1"),
            Interrupt(number=28, name="x^", affinity="2"),
        )
    )
    host = dataclasses.replace(EMPTY, cpus_online=4)
    assert lines(nic, host) == ["echo 1 > /proc/irq/24/smp_affinity_list", "echo 2 > /proc/irq/28/smp_affinity_list"]
    step = find_step(build_put_back(host, nic), "irq/24")
    assert step.unless is not None
    assert step.unless.argv == ("grep", "-L", "^ *24:.* eth0[-]tx[-]0$", "/proc/interrupts")
    assert lines(card(interrupts=(Interrupt(number=24, name="x", affinity="0"),)), dataclasses.replace(EMPTY, cpus_online=1)) == []
