# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a driver's kernel developers are reached: what ``scripts/get_maintainer.pl`` would print of lists (MAINTAINERS of Linux 6.1).

All of Ethernet: ``NETWORKING DRIVERS``, L: netdev@vger.kernel.org. Intel has a list of its own, ``INTEL ETHERNET DRIVERS``; USB cards besides netdev
``USB NETWORKING DRIVERS``, L: linux-usb@vger.kernel.org; Hyper-V, virtio, Xen and Mellanox theirs; Wi-Fi is developed on linux-wireless. The list
of virtio moved to lists.linux.dev in 2023. Persons are not told here: they change, and the script knows them. Where it finds the source of a driver
is told as of the same tree.
"""

from collections.abc import Mapping
from typing import Final

__all__ = ["NETDEV", "REGRESSIONS", "STABLE", "find_lists", "find_sources"]

NETDEV: Final = "netdev@vger.kernel.org"
REGRESSIONS: Final = "regressions@lists.linux.dev"
STABLE: Final = "stable@vger.kernel.org"
_INTEL: Final = "intel-wired-lan@lists.osuosl.org"
_USB: Final = "linux-usb@vger.kernel.org"
_WIRELESS: Final = "linux-wireless@vger.kernel.org"
_VIRTUAL: Final = "virtualization@lists.linux.dev"
_OWN: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("e100", "e1000", "e1000e", "fm10k", "i40e", "iavf", "ice", "idpf", "igb", "igbvf", "igc", "ixgb", "ixgbe", "ixgbevf"), _INTEL
    ),
    **dict.fromkeys(
        ("r8152", "ax88179_178a", "asix", "cdc_ether", "cdc_ncm", "lan78xx", "smsc75xx", "smsc95xx", "usbnet", "qmi_wwan"), _USB
    ),
    **dict.fromkeys(("iwlwifi", "ath9k", "ath10k_pci", "ath11k_pci", "brcmfmac", "mt7921e", "mwifiex_pcie"), _WIRELESS),
    **dict.fromkeys(("mlx4_en", "mlx4_core", "mlx5_core"), "linux-rdma@vger.kernel.org"),
    **dict.fromkeys(("hv_netvsc", "mana"), "linux-hyperv@vger.kernel.org"),
    **dict.fromkeys(("xen_netfront", "xen-netfront", "xen-netback", "vif"), "xen-devel@lists.xenproject.org"),
    "virtio_net": _VIRTUAL,
}
_FOLDERS: Final[Mapping[str, str]] = {
    "amd-xgbe": "ethernet/amd/xgbe",
    "ath10k_pci": "wireless/ath/ath10k",
    "ath11k_pci": "wireless/ath/ath11k",
    "axienet": "ethernet/xilinx",
    "be2net": "ethernet/emulex/benet",
    "bnxt_en": "ethernet/broadcom/bnxt",
    "fsl_dpa": "ethernet/freescale/dpaa",
    "fsl_dpaa2_eth": "ethernet/freescale/dpaa2",
    "fsl_enetc": "ethernet/freescale/enetc",
    "hv_netvsc": "hyperv",
    "libertas_sdio": "wireless/marvell/libertas",
    "mlx4_core": "ethernet/mellanox/mlx4",
    "mlx4_en": "ethernet/mellanox/mlx4",
    "mlx5_core": "ethernet/mellanox/mlx5/core",
    "mt7921e": "wireless/mediatek/mt76/mt7921",
    "mtk_soc_eth": "ethernet/mediatek",
    "mwifiex_pcie": "wireless/marvell/mwifiex",
    "qcaspi": "ethernet/qualcomm",
    "rvu_nicpf": "ethernet/marvell/octeontx2/nic",
    "rvu_nicvf": "ethernet/marvell/octeontx2/nic",
    "vif": "xen-netback",
    "xen_netfront": "xen-netfront.c",
}
"""Below ``drivers/net``: of drivers that are called otherwise than their source."""


def find_lists(driver: str | None) -> tuple[str, ...]:
    """Netdev, and the driver's own list if it has one.

    >>> find_lists("e1000e"), find_lists("r8169")
    (('netdev@vger.kernel.org', 'intel-wired-lan@lists.osuosl.org'), ('netdev@vger.kernel.org',))
    """
    own = _OWN.get(driver or "")
    return (NETDEV,) if own is None else (NETDEV, own)


def find_sources(driver: str) -> tuple[str, ...]:
    """Patterns of git for the driver's files; a driver that is not in the kernel's tree has none there.

    >>> find_sources("hv_netvsc")
    ('drivers/net/hyperv',)
    >>> find_sources("ice")[0]
    'drivers/net/ice.c'
    """
    if driver in _FOLDERS:
        return (f"drivers/net/{_FOLDERS[driver]}",)
    below = (f"{driver}.c", f"{driver}/*", f"*/{driver}/*", f"*/{driver}.c", f"*/{driver}_main.c")
    return tuple(f"drivers/net/{path}" for path in below)
