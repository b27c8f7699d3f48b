// SPDX-License-Identifier: GPL-2.0-or-later
/* What ethtool reads and sets.  As in real drivers, a new link setting renegotiates and a new ring size resets the card. */
#include <linux/ethtool.h>
#include <linux/version.h>

#include "hangsim.h"

static int hs_get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *cmd)
{
	struct hs_nic *nic = netdev_priv(dev);
	bool up = netif_carrier_ok(dev);

	hs_link_supported(cmd->link_modes.supported);
	linkmode_copy(cmd->link_modes.advertising, nic->advertising);
	linkmode_zero(cmd->link_modes.lp_advertising);
	if (up && nic->autoneg)
		hs_link_supported(cmd->link_modes.lp_advertising);
	cmd->base.autoneg = nic->autoneg;
	cmd->base.port = PORT_TP;
	cmd->base.speed = up ? nic->speed : nic->autoneg ? SPEED_UNKNOWN : nic->forced_speed;
	cmd->base.duplex = up ? nic->duplex : nic->autoneg ? DUPLEX_UNKNOWN : nic->forced_duplex;
	return 0;
}

/* Gigabit over copper needs autonegotiation (IEEE 802.3 clause 40.5.1), so forcing it is refused. */
static int hs_set_link_ksettings(struct net_device *dev, const struct ethtool_link_ksettings *cmd)
{
	struct hs_nic *nic = netdev_priv(dev);
	__ETHTOOL_DECLARE_LINK_MODE_MASK(modes);
	__ETHTOOL_DECLARE_LINK_MODE_MASK(extras);

	hs_link_supported(modes);
	linkmode_and(modes, modes, cmd->link_modes.advertising);
	if (cmd->base.autoneg) {
		linkmode_zero(extras);
		linkmode_set_bit(ETHTOOL_LINK_MODE_Autoneg_BIT, extras);
		linkmode_set_bit(ETHTOOL_LINK_MODE_TP_BIT, extras);
		linkmode_set_bit(ETHTOOL_LINK_MODE_Pause_BIT, extras);
		linkmode_set_bit(ETHTOOL_LINK_MODE_Asym_Pause_BIT, extras);
		if (linkmode_subset(modes, extras))
			return -EINVAL;
		linkmode_set_bit(ETHTOOL_LINK_MODE_Autoneg_BIT, modes);
		linkmode_set_bit(ETHTOOL_LINK_MODE_TP_BIT, modes);
		if (nic->autoneg && linkmode_equal(nic->advertising, modes))
			return 0;
	} else {
		if ((cmd->base.speed != SPEED_10 && cmd->base.speed != SPEED_100) || cmd->base.duplex > DUPLEX_FULL)
			return -EINVAL;
		if (!nic->autoneg && nic->forced_speed == cmd->base.speed && nic->forced_duplex == cmd->base.duplex)
			return 0;
		linkmode_copy(modes, nic->advertising);
		linkmode_clear_bit(ETHTOOL_LINK_MODE_Autoneg_BIT, modes);
		nic->forced_speed = cmd->base.speed;
		nic->forced_duplex = cmd->base.duplex;
	}
	nic->autoneg = cmd->base.autoneg;
	linkmode_copy(nic->advertising, modes);
	hs_link_restart(nic);
	return 0;
}

static int hs_nway_reset(struct net_device *dev)
{
	struct hs_nic *nic = netdev_priv(dev);

	if (!nic->autoneg)
		return -EINVAL;
	hs_link_restart(nic);
	return 0;
}

static void hs_get_pauseparam(struct net_device *dev, struct ethtool_pauseparam *pause)
{
	struct hs_nic *nic = netdev_priv(dev);

	pause->autoneg = nic->pause_autoneg;
	pause->rx_pause = nic->pause_rx;
	pause->tx_pause = nic->pause_tx;
}

static int hs_set_pauseparam(struct net_device *dev, struct ethtool_pauseparam *pause)
{
	struct hs_nic *nic = netdev_priv(dev);

	if (nic->pause_autoneg == !!pause->autoneg && nic->pause_rx == !!pause->rx_pause && nic->pause_tx == !!pause->tx_pause)
		return 0;
	nic->pause_autoneg = pause->autoneg;
	nic->pause_rx = pause->rx_pause;
	nic->pause_tx = pause->tx_pause;
	hs_link_restart(nic);
	return 0;
}

