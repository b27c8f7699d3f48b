# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever stands in a file, nothing that reads it raises; and each rule of a format where a case would say too little."""

import dataclasses
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nicmedic.persist.files import FoundFiles, glob_pattern
from nicmedic.persist.ini import parse_assignments, parse_ini
from nicmedic.persist.interfaces import Stanza, fit_name, list_ports, parse_interfaces
from nicmedic.persist.managers.table import MANAGERS
from nicmedic.persist.matching import fits_glob, is_address
from nicmedic.persist.nm_config import fit_specs
from nicmedic.persist.owner import describe_owner, find_owner
from nicmedic.persist.secrets import WITHHELD, withhold_secrets
from nicmedic.persist.values import Target
from nicmedic.persist.yaml_lines import parse_yaml

PATHS = (
    "/etc/network/interfaces",
    "/run/network/ifstate",
    "/etc/network/ifupdown2/ifupdown2.conf",
    "/etc/systemd/network/a.network",
    "/etc/systemd/network/a.network.d/b.conf",
    "/etc/systemd/network/a.link",
    "/run/systemd/netif/links/2",
    "/run/udev/data/n2",
    "/etc/NetworkManager/NetworkManager.conf",
    "/etc/NetworkManager/system-connections/a.nmconnection",
    "/run/NetworkManager/devices/2",
    "/etc/netplan/a.yaml",
    "/run/systemd/network/10-netplan-eth0.network",
    "/etc/sysconfig/network/ifcfg-eth0",
    "/run/wicked/state-2.xml",
    "/etc/config/network",
    "/etc/sysconfig/network-scripts/ifcfg-eth0",
)
LINES = r"""
auto eth0
iface eth0 inet dhcp
allow-hotplug /e*/1=x
mapping *
script x
rename a=b
source *
source-directory .
inherits
bridge-ports regex (eth
bridge-ports glob eth[0-999999]
[Match]
Name=
Name=!eth*
Name=[a
MACAddress=x
Property=a
Kind=!x
[Link]
Unmanaged=1
[keyfile]
unmanaged-devices=except:,*;mac:1
[device]
managed=true
managed=0
match-device=*
connection-uuid=1
[connection]
uuid=1
type=ethernet
[match]
path=[
network:
  ethernets:
    eth0: {match: {name: '['}}
  bridges: {b: {interfaces: [eth0, [x], {}]}}
a: &a [*a]
config device
option name 'eth0
list ports eth0
DEVICE="eth0
HWADDR=
NM_CONTROLLED=no
ADMIN_STATE=configured
NETWORK_FILE=/run/systemd/network/10-netplan-eth0.network
E:NM_UNMANAGED=1
eth0=eth0
"""
WORDS = [*LINES.splitlines(), "\\"]
TEXTS = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(WORDS) | st.text(max_size=20), max_size=12).map("\n".join))


@settings(max_examples=400, deadline=None)
@given(texts=st.dictionaries(st.sampled_from(PATHS), TEXTS, max_size=8), known=st.booleans())
def test_no_text_makes_the_question_who_owns_a_nic_fail(texts: dict[str, str], *, known: bool) -> None:
    target = Target(interface="eth0", ifindex=2)
    if known:
        address = "52:54:00:12:34:56"
        target = dataclasses.replace(target, address=address, permanent_address=address, driver="r8169", path="pci-x")
    files = FoundFiles(texts=texts, links={"/etc/systemd/network/a.link": "/dev/null"})
    owner = find_owner(files, target)
    assert owner.why
    assert describe_owner(owner).reason
    for manager in MANAGERS:
        manager.follow(files)


@settings(deadline=None)
@given(text=TEXTS)
def test_no_text_makes_a_parser_fail(text: str) -> None:
    lines = len(text.split("\n"))
    assert all(1 <= setting.line <= lines for setting in (*parse_ini(text), *parse_ini(text, joined=False), *parse_assignments(text)))
    assert all(1 <= stanza.line <= lines for stanza in parse_interfaces("f", text))
    parse_yaml(text)
    is_address(text)
    fit_specs([text], Target(interface="eth0"))
    fit_name(text, Target(interface="eth0"))


@given(text=TEXTS)
def test_withholding_keeps_the_number_of_lines_and_does_nothing_twice(text: str) -> None:
    once = withhold_secrets(text)
    assert once.count("\n") == text.count("\n")
    assert withhold_secrets(once).count("\n") == text.count("\n")


@settings(deadline=None)
@given(glob=st.text(alphabet="*?[]!^-/.ab\\", max_size=12), path=st.text(alphabet="/.ab", max_size=12))
def test_no_glob_fails(glob: str, path: str) -> None:
    glob_pattern(glob).match(path)
    fits_glob(path, glob)


