/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sequence analysis: the thirteen counters, with the meanings of tshark's tcp.analysis flags, in constant memory.
 * tshark writes two facts of the peer when a segment acknowledges more than was seen. Here a half has one writer, so
 * the segment's own side keeps them as corrections: the peer's `max`, while it is still peer_max_was, stands for peer_max;
 * the peer's run `mark_run` is marked, and its duplicates count from mark_dups on. */
#ifndef TCPSCOPE_ANALYSIS_H
#define TCPSCOPE_ANALYSIS_H

#include "history.h"

#define FAST_RETRANSMIT_NS (20 * NS_PER_MS)
#define INITIAL_RTT_DEFAULT_NS (3 * NS_PER_MS)

/* One segment and the two sides it concerns. */
struct exchange {
	struct flow *flow;
	struct facts *facts;
	struct half *own, *peer; /* the sender's half and the receiver's */
	struct tally *tally;	 /* the sender's */
	__u32 direction;	 /* endpoint that sent it */
	struct half_facts *own_facts, *peer_facts;
	const struct segment *seg;
	__u32 end; /* sequence end: payload, plus one if SYN or FIN */
};

/* Judges `seg` against both halves as they were before it and updates the sender's sequence state: next, next_ns, max,
 * ack, win, dups, run, keep-alive bit. Leaves time_ns to half_count. */
INLINE void analysis_judge(const struct exchange *x);

/* ------------------------------------------------------------------------------------------------------------- */

enum { DUPS_MARK = 0x100 }; /* above any count: the peer's run was marked and has had no duplicate since */

#define analysis_count(x, NAME) ((x)->own_facts->analysis[ANALYSIS_##NAME]++)

/* The `max` of one half, with the correction that the other half, `corrector`, may have. */
INLINE __u32 analysis_max(const struct half *half, const struct half *corrector)
{
	return unlikely(corrector->bits & HALF_CORRECTS) && half->max == corrector->peer_max_was ? corrector->peer_max
												 : half->max;
}

/* From now on the peer's `max` stands for its `next`. */
INLINE void analysis_correct(struct half *own, const struct half *peer)
{
	own->peer_max = peer->next;
	own->peer_max_was = peer->max;
	own->bits |= HALF_CORRECTS;
}

/* A correction that the peer's own `max` has left behind lapses: it might come by again. */
INLINE void analysis_lapse(struct half *own, const struct half *peer)
{
	if (own->peer_max_was != peer->max)
		own->bits &= (__u16)~HALF_CORRECTS;
}

/* Duplicates of the peer as this side sees them, or DUPS_MARK. */
INLINE __u32 analysis_peer_dups(const struct exchange *x)
{
	const struct half_facts *mine = x->own_facts;

	if (!mine->marked || mine->mark_run != x->peer->run)
		return x->peer->dups;
	return x->peer->dups == mine->mark_dups ? DUPS_MARK : (__u8)(x->peer->dups - mine->mark_dups);
}

/* Shift of the peer's window, or -1 if unknown. */
INLINE int analysis_peer_shift(const struct exchange *x)
{
	const struct half *own = x->own, *peer = x->peer;

	if ((own->scale == SCALE_NONE && own->bits & (HALF_SYN | HALF_SYNACK)) ||
	    (peer->scale == SCALE_NONE && peer->bits & (HALF_SYN | HALF_SYNACK)))
		return 0;
	if (!(peer->bits & (HALF_SYN | HALF_SYNACK)))
		return -1;
	/* The window of a SYN is as it stands (RFC 7323, 2.2), and here until the next ACK. */
	if (!(peer->bits & HALF_ACKED) || x->peer_facts->order & ORDER_UNSCALED)
		return 0;
	return own->scale == SCALE_UNKNOWN || peer->scale == SCALE_UNKNOWN ? -1 : peer->scale & 15;
}

INLINE bool analysis_window_full(const struct exchange *x)
{
	int shift = analysis_peer_shift(x);

	return shift >= 0 && x->peer->bits & HALF_SEEN &&
	       x->seg->sequence + x->seg->payload_len == x->peer->ack + ((__u32)x->peer->win << shift);
}

/* The segment says again what its side said last: a window update, a duplicate ACK or the answer to a keep-alive. */
INLINE void analysis_repeat(const struct exchange *x, bool new_subtype)
{
	struct half *own = x->own;

	if (x->seg->window == 0)
		return;
	if (x->seg->window != own->win || !(own->bits & HALF_SEEN)) {
		analysis_count(x, WINDOW_UPDATES);
	} else if (x->peer->bits & HALF_KEEP_ALIVE) {
		analysis_count(x, KEEP_ALIVE_ACKS);
	} else if (!new_subtype) {
		analysis_count(x, DUPLICATE_ACKS);
		own->dups += own->dups < 255;
	}
}

