# SPDX-License-Identifier: GPL-2.0-or-later
"""A card, a wish, and a request, for the tests beside this."""

from collections.abc import Sequence

from nicmedic.app.keep.keep import Request, Written, keep
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host
from nicmedic.model.keeping import OnDrift, Wish
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.pcie import PowerManagement
from nicmedic.model.plan import Identity, Plan, Setting
from nicmedic.model.step import Write
from nicmedic.persist.back_end import BackEnd, Place
from nicmedic.persist.files import FoundFiles
from nicmedic.persist.values import Owner, Target
from nicmedic.testing.keeping import FilesWorld, build_keep_edges, make_back_end
from nicmedic.testing.world import Process

INTERFACES = "/etc/network/interfaces"
RULES = "/etc/udev/rules.d/71-nicmedic.rules"
BEFORE = {INTERFACES: b"auto eth0\niface eth0 inet dhcp\n", "/etc/hosts": b"127.0.0.1 localhost\n"}
IDENTITY = Identity(
    interface="eth0", bus=Bus.PCI, bus_address="0000:02:00.0", sysfs_path="/sys/devices/pci0/0000:02:00.0", driver="r8169", chip="10ec:8168"
)
LINES = make_back_end("lines", ("mtu", "features"), INTERFACES)
OWN = make_back_end("own", ("power", "mtu"), RULES, own=True)
BACK_ENDS = (LINES, OWN)


def make_nic(mtu: int = 1500, power: str = "auto") -> Nic:
    return Nic(
        interface="eth0",
        bus=Bus.PCI,
        bus_address="0000:02:00.0",
        sysfs_path="/sys/devices/pci0/0000:02:00.0",
        driver="r8169",
        carrier=True,
        mtu=mtu,
        addresses=(),
        power=PowerManagement(control=power),
    )


def make_host(mtu: int = 1500, power: str = "auto", package: str = "6.1.148-1") -> Host:
    return Host(hostname="nas1", boot_id="boot-1", kernel_package=package, kernel_release="6.1.0-40-amd64", nics=(make_nic(mtu, power),))


def mtu_wish(size: str = "1400") -> Wish:
    return Wish(
        remedy=RemedyId.MTU,
        argument=size,
        title=f"MTU {size}",
        settings=(Setting(name="mtu", value=size),),
        steps=(Write(path="set/mtu", text=size),),
        before=(Setting(name="mtu", value="1500"),),
        lift=(Write(path="set/mtu", text="1500"),),
    )


def power_wish() -> Wish:
    return Wish(
        remedy=RemedyId.RUNTIME_PM_OFF,
        title="keep it awake",
        settings=(Setting(name="power.control", value="on"),),
        steps=(Write(path="set/power.control", text="on"),),
        before=(Setting(name="power.control", value="auto"),),
        lift=(Write(path="set/power.control", text="auto"),),
    )


def make_place(number: int) -> Place:
    return Place(
        number=number,
        nic=IDENTITY,
        target=Target(interface="eth0"),
        owner=Owner(interface="eth0", manager="ifupdown", why="a file says so"),
        files=FoundFiles(),
    )


def make_request(*wishes: Wish, on_drift: OnDrift = OnDrift.ALARM, transaction: int | None = 3) -> Request:
    return Request(
        host=make_host() if transaction is None else make_host(1400, "on"),
        nic=make_nic() if transaction is None else make_nic(1400, "on"),
        identity=IDENTITY,
        wishes=wishes or (mtu_wish(), power_wish()),
        survey=make_place,
        on_drift=on_drift,
        transaction=transaction,
        tried=None if transaction is None else Plan(nic=IDENTITY, boot_id="boot-1", kernel_package="6.1.148-1"),
    )


def do_keep(
    world: FilesWorld, process: Process | None = None, request: Request | None = None, back_ends: Sequence[BackEnd] = BACK_ENDS
) -> Written:
    return keep(build_keep_edges(world, back_ends, process), request or make_request(), lambda _written: None)
