/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What one segment does to its flow. Nearly all are plain: data and ACKs of a connection under way, in order, after a
 * gap, or with some octets that were sent before. flow_plain enters these and touches struct flow alone, but for the counter
 * of such an overlap; whatever else there is takes flow_update, which knows every rule. Both leave the same state behind:
 * flow_plain is a shorter way, never another meaning. */
#ifndef TCPSCOPE_UPDATE_H
#define TCPSCOPE_UPDATE_H

#include "handshake.h"
#include "rtt.h"

struct table;

/* A flow and the number of its slot in the table; flow == NULL: none. */
struct slot {
	struct flow *flow;
	__u32 number; /* bucket * WAYS + way */
};

/* The flow and the facts at a slot number, SLOT_NONE included (then NULL): table.h. */
INLINE struct flow *table_flow(struct table *table, __u32 number);
INLINE struct facts *table_flow_facts(struct table *table, __u32 number);

enum { PLAIN_PAYLOAD_MAX = 65535, PLAIN_GAP_MAX = 1 << 30 }; /* octets: what flow_plain may be given; lost before it */

/* Enters `seg`, sent by endpoint `direction`, into its flow if it is plain. False: nothing was done, but that a
 * correction that had lapsed is gone. */
INLINE bool flow_plain(struct table *table, struct slot slot, const struct segment *seg, __u32 direction);
/* The first data, or the first ACK, of a side under way are plain but for what they leave in the facts: puts that there, so
 * that flow_plain may follow, or flow_update with the clock as it is. */
INLINE bool flow_wants_firsts(const struct flow *flow, const struct segment *seg, __u32 direction);
INLINE void flow_firsts(struct flow *flow, struct facts *facts, const struct segment *seg, __u32 direction);
/* Enters any segment. Writes half[direction] and the facts. */
INLINE void flow_update(struct flow *flow, struct facts *facts, struct segment *seg, __u32 direction);
/* The body's part: makes now_ns exact (clock_error 0) if it is not. */
INLINE void clock_exact(struct segment *seg);
/* Makes a slot the flow of `seg`, with no segment in it yet. */
INLINE void flow_begin(struct flow *flow, struct facts *facts, const struct segment *seg, struct key_hash hash);
/* Nearly every flow begins with a SYN that carries nothing else: what flow_update leaves of that in a flow just begun. */
INLINE bool flow_is_plain_syn(const struct segment *seg);
INLINE void flow_begin_syn(struct flow *flow, struct facts *facts, const struct segment *seg, __u32 direction);

/* ------------------------------------------------------------------------------------------------------------- */

#define CARRY_DUE 0x8000000080000000ULL /* both totals of a word: half way to where they wrap */
#define CARRY_PACKETS 0x7fffu		/* of volume: so many segments fill no other total, those of 16 bits included */

/* Moves a side's totals to those of the facts, before they can wrap. */
INLINE void half_carry(struct tally *tally, struct half_facts *facts)
{
	facts->packets += (__u32)tally->volume;
	facts->payload_bytes += tally->volume >> 32;
	facts->header_bytes += (__u32)tally->headers;
	facts->psh += tally->headers >> 32;
	facts->rtt_samples += (__u16)tally->rtt_samples;
	facts->rtt_by_timestamp += tally->rtt_samples >> 16;
	facts->analysis[ANALYSIS_LOST_SEGMENTS] += tally->lost_segments;
	facts->analysis[ANALYSIS_OUT_OF_ORDER] += tally->out_of_order;
	tally->volume = tally->headers = tally->rtt_samples = tally->lost_segments = tally->out_of_order = 0;
}

INLINE bool half_is_full(const struct tally *tally) { return (__u32)tally->volume > CARRY_PACKETS; }

INLINE bool half_carry_due(const struct tally *tally)
{
	return half_is_full(tally) || (tally->volume | tally->headers) & CARRY_DUE;
}

