// SPDX-License-Identifier: GPL-2.0-or-later
/* The module, its memory of cards, the PCI driver and the netdev. */
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/pm_runtime.h>

#include "hangsim.h"

#define HS_DEFAULT_RING	256

static unsigned int hs_queues = 4;
module_param_named(queues, hs_queues, uint, 0444);
MODULE_PARM_DESC(queues, "transmit queues of a card, 1 to 16 (default 4)");

static char hs_mac[20];
module_param_string(mac, hs_mac, sizeof(hs_mac), 0444);
MODULE_PARM_DESC(mac, "permanent address of the first card, counted up for the next ones (default: made from the PCI address)");

static bool hs_silent;
module_param_named(silent, hs_silent, bool, 0644);
MODULE_PARM_DESC(silent, "no ndo_tx_timeout, so no watchdog; taken over when an interface is opened (default N)");

static LIST_HEAD(hs_cards);
static DEFINE_MUTEX(hs_cards_lock);	/* taken inside rtnl, never around it */

void hs_each_card(void (*call)(struct hs_card *card, void *arg), void *arg)
{
	struct hs_card *card;

	mutex_lock(&hs_cards_lock);
	list_for_each_entry(card, &hs_cards, node)
		call(card, arg);
	mutex_unlock(&hs_cards_lock);
}

/* The card at this PCI address, remembered or new; *action tells what happened to it since it was last driven. */
static struct hs_card *hs_card_find(struct pci_dev *pdev, enum hs_action *action)
{
	unsigned int index = 0;
	struct hs_card *card;

	mutex_lock(&hs_cards_lock);
	list_for_each_entry(card, &hs_cards, node) {
		index++;
		if (strcmp(card->address, pci_name(pdev)))
			continue;
		*action = card->pdev == pdev ? HS_REBIND : HS_RESCAN;
		pci_dev_put(card->pdev);
		card->pdev = pci_dev_get(pdev);
		goto out;
	}
	card = kzalloc(sizeof(*card), GFP_KERNEL);
	if (card) {
		strscpy(card->address, pci_name(pdev), sizeof(card->address));
		card->index = index;
		card->pdev = pci_dev_get(pdev);
		spin_lock_init(&card->lock);
		list_add_tail(&card->node, &hs_cards);
		*action = HS_RELOAD;
	}
out:
	mutex_unlock(&hs_cards_lock);
	return card;
}

static void hs_cards_free(void)
{
	struct hs_card *card, *next;

	list_for_each_entry_safe(card, next, &hs_cards, node) {
		rtnl_lock();
		hs_lower_detach(card);
		rtnl_unlock();
		pci_dev_put(card->pdev);
		kfree(card);
	}
}

static void hs_start(struct hs_nic *nic)
{
	hs_rings_start(nic);
	hs_link_start(nic);
	hs_rule_start(nic);
}

static void hs_stop(struct hs_nic *nic)
{
	if (!nic->running)
		return;
	hs_rule_stop(nic);
	hs_link_stop(nic);
	hs_rings_stop(nic);
}

static const struct net_device_ops hs_netdev_ops, hs_silent_ops;

/* The watchdog is not armed before the device is activated, after this, so its handler can still come and go. */
static int hs_open(struct net_device *dev)
{
	struct hs_nic *nic = netdev_priv(dev);
	int err = pm_runtime_resume_and_get(&nic->pdev->dev);

	if (err)
		return err;
	dev->netdev_ops = hs_silent ? &hs_silent_ops : &hs_netdev_ops;
	hs_lower_attach(nic->card);
	hs_rule_act(nic, HS_BOUNCE);
	hs_start(nic);
	return 0;
}

static int hs_close(struct net_device *dev)
{
	struct hs_nic *nic = netdev_priv(dev);

	hs_stop(nic);
	pm_runtime_put(&nic->pdev->dev);
	return 0;
}

static void hs_tx_timeout(struct net_device *dev, unsigned int txqueue)
{
	struct hs_nic *nic = netdev_priv(dev);

	atomic64_inc(&nic->tx_timeouts);
	netdev_err(dev, "Tx timeout on queue %u, resetting\n", txqueue);
	schedule_work(&nic->timeout_work);
}

