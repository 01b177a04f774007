/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Round trips after Karn: from a segment to the ACK that covers its end; a range that was sent twice gives none.
 * The sample is opened by the data's sender in its own half and closed by the acknowledging side into that side's
 * statistics, which so are the round trips between the monitor and it. */
#ifndef TCPSCOPE_RTT_H
#define TCPSCOPE_RTT_H

#include "analysis.h"

/* Before `own` takes the segment's ack: does it acknowledge the end of the peer's open sample? */
INLINE void rtt_close(struct half *own, const struct half *peer, const struct segment *seg);
/* `own` sent new octets up to `end`: opens a sample if none is. */
INLINE void rtt_open(struct half *own, const struct half *peer, __u32 end, __u64 now_ns);
/* `own` sent octets again: the open sample is void, and the next waits until all that was sent is acknowledged. */
INLINE void rtt_void(struct half *own, const struct half *peer);

/* ------------------------------------------------------------------------------------------------------------- */

/* Adds a sample where `mask` says so. rtt_min_ns starts at 2^32 - 1. */
INLINE void rtt_sample(struct half *own, __u64 rtt_ns, __u8 clock_error, __u64 mask)
{
	__u64 longest = 0xffffffff, ns = choose(mask_if(u64_less(longest, rtt_ns)), longest, rtt_ns);
	__u64 low = (ns & mask) | (~mask & longest), high = ns & mask;

	own->rtt_sum_ns += rtt_ns & mask;
	own->rtt_samples += (__u32)mask & 1;
	own->rtt_min_ns = (__u32)choose(mask_if((low - own->rtt_min_ns) >> 63), low, own->rtt_min_ns);
	own->rtt_max_ns = (__u32)choose(mask_if((own->rtt_max_ns - high) >> 63), high, own->rtt_max_ns);
	if (unlikely((clock_error & (__u8)mask) > own->rtt_error))
		own->rtt_error = clock_error;
}

INLINE void rtt_close(struct half *own, const struct half *peer, const struct segment *seg)
{
	__u64 rtt_ns = seg->now_ns - peer->rtt_ns;
	__u64 open = (peer->rtt_ns | (0 - peer->rtt_ns)) >> 63, forward = (rtt_ns >> 63) ^ 1;
	__u64 covers = seq_before_bit(seg->acknowledgment, peer->rtt_seq) ^ 1;
	__u64 first = own->bits & (HALF_ACKED | HALF_SYNACK) ? seq_before_bit(own->ack, peer->rtt_seq) : 1;
	__u64 take = open & forward & covers & first; /* first: no earlier ACK closed it */

	opaque(take);
	if (likely(seg->flags & TCP_ACK))
		rtt_sample(own, rtt_ns, seg->clock_error, mask_if(take & 1));
}

INLINE void rtt_open(struct half *own, const struct half *peer, __u32 end, __u64 now_ns)
{
	__u64 waiting = seq_before_bit(peer->ack, own->rtt_seq) & ((own->rtt_seq | (0 - own->rtt_seq)) >> 31);
	__u64 mask;

	opaque(waiting);
	mask = (waiting & 1) - 1;
	own->rtt_ns = choose(mask, now_ns, own->rtt_ns);
	own->rtt_seq = (__u32)choose(mask, end, own->rtt_seq);
}

INLINE void rtt_void(struct half *own, const struct half *peer)
{
	if (!own->rtt_ns || !seq_before(peer->ack, own->rtt_seq))
		return;
	own->rtt_ns = 0;
	own->rtt_seq = own->next;
}

#endif