INLINE void half_count(struct half *own, struct tally *tally, const struct half *peer, const struct segment *seg)
{
	tally->volume += seg->segments + ((__u64)seg->payload_len << 32);
	tally->headers += (seg->ip_len - seg->payload_len) * seg->segments + ((__u64)(seg->flags & TCP_PSH) << 29);
	own->time_ns = seg->now_ns;
	own->turn = (__u8)(peer->turn + 1);
	tally->clock_error = seg->clock_error;
	if (unlikely(tally->cpu != seg->cpu)) {
		tally->handovers += own->bits & HALF_SEEN && tally->handovers < 255;
		tally->cpu = seg->cpu;
	}
}

INLINE void half_payload(struct tally *tally, const struct segment *seg)
{
	if (unlikely(seg->wire_payload_len > tally->payload_max))
		tally->payload_max = seg->wire_payload_len;
}

INLINE void half_window(struct tally *tally, const struct segment *seg)
{
	if (unlikely(seg->window < tally->window_min))
		tally->window_min = seg->window;
	if (unlikely(seg->window > tally->window_max))
		tally->window_max = seg->window;
}

/* What follows these from the same side is not plain; after a keep-alive, the next segment alone, after a late SYN, those
 * until an ACK. */
#define HALF_NEVER_PLAIN (HALF_FIN | HALF_RST | HALF_MPTCP | HALF_KEEP_ALIVE | HALF_LATE_SYN)

/* Which kinds of segments of this side may be plain from now on, as far as the history goes. */
INLINE __u16 half_noted(const struct half *own)
{
	return (own->noted & NOTED_ACK ? HALF_PLAIN_ACK : 0) | (own->noted & NOTED_DATA ? HALF_PLAIN_DATA : 0);
}

/* So that a plain segment need not touch the facts: written but once, the initial RTT is never out of date. */
INLINE void half_note_rtt(struct tally *tally, const struct facts *facts)
{
	if (!tally->initial_rtt_ns)
		tally->initial_rtt_ns = facts->initial_rtt_ns > 0xffffffff ? 0xffffffff : (__u32)facts->initial_rtt_ns;
}

/* What is next from this side may be plain: it has had all its firsts. */
INLINE void half_settle(const struct exchange *x)
{
	const __u16 firsts = HALF_SEEN | HALF_ACKED;

	half_note_rtt(x->tally, x->facts);
	x->own->bits &= (__u16) ~(HALF_PLAIN_ACK | HALF_PLAIN_DATA);
	if ((x->own->bits & firsts) == firsts && (x->own->bits | x->peer->bits) & HALF_INITIAL_RTT &&
	    !(x->own->bits & HALF_NEVER_PLAIN))
		x->own->bits |= half_noted(x->own);
}

/* The bit that says that a segment with or without payload may be plain. */
INLINE __u16 half_plain_bit(const struct segment *seg) { return seg->payload_len ? HALF_PLAIN_DATA : HALF_PLAIN_ACK; }

/* What in the past of both sides keeps data or an ACK from being plain: bits, not 0. HALF_CORRECTS alone need not. */
INLINE __u32 flow_bars(const struct half *own, const struct half *peer, const struct segment *seg)
{
	const __u32 plain = HALF_PLAIN_ACK | HALF_PLAIN_DATA;
	const __u32 news = HALF_SYNACK | HALF_FIN | HALF_RST | HALF_MPTCP | HALF_LATE_SYN;
	/* The shift sets HALF_SHOOK against HALF_SYNACK, and nothing against the others, which are above. */
	__u32 answered = own->bits / (HALF_SHOOK / HALF_SYNACK);

	return ((own->bits ^ plain) & (half_plain_bit(seg) | HALF_CORRECTS)) |
	       (peer->bits & ~answered & (news | HALF_CORRECTS));
}

INLINE bool flow_only_acks(const struct segment *seg) { return (seg->flags & ~TCP_PSH) == TCP_ACK; }

/* Does the segment carry more than data and an ACK, or may it be a first of its side? */
INLINE bool flow_is_news(const struct half *own, const struct half *peer, const struct segment *seg)
{
	return !flow_only_acks(seg) || flow_bars(own, peer, seg) & ~HALF_CORRECTS;
}

