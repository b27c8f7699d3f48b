# SPDX-License-Identifier: GPL-2.0-or-later
"""Which drivers tell by ``tx_packets`` what was sent, not what they were given. Light: the resident watcher loads it."""

__all__ = ["COUNTS_COMPLETIONS"]

COUNTS_COMPLETIONS = frozenset({"virtio_net", "e100", "pcnet32", "vmxnet3"})
"""Without BQL in Linux 6.1 and earlier, they count ``tx_packets`` where a frame is done: virtio_net.c ``free_old_xmit_skbs``, e100.c
``e100_tx_clean``, pcnet32.c ``pcnet32_tx``; vmxnet3_ethtool.c asks the device (``ucastPktsTxOK``)."""
