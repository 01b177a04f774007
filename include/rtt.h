/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Round trips. A side opens one sample at a time, in its own half; the peer's answer closes it, into the peer's tally,
 * which so holds the round trips between the monitor and the peer. Three things open one (enum rtt_kind):
 * - new octets: the ACK that covers their end closes it (Karn: if any are sent again, it is void);
 * - octets sent again with a new TSval, which ends that: a TSecr of that value closes it (RFC 7323, 4.1);
 * - a pure ACK with a new TSval, if nothing else is open: for a side that only receives. A TSecr of that value closes it.
 *   It counts only if the peer has sent in between: else the peer had nothing to say, and the time is not the path's.
 * All by arithmetic: whether a sample is open is as good as random to a branch, and hangs on a cache miss. */
#ifndef TCPSCOPE_RTT_H
#define TCPSCOPE_RTT_H

#include "analysis.h"

/* Before `own` takes the segment's ack and time: does it close the peer's sample? `seg` has the ACK flag. */
INLINE void rtt_close(struct half *own, struct tally *tally, const struct half *peer, const struct segment *seg);
/* `own` sent new octets up to `end`. */
INLINE void rtt_open(struct half *own, const struct half *peer, __u32 end, __u64 now_ns);
/* `own` sent a segment without payload, SYN or FIN. */
INLINE void rtt_open_pure(struct half *own, const struct half *peer, const struct segment *seg, bool fresh);
/* `own` sent octets again. */
INLINE void rtt_resent(struct half *own, const struct half *peer, const struct segment *seg, bool fresh);
/* Notes the segment's TSval; true if it is higher than any before of this side: only then the first to carry it. */
INLINE bool rtt_fresh(struct half *own, const struct segment *seg);

/* ------------------------------------------------------------------------------------------------------------- */

/* Adds a sample where `mask` says so. rtt_min_ns starts at 2^32 - 1. */
INLINE void rtt_sample(struct tally *tally, __u64 rtt_ns, __u64 count, __u8 clock_error, __u64 mask)
{
	__u64 high = rtt_ns & mask, low;

	tally->rtt_sum_ns += high;
	tally->rtt_samples += count & mask;
	if (unlikely(high > 0xffffffff))
		high = 0xffffffff;
	low = high | ~mask;
	if (unlikely(low < tally->rtt_min_ns))
		tally->rtt_min_ns = (__u32)low;
	if (unlikely(high > tally->rtt_max_ns))
		tally->rtt_max_ns = (__u32)high;
	if (unlikely((clock_error & (__u8)mask) > tally->rtt_error))
		tally->rtt_error = clock_error;
}

/* 1 if x is not 0; x below 2^63. */
INLINE __u64 rtt_bit(__u64 x) { return (0 - x) >> 63; }

INLINE void rtt_close(struct half *own, struct tally *tally, const struct half *peer, const struct segment *seg)
{
	__u64 rtt_ns = seg->now_ns - peer->rtt_ns, stamped = rtt_bit(peer->rtt_kind), kind = peer->rtt_kind;
	__u64 echo = choose(mask_if(stamped), seg->options & OPTION_TIMESTAMPS ? seg->tsecr : peer->rtt_seq - 1,
			    seg->acknowledgment);
	__u64 closes = rtt_bit(peer->rtt_opened ^ own->rtt_closed) & (seq_before_bit((__u32)echo, peer->rtt_seq) ^ 1);
	/* It has sent in between, or need not have. */
	__u64 awake = ((peer->rtt_ns - own->time_ns) >> 63) | ((kind >> 1) ^ 1);
	__u64 take = closes & rtt_bit(peer->rtt_ns) & ((rtt_ns >> 63) ^ 1) & awake;

	opaque(closes);
	opaque(take);
	own->rtt_closed = (__u8)choose(mask_if(closes & 1), peer->rtt_opened, own->rtt_closed);
	rtt_sample(tally, rtt_ns, 1 | stamped << 32, seg->clock_error, mask_if(take & 1));
}

INLINE void rtt_begin(struct half *own, __u32 seq, enum rtt_kind kind, __u64 now_ns, __u64 mask)
{
	own->rtt_opened += (__u8)mask & 1;
	own->rtt_ns = choose(mask, now_ns, own->rtt_ns);
	own->rtt_seq = (__u32)choose(mask, seq, own->rtt_seq);
	own->rtt_kind = (__u8)choose(mask, kind, own->rtt_kind);
}

INLINE void rtt_open(struct half *own, const struct half *peer, __u32 end, __u64 now_ns)
{
	__u64 waits = rtt_bit(own->rtt_opened ^ peer->rtt_closed) & ((own->rtt_kind >> 1) ^ 1);

	opaque(waits);
	rtt_begin(own, end, RTT_ACK, now_ns, (waits & 1) - 1);
}

INLINE void rtt_open_pure(struct half *own, const struct half *peer, const struct segment *seg, bool fresh)
{
	if (fresh && own->rtt_opened == peer->rtt_closed)
		rtt_begin(own, seg->tsval, RTT_PURE_ACK, seg->now_ns, ~0ULL);
}

INLINE void rtt_resent(struct half *own, const struct half *peer, const struct segment *seg, bool fresh)
{
	if (own->rtt_opened == peer->rtt_closed || own->rtt_kind == RTT_PURE_ACK)
		return;
	if (fresh) {
		rtt_begin(own, seg->tsval, RTT_RESENT, seg->now_ns, ~0ULL);
	} else if (own->rtt_kind == RTT_ACK) { /* the next waits until all that was sent is acknowledged */
		own->rtt_ns = 0;
		own->rtt_seq = own->next;
	}
}

INLINE bool rtt_fresh(struct half *own, const struct segment *seg)
{
	if (!(seg->options & OPTION_TIMESTAMPS) || !seq_after(seg->tsval, own->tsval))
		return false;
	own->tsval = seg->tsval;
	return true;
}

#endif
