# SPDX-License-Identifier: GPL-2.0-or-later
"""A file of a kept remedy that is gone: what stands elsewhere now is named, and only what is somebody's own is let alone."""

from collections.abc import Mapping

import pytest

from nicmedic.model.keeping import Kept, KeptState, MadeFor, OnDrift, Placement, Wish
from nicmedic.persist.back_end import BackEnd
from nicmedic.persist.back_ends import ifcfg, ifupdown, networkmanager
from nicmedic.persist.files import FoundFiles
from nicmedic.persist.taking_out import TakenOut, take_out
from tests.unit.persist.back_ends.hosts import ADDRESS, ADVERTISE, MTU, TSO, ask, place_on

IFCFG = "/etc/sysconfig/network-scripts/ifcfg-lan0"
KEYFILES = "/etc/NetworkManager/system-connections"
INTERFACES = "/etc/network/interfaces"
UUID, OTHER = "8f1b3c1e-8a3e-4f3e-9d67-6a2f5d1f1a11", "9f1b3c1e-8a3e-4f3e-9d67-6a2f5d1f1a11"
OF_PLUGIN = {IFCFG: b"DEVICE=lan0\nONBOOT=yes\n", "/etc/NetworkManager/NetworkManager.conf": b"[main]\n"}
OF_KEYFILE = {
    f"{KEYFILES}/lan.nmconnection": f"[connection]\nuuid={UUID}\ntype=ethernet\ninterface-name=lan0\n".encode(),
    "/run/NetworkManager/devices/2": f"[device]\nmanaged=true\nconnection-uuid={UUID}\n".encode(),
}
OF_IFUPDOWN = {INTERFACES: b"source interfaces.d/*\n", f"{INTERFACES}.d/lan": b"auto lan0\niface lan0 inet static\n"}
FORCED = "[ethernet]\nauto-negotiate=true\nspeed=100\nduplex=full\n"


def keep(back_end: BackEnd, files: Mapping[str, bytes], wish: Wish) -> Kept:
    place = place_on(files)
    placement = ask(back_end, place, wish, files)
    assert isinstance(placement, Placement), placement
    return Kept(
        id=place.number,
        nic=place.nic,
        wishes=(wish,),
        placements=(placement,),
        made_for=MadeFor(),
        on_drift=OnDrift.ALARM,
        kept_at="",
        state=KeptState.KEPT,
    )


def release_gone(back_end: BackEnd, kept: Kept, now: Mapping[str, str]) -> TakenOut:
    """The file that was written is gone, and there are others."""
    return take_out(kept, (back_end,), {path: text.encode() for path, text in now.items()}.get, lambda: FoundFiles(texts=now))


def keyfile(*, uuid: str = UUID, who: str = "interface-name=lan0", said: str = FORCED) -> dict[str, str]:
    return {f"{KEYFILES}/lan0.nmconnection": f"[connection]\nid=lan0\nuuid={uuid}\ntype=ethernet\n{who}\n\n{said}"}


@pytest.mark.parametrize("who", ["interface-name=lan0", f"[ethernet]\nmac-address={ADDRESS}"])
def test_what_migrate_made_a_keyfile_of_is_not_released(who: str) -> None:
    kept = keep(ifcfg.BACK_END, OF_PLUGIN, ADVERTISE)
    taken = release_gone(ifcfg.BACK_END, kept, keyfile(who=who))
    assert taken.edits == ()
    (refused,) = taken.refused
    assert refused.reasons == (
        f"{IFCFG} is gone, and {KEYFILES}/lan0.nmconnection says ethernet.auto-negotiate=true, ethernet.speed=100, ethernet.duplex=full",
    )
    assert refused.settle[1] == f"nmcli connection modify {UUID} 802-3-ethernet.speed ''"


def test_a_connection_is_known_by_its_uuid_where_both_have_one() -> None:
    of_service = {IFCFG: f"DEVICE=lan0\nUUID={UUID}\n".encode(), "/etc/NetworkManager/NetworkManager.conf": b"[main]\n"}
    kept = keep(ifcfg.BACK_END, of_service, MTU)
    same = release_gone(ifcfg.BACK_END, kept, keyfile(who="", said="[802-3-ethernet]\nmtu=1400\n"))
    assert "says ethernet.mtu=1400" in same.refused[0].reasons[0]
    another = release_gone(ifcfg.BACK_END, kept, keyfile(uuid=OTHER, said="[ethernet]\nmtu=1400\n"))
    assert another.refused == ()
    assert another.notes[1] == (
        f"{IFCFG} is gone, and {KEYFILES}/lan0.nmconnection says ethernet.mtu=1400: another connection, which stays as it is"
    )


def test_a_keyfile_that_was_written_anew_under_another_name_is_found() -> None:
    kept = keep(networkmanager.BACK_END, OF_KEYFILE, TSO)
    anew = keyfile(said="[ethtool]\nfeature-tx-tcp-segmentation=false\n")
    assert release_gone(networkmanager.BACK_END, kept, anew).refused[0].settle == (
        f"nmcli connection modify {UUID} ethtool.feature-tx-tcp-segmentation ''",
    )


@pytest.mark.parametrize(
    "now",
    [
        {},
        keyfile(said=FORCED.replace("100", "1000")),
        keyfile(who="interface-name=lan1"),
        {IFCFG.replace("lan0", "lan1"): 'DEVICE=lan1\nETHTOOL_OPTS="autoneg on speed 100 duplex full"\n'},
    ],
)
def test_what_says_something_else_or_is_of_another_card_is_not_ours(now: dict[str, str]) -> None:
    kept = keep(ifcfg.BACK_END, OF_PLUGIN, ADVERTISE)
    now = {path: text.replace(f"uuid={UUID}\n", "") for path, text in now.items()}
    taken = release_gone(ifcfg.BACK_END, kept, now)
    assert (taken.edits, taken.refused) == ((), ())
    assert taken.notes == (f"{IFCFG} is gone; what stood in it before is in nicmedic's own folder",)


def test_a_file_under_another_name_has_our_lines_still() -> None:
    kept = keep(ifupdown.BACK_END, OF_IFUPDOWN, MTU)
    (edit,) = kept.placements[0].edits
    moved = {f"{INTERFACES}.d/wired": (edit.after or b"").decode(), "/etc/hosts": ""}
    (refused,) = release_gone(ifupdown.BACK_END, kept, moved).refused
    assert refused.reasons == (f"{edit.path} is gone, and {INTERFACES}.d/wired has the lines of nicmedic 3; take them out there",)
    keyfiles = keyfile(said="[ethernet]\nmtu=1400\n")
    assert release_gone(ifupdown.BACK_END, kept, keyfiles).refused == ()
