// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When a card hangs and what cures it.
 *
 * The rule is looked at ten times a second while the interface is up.  Its conditions must hold for after_s without a break,
 * with the carrier up.  The hang belongs to the card (struct hs_card), not to the netdev, so it outlives a new driver
 * instance unless that is what cures it.
 */
#include <linux/string.h>

#include "hangsim.h"

static const char * const hs_actions[] = {
	[HS_TIMEOUT] = "timeout", [HS_RENEGOTIATE] = "renegotiate", [HS_BOUNCE] = "bounce", [HS_RESET] = "reset",
	[HS_REBIND] = "rebind", [HS_RESCAN] = "rescan", [HS_RELOAD] = "reload", [HS_NEVER] = "never",
};

static int hs_cure = HS_REBIND;

static int hs_cure_set(const char *value, const struct kernel_param *kp)
{
	int level = sysfs_match_string(hs_actions, value);

	if (level < 0)
		return level;
	hs_cure = level;
	return 0;
}

static int hs_cure_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", hs_actions[hs_cure]);
}

static const struct kernel_param_ops hs_cure_ops = { .set = hs_cure_set, .get = hs_cure_get };
module_param_cb(cure, &hs_cure_ops, NULL, 0644);
MODULE_PARM_DESC(cure, "mildest action that cures: timeout, renegotiate, bounce, reset, rebind (default), rescan, reload, never");

static bool hs_armed = true;
module_param_named(armed, hs_armed, bool, 0644);
MODULE_PARM_DESC(armed, "whether the rule acts (default Y)");

static bool hs_sticky = true;
module_param_cb(sticky, &param_ops_bool, &hs_sticky, 0644);	/* module_param() would clash with __check_sticky() of linux/fs.h */
MODULE_PARM_DESC(sticky, "Y (default): a hang stays until cured; N: it ends as soon as a condition ceases");

static char hs_device[32];
module_param_string(device, hs_device, sizeof(hs_device), 0644);
MODULE_PARM_DESC(device, "the only card that rule and hang act on: PCI address or interface (default: all)");

