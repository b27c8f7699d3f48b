# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes on the wire: link mode, renegotiation, EEE, flow control.

An undo of the link mode names every bit that was advertised. ``advertise 0xMASK`` over netlink sets exactly these bits (net/ethtool/bitset.c
``ethnl_update_bitset32``, a bitset without mask), so bits for flow control are kept when speeds are taken away, and one factor changes at a time.
Over ioctl the same command leaves all but the speeds alone (ethtool.c ``do_sset``).
"""

from collections.abc import Iterator

from nicmedic.model.finding import RemedyId
from nicmedic.model.link import Link
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Change, Refusal, Setting
from nicmedic.model.step import INTERFACE, Run, Shown
from nicmedic.remedy.changes.site import Site, build_change, find_settings, recipe_of, refuse, why_unknown, without_caution
from nicmedic.remedy.settings import build_mask, read_setting

__all__ = ["advertise_100", "find_link_risks", "force_100", "pause_off", "renegotiate", "switch_eee_off"]

_FULL_100 = "100baseT/Full"
_FLOW = frozenset({"Pause", "Asym_Pause"})
_LINK_SETTLE_S = 8
"""Negotiating takes 2 to 5 s; a switch that listens for loops first may take 30 s more, which probes are there for."""


def _set_link(*words: str) -> Run:
    return Run(argv=("ethtool", "-s", INTERFACE, *words))


def find_link_risks(site: Site) -> Iterator[str]:
    """What a link that goes away for seconds does to others."""
    nic = site.nic
    if nic.pcie is not None and nic.pcie.vfs:
        yield f"Its {nic.pcie.vfs} virtual functions share the link: guests on them lose it too."
    if nic.port is not None and nic.port.kind in {"bond", "team"}:
        yield f"It is a port of {nic.port.master}, which sends over its other ports meanwhile, if it has any with a link."


def _bond_risk(nic: Nic) -> Iterator[str]:
    if nic.port is not None and nic.port.kind in {"bond", "team"}:
        yield f"With LACP, a port of another speed than the others leaves {nic.port.master}'s aggregator."


def _undo_mode(link: Link) -> Run | str:
    """The command that brings the present mode back, or why there is none."""
    if link.autoneg:
        if not link.advertised:
            return "the modes that are advertised now cannot be read, so they could not be put back"
        return _set_link("autoneg", "on", "advertise", build_mask(link.advertised))
    if link.speed_mbps is None or link.duplex is None:
        return "autonegotiation is off, and the speed that is forced cannot be read without a link, so it could not be put back"
    return _set_link("speed", str(link.speed_mbps), "duplex", link.duplex.value, "autoneg", "off")


def _check_mode(site: Site, remedy: RemedyId, argument: str) -> tuple[Link, Run] | Refusal:
    """The present mode and its undo, of a card that can run at 100 Mb/s."""
    link = site.nic.link
    look = (f"ethtool {site.name}",)
    if link is None or link.autoneg is None or link.supported is None:
        return refuse(remedy, argument, why_unknown(site.nic, "link", "the link mode"), settle=look)
    if _FULL_100 not in link.supported:
        modes = [mode for mode in link.supported if "base" in mode]
        reason = (
            f"the card cannot run at 100 Mb/s full duplex: it supports {', '.join(modes)}" if modes else "the driver knows no link modes"
        )
        return refuse(remedy, argument, reason, settle=look)
    undo = _undo_mode(link)
    return refuse(remedy, argument, undo, settle=look) if isinstance(undo, str) else (link, undo)


def _settings_of_mode(site: Site) -> tuple[Setting, ...]:
    """The mode as it is: what is advertised, or what is forced."""
    autoneg = site.nic.link is not None and site.nic.link.autoneg
    names = ("link.modes", "link.advertised") if autoneg else ("link.speed", "link.duplex")
    return find_settings(site, "link.autoneg", *names)


def advertise_100(site: Site, argument: str) -> Change | Refusal:
    """Autonegotiation stays on, or comes on, with one speed; flow control is offered as before."""
    remedy = RemedyId.LINK_ADVERTISE_100
    found = _check_mode(site, remedy, argument)
    if isinstance(found, Refusal):
        return found
    link, undo = found
    wanted = (Setting(name="link.autoneg", value="on"), Setting(name="link.modes", value=build_mask((_FULL_100,))))
    if all(read_setting(site.nic, setting.name) == setting.value for setting in wanted):
        return refuse(remedy, argument, "only 100 Mb/s full duplex is advertised already")
    risks = [*find_link_risks(site), *_bond_risk(site.nic)]
    if not link.autoneg:
        risks.append("Autonegotiation is off now; where the switch port is forced too, this end will fall to half duplex.")
    kept = [mode for mode in link.advertised or () if mode in _FLOW] if link.autoneg else []
    return build_change(
        site,
        remedy,
        argument,
        [_set_link("autoneg", "on", "advertise", build_mask((_FULL_100, *kept)))],
        undo=[undo],
        before=_settings_of_mode(site),
        wanted=wanted,
        settle_s=_LINK_SETTLE_S,
        risks=risks,
    )


def force_100(site: Site, argument: str) -> Change | Refusal:
    """Without negotiation; a partner that negotiates takes half duplex then, see ``nicmedic.diagnosis.duplex``."""
    remedy = RemedyId.LINK_FORCE_100
    found = _check_mode(site, remedy, argument)
    if isinstance(found, Refusal):
        return found
    link, undo = found
    wanted = (
        Setting(name="link.autoneg", value="off"),
        Setting(name="link.speed", value="100"),
        Setting(name="link.duplex", value="full"),
    )
    if all(read_setting(site.nic, setting.name) == setting.value for setting in wanted):
        return refuse(remedy, argument, "100 Mb/s full duplex is forced already")
    risks = [*find_link_risks(site), *_bond_risk(site.nic)]
    if link.autoneg and "Autoneg" in (link.lp_advertised or ()):
        risks.append(
            "The other end negotiates now: a duplex mismatch is certain unless its port is forced to 100/full too. "
            "link-advertise-100 gives the same speed without that risk."
        )
    return build_change(
        site,
        remedy,
        argument,
        [_set_link("speed", "100", "duplex", "full", "autoneg", "off")],
        undo=[undo],
        before=_settings_of_mode(site),
        wanted=wanted,
        settle_s=_LINK_SETTLE_S,
        risks=risks,
    )


def renegotiate(site: Site, argument: str) -> Change | Refusal:
    """As if the cable were pulled and put back; no setting changes."""
    remedy = RemedyId.RENEGOTIATE
    nic = site.nic
    if nic.link is None or nic.link.autoneg is None:
        return refuse(remedy, argument, why_unknown(nic, "link", "the link mode"))
    if not nic.link.autoneg:
        return refuse(remedy, argument, "autonegotiation is off, so there is nothing to negotiate", settle=(f"ethtool {site.name}",))
    if nic.flags is not None and "UP" not in nic.flags:
        return refuse(remedy, argument, "the interface is down, and has no link", settle=(f"ip link set dev {site.name} up",))
    return build_change(
        site,
        remedy,
        argument,
        [Run(argv=("ethtool", "-r", INTERFACE))],
        recipe=without_caution(recipe_of(remedy, site)),
        before=find_settings(site, "link.autoneg", "link.advertised"),
        wanted=find_settings(site, "link.autoneg", "link.advertised"),
        settle_s=_LINK_SETTLE_S,
        risks=find_link_risks(site),
    )


def switch_eee_off(site: Site, argument: str) -> Change | Refusal:
    """Undone with all that was set; some drivers take no more than ``eee on`` (igb: its timer is fixed)."""
    remedy, eee = RemedyId.EEE_OFF, site.nic.eee
    if eee is None:
        return refuse(
            remedy,
            argument,
            why_unknown(site.nic, "eee", "Energy-Efficient Ethernet"),
            settle=(f"ethtool --show-eee {site.name}",),
        )
    if not eee.enabled:
        return refuse(remedy, argument, "Energy-Efficient Ethernet is off already")
    words = ["tx-lpi", "on" if eee.tx_lpi else "off", "tx-timer", str(eee.tx_lpi_timer_us)]
    if eee.advertised:
        words += ["advertise", build_mask(eee.advertised)]
    still_on = Shown(argv=("ethtool", "--show-eee", INTERFACE), text="EEE status: enabled")  # a driver may refuse either way
    switch_on = ("ethtool", "--set-eee", INTERFACE, "eee", "on")
    return build_change(
        site,
        remedy,
        argument,
        [Run(argv=("ethtool", "--set-eee", INTERFACE, "eee", "off"))],
        recipe=without_caution(recipe_of(remedy, site)),
        undo=[Run(argv=(*switch_on, *words), otherwise=switch_on, unless=still_on)],
        before=find_settings(site, "eee.enabled", "eee.tx_lpi", "eee.tx_lpi_timer", "eee.advertised"),
        wanted=(Setting(name="eee.enabled", value="off"),),
        settle_s=_LINK_SETTLE_S,
        risks=find_link_risks(site),
    )


def pause_off(site: Site, argument: str) -> Change | Refusal:
    """Flow control both ways.

    Its undo names the whole advertisement after the pause settings: ``ethtool -A rx on tx on`` leaves ``Asym_Pause`` out, which a card advertises by
    default (include/linux/linkmode.h, ``linkmode_set_pause()``: "Asym_Pause = rx XOR tx").
    """
    remedy, pause, link = RemedyId.PAUSE_OFF, site.nic.pause, site.nic.link
    if pause is None:
        return refuse(remedy, argument, why_unknown(site.nic, "pause", "flow control"), settle=(f"ethtool -a {site.name}",))
    offered = link is not None and bool(link.autoneg) and bool(_FLOW.intersection(link.advertised or ()))
    if not (pause.rx or pause.tx or (pause.autoneg and offered)):
        return refuse(remedy, argument, "flow control is off already")
    words = [
        word for name, on in (("autoneg", pause.autoneg), ("rx", pause.rx), ("tx", pause.tx)) for word in (name, "on" if on else "off")
    ]
    undo = [Run(argv=("ethtool", "-A", INTERFACE, *words))]
    names = ["pause.autoneg", "pause.rx", "pause.tx"]
    if link is not None and offered:
        undo.append(_set_link("autoneg", "on", "advertise", build_mask(link.advertised or ())))
        names.append("link.advertised")
    return build_change(
        site,
        remedy,
        argument,
        [Run(argv=("ethtool", "-A", INTERFACE, "autoneg", "off", "rx", "off", "tx", "off"))],
        undo=undo,
        before=find_settings(site, *names),
        wanted=(Setting(name="pause.rx", value="off"), Setting(name="pause.tx", value="off")),
        settle_s=_LINK_SETTLE_S,
        risks=find_link_risks(site),
    )
