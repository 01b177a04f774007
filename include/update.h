/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What one segment does to its flow. Nearly all are plain: data and ACKs of a connection under way, in order, after a
 * gap, or with some octets that were sent before. flow_plain enters these and touches two lines of struct flow alone,
 * but for the counter of such an overlap; whatever else there is takes flow_update, which knows every rule. Both leave
 * the same state behind: flow_plain is a shorter way, never another meaning. */
#ifndef TCPSCOPE_UPDATE_H
#define TCPSCOPE_UPDATE_H

#include "handshake.h"
#include "rtt.h"
#include "tally.h"

struct table;

/* A flow and the number of its slot in the table; flow == NULL: none. */
struct slot {
	struct flow *flow;
	__u32 number; /* bucket * WAYS + way */
};

/* The flow and the facts at a slot number, SLOT_NONE included (then NULL): table.h. */
INLINE struct flow *table_flow(struct table *table, __u32 number);
INLINE struct facts *table_flow_facts(struct table *table, __u32 number);

enum { PLAIN_GAP_MAX = 1 << 30 }; /* octets lost before a plain segment */

/* Enters `seg`, sent by endpoint `direction`, into its flow if it is plain. False: nothing was done. */
INLINE bool flow_plain(struct table *table, struct slot slot, const struct segment *seg, __u32 direction);
/* The first data, or the first ACK, of a side under way are plain but for what they leave in the facts: puts that
 * there, so that flow_plain may follow, or flow_update with the clock as it is. */
INLINE bool flow_wants_firsts(const struct flow *flow, const struct segment *seg, __u32 direction);
INLINE void flow_firsts(struct flow *flow, struct facts *facts, const struct segment *seg, __u32 direction);
/* Enters any segment. Writes half[direction] and the facts. */
INLINE void flow_update(struct flow *flow, struct facts *facts, struct segment *seg, __u32 direction);
/* The body's part: makes now_ns exact (clock_error 0) if it is not. */
INLINE void clock_exact(struct segment *seg);

/* ------------------------------------------------------------------------------------------------------------- */

/* What follows these from the same side is not plain; after a keep-alive, the next segment alone, after a late SYN,
 * those until an ACK. */
#define HALF_NEVER_PLAIN (HALF_FIN | HALF_RST | HALF_MPTCP | HALF_KEEP_ALIVE | HALF_LATE_SYN)

/* Which kinds of segments of this side may be plain from now on, as far as the history goes. */
INLINE __u16 half_noted(const struct half_facts *facts)
{
	return (facts->noted & NOTED_ACK ? HALF_PLAIN_ACK : 0) | (facts->noted & NOTED_DATA ? HALF_PLAIN_DATA : 0);
}

/* What is next from this side may be plain: it has had all its firsts. */
INLINE void half_settle(const struct exchange *x)
{
	const __u16 firsts = HALF_SEEN | HALF_ACKED;

	x->own->bits &= (__u16) ~(HALF_PLAIN_ACK | HALF_PLAIN_DATA);
	if ((x->own->bits & firsts) == firsts && (x->own->bits | x->peer->bits) & HALF_INITIAL_RTT &&
	    !(x->own->bits & HALF_NEVER_PLAIN))
		x->own->bits |= half_noted(x->own_facts);
}

/* The bit that says that a segment with or without payload may be plain. */
INLINE __u16 half_plain_bit(const struct segment *seg) { return seg->payload_len ? HALF_PLAIN_DATA : HALF_PLAIN_ACK; }

/* What in the past of both sides keeps data or an ACK from being plain: bits, not 0. */
INLINE __u32 flow_bars(const struct half *own, const struct half *peer, const struct segment *seg)
{
	const __u32 news = HALF_SYNACK | HALF_FIN | HALF_RST | HALF_MPTCP | HALF_LATE_SYN;
	/* The shift sets HALF_SHOOK against HALF_SYNACK, and nothing against the others, which are above. */
	__u32 answered = own->bits / (HALF_SHOOK / HALF_SYNACK);

	return (~own->bits & half_plain_bit(seg)) | (peer->bits & ~answered & news);
}

INLINE bool flow_only_acks(const struct segment *seg) { return (seg->flags & ~TCP_PSH) == TCP_ACK; }

/* Does the segment carry more than data and an ACK, or may it be a first of its side? */
INLINE bool flow_is_news(const struct half *own, const struct half *peer, const struct segment *seg)
{
	return !flow_only_acks(seg) || flow_bars(own, peer, seg);
}

/* Data that ends there is not acknowledged yet, and does not fill the peer's window, of that scale. May err to false,
 * never to true. */
INLINE bool plain_within(const struct half *peer, __u8 scale, __u32 end)
{
	__u32 ahead = end - peer->ack;

	return (!peer->ack || (__s32)ahead > 0) && ahead != (__u32)peer->win << (scale & 15) && ahead != peer->win;
}