#define HS_RULE(name, text) \
	static int hs_##name = -1; \
	module_param_named(name, hs_##name, int, 0644); \
	MODULE_PARM_DESC(name, text)

static int hs_after_s;
module_param_named(after_s, hs_after_s, int, 0644);
MODULE_PARM_DESC(after_s, "seconds that the conditions must hold (default 0: hang at once; -1: never)");

HS_RULE(queue, "which queue hangs (default -1: all)");
HS_RULE(speed, "condition: link speed in Mb/s (default -1: any)");
HS_RULE(tx, "condition: transmit checksum offload 0/1");
HS_RULE(sg, "condition: scatter-gather 0/1");
HS_RULE(tso, "condition: any TCP segmentation offload 0/1");
HS_RULE(gso, "condition: generic segmentation offload 0/1");
HS_RULE(eee, "condition: EEE active 0/1");
HS_RULE(pause, "condition: flow control active in any direction 0/1");
HS_RULE(aspm, "condition: ASPM enabled on the PCIe link 0/1");
HS_RULE(rpm, "condition: runtime power management allowed (power/control auto) 0/1");
HS_RULE(mtu, "condition: MTU greater than this");
HS_RULE(ring, "condition: transmit ring larger than this");
HS_RULE(coalesce, "condition: tx-usecs greater than this");

static long hs_bytes = -1;
module_param_named(bytes, hs_bytes, long, 0644);
MODULE_PARM_DESC(bytes, "condition: bytes sent and received since the interface was opened or cured");

static bool hs_is(int wanted, bool actual)
{
	return wanted < 0 || !!wanted == actual;
}

static bool hs_above(long limit, long actual)
{
	return limit < 0 || actual > limit;
}

static bool hs_chosen(const struct hs_card *card, const struct net_device *dev)
{
	size_t length = strcspn(hs_device, "\n");

	return !length || (strlen(card->address) == length && !strncmp(hs_device, card->address, length)) ||
	       (dev && strlen(dev->name) == length && !strncmp(hs_device, dev->name, length));
}

static bool hs_settings_hold(struct hs_nic *nic)
{
	netdev_features_t features = nic->dev->features;

	return hs_armed && hs_after_s >= 0 && hs_chosen(nic->card, nic->dev) &&
	       (hs_speed < 0 || hs_speed == nic->speed) &&
	       hs_is(hs_tx, features & NETIF_F_HW_CSUM) &&
	       hs_is(hs_sg, features & NETIF_F_SG) &&
	       hs_is(hs_tso, features & NETIF_F_ALL_TSO) &&
	       hs_is(hs_gso, features & NETIF_F_GSO) &&
	       hs_is(hs_eee, hs_link_eee_active(nic)) &&
	       hs_is(hs_pause, nic->pause_rx_on || nic->pause_tx_on) &&
	       hs_is(hs_aspm, pcie_aspm_enabled(nic->pdev)) &&
	       hs_is(hs_rpm, nic->pdev->dev.power.runtime_auto) &&
	       hs_above(hs_mtu, nic->dev->mtu) &&
	       hs_above(hs_ring, nic->queue[0].size) &&
	       hs_above(hs_coalesce, nic->tx_usecs);
}

static s64 hs_traffic(struct hs_nic *nic)
{
	s64 bytes = atomic64_read(&nic->rx_bytes);
	unsigned int i;

	for (i = 0; i < nic->dev->num_tx_queues; i++)
		bytes += atomic64_read(&nic->queue[i].bytes);
	return bytes;
}

static void hs_hang(struct hs_card *card, bool by_hand)
{
	lockdep_assert_held(&card->lock);
	if (!card->stopped)
		card->hangs++;
	card->by_hand = by_hand;
	WRITE_ONCE(card->stopped, hs_queue < 0 ? GENMASK(HS_MAX_QUEUES - 1, 0) : BIT(hs_queue % HS_MAX_QUEUES));
}

/* Returns whether a hang ended, after which the rings must be kicked. */
static bool hs_release(struct hs_card *card)
{
	bool hung = card->stopped;

	lockdep_assert_held(&card->lock);
	WRITE_ONCE(card->stopped, 0);
	card->counting = false;
	return hung;
}

void hs_rule_work(struct work_struct *work)
{
	struct hs_nic *nic = container_of(work, struct hs_nic, rule_work.work);
	struct hs_card *card = nic->card;
	bool up = netif_carrier_ok(nic->dev), settings = up && hs_settings_hold(nic), released = false;

	spin_lock_bh(&card->lock);
	if (!settings || !hs_above(hs_bytes, hs_traffic(nic) - nic->traffic_base)) {
		card->counting = false;
	} else if (!card->counting) {
		card->counting = true;
		card->since = jiffies;
	}
	if (up && !settings && !hs_sticky && !card->by_hand)
		released = hs_release(card);
	if (card->counting && !card->stopped && time_after_eq(jiffies, card->since + hs_after_s * HZ))
		hs_hang(card, false);
	spin_unlock_bh(&card->lock);
	if (released)
		hs_rings_kick(nic);
	queue_delayed_work(system_wq, &nic->rule_work, HZ / 10);
}

void hs_rule_start(struct hs_nic *nic)
{
	nic->traffic_base = hs_traffic(nic);
	queue_delayed_work(system_wq, &nic->rule_work, 0);
}

/* The carrier is gone, for however short a time: the conditions have to hold anew. */
void hs_rule_break(struct hs_nic *nic)
{
	spin_lock_bh(&nic->card->lock);
	nic->card->counting = false;
	spin_unlock_bh(&nic->card->lock);
}

void hs_rule_stop(struct hs_nic *nic)
{
	cancel_delayed_work_sync(&nic->rule_work);
}

/* Something was done to the card: if that is strong enough, it is well again and the rule starts anew. */
void hs_rule_act(struct hs_nic *nic, enum hs_action action)
{
	struct hs_card *card = nic->card;
	bool cured;

	if (action < hs_cure)
		return;
	spin_lock_bh(&card->lock);
	cured = hs_release(card);
	card->cures += cured;
	nic->traffic_base = hs_traffic(nic);
	spin_unlock_bh(&card->lock);
	if (cured)
		hs_rings_kick(nic);
}

static void hs_hang_one(struct hs_card *card, void *arg)
{
	struct net_device *dev;
	bool released = false;

	rcu_read_lock();
	dev = rcu_dereference(card->netdev);
	if (hs_chosen(card, dev)) {
		spin_lock_bh(&card->lock);
		if (*(bool *)arg)
			hs_hang(card, true);
		else
			released = hs_release(card);
		spin_unlock_bh(&card->lock);
		if (released && dev)
			hs_rings_kick(netdev_priv(dev));
	}
	rcu_read_unlock();
}

static int hs_hang_set(const char *value, const struct kernel_param *kp)
{
	bool hang;
	int err = kstrtobool(value, &hang);

	if (!err)
		hs_each_card(hs_hang_one, &hang);
	return err;
}

static void hs_hang_any(struct hs_card *card, void *arg)
{
	*(bool *)arg |= READ_ONCE(card->stopped) != 0;
}

static int hs_hang_get(char *buffer, const struct kernel_param *kp)
{
	bool hung = false;

	hs_each_card(hs_hang_any, &hung);
	return sysfs_emit(buffer, "%d\n", hung);
}

static const struct kernel_param_ops hs_hang_ops = { .set = hs_hang_set, .get = hs_hang_get };
module_param_cb(hang, &hs_hang_ops, NULL, 0644);
MODULE_PARM_DESC(hang, "write 1: hang now, whatever the rule says; 0: end the hang.  Reads 1 while anything hangs");
