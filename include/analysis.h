/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sequence analysis: the thirteen counters, with the meanings of tshark's tcp.analysis flags, in constant memory.
 * tshark writes two facts of the peer when a segment acknowledges more than was seen. One of them, the peer's `max`, is
 * written here, too. The other lies in a line that only the peer writes, so the segment's own side keeps it: the peer's
 * run `mark_run` is marked, and its duplicates count from mark_dups on. */
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
	const struct tally *peer_tally;
	__u32 direction; /* endpoint that sent it */
	struct half_facts *own_facts, *peer_facts;
	const struct segment *seg;
	__u32 end; /* sequence end: payload, plus one if SYN or FIN */
};

/* Judges `seg` against both halves as they were before it and updates the sender's sequence state: next, next_ns, max,
 * ack, win, dups, run, keep-alive bit. Leaves time_ns to flow_stamp. */
INLINE void analysis_judge(const struct exchange *x);

/* ------------------------------------------------------------------------------------------------------------- */

enum { DUPS_MARK = 0x100 }; /* above any count: the peer's run was marked and has had no duplicate since */

#define analysis_count(x, NAME) ((x)->own_facts->analysis[ANALYSIS_##NAME]++)

/* Duplicates of the peer as this side sees them, or DUPS_MARK. */
INLINE __u32 analysis_peer_dups(const struct exchange *x)
{
	const struct half_facts *mine = x->own_facts;

	if (!mine->marked || mine->mark_run != x->peer_tally->run)
		return x->peer_tally->dups;
	return x->peer_tally->dups == mine->mark_dups ? DUPS_MARK : (__u8)(x->peer_tally->dups - mine->mark_dups);
}

/* Shift of the peer's window, or -1 if unknown. */
INLINE int analysis_peer_shift(const struct exchange *x)
{
	const struct half *own = x->own, *peer = x->peer;
	const __u8 own_scale = x->flow->scale[x->direction & 1], peer_scale = x->flow->scale[~x->direction & 1];

	if ((own_scale == SCALE_NONE && own->bits & (HALF_SYN | HALF_SYNACK)) ||
	    (peer_scale == SCALE_NONE && peer->bits & (HALF_SYN | HALF_SYNACK)))
		return 0;
	if (!(peer->bits & (HALF_SYN | HALF_SYNACK)))
		return -1;
	/* The window of a SYN is as it stands (RFC 7323, 2.2), and here until the next ACK. */
	if (!(peer->bits & HALF_ACKED) || x->peer_facts->order & ORDER_UNSCALED)
		return 0;
	return own_scale == SCALE_UNKNOWN || peer_scale == SCALE_UNKNOWN ? -1 : peer_scale & 15;
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
		x->tally->dups += x->tally->dups < 255;
	}
}

/* It acknowledges what was not seen: the capture, not the network, lost something. */
INLINE void analysis_acked_unseen(const struct exchange *x)
{
	struct half_facts *mine = x->own_facts;
	/* A probe of the closed window that was taken: seen, but no part of `next`. */
	bool probed = x->own->win == 0 && x->seg->acknowledgment == x->peer->next + 1;

	if (seq_before(x->peer->max, x->peer->next)) {
		history_unseen(x->flow, x->facts, true, x->direction);
		x->peer->max = x->peer->next;
	} else {
		if (analysis_peer_dups(x) == 0)
			history_unseen(x->flow, x->facts, !probed, x->direction);
		mine->marked = 1;
		mine->mark_run = x->peer_tally->run;
		mine->mark_dups = x->peer_tally->dups;
		x->own->bits |= HALF_MARKS;
	}
}

INLINE void analysis_resent(const struct exchange *x, bool behind)
{
	const struct segment *seg = x->seg;
	const struct half *peer = x->peer;
	__u64 initial_rtt = x->facts->initial_rtt_ns;

	if (initial_rtt == 0)
		initial_rtt = INITIAL_RTT_DEFAULT_NS;
	if (seg->payload_len && peer->ack && seq_upto(seg->sequence + seg->payload_len, peer->ack))
		analysis_count(x, SPURIOUS_RETRANSMITS);
	else if (!behind)
		return;
	else if (peer->ack == seg->sequence && seg->now_ns - x->peer_tally->time_ns < FAST_RETRANSMIT_NS &&
		 analysis_peer_dups(x) >= 2)
		analysis_count(x, FAST_RETRANSMITS);
	else if (x->end != x->own->next && seg->now_ns - x->tally->next_ns < initial_rtt)
		analysis_count(x, OUT_OF_ORDER);
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

/* How far the sender has come. */
INLINE void analysis_advance(const struct exchange *x)
{
	struct half *own = x->own;

	if (own->next == 0 || seq_after(x->end, own->next)) {
		if (own->next && unlikely(x->end < own->next)) /* else its line need not come */
			x->own_facts->wraps++;
		own->next = x->end;
		x->tally->next_ns = x->seg->now_ns;
	}
	if (own->max == 0 || x->seg->sequence == own->max)
		own->max = own->next;
}

INLINE void analysis_judge(const struct exchange *x)
{
	const struct segment *seg = x->seg;
	struct half *own = x->own;
	const struct half *peer = x->peer;
	struct tally *tally = x->tally;
	const __u32 sequence = seg->sequence, ack = seg->acknowledgment, len = seg->payload_len;
	const bool quiet = !(seg->flags & (TCP_SYN | TCP_FIN | TCP_RST));
	const bool new_subtype = analysis_new_subtype(x);
	bool probe, keep_alive = false, behind;

	if (unlikely((seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && own->bits & HALF_SEEN))
		own->next = own->max;
	probe = len == 1 && sequence == own->next && peer->win == 0 && peer->bits & HALF_SEEN;
	if (unlikely(probe)) {
		analysis_count(x, ZERO_WINDOW_PROBES);
	} else {
		if (unlikely(seg->window == 0) && quiet)
			analysis_count(x, ZERO_WINDOWS);
		if (unlikely(seq_after(sequence, own->next)) && own->next && !(seg->flags & TCP_RST))
			tally->totals += 1ULL << TALLY_LOST_SEGMENTS;
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
		tally->run += tally->dups || peer->bits & HALF_MARKS;
		tally->dups = 0;
	}
	if (seg->flags & TCP_ACK && peer->max && unlikely(seq_after(ack, peer->max)))
		analysis_acked_unseen(x);

	behind = own->next && unlikely(seq_before(sequence, own->next)) && !(len > 1 && sequence == own->next - 1);
	if (x->end != sequence && !keep_alive &&
	    unlikely(behind || (len && peer->ack && seq_upto(sequence + len, peer->ack))))
		analysis_resent(x, behind);

	if (likely(!probe))
		analysis_advance(x);
	own->ack = ack;
	own->win = seg->window;
	own->bits = keep_alive ? own->bits | HALF_KEEP_ALIVE : own->bits & (__u16)~HALF_KEEP_ALIVE;
}

#endif
