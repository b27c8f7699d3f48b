# SPDX-License-Identifier: GPL-2.0-or-later
"""A card in memory that takes the commands of a plan as the kernel and a driver on phylib would, as far as plans use them."""

import dataclasses
from collections.abc import Iterable, Sequence

from nicmedic.model.event import Duplex
from nicmedic.model.host import Aspm, Host
from nicmedic.model.link import Eee, Feature, Link, Pause, Ring
from nicmedic.model.link_modes import link_mode_names
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.pcie import Pcie, PciFunction, PowerManagement
from nicmedic.model.queue import Interrupt
from nicmedic.model.stack import Upper, VirtualLink
from nicmedic.model.step import INTERFACE, Run, Step, Write
from nicmedic.remedy.changes.offload import find_falling, match_features

__all__ = ["ADDRESS", "apply_steps", "make_host", "make_nic"]

ADDRESS = "0000:02:00.0"
MODES = ("10baseT/Half", "10baseT/Full", "100baseT/Half", "100baseT/Full", "1000baseT/Full")
FEATURES = (
    "tx-scatter-gather", "tx-checksum-ipv4", "tx-checksum-ipv6", "tx-tcp-segmentation", "tx-tcp-mangleid-segmentation",
    "tx-tcp6-segmentation", "tx-generic-segmentation", "rx-gro", "rx-checksum", "rx-gro-hw", "tx-vlan-hw-insert", "rx-vlan-hw-parse",
)  # fmt: skip


def make_nic(**changes: object) -> Nic:
    """A gigabit card on which everything can be set and everything is on, but for what is named otherwise."""
    known: dict[str, object] = {
        "interface": "eth0",
        "driver": "r8169",
        "bus": Bus.PCI,
        "bus_address": ADDRESS,
        "sysfs_path": f"/sys/devices/pci0000:00/{ADDRESS}",
        "permanent_address": "02:00:00:00:00:01",
        "flags": ("UP", "LOWER_UP"),
        "carrier": True,
        "mtu": 9000,
        "mtu_min": 68,
        "mtu_max": 9194,
        "link": Link(
            speed_mbps=1000,
            duplex=Duplex.FULL,
            autoneg=True,
            supported=(*MODES, "Autoneg", "TP", "Pause", "Asym_Pause"),
            advertised=(*MODES, "Autoneg", "TP", "Pause", "Asym_Pause"),
            lp_advertised=(*MODES, "Autoneg"),
        ),
        "features": {
            **{name: Feature(on=True, fixed=False, requested=True) for name in FEATURES},
            "rx-lro": Feature(on=False, fixed=True, requested=False),
            "highdma": Feature(on=True, fixed=True, requested=False),
        },
        "eee": Eee(
            enabled=True,
            active=True,
            tx_lpi=True,
            tx_lpi_timer_us=17,
            supported=("100baseT/Full", "1000baseT/Full"),
            advertised=("1000baseT/Full",),
            lp_advertised=(),
        ),
        "ring": Ring(rx=256, rx_max=1024, rx_mini=0, rx_mini_max=0, rx_jumbo=0, rx_jumbo_max=0, tx=256, tx_max=1024),
        "coalesce": {"rx-usecs": 3, "tx-usecs": 7, "adaptive-rx": 1, "adaptive-tx": 1},
        "pause": Pause(autoneg=True, rx=True, tx=True),
        "power": PowerManagement(control="auto"),
        "interrupts": (
            Interrupt(number=30, per_cpu=(1, 2), name="eth0", affinity="0-1"),
            Interrupt(number=31, per_cpu=(0, 0), name="eth0-tx,ehci", affinity="1"),
            Interrupt(number=32, affinity="0-1"),
        ),
        "pcie": Pcie(
            device=PciFunction(address=ADDRESS, aspm_supported=("L0s", "L1"), aspm_enabled=("L1",), command=6, speed_gts=2.5),
            upstream=PciFunction(address="0000:00:1c.0"),
            link_files={"l0s_aspm": False, "l1_aspm": True, "l1_1_aspm": True, "l1_2_pcipm": True, "clkpm": True},
        ),
        "uppers": (
            Upper(interface="eth0.5", kind="vlan", below="eth0"),
            Upper(interface="br0", kind="bridge", below="eth0"),
            Upper(interface="br0.7", kind="vlan", below="br0"),
        ),
        "notes": (),
    }
    return Nic(**{**known, **changes})  # type: ignore[arg-type]  # names are those of the fields


def make_host(nic: Nic | None = None, **changes: object) -> Host:
    """A Debian host with that card, a VLAN and a bridge above it."""
    links = (
        VirtualLink(interface="eth0.5", kind="vlan", mtu=8996, lower=("eth0",)),
        VirtualLink(interface="br0", kind="bridge", mtu=9000, lower=("eth0",)),
        VirtualLink(interface="br0.7", kind="vlan", mtu=9000, lower=("br0",)),
    )
    known: dict[str, object] = {
        "hostname": "srv4",
        "kernel_release": "6.1.0-18-amd64",
        "kernel_package": "6.1.76-1",
        "distro_id": "debian",
        "distro_version": "12",
        "aspm": Aspm(owner="os"),
        "nics": (make_nic() if nic is None else nic,),
        "links": links,
    }
    return Host(**{**known, **changes})  # type: ignore[arg-type]  # as above


def _pairs(words: Sequence[str]) -> dict[str, str]:
    return dict(zip(words[::2], words[1::2], strict=True))


def _modes(mask: str) -> tuple[str, ...]:
    number = int(mask, 16)
    return link_mode_names([number >> shift & 0xFFFFFFFF for shift in range(0, 128, 32)])