static void hs_timeout_work(struct work_struct *work)
{
	struct hs_nic *nic = container_of(work, struct hs_nic, timeout_work);

	rtnl_lock();
	if (nic->running) {
		hs_rings_stop(nic);
		hs_rule_act(nic, HS_TIMEOUT);
		hs_rings_start(nic);
	}
	rtnl_unlock();
}

static int hs_change_mtu(struct net_device *dev, int mtu)
{
	struct hs_nic *nic = netdev_priv(dev);
	struct net_device *lower = rtnl_dereference(nic->card->lower);
	int err = 0;

	if (lower && lower->mtu < mtu)
		err = dev_set_mtu(lower, mtu);
	if (!err)
		WRITE_ONCE(dev->mtu, mtu);
	return err;
}

static void hs_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	struct hs_nic *nic = netdev_priv(dev);
	unsigned int i;

	stats->rx_packets = atomic64_read(&nic->rx_packets);
	stats->rx_bytes = atomic64_read(&nic->rx_bytes);
	for (i = 0; i < dev->num_tx_queues; i++) {
		stats->tx_packets += atomic64_read(&nic->queue[i].packets);
		stats->tx_bytes += atomic64_read(&nic->queue[i].bytes);
	}
}

#define HS_COMMON_OPS \
	.ndo_open = hs_open, \
	.ndo_stop = hs_close, \
	.ndo_start_xmit = hs_xmit, \
	.ndo_change_mtu = hs_change_mtu, \
	.ndo_get_stats64 = hs_get_stats64, \
	.ndo_set_mac_address = eth_mac_addr, \
	.ndo_validate_addr = eth_validate_addr

static const struct net_device_ops hs_netdev_ops = { HS_COMMON_OPS, .ndo_tx_timeout = hs_tx_timeout };
static const struct net_device_ops hs_silent_ops = { HS_COMMON_OPS };

bool hs_is_ours(const struct net_device *dev)
{
	return dev->netdev_ops == &hs_netdev_ops || dev->netdev_ops == &hs_silent_ops;
}

static void hs_set_address(struct hs_nic *nic)
{
	struct pci_dev *pdev = nic->pdev;
	u8 mac[ETH_ALEN] = { 0x02, 'H', 'S', pci_domain_nr(pdev->bus), pdev->bus->number, pdev->devfn };

	if (mac_pton(hs_mac, mac))
		mac[ETH_ALEN - 1] += nic->card->index;
	eth_hw_addr_set(nic->dev, mac);
}

static void hs_netdev_setup(struct hs_nic *nic)
{
	struct net_device *dev = nic->dev;

	SET_NETDEV_DEV(dev, &nic->pdev->dev);
	dev->netdev_ops = hs_silent ? &hs_silent_ops : &hs_netdev_ops;
	dev->ethtool_ops = &hs_ethtool_ops;
	dev->watchdog_timeo = 5 * HZ;
	dev->max_mtu = 9000;
	dev->hw_features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_RXCSUM;
	dev->features = dev->hw_features | NETIF_F_HIGHDMA;
	dev->vlan_features = dev->hw_features;
	/* A frame is handed on, not sent from where it is (pktgen), and not with interrupts off (netpoll). */
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	dev->priv_flags |= IFF_DISABLE_NETPOLL;
	hs_set_address(nic);
	netif_carrier_off(dev);
	INIT_WORK(&nic->timeout_work, hs_timeout_work);
	INIT_DELAYED_WORK(&nic->rule_work, hs_rule_work);
	hs_link_init(nic);
	nic->rx_ring = HS_DEFAULT_RING;
	nic->rx_usecs = 50;
	nic->tx_usecs = 50;
}

static int hs_register(struct hs_nic *nic, enum hs_action action)
{
	int err;

	rtnl_lock();
	hs_rule_act(nic, action);
	hs_lower_attach(nic->card);
	err = register_netdevice(nic->dev);
	if (!err)
		rcu_assign_pointer(nic->card->netdev, nic->dev);
	rtnl_unlock();
	return err;
}

