# SPDX-License-Identifier: GPL-2.0-or-later
"""What a remedy was kept for is held against what is there, as far as both can be told."""

import dataclasses

import pytest

from nicmedic.model.host import Host
from nicmedic.model.keeping import Kept, KeptState, MadeFor, OnDrift
from nicmedic.model.nic import Nic, UsbIds
from nicmedic.model.plan import Identity
from nicmedic.persist.expiry import find_expiry

KEPT = Kept(
    id=1,
    nic=Identity(interface="eth0"),
    wishes=(),
    placements=(),
    made_for=MadeFor(driver="r8152", chip="0bda:8153", kernel_package="6.1.148-1", kernel_release="6.1.0-40"),
    on_drift=OnDrift.ALARM,
    kept_at="then",
    state=KeptState.KEPT,
)
NIC = Nic(interface="eth0", driver="r8152", usb=UsbIds(vendor="0bda", product="8153"))
HOST = Host(kernel_package="6.1.148-1", kernel_release="6.1.0-40")


@pytest.mark.parametrize(
    ("made_for", "host", "nic", "told"),
    [
        ({}, {}, {}, None),
        ({}, {"kernel_package": "6.1.150-1"}, {}, "kept for kernel 6.1.148-1, this is 6.1.150-1"),
        ({}, {"kernel_release": "6.1.0-41"}, {}, "kept for kernel 6.1.0-40, this is 6.1.0-41"),  # another flavour out of one source
        ({"kernel_package": None}, {"kernel_release": "6.1.0-41"}, {}, "kept for kernel 6.1.0-40, this is 6.1.0-41"),
        ({}, {"kernel_package": None}, {}, None),
        ({}, {"kernel_package": None, "kernel_release": None}, {}, None),
        ({}, {}, {"usb": UsbIds(vendor="0bda", product="8156")}, "kept for chip 0bda:8153, this is 0bda:8156"),
        ({}, {}, {"driver": "cdc_ncm"}, "kept for driver r8152, this is cdc_ncm"),
        ({}, {}, {"driver": None, "usb": None}, None),
        ({"driver": None, "chip": None, "kernel_package": None, "kernel_release": None}, {}, {}, None),
    ],
)
def test_expiry(made_for: dict[str, str | None], host: dict[str, str | None], nic: dict[str, object], told: str | None) -> None:
    kept = dataclasses.replace(KEPT, made_for=dataclasses.replace(KEPT.made_for, **made_for))
    card = dataclasses.replace(NIC, **nic)  # type: ignore[arg-type]  # names are those of the fields
    assert find_expiry(kept, dataclasses.replace(HOST, **host), card) == told  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("kept_for", "runs", "told"),
    [
        ("#49-Ubuntu 6.8.0-49-generic", "#49-Ubuntu 6.8.0-49-generic", None),
        ("#49-Ubuntu 6.8.0-49-generic", "#49-Ubuntu 6.14.0-49-generic", "kept for kernel 6.8.0-49-generic, this is 6.14.0-49-generic"),
        (
            "#49-Ubuntu 6.8.0-49-generic",
            "#50-Ubuntu 6.8.0-50-generic",
            "kept for kernel 6.8.0-49-generic (#49-Ubuntu), this is 6.8.0-50-generic (#50-Ubuntu)",
        ),
        ("#49-Ubuntu ", "#50-Ubuntu 6.8.0-50-generic", "kept for kernel #49-Ubuntu, this is 6.8.0-50-generic (#50-Ubuntu)"),
        ("#49-Ubuntu ", "#49-Ubuntu 6.14.0-49-generic", None),
    ],
)
def test_the_number_of_a_build_does_not_name_a_kernel(kept_for: str, runs: str, told: str | None) -> None:
    """Two series of Ubuntu may have the same."""
    package, release = kept_for.split(" ")
    kept = dataclasses.replace(KEPT, made_for=MadeFor(kernel_package=package, kernel_release=release or None))
    now, now_release = runs.split(" ")
    assert find_expiry(kept, Host(kernel_package=now, kernel_release=now_release), None) == told


def test_a_card_that_is_gone_has_a_kernel_all_the_same() -> None:
    assert find_expiry(KEPT, dataclasses.replace(HOST, kernel_package="6.1.150-1"), None) == "kept for kernel 6.1.148-1, this is 6.1.150-1"
