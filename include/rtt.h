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

INLINE void rtt_sample(struct half *own, __u64 rtt_ns, __u8 clock_error)
{
	__u32 ns = rtt_ns > 0xffffffff ? 0xffffffff : (__u32)rtt_ns;

	own->rtt_sum_ns += rtt_ns;
	if (own->rtt_samples++ == 0 || ns < own->rtt_min_ns)
		own->rtt_min_ns = ns;
	if (ns > own->rtt_max_ns)
		own->rtt_max_ns = ns;
	if (clock_error > own->rtt_error)
		own->rtt_error = clock_error;
}

INLINE void rtt_close(struct half *own, const struct half *peer, const struct segment *seg)
{
	__u32 ack = seg->acknowledgment;

	if (!(seg->flags & TCP_ACK) || !peer->rtt_ns || seq_before(ack, peer->rtt_seq))
		return;
	if (own->bits & (HALF_ACKED | HALF_SYNACK) && !seq_before(own->ack, peer->rtt_seq))
		return; /* an earlier ACK closed it */
	if (likely(seg->now_ns >= peer->rtt_ns))
		rtt_sample(own, seg->now_ns - peer->rtt_ns, seg->clock_error);
}

INLINE void rtt_open(struct half *own, const struct half *peer, __u32 end, __u64 now_ns)
{
	if (own->rtt_seq && seq_before(peer->ack, own->rtt_seq))
		return;
	own->rtt_ns = now_ns;
	own->rtt_seq = end;
}

INLINE void rtt_void(struct half *own, const struct half *peer)
{
	if (!own->rtt_ns || !seq_before(peer->ack, own->rtt_seq))
		return;
	own->rtt_ns = 0;
	own->rtt_seq = own->next;
}

#endif