@pytest.mark.parametrize(
    "line",
    [
        "psk=hunter2",
        "wep-key0=hunter2",
        "    wpa-psk hunter2",
        "\twpa_passphrase   hunter2",
        "wireless-key hunter2",
        "WPA_PSK='hunter2'",
        "WIRELESS_KEY_0=hunter2",
        "KEY1=s:hunter2",
        "export IEEE_8021X_PASSWORD=hunter2",
        "\toption key 'hunter2'",
        "\toption password 'hunter2'",
        "  password: hunter2",
        "  wifis: {wl0: {access-points: {home: {password: hunter2}}}}",
        '  auth: {key-management: psk, password: "hunter2", phase2-auth: x}',
        "  password: >\n      hunter2\n      hunter2",
        "private-key=hunter2",
        "PresharedKey=hunter2",
        "PrivateKey = hunter2",
        "leap-password=hunter2",
        "private-key-password=hunter2",
        "[vpn-secrets]\nanything=hunter2",
        "pin=hunter2",
        "psk \\\n hunter2",
        "password-raw=hunter2",
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
        "wpa-password hunter2",
        "\twpa-private-key-passwd hunter2",
        "  - password: hunter2",
        'Acquire::http::Proxy "http://bob:hunter2@proxy:3128";',
        "post-up curl -s -u bob:hunter2 https://dyn.test/update",
        "post-up curl --user 'bob:hunter2' https://dyn.test/update",
        "netroot=iscsi:bob:hunter2@192.0.2.1::3260::iqn.2001-04.test:x",
        "post-up sshpass -p hunter2 ssh root@nas",
        "pre-up wpa_passphrase Home hunter2 | wpa_supplicant",
        "up iw dev wlan0 connect Home key 0:hunter2",
        "up iwconfig wlan0 key s:hunter2",
    ],
)
def test_a_secret_is_withheld_in_every_manner_of_writing(line: str) -> None:
    told = withhold_secrets(f"before\n{line}\n")
    assert "hunter2" not in told
    assert WITHHELD in told
    assert told.startswith("before\n")
    assert told.endswith("\n")


@pytest.mark.parametrize(
    "line",
    ["Name=eth0", "iface eth0 inet dhcp", "auto eth0", "mac-address=52:54:00:12:34:56", "  macaddress: 52:54:00:12:34:56", "bridge-ports eno1",
     "key-mgmt=wpa-psk", "  post-up ethtool -K eno1 tso off", "NM_CONTROLLED=no", "uuid=8f1b3c1e", "  addresses: [192.0.2.1/24]", "mtu=1400",
     "up curl http://192.0.2.1:3128/a@b", "up ip link add gre1 type gretap remote 192.0.2.7 key 42"],
)  # fmt: skip
def test_what_is_no_secret_is_kept(line: str) -> None:
    assert withhold_secrets(line) == line


def test_a_yaml_bomb_and_a_deep_nest_are_sentences() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    assert isinstance(parse_yaml(bomb), str)
    assert isinstance(parse_yaml("[" * 5000), str)
    assert isinstance(parse_yaml("a: " + "x" * 300_000), str)


def test_ports_are_found_by_list_regex_and_range_and_not_in_ranges_of_others() -> None:
    (stanza,) = parse_interfaces("f", "iface br0\n bridge_ports regex eth[02] noregex lan glob swp[1-3].100 wan5-7\n")
    found = {name for name in ("eth0", "eth1", "lan", "swp3.100", "swp4.100", "wan6", "wanx") if list_ports(stanza, Target(interface=name))}
    assert found == {"eth0", "lan", "swp3.100", "wan6"}
    assert list_ports(Stanza(kind="iface", names=("br0",), path="f", line=1), Target(interface="eth0")) is None


@pytest.mark.parametrize(
    "text", ["a." * 200_000 + "key", "psk" * 100_000, "\n" * 300_000 + "key=1", " " * 300_000 + "psk", "[" * 100_000 + "secret]" * 1000]
)
def test_withholding_takes_no_longer_for_odd_texts(text: str) -> None:
    begin = time.process_time()
    withhold_secrets(text)
    assert time.process_time() - begin < 3


@pytest.mark.parametrize(
    "line",
    [
        "a\\\n",
        "\\\n",
        "[Match]\n",
        "Name=*\n",
        "iface eth0 inet dhcp\n",
        "eth0 ",
        "auto eth0\n",
        "bridge_ports regex (a*)*b\n",
        "source *\n",
    ],
)
def test_many_of_one_line_take_a_moment(line: str) -> None:
    text = line * (100_000 // len(line))
    files = FoundFiles(texts={path: text for path in PATHS if not path.endswith((".yaml", "a.link"))})
    begin = time.process_time()
    find_owner(files, Target(interface="eth0", ifindex=2))
    assert time.process_time() - begin < 5


def test_auto_without_a_name_stands_for_the_stanza_that_it_is_in() -> None:
    text = "iface a inet dhcp\n\tauto\n\tmtu 9\nauto\nmapping b\n\tauto\n"
    assert [(each.kind, each.names, len(each.options)) for each in parse_interfaces("f", text)] == [
        ("auto", ("a",), 0),
        ("auto", ("a",), 0),
        ("iface", ("a",), 1),
        ("mapping", ("b",), 0),
        ("auto", (), 0),
    ]