static int hs_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	unsigned int queues = clamp_t(unsigned int, hs_queues, 1, HS_MAX_QUEUES);
	enum hs_action action;
	struct net_device *dev;
	struct hs_nic *nic;
	int err = pcim_enable_device(pdev);

	if (err)
		return err;
	pci_set_master(pdev); /* as every driver of a card that reaches memory does; who looks for a card that may not, must not find this one */
	dev = alloc_etherdev_mqs(sizeof(*nic), queues, 1);
	if (!dev)
		return -ENOMEM;
	nic = netdev_priv(dev);
	nic->dev = dev;
	nic->pdev = pdev;
	err = -ENOMEM;
	nic->card = hs_card_find(pdev, &action);
	if (!nic->card)
		goto free_dev;
	err = hs_rings_alloc(nic, HS_DEFAULT_RING);
	if (err)
		goto free_dev;
	hs_netdev_setup(nic);
	err = hs_register(nic, action);
	if (err)
		goto free_rings;
	pci_set_drvdata(pdev, nic);
	device_set_wakeup_capable(&pdev->dev, true);
	netdev_info(dev, "hangsim, %pM\n", dev->dev_addr);
	pm_runtime_put_noidle(&pdev->dev);
	return 0;

free_rings:
	hs_rings_free(nic);
free_dev:
	free_netdev(dev);
	return err;
}

static void hs_remove(struct pci_dev *pdev)
{
	struct hs_nic *nic = pci_get_drvdata(pdev);

	pm_runtime_get_noresume(&pdev->dev);
	rtnl_lock();
	RCU_INIT_POINTER(nic->card->netdev, NULL);
	rtnl_unlock();
	unregister_netdev(nic->dev);
	cancel_work_sync(&nic->timeout_work);
	hs_rings_free(nic);
	free_netdev(nic->dev);
}

static void hs_reset_prepare(struct pci_dev *pdev)
{
	struct hs_nic *nic = pci_get_drvdata(pdev);

	rtnl_lock();
	netif_device_detach(nic->dev);
	hs_stop(nic);
	rtnl_unlock();
}

static void hs_reset_done(struct pci_dev *pdev)
{
	struct hs_nic *nic = pci_get_drvdata(pdev);

	rtnl_lock();
	hs_rule_act(nic, HS_RESET);
	if (netif_running(nic->dev))
		hs_start(nic);
	netif_device_attach(nic->dev);
	rtnl_unlock();
}

static const struct pci_error_handlers hs_err_handler = { .reset_prepare = hs_reset_prepare, .reset_done = hs_reset_done };

static int hs_runtime_suspend(struct device *device)
{
	return 0;
}

static int hs_runtime_resume(struct device *device)
{
	return 0;
}

static const struct dev_pm_ops hs_pm_ops = { SET_RUNTIME_PM_OPS(hs_runtime_suspend, hs_runtime_resume, NULL) };

static const struct pci_device_id hs_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },		/* QEMU edu */
	{ PCI_DEVICE(0x1b36, 0x0005) },		/* QEMU pci-testdev */
	{ }
};
MODULE_DEVICE_TABLE(pci, hs_ids);

static struct pci_driver hs_driver = {
	.name = "hangsim",
	.id_table = hs_ids,
	.probe = hs_probe,
	.remove = hs_remove,
	.err_handler = &hs_err_handler,
	.driver.pm = &hs_pm_ops,
};

static int __init hs_init(void)
{
	int err = hs_lower_init();

	if (err)
		return err;
	err = pci_register_driver(&hs_driver);
	if (err)
		hs_lower_exit();
	return err;
}

static void __exit hs_exit(void)
{
	pci_unregister_driver(&hs_driver);
	hs_lower_exit();
	hs_cards_free();
}

module_init(hs_init);
module_exit(hs_exit);
MODULE_DESCRIPTION("Simulated network card that really hangs, for trying remedies");
MODULE_LICENSE("GPL");
