/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hangsim: a PCI network card that really hangs.
 *
 * core.c   the module, the PCI driver and the netdev
 * ring.c   the transmit rings and the engine that empties them, which is what hangs
 * lower.c  the wire: another netdev that carries the frames
 * link.c   the simulated PHY
 * rule.c   when a queue hangs and what cures it
 * ethtool.c  what ethtool reads and sets
 */
#ifndef HANGSIM_H
#define HANGSIM_H

#include <linux/linkmode.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>

#define HS_MAX_QUEUES	16
#define HS_MIN_RING	8
#define HS_MAX_RING	4096

/* What can be done to a card, mildest first; the values of cure=. */
enum hs_action {
	HS_TIMEOUT,	/* the driver's own reset: after ndo_tx_timeout, or a new ring size */
	HS_RENEGOTIATE,
	HS_BOUNCE,
	HS_RESET,
	HS_REBIND,
	HS_RESCAN,
	HS_RELOAD,
	HS_NEVER,
};

/* What is remembered of the card at a PCI address for as long as the module is loaded. */
struct hs_card {
	struct list_head node;
	char address[20];
	unsigned int index;
	struct pci_dev *pdev;			/* the last one seen, with a reference, so that its address stays unique */
	struct net_device __rcu *lower;		/* written under rtnl */
	netdevice_tracker lower_tracker;
	struct net_device __rcu *netdev;	/* NULL while no driver is bound */

	spinlock_t lock;			/* for what follows */
	unsigned long stopped;			/* queues that hang */
	bool by_hand;				/* stopped through the hang parameter, not by the rule */
	bool counting;				/* the rule's conditions hold since: */
	unsigned long since;
	u64 hangs;
	u64 cures;
};

struct hs_queue {
	struct hs_nic *nic;
	unsigned int index;
	struct napi_struct napi;
	spinlock_t lock;
	struct sk_buff **ring;
	unsigned int size, first, used;
	atomic64_t packets, bytes, stalls;
};

struct hs_nic {
	struct net_device *dev;
	struct pci_dev *pdev;
	struct hs_card *card;
	struct hs_queue *queue;
	bool running;				/* the rings are live; written under rtnl */
	struct work_struct timeout_work;
	struct delayed_work rule_work;
	struct delayed_work link_work;
	atomic64_t rx_packets, rx_bytes, tx_timeouts;
	s64 traffic_base;

	__ETHTOOL_DECLARE_LINK_MODE_MASK(advertising);
	bool autoneg;
	u32 forced_speed, speed;		/* speed and duplex hold while the carrier is up */
	u8 forced_duplex, duplex;
	bool pause_autoneg, pause_rx, pause_tx;	/* as asked for */
	bool pause_rx_on, pause_tx_on;		/* as resolved */
	bool eee_enabled, eee_lpi;
	u32 eee_advertised, eee_timer;		/* advertised: 100 full and 1000 full, as the legacy mask */
	u32 rx_ring, rx_usecs, tx_usecs, wol;
};

/* core.c */
bool hs_is_ours(const struct net_device *dev);
void hs_each_card(void (*call)(struct hs_card *card, void *arg), void *arg);

/* ring.c */
int hs_rings_alloc(struct hs_nic *nic, unsigned int size);
void hs_rings_free(struct hs_nic *nic);
int hs_rings_resize(struct hs_nic *nic, unsigned int size);
void hs_rings_start(struct hs_nic *nic);
void hs_rings_stop(struct hs_nic *nic);
void hs_rings_kick(struct hs_nic *nic);
netdev_tx_t hs_xmit(struct sk_buff *skb, struct net_device *dev);

/* lower.c */
int hs_lower_init(void);
void hs_lower_exit(void);
void hs_lower_attach(struct hs_card *card);
void hs_lower_detach(struct hs_card *card);
bool hs_lower_present(struct hs_card *card);
void hs_lower_send(struct hs_card *card, struct sk_buff *skb);

/* link.c */
void hs_link_init(struct hs_nic *nic);
void hs_link_start(struct hs_nic *nic);
void hs_link_stop(struct hs_nic *nic);
void hs_link_restart(struct hs_nic *nic);
void hs_link_cable(struct hs_nic *nic);
void hs_link_supported(unsigned long *mask);
bool hs_link_eee_active(const struct hs_nic *nic);

/* rule.c */
void hs_rule_work(struct work_struct *work);
void hs_rule_start(struct hs_nic *nic);
void hs_rule_stop(struct hs_nic *nic);
void hs_rule_break(struct hs_nic *nic);
void hs_rule_act(struct hs_nic *nic, enum hs_action action);

/* ethtool.c */
extern const struct ethtool_ops hs_ethtool_ops;

#endif