static void hs_get_ringparam(struct net_device *dev, struct ethtool_ringparam *ring, struct kernel_ethtool_ringparam *kernel_ring,
			     struct netlink_ext_ack *extack)
{
	struct hs_nic *nic = netdev_priv(dev);

	ring->rx_max_pending = HS_MAX_RING;
	ring->tx_max_pending = HS_MAX_RING;
	ring->rx_pending = nic->rx_ring;
	ring->tx_pending = nic->queue[0].size;
}

static int hs_set_ringparam(struct net_device *dev, struct ethtool_ringparam *ring, struct kernel_ethtool_ringparam *kernel_ring,
			    struct netlink_ext_ack *extack)
{
	struct hs_nic *nic = netdev_priv(dev);
	bool running = nic->running;
	int err = 0;

	if (ring->tx_pending < HS_MIN_RING || ring->rx_pending < HS_MIN_RING)
		return -EINVAL;
	nic->rx_ring = ring->rx_pending;
	if (ring->tx_pending == nic->queue[0].size)
		return 0;
	hs_rings_stop(nic);
	err = hs_rings_resize(nic, ring->tx_pending);
	hs_rule_act(nic, HS_TIMEOUT);
	if (running)
		hs_rings_start(nic);
	return err;
}

static int hs_get_coalesce(struct net_device *dev, struct ethtool_coalesce *ec, struct kernel_ethtool_coalesce *kernel_ec,
			   struct netlink_ext_ack *extack)
{
	struct hs_nic *nic = netdev_priv(dev);

	ec->rx_coalesce_usecs = nic->rx_usecs;
	ec->tx_coalesce_usecs = nic->tx_usecs;
	return 0;
}

static int hs_set_coalesce(struct net_device *dev, struct ethtool_coalesce *ec, struct kernel_ethtool_coalesce *kernel_ec,
			   struct netlink_ext_ack *extack)
{
	struct hs_nic *nic = netdev_priv(dev);

	nic->rx_usecs = ec->rx_coalesce_usecs;
	nic->tx_usecs = ec->tx_coalesce_usecs;
	return 0;
}

static void hs_get_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	channels->max_rx = 1;
	channels->rx_count = 1;
	channels->max_tx = dev->num_tx_queues;
	channels->tx_count = dev->real_num_tx_queues;
}

static void hs_get_wol(struct net_device *dev, struct ethtool_wolinfo *wol)
{
	struct hs_nic *nic = netdev_priv(dev);

	wol->supported = WAKE_PHY | WAKE_UCAST | WAKE_MCAST | WAKE_BCAST | WAKE_MAGIC;
	wol->wolopts = nic->wol;
}

static int hs_set_wol(struct net_device *dev, struct ethtool_wolinfo *wol)
{
	struct hs_nic *nic = netdev_priv(dev);

	nic->wol = wol->wolopts;
	device_set_wakeup_enable(&nic->pdev->dev, nic->wol);
	return 0;
}

#define HS_EEE_MODES (ADVERTISED_100baseT_Full | ADVERTISED_1000baseT_Full)

