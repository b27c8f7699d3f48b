// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The wire: another netdev ("lower") that carries the frames of a card both ways.  It belongs to the card from the first time
 * it is found until it is unregistered or the module goes, whatever it is renamed to and wherever it is moved.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <net/net_namespace.h>

#include "hangsim.h"

static char hs_lower[256];
module_param_string(lower, hs_lower, sizeof(hs_lower), 0644);
MODULE_PARM_DESC(lower, "netdevs that carry the frames: NAME or PCI-ADDRESS=NAME, with commas between (default none: frames are dropped)");

void hs_lower_send(struct hs_card *card, struct sk_buff *skb)
{
	struct net_device *lower;

	rcu_read_lock();
	lower = rcu_dereference(card->lower);
	if (lower) {
		skb_scrub_packet(skb, true);
		skb->dev = lower;
		dev_queue_xmit(skb);
	} else {
		dev_consume_skb_any(skb);
	}
	rcu_read_unlock();
}

static rx_handler_result_t hs_lower_receive(struct sk_buff **pskb)
{
	struct sk_buff *skb = skb_share_check(*pskb, GFP_ATOMIC);
	struct net_device *dev;
	struct hs_card *card;
	struct hs_nic *nic;

	if (!skb)
		return RX_HANDLER_CONSUMED;
	*pskb = skb;
	card = rcu_dereference(skb->dev->rx_handler_data);
	dev = rcu_dereference(card->netdev);
	if (!dev || !netif_running(dev) || !netif_carrier_ok(dev)) {
		kfree_skb(skb);
		return RX_HANDLER_CONSUMED;
	}
	nic = netdev_priv(dev);
	__skb_push(skb, ETH_HLEN);
	atomic64_inc(&nic->rx_packets);
	atomic64_add(skb->len, &nic->rx_bytes);
	skb_scrub_packet(skb, true);
	skb->protocol = eth_type_trans(skb, dev);
	if (!(dev->features & NETIF_F_RXCSUM) && skb->ip_summed == CHECKSUM_UNNECESSARY)
		skb->ip_summed = CHECKSUM_NONE;
	return RX_HANDLER_ANOTHER;
}

/* With no wire named, the card has an ideal partner that swallows every frame. */
bool hs_lower_present(struct hs_card *card)
{
	struct net_device *lower;
	bool present;

	rcu_read_lock();
	lower = rcu_dereference(card->lower);
	present = !lower || (netif_running(lower) && netif_carrier_ok(lower));
	rcu_read_unlock();
	return present;
}

static bool hs_lower_try(struct hs_card *card, const char *name)
{
	struct net_device *lower = __dev_get_by_name(&init_net, name);

	if (!lower || lower->type != ARPHRD_ETHER || hs_is_ours(lower) || netdev_is_rx_handler_busy(lower))
		return false;
	if (netdev_rx_handler_register(lower, hs_lower_receive, card))
		return false;
	dev_set_promiscuity(lower, 1);
	netdev_hold(lower, &card->lower_tracker, GFP_KERNEL);
	rcu_assign_pointer(card->lower, lower);
	return true;
}

/* Find the card its wire if it has none, and bring the wire up. */
void hs_lower_attach(struct hs_card *card)
{
	char names[sizeof(hs_lower)], *rest = names, *name, *equals;
	struct net_device *lower;

	ASSERT_RTNL();
	kernel_param_lock(THIS_MODULE);
	strscpy(names, hs_lower, sizeof(names));
	kernel_param_unlock(THIS_MODULE);
	while (!rtnl_dereference(card->lower) && (name = strsep(&rest, ","))) {
		name = strim(name);
		equals = strchr(name, '=');
		if (equals) {
			*equals = '\0';
			if (strcmp(name, card->address))
				continue;
			name = equals + 1;
		}
		hs_lower_try(card, name);
	}
	lower = rtnl_dereference(card->lower);
	if (lower && !netif_running(lower) && dev_open(lower, NULL))
		netdev_warn(lower, "hangsim: the wire of %s cannot be brought up\n", card->address);
}

void hs_lower_detach(struct hs_card *card)
{
	struct net_device *lower = rtnl_dereference(card->lower);

	if (!lower)
		return;
	RCU_INIT_POINTER(card->lower, NULL);
	netdev_rx_handler_unregister(lower);
	dev_set_promiscuity(lower, -1);
	synchronize_net();
	netdev_put(lower, &card->lower_tracker);
}

static void hs_lower_changed(struct hs_card *card, void *arg)
{
	struct net_device *lower = arg, *dev = rtnl_dereference(card->netdev);

	if (rtnl_dereference(card->lower) != lower)
		return;
	/* A move to another network namespace is announced as unregistering too, but stays registered. */
	if (lower->reg_state == NETREG_UNREGISTERING)
		hs_lower_detach(card);
	if (dev)
		hs_link_cable(netdev_priv(dev));
}

static int hs_lower_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	switch (event) {
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
	case NETDEV_UNREGISTER:
		hs_each_card(hs_lower_changed, netdev_notifier_info_to_dev(ptr));
	}
	return NOTIFY_DONE;
}

static struct notifier_block hs_lower_notifier = { .notifier_call = hs_lower_event };

int hs_lower_init(void)
{
	return register_netdevice_notifier(&hs_lower_notifier);
}

void hs_lower_exit(void)
{
	unregister_netdevice_notifier(&hs_lower_notifier);
}
