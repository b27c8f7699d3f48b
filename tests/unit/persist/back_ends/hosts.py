# SPDX-License-Identifier: GPL-2.0-or-later
"""A host out of a few files, and a back end that is asked on it."""

from collections.abc import Mapping

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import NoPlace, Placement, Wish
from nicmedic.model.plan import Identity, Setting
from nicmedic.model.step import INTERFACE, Run
from nicmedic.persist.back_end import BackEnd, Place
from nicmedic.persist.files import FoundFiles
from nicmedic.persist.owner import find_owner
from nicmedic.persist.secrets import withhold_secrets
from nicmedic.persist.values import Target

ADDRESS = "52:54:00:12:34:56"
VERSIONS = {"systemd": (252,), "networkmanager": (1, 42, 4), "netplan": (0, 106)}
TOOLS = frozenset({"ethtool", "ip", "udevadm", "nmcli", "netplan"})


def place_on(
    files: Mapping[str, bytes],
    *,
    interface: str = "lan0",
    driver: str = "e1000e",
    chip: str | None = None,
    versions: Mapping[str, tuple[int, ...]] = VERSIONS,
    tools: frozenset[str] = TOOLS,
    number: int = 3,
) -> Place:
    """The card with index 2, and whoever owns it according to these files."""
    texts = {path: withhold_secrets(data.decode("utf-8", "surrogateescape")) for path, data in files.items()}
    found = FoundFiles(texts=texts)
    target = Target(interface=interface, ifindex=2, address=ADDRESS, permanent_address=ADDRESS, driver=driver)
    nic = Identity(interface=interface, permanent_address=ADDRESS, driver=driver, chip=chip)
    return Place(number=number, nic=nic, target=target, owner=find_owner(found, target), files=found, versions=dict(versions), tools=tools)


def ask(back_end: BackEnd, place: Place, wish: Wish, files: Mapping[str, bytes]) -> Placement | NoPlace:
    """As ``persist/choosing.py`` does it."""
    return back_end.place(place, wish, {path: files.get(path) for path in back_end.list_files(place, wish)})


def wish_for(remedy: RemedyId, *argv: str, title: str = "", **settings: str) -> Wish:
    """``link__autoneg="on"`` is the setting ``link.autoneg``, and a single underscore in it a hyphen."""
    wanted = tuple(Setting(name=name.replace("__", ".").replace("_", "-"), value=value) for name, value in settings.items())
    steps = (Run(argv=("ethtool", argv[0], INTERFACE, *argv[1:])),) if argv else ()
    return Wish(remedy=remedy, title=title or str(remedy), settings=wanted, steps=steps)


ADVERTISE = wish_for(RemedyId.LINK_ADVERTISE_100, "-s", "autoneg", "on", "advertise", "0x6008", link__autoneg="on", link__modes="0x008")
FORCE = wish_for(
    RemedyId.LINK_FORCE_100,
    "-s",
    "speed",
    "100",
    "duplex",
    "full",
    "autoneg",
    "off",
    link__autoneg="off",
    link__speed="100",
    link__duplex="full",
)
TSO = wish_for(
    RemedyId.OFFLOAD_OFF,
    "-K",
    "tso",
    "off",
    title="offload-off:tso",
    features__tx_tcp_segmentation="off",
    features__tx_tcp6_segmentation="off",
    features__tx_tcp_ecn_segmentation="off",
)
MTU = wish_for(RemedyId.MTU, title="mtu:1400", mtu="1400")
EEE = wish_for(RemedyId.EEE_OFF, "--set-eee", "eee", "off", eee__enabled="off")
PAUSE = wish_for(RemedyId.PAUSE_OFF, "-A", "autoneg", "off", "rx", "off", "tx", "off", pause__rx="off", pause__tx="off")
RING = wish_for(RemedyId.RING, "-G", "tx", "256", ring__tx="256")
COALESCE = wish_for(RemedyId.INTERRUPT_MODE, "-C", "rx-usecs", "50", coalesce__adaptive_rx="off", coalesce__rx_usecs="50")
ASPM = wish_for(RemedyId.ASPM_OFF, **{"pcie.link_files.l1_aspm": "0"})