static int hs_eee_store(struct hs_nic *nic, bool enabled, bool lpi, u32 timer, u32 advertised)
{
	bool changed = nic->eee_enabled != enabled || nic->eee_advertised != advertised;

	if (advertised & ~HS_EEE_MODES)
		return -EINVAL;
	nic->eee_enabled = enabled;
	nic->eee_lpi = lpi;
	nic->eee_timer = timer;
	nic->eee_advertised = advertised;
	if (changed)
		hs_link_restart(nic);
	return 0;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
static int hs_get_eee(struct net_device *dev, struct ethtool_keee *eee)
{
	struct hs_nic *nic = netdev_priv(dev);

	ethtool_convert_legacy_u32_to_link_mode(eee->supported, HS_EEE_MODES);
	ethtool_convert_legacy_u32_to_link_mode(eee->advertised, nic->eee_advertised);
	if (netif_carrier_ok(dev) && nic->autoneg)
		ethtool_convert_legacy_u32_to_link_mode(eee->lp_advertised, HS_EEE_MODES);
	eee->eee_active = hs_link_eee_active(nic);
	eee->eee_enabled = nic->eee_enabled;
	eee->tx_lpi_enabled = nic->eee_lpi;
	eee->tx_lpi_timer = nic->eee_timer;
	return 0;
}

static int hs_set_eee(struct net_device *dev, struct ethtool_keee *eee)
{
	u32 advertised;

	if (!ethtool_convert_link_mode_to_legacy_u32(&advertised, eee->advertised))
		return -EINVAL;
	return hs_eee_store(netdev_priv(dev), eee->eee_enabled, eee->tx_lpi_enabled, eee->tx_lpi_timer, advertised);
}
#else
static int hs_get_eee(struct net_device *dev, struct ethtool_eee *eee)
{
	struct hs_nic *nic = netdev_priv(dev);

	eee->supported = HS_EEE_MODES;
	eee->advertised = nic->eee_advertised;
	eee->lp_advertised = netif_carrier_ok(dev) && nic->autoneg ? HS_EEE_MODES : 0;
	eee->eee_active = hs_link_eee_active(nic);
	eee->eee_enabled = nic->eee_enabled;
	eee->tx_lpi_enabled = nic->eee_lpi;
	eee->tx_lpi_timer = nic->eee_timer;
	return 0;
}

static int hs_set_eee(struct net_device *dev, struct ethtool_eee *eee)
{
	return hs_eee_store(netdev_priv(dev), eee->eee_enabled, eee->tx_lpi_enabled, eee->tx_lpi_timer, eee->advertised);
}
#endif

static const char hs_totals[][ETH_GSTRING_LEN] = { "hangs", "cures", "tx_timeouts", "tx_ring_stalls", "rx_packets", "rx_bytes" };

static int hs_get_sset_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? ARRAY_SIZE(hs_totals) + 2 * dev->num_tx_queues : -EOPNOTSUPP;
}

static void hs_get_strings(struct net_device *dev, u32 set, u8 *data)
{
	unsigned int i;

	if (set != ETH_SS_STATS)
		return;
	for (i = 0; i < ARRAY_SIZE(hs_totals); i++)
		ethtool_sprintf(&data, "%s", hs_totals[i]);
	for (i = 0; i < dev->num_tx_queues; i++) {
		ethtool_sprintf(&data, "tx%u_packets", i);
		ethtool_sprintf(&data, "tx%u_bytes", i);
	}
}

static void hs_get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	struct hs_nic *nic = netdev_priv(dev);
	u64 stalls = 0;
	unsigned int i;

	for (i = 0; i < dev->num_tx_queues; i++)
		stalls += atomic64_read(&nic->queue[i].stalls);
	spin_lock_bh(&nic->card->lock);
	*data++ = nic->card->hangs;
	*data++ = nic->card->cures;
	spin_unlock_bh(&nic->card->lock);
	*data++ = atomic64_read(&nic->tx_timeouts);
	*data++ = stalls;
	*data++ = atomic64_read(&nic->rx_packets);
	*data++ = atomic64_read(&nic->rx_bytes);
	for (i = 0; i < dev->num_tx_queues; i++) {
		*data++ = atomic64_read(&nic->queue[i].packets);
		*data++ = atomic64_read(&nic->queue[i].bytes);
	}
}

const struct ethtool_ops hs_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_RX_USECS | ETHTOOL_COALESCE_TX_USECS,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = hs_get_link_ksettings,
	.set_link_ksettings = hs_set_link_ksettings,
	.nway_reset = hs_nway_reset,
	.get_pauseparam = hs_get_pauseparam,
	.set_pauseparam = hs_set_pauseparam,
	.get_ringparam = hs_get_ringparam,
	.set_ringparam = hs_set_ringparam,
	.get_coalesce = hs_get_coalesce,
	.set_coalesce = hs_set_coalesce,
	.get_channels = hs_get_channels,
	.get_wol = hs_get_wol,
	.set_wol = hs_set_wol,
	.get_eee = hs_get_eee,
	.set_eee = hs_set_eee,
	.get_sset_count = hs_get_sset_count,
	.get_strings = hs_get_strings,
	.get_ethtool_stats = hs_get_ethtool_stats,
	.get_ts_info = ethtool_op_get_ts_info,
};
