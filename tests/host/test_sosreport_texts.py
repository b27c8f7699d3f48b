# SPDX-License-Identifier: GPL-2.0-or-later
"""What the real ethtool and ip print of this machine, read back, is what netlink and ioctl tell."""

import shutil
import subprocess
from pathlib import Path

import pytest

from nicmedic.host.machine import HostMachine
from nicmedic.host.sosreport import read_sosreport
from nicmedic.model.host import Host
from nicmedic.model.note import Lack

pytestmark = pytest.mark.skipif(not (shutil.which("ethtool") and shutil.which("ip")), reason="needs ethtool and ip")
OPTIONS = ("", "-i", "-k", "-g", "-l", "-a", "-c", "-S", "--show-priv-flags")


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Host, Host]:
    """This host live, and out of files such as sos writes."""
    folder = tmp_path_factory.mktemp("sosreport")
    networking = folder / "sos_commands" / "networking"
    networking.mkdir(parents=True)
    (folder / "sos_commands/kernel").mkdir()
    live = HostMachine().read_host()
    for interface in [*(nic.interface for nic in live.nics), *(link.interface for link in live.links)]:
        for option in OPTIONS:
            command = ["ethtool", *filter(None, [option]), interface]
            Path(networking / "_".join(command)).write_text(run(*command))
    for words in (("ip", "-d", "address"), ("ip", "route", "show", "table", "all")):
        Path(networking / "_".join(words)).write_text(run(*words))
    (folder / "sos_commands/kernel/uname_-a").write_text(run("uname", "-a"))
    return live, read_sosreport(str(folder))


def test_the_same_cards_are_found(both: tuple[Host, Host]) -> None:
    live, told = both
    assert [nic.interface for nic in told.nics] == [nic.interface for nic in live.nics]
    assert {link.interface for link in told.links} == {link.interface for link in live.links}
    assert (told.kernel_release, told.kernel_version, told.hostname) == (live.kernel_release, live.kernel_version, live.hostname)


@pytest.mark.parametrize(
    "field",
    ["ifindex", "driver", "bus_address_of_pci", "address", "flags", "operstate", "carrier", "mtu", "mtu_min", "mtu_max", "txqueuelen", "promiscuity",
     "altnames", "features", "ring", "channels", "pause", "carries_default_route"],
)  # fmt: skip
def test_what_both_tell_is_the_same(field: str, both: tuple[Host, Host]) -> None:
    for ours, theirs in zip(both[1].nics, both[0].nics, strict=True):
        if field == "bus_address_of_pci":
            assert ours.bus_address == (theirs.pcie.device.address if theirs.pcie else theirs.bus_address)
        elif field == "features":  # what was asked of a feature that is fixed, ethtool does not print
            told, live = ours.features or {}, theirs.features or {}
            assert {name: (each.on, each.fixed, each.fixed or each.requested) for name, each in told.items()} == {
                name: (each.on, each.fixed, each.fixed or each.requested) for name, each in live.items()
            }
        elif any(note.what == field and note.why in (Lack.UNSUPPORTED, Lack.ABSENT) for note in theirs.notes):
            assert getattr(ours, field) is None
        else:
            assert getattr(ours, field) == getattr(theirs, field), field


def test_link_addresses_and_routes_are_the_same(both: tuple[Host, Host]) -> None:
    live, told = both
    for ours, theirs in zip(told.nics, live.nics, strict=True):
        assert ours.link is not None
        assert theirs.link is not None
        for field in ("speed_mbps", "duplex", "autoneg", "detected", "port"):
            assert getattr(ours.link, field) == getattr(theirs.link, field), field
        told_addresses = [(each.family, each.address, each.prefix_length, each.scope, each.broadcast) for each in ours.addresses or ()]
        assert told_addresses == [
            (each.family, each.address, each.prefix_length, each.scope, each.broadcast) for each in theirs.addresses or ()
        ]
    wanted = {
        (route.family, route.destination, route.table, route.type, route.gateway, route.interface, route.protocol)
        for route in live.routes or ()
    }
    assert {
        (route.family, route.destination, route.table, route.type, route.gateway, route.interface, route.protocol)
        for route in told.routes or ()
    } == wanted