/* No counter of the analysis can rise but acked_unseen and, by where it begins, those of gaps and overlaps. May err to
 * false, never to true. */
INLINE bool flow_is_orderly(const struct flow *flow, const struct segment *seg, __u32 direction)
{
	const struct half *own = &flow->half[direction & 1], *peer = &flow->half[~direction & 1];
	__u32 len = seg->payload_len;

	if (seg->window == 0 || own->next == 0)
		return false;
	if (len == 0) /* else it repeats: duplicate ACK, window update, answer to a keep-alive */
		return seg->sequence != own->next || seg->acknowledgment != own->ack;
	return plain_within(peer, flow->scale[~direction & 1], seg->sequence + len) && (len > 1 || peer->win);
}

INLINE bool flow_wants_firsts(const struct flow *flow, const struct segment *seg, __u32 direction)
{
	const struct half *own = &flow->half[direction & 1], *peer = &flow->half[~direction & 1];

	/* Its first ACK has been noted, be it that of the SYN/ACK, and so has the initial RTT. */
	return !(own->bits & half_plain_bit(seg)) && flow_only_acks(seg) && own->bits & (HALF_SYNACK | HALF_ACKED) &&
	       (own->bits | peer->bits) & HALF_INITIAL_RTT && !(own->bits & HALF_NEVER_PLAIN);
}

INLINE void flow_firsts(struct flow *flow, struct facts *facts, const struct segment *seg, __u32 direction)
{
	half_window(&flow->tally[direction & 1], seg);
	history_first(facts, seg->payload_len, seg->now_ns, direction);
	flow->half[direction & 1].bits |= HALF_ACKED | half_noted(&facts->half[direction & 1]);
}

/* An ACK beyond the peer's `max` counts as such, and corrects that, unless it is unknown. False: flow_update must
 * judge. */
INLINE bool plain_unseen(struct half *peer, struct tally *tally)
{
	if (!peer->max)
		return true;
	if (unlikely(!seq_before(peer->max, peer->next) || tally->acked_unseen >> 7))
		return false;
	tally->acked_unseen++;
	peer->max = peer->next;
	return true;
}

/* What flow_plain seldom needs of the facts. */
SEPARATE int flow_carry_rtt(struct table *table, __u32 number_direction, __u64 rtt_ns)
{
	struct flow *flow = table ? table_flow(table, number_direction / 2) : NULL;
	struct facts *facts = table ? table_flow_facts(table, number_direction / 2) : NULL;

	if (flow && facts)
		rtt_carry(&flow->tally[number_direction & 1], &facts->half[number_direction & 1], rtt_ns);
	return 0;
}

SEPARATE int flow_resent(struct table *table, __u32 number_direction, __u32 sequence, __u32 payload_len, __u64 now_ns)
{
	struct flow *flow = table ? table_flow(table, number_direction / 2) : NULL;
	struct facts *facts = table ? table_flow_facts(table, number_direction / 2) : NULL;
	const struct segment seg = { .sequence = sequence, .payload_len = payload_len, .now_ns = now_ns };

	if (flow && facts) {
		const struct exchange x = flow_exchange(flow, facts, &seg, number_direction & 1);

		analysis_resent(&x, true);
	}
	return 0;
}

/* What any plain segment does once it is judged. Returns what rtt_close does. */
INLINE __u64 plain_enter(struct flow *flow, const struct segment *seg, __u32 direction)
{
	struct half *own = &flow->half[direction & 1], *peer = &flow->half[~direction & 1];
	struct tally *tally = &flow->tally[direction & 1];
	__u32 end = seg->sequence + seg->payload_len;
	__u64 rtt_ns;

	if (seg->acknowledgment != own->ack) {
		if (unlikely(tally->dups || peer->bits & HALF_MARKS)) {
			tally->run++;
			tally->dups = 0;
		}
		own->ack = seg->acknowledgment;
	}
	rtt_ns = rtt_close(peer, tally, seg);
	if (end != own->next) { /* new octets, or a gap */
		own->next = end;
		tally->next_ns = seg->now_ns;
	}
	if (seg->payload_len) {
		half_payload(tally, seg);
		rtt_fresh(tally, seg);
		rtt_open(own, end, seg);
	} else {
		rtt_open_pure(own, seg, rtt_fresh(tally, seg));
	}
	if (own->max == 0 || seg->sequence == own->max)
		own->max = end;
	if (unlikely(seg->window != own->win)) { /* the one before was no SYN's: its extremes are known */
		own->win = seg->window;
		half_window(tally, seg);
	}
	tally_count(tally, seg);
	flow_stamp(flow, seg, direction);
	return rtt_ns;
}