def _set_link(nic: Nic, words: Sequence[str]) -> Nic:
    link, wanted = nic.link, _pairs(words)
    assert link is not None
    if wanted["autoneg"] == "off":
        forced = dataclasses.replace(link, autoneg=False, speed_mbps=int(wanted["speed"]), duplex=Duplex(wanted["duplex"]))
        return dataclasses.replace(nic, link=forced)
    modes = _modes(wanted["advertise"])
    # phylib sets Autoneg itself, and a driver may keep what is no speed of its own (TP)
    kept = [mode for mode in link.supported or () if mode in {"Autoneg", "TP"} or mode in modes]
    fastest = 1000 if "1000baseT/Full" in modes else 100 if "100baseT/Full" in modes else 10
    link = dataclasses.replace(link, autoneg=True, advertised=tuple(kept), speed_mbps=fastest, duplex=Duplex.FULL)
    pause = nic.pause
    if pause is not None and pause.autoneg:
        pause = dataclasses.replace(pause, rx="Pause" in kept, tx="Pause" in kept)
    return dataclasses.replace(nic, link=link, pause=pause)


def _set_pause(nic: Nic, words: Sequence[str]) -> Nic:
    """``linkmode_set_pause()``: Pause is rx, Asym_Pause is rx XOR tx."""
    wanted, link = _pairs(words), nic.link
    autoneg, rx, tx = (wanted[name] == "on" for name in ("autoneg", "rx", "tx"))
    assert link is not None
    offered = {*(("Pause",) if rx else ()), *(("Asym_Pause",) if rx != tx else ())}
    kept = tuple(mode for mode in link.supported or () if mode in offered or (mode in (link.advertised or ()) and "Pause" not in mode))
    return dataclasses.replace(nic, pause=Pause(autoneg=autoneg, rx=rx, tx=tx), link=dataclasses.replace(link, advertised=kept))


def _set_features(nic: Nic, words: Sequence[str]) -> Nic:
    features = dict(nic.features or {})
    for word, value in _pairs(words).items():
        for name in match_features(word, features):
            if not features[name].fixed:
                features[name] = dataclasses.replace(features[name], requested=value == "on")
    wanted = [name for name, feature in features.items() if (feature.on if feature.fixed else feature.requested)]
    fallen = find_falling(wanted, [name for name in features if name not in wanted])
    return dataclasses.replace(
        nic, features={name: dataclasses.replace(feature, on=name in wanted and name not in fallen) for name, feature in features.items()}
    )


def _set_eee(nic: Nic, words: Sequence[str]) -> Nic:
    eee, wanted = nic.eee, _pairs(words)
    assert eee is not None
    on = wanted["eee"] == "on"
    advertised = _modes(wanted["advertise"]) if "advertise" in wanted else eee.supported
    return dataclasses.replace(
        nic,
        eee=dataclasses.replace(
            eee, enabled=on, active=on, tx_lpi=on, tx_lpi_timer_us=17 if on else 0, advertised=advertised if on else ()
        ),
    )


def _set_mtu(nic: Nic, host: Host, interface: str, size: int) -> tuple[Nic, Host]:
    """VLANs are cut down, the bridge follows, nothing else rises."""
    links = {link.interface: link for link in host.links}
    if interface == INTERFACE:
        nic = dataclasses.replace(nic, mtu=size)
        changed = ["eth0.5"]
        links["br0"] = dataclasses.replace(links["br0"], mtu=size)
        changed.append("br0.7")
        for name in changed:
            links[name] = dataclasses.replace(links[name], mtu=min(size, links[name].mtu or 0))
    else:
        links[interface] = dataclasses.replace(links[interface], mtu=size)
    return nic, dataclasses.replace(host, links=tuple(links.values()))


def _write(nic: Nic, path: str, text: str) -> Nic:
    name = path.rsplit("/", 1)[-1]
    if name == "control":
        return dataclasses.replace(nic, power=PowerManagement(control=text))
    if name == "smp_affinity_list":
        number = int(path.split("/")[3])
        moved = (dataclasses.replace(one, affinity=text) if one.number == number else one for one in nic.interrupts or ())
        return dataclasses.replace(nic, interrupts=tuple(moved))
    assert nic.pcie is not None
    files = {**(nic.pcie.link_files or {}), name: text == "1"}
    if name == "l1_aspm" and text == "0":
        files |= {other: False for other in files if other.startswith("l1_")}
    if name.startswith("l1_") and text == "1":
        files["l1_aspm"] = True
    return dataclasses.replace(nic, pcie=dataclasses.replace(nic.pcie, link_files=files))


def _run(nic: Nic, host: Host, argv: Sequence[str]) -> tuple[Nic, Host]:
    if argv[0] == "ip":
        return _set_mtu(nic, host, argv[4], int(argv[6]))
    words = argv[3:]
    if argv[1] == "-G":
        assert nic.ring is not None
        return dataclasses.replace(
            nic, ring=dataclasses.replace(nic.ring, **{name: int(size) for name, size in _pairs(words).items()})
        ), host
    if argv[1] == "-C":
        name, word = words
        value = int(word) if word.isdecimal() else int(word == "on")
        return dataclasses.replace(nic, coalesce={**(nic.coalesce or {}), name: value}), host
    if argv[1] == "-r":
        return nic, host
    setters = {"-s": _set_link, "-A": _set_pause, "-K": _set_features, "--set-eee": _set_eee}
    return setters[argv[1]](nic, words), host


def apply_steps(nic: Nic, host: Host, steps: Iterable[Step]) -> tuple[Nic, Host]:
    """Carry them out in memory."""
    for step in steps:
        if isinstance(step, Write):
            nic = _write(nic, step.path, step.text)
        else:
            assert isinstance(step, Run)
            nic, host = _run(nic, host, step.argv)
    return nic, dataclasses.replace(host, nics=(nic,))