INLINE struct exchange flow_exchange(struct flow *flow, struct facts *facts, const struct segment *seg, __u32 direction)
{
	return (struct exchange){
		.flow = flow,
		.facts = facts,
		.own = &flow->half[direction & 1],
		.peer = &flow->half[~direction & 1],
		.tally = &flow->tally[direction & 1],
		.direction = direction,
		.own_facts = &facts->half[direction & 1],
		.peer_facts = &facts->half[~direction & 1],
		.seg = seg,
		.end = seg->sequence + seg->payload_len + !!(seg->flags & (TCP_SYN | TCP_FIN)),
	};
}

/* Data that ends there is not acknowledged yet, and does not fill the peer's window. May err to false, never to true. */
INLINE bool plain_within(const struct half *peer, __u32 end)
{
	__u32 ahead = end - peer->ack;

	return (!peer->ack || (__s32)ahead > 0) && ahead != (__u32)peer->win << (peer->scale & 15) &&
	       ahead != peer->win;
}

/* No counter of the analysis can rise but acked_unseen and, by where it begins, those of gaps and overlaps. May err to false,
 * never to true. */
INLINE bool flow_is_orderly(const struct half *own, const struct half *peer, const struct segment *seg)
{
	__u32 len = seg->payload_len;

	if (seg->window == 0 || own->next == 0)
		return false;
	if (len == 0) /* else it repeats: duplicate ACK, window update, answer to a keep-alive */
		return seg->sequence != own->next || seg->acknowledgment != own->ack;
	return plain_within(peer, seg->sequence + len) && (len > 1 || peer->win);
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
	struct half *own = &flow->half[direction & 1];

	half_note_rtt(half_tally(own), facts);
	half_window(half_tally(own), seg);
	history_first(flow, facts, seg->payload_len, seg->now_ns, direction);
	own->bits |= HALF_ACKED | half_noted(own);
}

/* The ACK is beyond what was seen without a hole, or this side has corrected that before. False: flow_update must judge. */
INLINE bool plain_unseen(struct half *own, struct tally *tally, const struct half *peer, __u32 ack)
{
	__u32 max = peer->max;

	if (own->bits & HALF_CORRECTS) {
		max = analysis_max(peer, own);
		analysis_lapse(own, peer);
	}
	if (!max || !seq_after(ack, max))
		return true;
	if (unlikely(!seq_before(max, peer->next) || tally->acked_unseen >> 7))
		return false;
	tally->acked_unseen++;
	analysis_correct(own, peer);
	return true;
}

/* New octets, or a gap. */
INLINE void plain_advance(struct half *own, struct tally *tally, const struct segment *seg, __u32 end)
{
	if (unlikely(end < own->next))
		tally->wraps++;
	own->next = end;
	tally->next_ns = seg->now_ns;
}

/* What any plain segment does once it is judged; `max`: the side's, corrected. */
INLINE void plain_enter(struct half *own, struct tally *tally, const struct half *peer, const struct segment *seg,
			__u32 max)
{
	__u32 end = seg->sequence + seg->payload_len;

	if (seg->acknowledgment != own->ack) {
		if (unlikely(own->dups || peer->bits & HALF_MARKS)) {
			own->run++;
			own->dups = 0;
		}
		own->ack = seg->acknowledgment;
	}
	rtt_close(own, tally, peer, seg);
	if (end != own->next)
		plain_advance(own, tally, seg, end);
	if (seg->payload_len) {
		half_payload(tally, seg);
		rtt_fresh(own, seg);
		rtt_open(own, peer, end, seg);
	} else {
		rtt_open_pure(own, peer, seg, rtt_fresh(own, seg));
	}
	if (max == 0 || seg->sequence == max)
		own->max = end;
	if (unlikely(seg->window != own->win)) { /* the one before was no SYN's: its extremes are known */
		own->win = seg->window;
		half_window(tally, seg);
	}
	half_count(own, tally, peer, seg);
}

/* Is data that begins before `next` out of order, by what is at hand? May err to false. */
INLINE bool plain_disorder(const struct tally *tally, const struct half *peer, const struct segment *seg)
{
	return peer->ack != seg->sequence && seg->now_ns - tally->next_ns < tally->initial_rtt_ns;
}

/* Counts it if not: flow_plain has no facts at hand, and seldom needs them. */
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

/* It begins before `next`, some of its octets are new, and nothing else about it is to be judged. */
INLINE bool plain_overlaps(const struct half *own, const struct segment *seg)
{
	return seg->payload_len > 1 && seq_before(seg->sequence, own->next - 1) &&
	       seq_after(seg->sequence + seg->payload_len, own->next);
}