/* It begins before `next`, some of its octets are new, and nothing else about it is to be judged. */
INLINE bool plain_overlaps(__u32 next, const struct segment *seg)
{
	return seg->payload_len > 1 && seq_before(seg->sequence, next - 1) &&
	       seq_after(seg->sequence + seg->payload_len, next);
}

INLINE bool flow_plain(struct table *table, struct slot slot, const struct segment *seg, __u32 direction)
{
	const struct half *own = &slot.flow->half[direction & 1];
	struct half *peer = &slot.flow->half[~direction & 1];
	struct tally *tally = &slot.flow->tally[direction & 1];
	__u32 next = own->next, end = seg->sequence + seg->payload_len, ahead = seg->sequence - next;
	__u64 rtt_ns;

	if (unlikely(!flow_only_acks(seg) || !flow_is_orderly(slot.flow, seg, direction) || tally_is_full(tally)))
		return false;
	if (unlikely(ahead >= PLAIN_GAP_MAX) && !plain_overlaps(next, seg))
		return false;
	if (unlikely(end < next)) /* it has passed 2^32 */
		return false;
	if (unlikely(flow_bars(own, peer, seg)))
		return false;
	if (unlikely(seq_after(seg->acknowledgment, peer->max)) && !plain_unseen(peer, tally))
		return false;
	if (unlikely(ahead >= PLAIN_GAP_MAX))
		flow_resent(table, slot.number * 2 + direction, seg->sequence, seg->payload_len, seg->now_ns);
	else if (unlikely(ahead))
		tally->totals += 1ULL << TALLY_LOST_SEGMENTS;
	rtt_ns = plain_enter(slot.flow, seg, direction);
	if (unlikely(rtt_ns))
		flow_carry_rtt(table, slot.number * 2 + direction, rtt_ns);
	return true;
}

/* The round trips of a segment after its analysis; `next` is the side's from before. */
INLINE void update_rtt(const struct exchange *x, __u32 next)
{
	bool fresh;

	if (!(x->own->bits & HALF_SEEN) && x->seg->options & OPTION_TIMESTAMPS)
		x->tally->tsval = x->seg->tsval - 1; /* its first is fresh */
	fresh = rtt_fresh(x->tally, x->seg);
	if (x->end == x->seg->sequence)
		rtt_open_pure(x->own, x->seg, fresh && !(x->seg->flags & TCP_RST));
	else if (x->own->next != next)
		rtt_open(x->own, x->end, x->seg);
	else
		rtt_resent(x->own, x->seg, fresh);
}

/* Where the stream is counted from is known, or has changed. */
INLINE void update_wraps(const struct exchange *x, bool changed)
{
	__u8 wraps = x->own->next < x->own_facts->first_seq;

	if (wraps || changed) /* else the line need not be touched: it is 0 */
		x->own_facts->wraps = wraps;
}

INLINE void flow_update(struct flow *flow, struct facts *facts, struct segment *seg, __u32 direction)
{
	const struct exchange x = flow_exchange(flow, facts, seg, direction);
	const bool news = flow_is_news(x.own, x.peer, seg), syn = seg->flags & TCP_SYN;
	__u32 next = x.own->next, first_seq = syn ? x.own_facts->first_seq : 0;
	bool changed;

	if (tally_is_full(x.tally))
		half_carry(x.tally, x.own_facts);
	if (news)
		clock_exact(seg);
	if (news || seg->window == 0 || (seg->payload_len && !seq_after(x.end, next)))
		history_note(flow, facts, seg, direction);
	if (news)
		handshake_note(&x);
	if (seg->flags & TCP_ACK) {
		__u64 rtt_ns = rtt_close(x.peer, x.tally, seg);

		if (rtt_ns)
			rtt_carry(x.tally, x.own_facts, rtt_ns);
	}
	analysis_judge(&x);
	changed = syn && x.own_facts->first_seq != first_seq;
	if (changed || !(x.own->bits & HALF_SEEN))
		update_wraps(&x, changed);
	update_rtt(&x, next);
	if (!(seg->flags & (TCP_SYN | TCP_RST)))
		half_window(x.tally, seg);
	half_payload(x.tally, seg);
	if (likely(tally_takes(seg))) {
		tally_count(x.tally, seg);
	} else {
		half_carry(x.tally, x.own_facts); /* or what else it has added there would go on without a packet */
		facts_count(x.own_facts, seg);
	}
	flow_stamp(flow, seg, direction);
	x.own->bits |= HALF_SEEN;
	if (!((x.own->bits | x.peer->bits) & HALF_INITIAL_RTT) || (x.own->bits | x.peer->bits) & HALF_LATE_SYN)
		handshake_initial_rtt(&x);
	half_settle(&x);
}

#endif
