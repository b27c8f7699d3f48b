# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of a host to JSON and back."""

import contextlib
import dataclasses
import json
import typing
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nicmedic.model import counters, finding, host, link, nic, note, ownership, pcie, plan, queue, stack, step, transaction
from nicmedic.model.counters import Counters
from nicmedic.model.host import Host
from nicmedic.model.link import Link, Ring
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.note import Lack, Note
from nicmedic.model.ownership import Manager, Ownership
from nicmedic.model.pcie import Pcie, PciFunction
from nicmedic.model.plain import PlainError, from_plain, to_plain
from nicmedic.model.queue import Interrupt

T = TypeVar("T")


CLASSES = sorted(
    {
        cls
        for module in (counters, host, link, nic, note, ownership, pcie, queue, stack, step)
        for cls in vars(module).values()
        if isinstance(cls, type) and dataclasses.is_dataclass(cls)
    }
    - {host.Host, nic.Nic},
    key=lambda cls: cls.__name__,
)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(2**63), 2**64))
st.register_type_strategy(str, st.text(max_size=8))


def through_json(value: T) -> T:
    """What comes back after being written as text."""
    return from_plain(type(value), json.loads(json.dumps(to_plain(value))))


@pytest.mark.parametrize("cls", CLASSES)
def test_every_value_survives_json(cls: type) -> None:
    @settings(max_examples=10)
    @given(st.from_type(cls))
    def survives(value: object) -> None:
        assert through_json(value) == value

    survives()


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_host_survives_json_whichever_fields_are_known(data: st.DataObject) -> None:
    """All fields at once would take minutes to draw."""
    hints = typing.get_type_hints(Nic)
    few = data.draw(st.lists(st.sampled_from(sorted(hints)), max_size=8, unique=True))
    card = data.draw(st.builds(Nic, **{"interface": st.text(), **{name: st.from_type(hints[name]) for name in few}}))
    whole = Host(nics=(card,), uptime_s=data.draw(st.floats(0, 1e9)), links=(stack.VirtualLink(interface="lo"),))
    assert through_json(whole) == whole


STEPS = (
    step.Run(argv=("ip", step.INTERFACE), unless=step.Shown(argv=("true",), text="x")),
    step.Write(path="/sys/a", text="1"),
    step.Pause(seconds=1),
    step.AwaitNic(),
    step.AwaitNic(within_s=10, carrier=True),
    step.Rename(name="eth0"),
)


def test_a_transaction_with_every_kind_of_step_survives_json() -> None:
    change = plan.Change(
        remedy=finding.RemedyId.MTU, title="t", steps=STEPS, undo=STEPS[::-1], before=(plan.Setting(name="mtu", value="1"),)
    )
    whole = transaction.Transaction(
        id=3,
        plan=plan.Plan(nic=plan.Identity(interface="eth0"), changes=(change,), put_back=STEPS),
        confirm=transaction.Confirm.PROBES,
        timeout_s=120,
        entries=(transaction.Entry(uptime_s=1.5, time="t", boot_id="b", word=transaction.Word.PLANNED),),
    )
    assert through_json(whole) == whole


def test_of_several_classes_the_one_is_taken_that_the_keys_are_of_whatever_else_there_is() -> None:
    data = {"nic": {"interface": "a"}, "put_back": [{"within_s": 3, "new": 1}, {"seconds": 2}, {"path": "p", "text": "t", "newer": 2}]}
    assert from_plain(plan.Plan, data).put_back == (step.AwaitNic(within_s=3), step.Pause(seconds=2), step.Write(path="p", text="t"))


def test_a_name_that_is_no_utf8_survives() -> None:
    assert through_json(Nic(interface="veth\udcff")).interface == "veth\udcff"


def test_unknown_keys_are_passed_over_and_missing_ones_have_their_default() -> None:
    assert from_plain(Nic, {"interface": "eth0", "colour": "red"}) == Nic(interface="eth0")


def test_words_become_enumerations() -> None:
    made = from_plain(Ownership, {"manager": "netplan", "renderer": "networkd"})
    assert made.manager is Manager.NETPLAN
    assert made.renderer is Manager.NETWORKD
    assert from_plain(Note, {"what": "eee", "why": "refused"}).root_would_help
    assert not Note(what="eee", why=Lack.UNSUPPORTED).root_would_help
    assert from_plain(Nic, {"interface": "a", "bus": "pci"}).bus is Bus.PCI


@pytest.mark.parametrize(
    ("cls", "data", "message"),
    [
        (Nic, {"interface": "eth0", "mtu": "1500"}, "mtu: expected int or NoneType, found str"),
        (Nic, {"interface": "eth0", "mtu": True}, "mtu: expected int or NoneType, found bool"),
        (Nic, {}, "top: .*interface"),
        (Nic, {"interface": "eth0", "bus": "isa"}, "bus: 'isa' is not a valid Bus"),
        (Nic, {"interface": "eth0", "ring": 7}, "ring: expected an object, found int"),
        (Nic, {"interface": "eth0", "features": []}, "features: expected an object, found list"),
        (Nic, {"interface": "eth0", "tx_queues": {}}, "tx_queues: expected a list, found dict"),
        (Host, {"nics": [{"interface": "a"}, 1]}, r"nics\.1: expected an object"),
        (Counters, {"interface": "a", "monotonic_s": 1, "interrupts": {"x": 1}}, "interrupts: expected keys of int, found 'x'"),
        (Counters, {"interface": "a", "monotonic_s": "1"}, "monotonic_s: expected float, found str"),
        (Ring, [], "top: expected an object, found list"),
        (plan.Plan, {"nic": {"interface": "a"}, "put_back": [7]}, r"put_back\.0: expected an object, found int"),
        (plan.Plan, {"nic": {"interface": "a"}, "put_back": [{"argv": 7}]}, r"put_back\.0\.argv: expected a list"),
    ],
)
def test_data_of_another_type_is_an_error_that_says_where(cls: type, data: object, message: str) -> None:
    with pytest.raises(PlainError, match=message):
        from_plain(cls, data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_a_host_or_an_error_in_words(data: object) -> None:
    with contextlib.suppress(PlainError):
        assert isinstance(from_plain(Host, data), Host)


def test_what_has_no_plain_form_is_a_bug() -> None:
    with pytest.raises(TypeError, match="no plain form of object"):
        to_plain(object())
    with pytest.raises(TypeError, match="no way to build"):
        from_plain(list[int], [1])


def test_what_follows_from_a_value() -> None:
    function = PciFunction(address="0000:02:00.0", command=0x0407)
    assert function.bus_master is True
    assert function.lost is False
    assert PciFunction(address="0000:02:00.0", command=0xFFFF).lost is True
    assert PciFunction(address="0000:02:00.0").bus_master is None
    assert PciFunction(address="0000:02:00.0").lost is None
    assert Interrupt(number=24, per_cpu=(3, 4)).total == 7
    assert Interrupt(number=24).total is None
    card = Nic(interface="eth0", bus_address="virtio0", altnames=("enp2s0",), pcie=Pcie(device=PciFunction(address="0000:02:00.0")))
    found = Host(nics=(card,))
    assert (
        found.find_nic("enp2s0") is found.find_nic("0000:02:00.0") is found.find_nic("virtio0") is found.find_nic("eth0") is found.nics[0]
    )
    assert found.find_nic("eth1") is None
    assert Link().speed_mbps is None
