/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Round trips. A side opens one sample at a time, in its own half; the peer's answer closes it, into the peer's tally,
 * which so holds the round trips between the monitor and the peer. Three things open one (enum rtt_kind):
 * - new octets: the ACK that covers their end closes it (Karn: if any are sent again, it is void);
 * - octets sent again with a new TSval, which ends that: a TSecr of that value closes it (RFC 7323, 4.1);
 * - a pure ACK with a new TSval, if nothing else is open: for a side that only receives. A TSecr of that value closes it.
 *   It counts only if the peer was not silent for more than half of it: else it had nothing to say, and the time is not
 *   the path's. */
#ifndef TCPSCOPE_RTT_H
#define TCPSCOPE_RTT_H

#include "analysis.h"

/* Before the sender's `tally` takes the segment's time: does it close the peer's sample? `seg` has the ACK flag.
 * Returns what the sum in the tally has no room for: rtt_carry is next, unless that is 0. */
INLINE __u64 rtt_close(struct half *peer, struct tally *tally, const struct segment *seg);
/* Moves that sum to the facts, with what it had no room for. */
INLINE void rtt_carry(struct tally *tally, struct half_facts *facts, __u64 rtt_ns);
/* `own` sent new octets, in `seg`, up to `end`. */
INLINE void rtt_open(struct half *own, __u32 end, const struct segment *seg);
/* `own` sent a segment without payload, SYN or FIN. */
INLINE void rtt_open_pure(struct half *own, const struct segment *seg, bool fresh);
/* `own` sent octets again. */
INLINE void rtt_resent(struct half *own, const struct segment *seg, bool fresh);
/* Notes the segment's TSval; true if it is higher than any before of this side: only then the first to carry it. */
INLINE bool rtt_fresh(struct tally *tally, const struct segment *seg);

/* ------------------------------------------------------------------------------------------------------------- */

enum { RTT_TIME_BITS = 56, RTT_KIND_BITS = 2 }; /* of half.rtt */

#define RTT_TIME_MAX ((1ULL << RTT_TIME_BITS) - 1)
#define RTT_MAX_NS (1ULL << 50) /* 13 days: beyond, a clock was set, or stepped back */

INLINE __u64 rtt_get(const struct half *half) { return ((const volatile struct unaligned_u64 *)half->rtt)->value; }
INLINE void rtt_set(struct half *half, __u64 sample) { ((volatile struct unaligned_u64 *)half->rtt)->value = sample; }

INLINE enum rtt_kind rtt_kind(__u64 sample) { return (enum rtt_kind)(sample >> RTT_TIME_BITS & 3); }
INLINE __u8 rtt_error(__u64 sample) { return (__u8)(sample >> (RTT_TIME_BITS + RTT_KIND_BITS)); }

/* rtt_min_ns starts at 2^32 - 1. */
INLINE __u64 rtt_sample(struct tally *tally, __u64 rtt_ns, enum rtt_kind kind, __u8 clock_error)
{
	__u32 short_ns = rtt_ns > 0xffffffff ? 0xffffffff : (__u32)rtt_ns;
	__u64 sum_ns = tally->rtt_sum_ns + rtt_ns;

	tally->rtt_samples++;
	tally->rtt_by_timestamp += kind != RTT_ACK;
	if (short_ns < tally->rtt_min_ns)
		tally->rtt_min_ns = short_ns;
	if (short_ns > tally->rtt_max_ns)
		tally->rtt_max_ns = short_ns;
	if (clock_error > tally->rtt_error)
		tally->rtt_error = clock_error;
	if (unlikely(sum_ns > 0xffffffff))
		return rtt_ns;
	tally->rtt_sum_ns = (__u32)sum_ns;
	return 0;
}

INLINE bool rtt_closes(__u64 sample, __u32 rtt_seq, const struct segment *seg)
{
	if (rtt_kind(sample) == RTT_ACK)
		return !seq_before(seg->acknowledgment, rtt_seq);
	return seg->options & OPTION_TIMESTAMPS && !seq_before(seg->tsecr, rtt_seq);
}

INLINE __u64 rtt_close(struct half *peer, struct tally *tally, const struct segment *seg)
{
	__u64 sample = rtt_get(peer), rtt_ns;
	__u8 error = rtt_error(sample);

	if (!sample || !rtt_closes(sample, once(peer->rtt_seq), seg) || unlikely(rtt_get(peer) != sample))
		return 0;
	rtt_set(peer, 0);
	rtt_ns = (seg->now_ns - sample) & RTT_TIME_MAX;
	if (!(sample & RTT_TIME_MAX) || rtt_ns > RTT_MAX_NS) /* void, or no time between two segments */
		return 0;
	if (rtt_kind(sample) == RTT_PURE_ACK && seg->now_ns - tally->time_ns > rtt_ns / 2)
		return 0;
	return rtt_sample(tally, rtt_ns, rtt_kind(sample), seg->clock_error > error ? seg->clock_error : error);
}

INLINE void rtt_carry(struct tally *tally, struct half_facts *facts, __u64 rtt_ns)
{
	facts->rtt_sum_ns += tally->rtt_sum_ns + rtt_ns;
	tally->rtt_sum_ns = 0;
}

INLINE void rtt_begin(struct half *own, __u32 seq, enum rtt_kind kind, const struct segment *seg)
{
	rtt_set(own, 0); /* the peer may look at any time: never one sample's word with another's rtt_seq */
	once(own->rtt_seq) = seq;
	rtt_set(own, (seg->now_ns & RTT_TIME_MAX) | (__u64)kind << RTT_TIME_BITS |
			     (__u64)seg->clock_error << (RTT_TIME_BITS + RTT_KIND_BITS));
}

INLINE void rtt_open(struct half *own, __u32 end, const struct segment *seg)
{
	__u64 sample = rtt_get(own);

	if (!sample || rtt_kind(sample) == RTT_PURE_ACK)
		rtt_begin(own, end, RTT_ACK, seg);
}

INLINE void rtt_open_pure(struct half *own, const struct segment *seg, bool fresh)
{
	if (fresh && !rtt_get(own))
		rtt_begin(own, seg->tsval, RTT_PURE_ACK, seg);
}

INLINE void rtt_resent(struct half *own, const struct segment *seg, bool fresh)
{
	__u64 sample = rtt_get(own);

	if (!sample || rtt_kind(sample) == RTT_PURE_ACK)
		return;
	if (fresh) {
		rtt_begin(own, seg->tsval, RTT_RESENT, seg);
	} else if (rtt_kind(sample) == RTT_ACK) { /* the next waits until all that was sent is acknowledged */
		rtt_set(own, sample & ~RTT_TIME_MAX);
		own->rtt_seq = own->next;
	}
}

INLINE bool rtt_fresh(struct tally *tally, const struct segment *seg)
{
	if (!(seg->options & OPTION_TIMESTAMPS) || !seq_after(seg->tsval, tally->tsval))
		return false;
	tally->tsval = seg->tsval;
	return true;
}

#endif
