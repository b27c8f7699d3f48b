// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The simulated PHY: autonegotiation with a partner that advertises everything, or a forced mode.  A new link takes link_ms.
 */
#include <linux/ethtool.h>

#include "hangsim.h"

static unsigned int hs_link_ms = 1500;
module_param_named(link_ms, hs_link_ms, uint, 0644);
MODULE_PARM_DESC(link_ms, "how long a link takes to come up (default 1500)");

/* Best first, the order in which autonegotiation picks. */
static const struct {
	u8 bit;
	u16 speed;
	u8 duplex;
} hs_modes[] = {
	{ ETHTOOL_LINK_MODE_1000baseT_Full_BIT, SPEED_1000, DUPLEX_FULL },
	{ ETHTOOL_LINK_MODE_1000baseT_Half_BIT, SPEED_1000, DUPLEX_HALF },
	{ ETHTOOL_LINK_MODE_100baseT_Full_BIT, SPEED_100, DUPLEX_FULL },
	{ ETHTOOL_LINK_MODE_100baseT_Half_BIT, SPEED_100, DUPLEX_HALF },
	{ ETHTOOL_LINK_MODE_10baseT_Full_BIT, SPEED_10, DUPLEX_FULL },
	{ ETHTOOL_LINK_MODE_10baseT_Half_BIT, SPEED_10, DUPLEX_HALF },
};

void hs_link_supported(unsigned long *mask)
{
	unsigned int i;

	linkmode_zero(mask);
	for (i = 0; i < ARRAY_SIZE(hs_modes); i++)
		linkmode_set_bit(hs_modes[i].bit, mask);
	linkmode_set_bit(ETHTOOL_LINK_MODE_Autoneg_BIT, mask);
	linkmode_set_bit(ETHTOOL_LINK_MODE_TP_BIT, mask);
	linkmode_set_bit(ETHTOOL_LINK_MODE_Pause_BIT, mask);
	linkmode_set_bit(ETHTOOL_LINK_MODE_Asym_Pause_BIT, mask);
}

static void hs_link_resolve(struct hs_nic *nic)
{
	unsigned int i;
	bool full;

	nic->speed = nic->forced_speed;
	nic->duplex = nic->forced_duplex;
	for (i = 0; nic->autoneg && i < ARRAY_SIZE(hs_modes); i++) {
		if (!linkmode_test_bit(hs_modes[i].bit, nic->advertising))
			continue;
		nic->speed = hs_modes[i].speed;
		nic->duplex = hs_modes[i].duplex;
		break;
	}
	full = nic->duplex == DUPLEX_FULL && (nic->autoneg || !nic->pause_autoneg);
	nic->pause_rx_on = full && nic->pause_rx;
	nic->pause_tx_on = full && nic->pause_tx;
}

/* EEE exists from 100 Mb/s on, in full duplex, and only where it was negotiated. */
bool hs_link_eee_active(const struct hs_nic *nic)
{
	u32 mode = nic->speed == SPEED_1000 ? ADVERTISED_1000baseT_Full : ADVERTISED_100baseT_Full;

	return netif_carrier_ok(nic->dev) && nic->autoneg && nic->speed >= SPEED_100 && nic->duplex == DUPLEX_FULL &&
	       nic->eee_enabled && (nic->eee_advertised & mode);
}

static void hs_link_work(struct work_struct *work)
{
	struct hs_nic *nic = container_of(work, struct hs_nic, link_work.work);
	static const char * const pause[] = { "off", "tx", "rx", "rx/tx" };

	if (!hs_lower_present(nic->card))
		return;
	hs_link_resolve(nic);
	/* The words of phy_print_status(), drivers/net/phy/phy.c. */
	netdev_info(nic->dev, "Link is Up - %s/%s - flow control %s\n",
		    nic->speed == SPEED_1000 ? "1Gbps" : nic->speed == SPEED_100 ? "100Mbps" : "10Mbps",
		    nic->duplex == DUPLEX_FULL ? "Full" : "Half", pause[nic->pause_rx_on * 2 + nic->pause_tx_on]);
	netif_carrier_on(nic->dev);
}

void hs_link_start(struct hs_nic *nic)
{
	queue_delayed_work(system_wq, &nic->link_work, msecs_to_jiffies(hs_link_ms));
}

void hs_link_stop(struct hs_nic *nic)
{
	cancel_delayed_work_sync(&nic->link_work);
	if (!netif_carrier_ok(nic->dev))
		return;
	netif_carrier_off(nic->dev);
	hs_rule_break(nic);
	netdev_info(nic->dev, "Link is Down\n");
}

void hs_link_restart(struct hs_nic *nic)
{
	ASSERT_RTNL();
	if (!nic->running)
		return;
	hs_link_stop(nic);
	hs_rule_act(nic, HS_RENEGOTIATE);
	hs_link_start(nic);
}

/* The wire may have been plugged in or pulled out. */
void hs_link_cable(struct hs_nic *nic)
{
	bool plugged = hs_lower_present(nic->card);

	ASSERT_RTNL();
	if (!nic->running)
		return;
	if (!plugged)
		hs_link_stop(nic);
	else if (!netif_carrier_ok(nic->dev) && !delayed_work_pending(&nic->link_work))
		hs_link_restart(nic);
}

void hs_link_init(struct hs_nic *nic)
{
	INIT_DELAYED_WORK(&nic->link_work, hs_link_work);
	hs_link_supported(nic->advertising);
	nic->autoneg = true;
	nic->pause_autoneg = true;
	nic->pause_rx = true;
	nic->pause_tx = true;
	nic->eee_enabled = true;
	nic->eee_lpi = true;
	nic->eee_advertised = ADVERTISED_100baseT_Full | ADVERTISED_1000baseT_Full;
}