/* It acknowledges what was not seen: the capture, not the network, lost something. */
INLINE void analysis_acked_unseen(const struct exchange *x, __u32 peer_max)
{
	struct half_facts *mine = x->own_facts;
	/* A probe of the closed window that was taken: seen, but no part of `next`. */
	bool probed = x->own->win == 0 && x->seg->acknowledgment == x->peer->next + 1;

	if (seq_before(peer_max, x->peer->next)) {
		history_unseen(x->flow, x->facts, true, x->direction);
		analysis_correct(x->own, x->peer);
	} else {
		if (analysis_peer_dups(x) == 0)
			history_unseen(x->flow, x->facts, !probed, x->direction);
		mine->marked = 1;
		mine->mark_run = x->peer->run;
		mine->mark_dups = x->peer->dups;
		x->own->bits |= HALF_MARKS;
	}
}

INLINE void analysis_resent(const struct exchange *x, bool behind)
{
	const struct segment *seg = x->seg;
	const struct half *own = x->own, *peer = x->peer;
	__u64 initial_rtt = x->facts->initial_rtt_ns;

	if (initial_rtt == 0)
		initial_rtt = INITIAL_RTT_DEFAULT_NS;
	if (seg->payload_len && peer->ack && seq_upto(seg->sequence + seg->payload_len, peer->ack))
		analysis_count(x, SPURIOUS_RETRANSMITS);
	else if (!behind)
		return;
	else if (peer->ack == seg->sequence && seg->now_ns - peer->time_ns < FAST_RETRANSMIT_NS &&
		 analysis_peer_dups(x) >= 2)
		analysis_count(x, FAST_RETRANSMITS);
	else if (x->end != own->next && seg->now_ns - x->tally->next_ns < initial_rtt)
		x->tally->out_of_order++;
	else
		analysis_count(x, RETRANSMITS);
}

/* Keeps the sets of MPTCP subtypes; true if one appeared since this side's last segment. */
INLINE bool analysis_new_subtype(const struct exchange *x)
{
	__u16 known, before;

	if (likely(!(x->seg->options & OPTION_MPTCP) && !((x->own->bits | x->peer->bits) & HALF_MPTCP)))
		return false;
	known = x->own_facts->mptcp_sent | x->peer_facts->mptcp_sent;
	before = x->own_facts->mptcp_known;
	x->own_facts->mptcp_known = known;
	x->own_facts->mptcp_sent |= x->seg->mptcp_subtypes;
	if (x->seg->options & OPTION_MPTCP)
		x->own->bits |= HALF_MPTCP;
	return known != before;
}

INLINE void analysis_judge(const struct exchange *x)
{
	const struct segment *seg = x->seg;
	struct half *own = x->own;
	const struct half *peer = x->peer;
	const __u32 sequence = seg->sequence, ack = seg->acknowledgment, len = seg->payload_len;
	const bool quiet = !(seg->flags & (TCP_SYN | TCP_FIN | TCP_RST));
	const bool new_subtype = analysis_new_subtype(x);
	bool probe, keep_alive = false, behind;
	__u32 max;

	if (unlikely((seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && own->bits & HALF_SEEN))
		own->next = analysis_max(own, peer);
	probe = len == 1 && sequence == own->next && peer->win == 0 && peer->bits & HALF_SEEN;
	if (unlikely(probe)) {
		analysis_count(x, ZERO_WINDOW_PROBES);
	} else {
		if (unlikely(seg->window == 0) && quiet)
			analysis_count(x, ZERO_WINDOWS);
		if (unlikely(seq_after(sequence, own->next)) && own->next && !(seg->flags & TCP_RST))
			x->tally->lost_segments++;
		if (quiet && len <= 1 && unlikely(sequence == own->next - 1)) {
			keep_alive = true;
			analysis_count(x, KEEP_ALIVES);
		}
		if (quiet && len && unlikely(analysis_window_full(x)))
			analysis_count(x, WINDOW_FULL);
		if (quiet && !len && sequence == own->next && ack == own->ack)
			analysis_repeat(x, new_subtype);
	}

	if (ack != own->ack) {
		own->run += own->dups || peer->bits & HALF_MARKS;
		own->dups = 0;
	}
	if (own->bits & HALF_CORRECTS)
		analysis_lapse(own, peer);
	max = analysis_max(peer, own);
	if (seg->flags & TCP_ACK && max && unlikely(seq_after(ack, max)))
		analysis_acked_unseen(x, max);

	behind = own->next && unlikely(seq_before(sequence, own->next)) && !(len > 1 && sequence == own->next - 1);
	if (x->end != sequence && !keep_alive &&
	    unlikely(behind || (len && peer->ack && seq_upto(sequence + len, peer->ack))))
		analysis_resent(x, behind);

	if (likely(!probe)) {
		if (own->next == 0 || seq_after(x->end, own->next)) {
			x->tally->wraps += own->next && x->end < own->next;
			own->next = x->end;
			x->tally->next_ns = seg->now_ns;
		}
		max = analysis_max(own, peer);
		if (max == 0 || sequence == max)
			own->max = own->next;
	}
	own->ack = ack;
	own->win = seg->window;
	own->bits = keep_alive ? own->bits | HALF_KEEP_ALIVE : own->bits & (__u16)~HALF_KEEP_ALIVE;
}

#endif
