// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The transmit rings.  ndo_start_xmit fills a ring; a NAPI instance per queue plays the DMA engine: it takes frames out,
 * sends them down the wire and reports them as completed.  For a queue that hangs it takes nothing any more, so everything
 * above (byte queue limits, queue states, the kernel's watchdog) sees what it sees with a hung card.
 */
#include <linux/etherdevice.h>
#include <linux/slab.h>

#include "hangsim.h"

static struct sk_buff *hs_take(struct hs_queue *q)
{
	struct sk_buff *skb = NULL;

	spin_lock(&q->lock);
	if (q->used && !test_bit(q->index, &q->nic->card->stopped)) {
		skb = q->ring[q->first];
		q->first = (q->first + 1) % q->size;
		q->used--;
	}
	spin_unlock(&q->lock);
	return skb;
}

static void hs_complete(struct hs_queue *q, unsigned int packets, unsigned int bytes)
{
	struct netdev_queue *txq = netdev_get_tx_queue(q->nic->dev, q->index);

	atomic64_add(packets, &q->packets);
	atomic64_add(bytes, &q->bytes);
	netdev_tx_completed_queue(txq, packets, bytes);
	spin_lock(&q->lock);
	if (netif_tx_queue_stopped(txq) && q->used <= q->size / 2)
		netif_tx_wake_queue(txq);
	spin_unlock(&q->lock);
}

static int hs_poll(struct napi_struct *napi, int budget)
{
	struct hs_queue *q = container_of(napi, struct hs_queue, napi);
	unsigned int bytes = 0;
	struct sk_buff *skb;
	int done = 0;

	while (done < budget && (skb = hs_take(q))) {
		bytes += skb->len;
		done++;
		hs_lower_send(q->nic->card, skb);
	}
	if (done)
		hs_complete(q, done, bytes);
	if (done < budget)
		napi_complete_done(napi, done);
	return done;
}

netdev_tx_t hs_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct hs_nic *nic = netdev_priv(dev);
	unsigned int index = skb_get_queue_mapping(skb);
	struct netdev_queue *txq = netdev_get_tx_queue(dev, index);
	struct hs_queue *q = &nic->queue[index];
	bool doorbell;

	spin_lock(&q->lock);
	if (unlikely(q->used == q->size)) {
		netif_tx_stop_queue(txq);
		spin_unlock(&q->lock);
		return NETDEV_TX_BUSY;
	}
	q->ring[(q->first + q->used++) % q->size] = skb;
	doorbell = __netdev_tx_sent_queue(txq, skb->len, netdev_xmit_more());
	if (q->used == q->size) {
		netif_tx_stop_queue(txq);
		atomic64_inc(&q->stalls);
		doorbell = true;
	}
	spin_unlock(&q->lock);
	if (doorbell)
		napi_schedule(&q->napi);
	return NETDEV_TX_OK;
}

/* Let the engine look at every ring again; does nothing for rings that are not live. */
void hs_rings_kick(struct hs_nic *nic)
{
	unsigned int i;

	local_bh_disable();
	for (i = 0; i < nic->dev->num_tx_queues; i++)
		napi_schedule(&nic->queue[i].napi);
	local_bh_enable();
}

void hs_rings_start(struct hs_nic *nic)
{
	unsigned int i;

	ASSERT_RTNL();
	if (nic->running)
		return;
	for (i = 0; i < nic->dev->num_tx_queues; i++)
		napi_enable(&nic->queue[i].napi);
	nic->running = true;
	netif_tx_wake_all_queues(nic->dev);
}

/* Stop the engine first: only it wakes queues, so that none is filled again once they are all disabled. */
void hs_rings_stop(struct hs_nic *nic)
{
	unsigned int i;

	ASSERT_RTNL();
	if (!nic->running)
		return;
	nic->running = false;
	for (i = 0; i < nic->dev->num_tx_queues; i++)
		napi_disable(&nic->queue[i].napi);
	netif_tx_disable(nic->dev);
	for (i = 0; i < nic->dev->num_tx_queues; i++) {
		struct hs_queue *q = &nic->queue[i];

		for (; q->used; q->used--) {
			dev_kfree_skb_any(q->ring[q->first]);
			q->first = (q->first + 1) % q->size;
		}
		netdev_tx_reset_queue(netdev_get_tx_queue(nic->dev, i));
	}
}

/* Give every (empty, stopped) queue a ring of this size; on failure the old rings stay. */
int hs_rings_resize(struct hs_nic *nic, unsigned int size)
{
	struct sk_buff **ring[HS_MAX_QUEUES];
	unsigned int i;

	for (i = 0; i < nic->dev->num_tx_queues; i++) {
		ring[i] = kvcalloc(size, sizeof(*ring[i]), GFP_KERNEL);
		if (!ring[i]) {
			while (i--)
				kvfree(ring[i]);
			return -ENOMEM;
		}
	}
	for (i = 0; i < nic->dev->num_tx_queues; i++) {
		kvfree(nic->queue[i].ring);
		nic->queue[i].ring = ring[i];
		nic->queue[i].size = size;
		nic->queue[i].first = 0;
	}
	return 0;
}

int hs_rings_alloc(struct hs_nic *nic, unsigned int size)
{
	unsigned int i;
	int err;

	nic->queue = kcalloc(nic->dev->num_tx_queues, sizeof(*nic->queue), GFP_KERNEL);
	if (!nic->queue)
		return -ENOMEM;
	err = hs_rings_resize(nic, size);
	if (err) {
		kfree(nic->queue);
		return err;
	}
	for (i = 0; i < nic->dev->num_tx_queues; i++) {
		nic->queue[i].nic = nic;
		nic->queue[i].index = i;
		spin_lock_init(&nic->queue[i].lock);
		netif_napi_add_tx(nic->dev, &nic->queue[i].napi, hs_poll);
	}
	return 0;
}

void hs_rings_free(struct hs_nic *nic)
{
	unsigned int i;

	for (i = 0; i < nic->dev->num_tx_queues; i++) {
		netif_napi_del(&nic->queue[i].napi);
		kvfree(nic->queue[i].ring);
	}
	kfree(nic->queue);
}