INLINE bool flow_plain(struct table *table, struct slot slot, const struct segment *seg, __u32 direction)
{
	struct half *own = &slot.flow->half[direction & 1];
	struct tally *tally = half_tally(own);
	const struct half *peer = &slot.flow->half[~direction & 1];
	__u32 max, ahead = seg->sequence - own->next;

	if (unlikely(!flow_only_acks(seg) || !flow_is_orderly(own, peer, seg) || half_is_full(tally)))
		return false;
	if (unlikely(ahead >= PLAIN_GAP_MAX) && !plain_overlaps(own, seg))
		return false;
	max = own->max;
	if (unlikely(flow_bars(own, peer, seg) || seq_after(seg->acknowledgment, peer->max))) {
		if (flow_bars(own, peer, seg) & ~HALF_CORRECTS || !plain_unseen(own, tally, peer, seg->acknowledgment))
			return false;
		max = analysis_max(own, peer);
	}
	if (unlikely(ahead >= PLAIN_GAP_MAX)) {
		if (plain_disorder(tally, peer, seg))
			tally->out_of_order++;
		else
			flow_resent(table, slot.number * 2 + direction, seg->sequence, seg->payload_len, seg->now_ns);
	} else if (unlikely(ahead)) {
		tally->lost_segments++;
	}
	plain_enter(own, tally, peer, seg, max);
	return true;
}

/* The round trips of a segment after its analysis; `next` is the side's from before. */
INLINE void update_rtt(const struct exchange *x, __u32 next)
{
	bool fresh;

	if (!(x->own->bits & HALF_SEEN) && x->seg->options & OPTION_TIMESTAMPS)
		x->own->tsval = x->seg->tsval - 1; /* its first is fresh */
	fresh = rtt_fresh(x->own, x->seg);
	if (x->end == x->seg->sequence)
		rtt_open_pure(x->own, x->peer, x->seg, fresh && !(x->seg->flags & TCP_RST));
	else if (x->own->next != next)
		rtt_open(x->own, x->peer, x->end, x->seg);
	else
		rtt_resent(x->own, x->peer, x->seg, fresh);
}

INLINE void flow_update(struct flow *flow, struct facts *facts, struct segment *seg, __u32 direction)
{
	const struct exchange x = flow_exchange(flow, facts, seg, direction);
	const bool news = flow_is_news(x.own, x.peer, seg);
	const bool syn = seg->flags & TCP_SYN;
	__u32 next = x.own->next, first_seq = syn ? x.own_facts->first_seq : 0;

	if (half_carry_due(x.tally))
		half_carry(x.tally, x.own_facts);
	if (news)
		clock_exact(seg);
	if (news || seg->window == 0 || (seg->payload_len && !seq_after(x.end, next)))
		history_note(flow, facts, seg, direction);
	if (news)
		handshake_note(&x);
	if (seg->flags & TCP_ACK)
		rtt_close(x.own, x.tally, x.peer, seg);
	analysis_judge(&x);
	if (!(x.own->bits & HALF_SEEN) ||
	    (syn && x.own_facts->first_seq != first_seq)) /* the stream is counted from here */
		x.tally->wraps = x.own->next < x.own_facts->first_seq;
	update_rtt(&x, next);
	if (!(seg->flags & (TCP_SYN | TCP_RST)))
		half_window(x.tally, seg);
	half_payload(x.tally, seg);
	half_count(x.own, x.tally, x.peer, seg);
	x.own->bits |= HALF_SEEN;
	if (!((x.own->bits | x.peer->bits) & HALF_INITIAL_RTT) || (x.own->bits | x.peer->bits) & HALF_LATE_SYN)
		handshake_initial_rtt(&x);
	half_settle(&x);
}

/* Clears what lies in the lines that a birth writes anyway: a late segment of the slot's last flow may have left something
 * there since it was left blank. */
