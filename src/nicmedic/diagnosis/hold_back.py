# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of what holds packets back on purpose: queueing disciplines, and counters of pause frames. Light: the resident watcher loads it."""

import re

__all__ = ["MAY_HOLD_BACK", "is_pause_counter"]

MAY_HOLD_BACK = frozenset({"tbf", "netem", "htb", "hfsc", "cbq", "cake", "etf", "taprio", "plug", "fq", "drr", "ets", "qfq", "sfb", "atm"})
"""Disciplines that may keep packets by themselves."""
_PAUSED = re.compile(
    r"rx.*(?:pause|xoff|flow_control|pfc|ppp\d?(?:_|\Z))|(?:pause|xoff).*(?:rx|received)|pfc.*received|(?:\A|good_)fc_received",
    re.IGNORECASE,
)
"""As drivers of Linux 6.1 call them. Of those without ``rx_pause`` or ``rx_flow_control`` in the name: ``good_fc_received`` (mvneta.c,
mv643xx_eth.c), ``fc_received`` (mvpp2_main.c), ``pause_received`` (niu.c); for frames that hold one priority (PFC): ``rx_pfc_frames``
(bnxt_ethtool.c, qede_ethtool.c), ``rx_pfc_ena_frames_pri0`` (bnxt_ethtool.c), ``pfc_frames_received`` (bnx2x_ethtool.c),
``mac_rx_pfc_pkt_num`` (hclge_main.c), ``rx_ppp0_frames`` (cxgb4_ethtool.c), ``rx_ppp`` (bcmgenet.c, bcmsysport.c). In capitals:
``RxPauseFrames`` (cxgb2.c, cxgb3_main.c), ``RX Pause Frames`` (lan743x_ethtool.c, lan78xx.c), ``Pause Rx Frames`` (cpsw_ethtool.c)."""
_NO_FRAMES = re.compile(r"xon|duration|transition|time|bytes|nonpause|unsupported", re.IGNORECASE)
"""Counters beside them that count no frame which holds the port, as ``rx_nonpause`` (bgmac.c)."""


def is_pause_counter(name: str) -> bool:
    """Whether a counter of ``ethtool -S`` counts pause frames that were received."""
    return _PAUSED.search(name) is not None and _NO_FRAMES.search(name) is None
