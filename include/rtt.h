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

/* Before `own` takes the segment's ack and time: does it close the peer's sample? `seg` has the ACK flag. */
INLINE void rtt_close(struct half *own, struct tally *tally, const struct half *peer, const struct segment *seg);
/* `own` sent new octets, in `seg`, up to `end`. */
INLINE void rtt_open(struct half *own, const struct half *peer, __u32 end, const struct segment *seg);
/* `own` sent a segment without payload, SYN or FIN. */
INLINE void rtt_open_pure(struct half *own, const struct half *peer, const struct segment *seg, bool fresh);
/* `own` sent octets again. */
INLINE void rtt_resent(struct half *own, const struct half *peer, const struct segment *seg, bool fresh);
/* Notes the segment's TSval; true if it is higher than any before of this side: only then the first to carry it. */
INLINE bool rtt_fresh(struct half *own, const struct segment *seg);

/* ------------------------------------------------------------------------------------------------------------- */

/* rtt_min_ns starts at 2^32 - 1. */
INLINE void rtt_sample(struct tally *tally, __u64 rtt_ns, enum rtt_kind kind, __u8 clock_error)
{
	__u32 short_ns = rtt_ns > 0xffffffff ? 0xffffffff : (__u32)rtt_ns;

	tally->rtt_sum_ns += rtt_ns;
	tally->rtt_samples += kind == RTT_ACK ? 1 : 1 | 1 << 16;
	if (short_ns < tally->rtt_min_ns)
		tally->rtt_min_ns = short_ns;
	if (short_ns > tally->rtt_max_ns)
		tally->rtt_max_ns = short_ns;
	if (clock_error > tally->rtt_error)
		tally->rtt_error = clock_error;
}

INLINE bool rtt_closes(const struct half *peer, const struct segment *seg)
{
	if (peer->rtt_kind == RTT_ACK)
		return !seq_before(seg->acknowledgment, peer->rtt_seq);
	return seg->options & OPTION_TIMESTAMPS && !seq_before(seg->tsecr, peer->rtt_seq);
}

INLINE void rtt_close(struct half *own, struct tally *tally, const struct half *peer, const struct segment *seg)
{
	__u64 begun_ns = peer->rtt_ns, rtt_ns;
	__u8 error;

	if (peer->rtt_opened == own->rtt_closed || !rtt_closes(peer, seg))
		return;
	own->rtt_closed = peer->rtt_opened;
	if (!begun_ns || seg->now_ns < begun_ns)
		return;
	rtt_ns = seg->now_ns - begun_ns;
	if (peer->rtt_kind == RTT_PURE_ACK && seg->now_ns - own->time_ns > rtt_ns / 2)
		return;
	error = seg->clock_error > peer->rtt_error ? seg->clock_error : peer->rtt_error;
	rtt_sample(tally, rtt_ns, peer->rtt_kind, error);
}

INLINE void rtt_begin(struct half *own, __u32 seq, enum rtt_kind kind, const struct segment *seg)
{
	own->rtt_opened++;
	own->rtt_ns = seg->now_ns;
	own->rtt_error = seg->clock_error;
	own->rtt_seq = seq;
	own->rtt_kind = kind;
}

INLINE void rtt_open(struct half *own, const struct half *peer, __u32 end, const struct segment *seg)
{
	if (own->rtt_opened == peer->rtt_closed || own->rtt_kind == RTT_PURE_ACK)
		rtt_begin(own, end, RTT_ACK, seg);
}

INLINE void rtt_open_pure(struct half *own, const struct half *peer, const struct segment *seg, bool fresh)
{
	if (fresh && own->rtt_opened == peer->rtt_closed)
		rtt_begin(own, seg->tsval, RTT_PURE_ACK, seg);
}

INLINE void rtt_resent(struct half *own, const struct half *peer, const struct segment *seg, bool fresh)
{
	if (own->rtt_opened == peer->rtt_closed || own->rtt_kind == RTT_PURE_ACK)
		return;
	if (fresh) {
		rtt_begin(own, seg->tsval, RTT_RESENT, seg);
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