INLINE void flow_clear(struct flow *flow, struct facts *facts, __u32 direction)
{
	struct half_facts *own = &facts->half[direction & 1];

	tally_begin(&flow->tally[direction & 1]);
	__builtin_memset(&facts->history, 0, offsetof(struct facts, key) - offsetof(struct facts, history));
	__builtin_memset(&facts->answered_by, 0,
			 offsetof(struct facts, last_syn_ns) - offsetof(struct facts, answered_by));
	__builtin_memset(&facts->last_syn_ns, 0,
			 offsetof(struct facts, attempt[2]) - offsetof(struct facts, last_syn_ns));
	__builtin_memset(&own->syn_first_ns, 0, sizeof(*own) - offsetof(struct half_facts, syn_first_ns));
}

/* Begins to bring at once what is needed of the facts by news of a side: its first segments, or its end. */
INLINE void facts_touch(const struct facts *facts, __u32 direction, bool begins)
{
	const struct half_facts *own = &facts->half[direction & 1], *peer = &facts->half[~direction & 1];

	touch(&facts->history);
	touch(&facts->last_syn_ns);
	touch(&own->option_layout);
	if (begins) {
		touch(&facts->key);
		touch(&own->syn_first_ns);
		touch(&peer->syn_first_ns);
	} else {
		touch(&peer->option_layout);
	}
}

/* Begins to bring all lines that a birth writes at once: it waits for them one after the other else. Where the slot is blank
 * these are eight, else all. */
INLINE void flow_touch(const struct flow *flow, const struct facts *facts, __u32 direction)
{
	const struct half_facts *own = &facts->half[direction & 1];

	touch(&flow->half[0]);
	touch(&flow->half[1]);
	touch(&flow->tally[direction & 1]);
	touch(&facts->history);
	touch(&facts->key);
	touch(&facts->last_syn_ns);
	touch(&own->syn_first_ns);
	touch(&own->option_layout);
	if (likely(flow->half[0].handed == HANDED_BLANK))
		return;
	touch(&flow->tally[~direction & 1]);
	for (size_t at = offsetof(struct facts, attempt[2]); at < sizeof(struct facts); at += 64)
		touch((const char *)facts + at);
}

INLINE void flow_begin(struct flow *flow, struct facts *facts, const struct segment *seg, struct key_hash hash)
{
	if (likely(flow->half[0].handed == HANDED_BLANK))
		flow_clear(flow, facts, hash.direction);
	else
		flow_blank(flow, facts);
	flow->half[0] = flow->half[1] = (struct half){ .scale = SCALE_NONE };
	flow->half[hash.direction & 1].time_ns = seg->now_ns; /* a sweep may look before the segment is in */
	key_of_segment(&facts->key, seg, hash.direction);
	facts->start_ns = seg->now_ns;
	facts->first_sender = (__u8)hash.direction;
	facts->vlans = seg->vlans;
	for (int i = 0; i < SEGMENT_VLANS && seg->vlans; i++)
		facts->vlan[i] = seg->vlan[i];
	written(); /* now a lookup may find it */
	flow->half[0].hash = flow->half[1].hash = (__u32)hash.value;
}

INLINE bool flow_is_plain_syn(const struct segment *seg)
{
	/* A window of 0 has a letter; 2^32 - 1 would end at 0, which stands for unknown. */
	return seg->flags == TCP_SYN && !seg->payload_len && seg->window && seg->sequence != 0xffffffff &&
	       !seg->clock_error;
}

INLINE void flow_begin_syn(struct flow *flow, struct facts *facts, const struct segment *seg, __u32 direction)
{
	const struct exchange x = flow_exchange(flow, facts, seg, direction);

	history_first_syn(flow, facts, direction);
	x.own_facts->ttl = seg->ttl;
	x.own_facts->no_ack = seg->segments;
	handshake_syn_options(&x);
	handshake_fingerprint(x.own_facts, seg);
	handshake_syn(&x);
	x.own->next = x.own->max = x.end;
	x.own->ack = seg->acknowledgment;
	x.own->win = seg->window;
	x.tally->next_ns = seg->now_ns;
	if (seg->options & OPTION_TIMESTAMPS)
		x.own->tsval = seg->tsval;
	rtt_begin(x.own, x.end, RTT_ACK, seg);
	half_payload(x.tally, seg);
	half_count(x.own, x.tally, x.peer, seg);
	x.own->bits |= HALF_SEEN;
}

#endif
