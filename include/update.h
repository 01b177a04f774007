/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What one segment does to its flow. Nearly all are plain: data and ACKs of a connection under way, in order or after
 * a gap. flow_plain enters these and touches struct flow alone; whatever else there is takes flow_update, which knows
 * every rule. Both leave the same state behind: flow_plain is a shorter way, never another meaning. */
#ifndef TCPSCOPE_UPDATE_H
#define TCPSCOPE_UPDATE_H

#include "handshake.h"
#include "rtt.h"

/* Enters `seg`, sent by endpoint `direction`, into its flow if it is plain. False: nothing was done. */
INLINE bool flow_plain(struct flow *flow, const struct segment *seg, __u32 direction);
/* The first data, or the first ACK, of a side under way are plain but for what they leave in the facts: puts that there, so
 * that flow_plain may follow, or flow_update as well. */
INLINE bool flow_wants_firsts(const struct flow *flow, const struct segment *seg, __u32 direction);
INLINE void flow_firsts(struct flow *flow, struct facts *facts, const struct segment *seg, __u32 direction);
/* Enters any segment. Writes half[direction] and the facts. */
INLINE void flow_update(struct flow *flow, struct facts *facts, struct segment *seg, __u32 direction);
/* The body's part: makes now_ns exact (clock_error 0) if it is not. */
INLINE void clock_exact(struct segment *seg);
/* Makes a slot the flow of `seg`, with no segment in it yet. */
INLINE void flow_begin(struct flow *flow, struct facts *facts, const struct segment *seg, struct key_hash hash);

/* ------------------------------------------------------------------------------------------------------------- */

/* Moves a side's totals to those of the facts, before they can wrap. */
INLINE void half_carry(struct flow *flow, struct half_facts *facts, __u32 direction)
{
	struct half *half = &flow->half[direction & 1];

	facts->packets += half->packets;
	facts->payload_bytes += half->payload_bytes;
	facts->header_bytes += half->header_bytes;
	facts->psh += half->psh;
	facts->analysis[ANALYSIS_LOST_SEGMENTS] += flow->lost_segments[direction & 1];
	half->packets = half->payload_bytes = half->header_bytes = half->psh = 0;
	flow->lost_segments[direction & 1] = 0;
}

INLINE bool half_carry_due(const struct flow *flow, __u32 direction)
{
	const struct half *half = &flow->half[direction & 1];

	return (half->packets | half->payload_bytes | half->header_bytes) >> 31 ||
	       flow->lost_segments[direction & 1] >> 7;
}

INLINE void half_count(struct half *own, const struct half *peer, const struct segment *seg)
{
	own->packets += seg->segments;
	own->payload_bytes += seg->payload_len;
	own->header_bytes += (seg->ip_len - seg->payload_len) * seg->segments;
	own->psh += (seg->flags / TCP_PSH) & 1;
	if (unlikely(seg->wire_payload_len > own->payload_max))
		own->payload_max = seg->wire_payload_len;
	own->time_ns = seg->now_ns;
	own->clock_error = seg->clock_error;
	own->turn = (__u8)(peer->turn + 1);
	if (unlikely(own->cpu != (__u8)seg->cpu)) {
		own->handovers += own->bits & HALF_SEEN && own->handovers < 255;
		own->cpu = (__u8)seg->cpu;
	}
}

INLINE void half_window(struct half *own, const struct segment *seg)
{
	if (unlikely(seg->window < own->window_min))
		own->window_min = seg->window;
	if (unlikely(seg->window > own->window_max))
		own->window_max = seg->window;
}

/* What is next from this side may be plain: it has had all its firsts. */
INLINE void half_settle(const struct exchange *x)
{
	const __u16 firsts = HALF_SEEN | HALF_ACKED;
	const __u8 noted = x->own_facts->noted;

	x->own->bits &= (__u16) ~(HALF_PLAIN_ACK | HALF_PLAIN_DATA);
	if ((x->own->bits & firsts) == firsts && (x->own->bits | x->peer->bits) & HALF_INITIAL_RTT &&
	    !(x->own->bits & (HALF_FIN | HALF_RST | HALF_MPTCP)))
		x->own->bits |= (noted & NOTED_ACK ? HALF_PLAIN_ACK : 0) | (noted & NOTED_DATA ? HALF_PLAIN_DATA : 0);
}

/* The bit that says that a segment with or without payload may be plain. */
INLINE __u16 half_plain_bit(const struct segment *seg) { return seg->payload_len ? HALF_PLAIN_DATA : HALF_PLAIN_ACK; }

/* Does the segment carry more than data and an ACK, or may it be a first of its side? */
INLINE bool flow_is_news(const struct half *own, const struct half *peer, const struct segment *seg)
{
	return (seg->flags & ~TCP_PSH) != TCP_ACK || !(own->bits & half_plain_bit(seg)) ||
	       peer->bits & (HALF_FIN | HALF_RST | HALF_MPTCP) ||
	       (peer->bits / HALF_SYNACK) & ~(own->bits / HALF_SHOOK) & 1;
}

/* No counter of the analysis can rise but lost_segments and acked_unseen. May err to false, never to true. */
INLINE bool flow_is_orderly(const struct half *own, const struct half *peer, const struct segment *seg)
{
	__u32 len = seg->payload_len, ahead = seg->sequence + len - peer->ack;

	if (seg->window == 0 || (len == 1 && peer->win == 0) || own->next == 0 || seq_before(seg->sequence, own->next))
		return false;
	if (len == 0) /* else it repeats: duplicate ACK, window update, answer to a keep-alive */
		return seg->sequence != own->next || seg->acknowledgment != own->ack;
	return (!peer->ack || (__s32)ahead > 0) && ahead != peer->win &&
	       ahead != (__u32)peer->win << (peer->scale & 15);
}

INLINE bool flow_wants_firsts(const struct flow *flow, const struct segment *seg, __u32 direction)
{
	const struct half *own = &flow->half[direction & 1], *peer = &flow->half[~direction & 1];

	/* Its first ACK has been noted, be it that of the SYN/ACK, and so has the initial RTT. */
	return !(own->bits & half_plain_bit(seg)) && (seg->flags & ~TCP_PSH) == TCP_ACK &&
	       own->bits & (HALF_SYNACK | HALF_ACKED) && (own->bits | peer->bits) & HALF_INITIAL_RTT &&
	       !(own->bits & (HALF_FIN | HALF_RST | HALF_MPTCP));
}

INLINE void flow_firsts(struct flow *flow, struct facts *facts, const struct segment *seg, __u32 direction)
{
	history_first(facts, seg->payload_len, seg->now_ns, direction);
	flow->half[direction & 1].bits |= HALF_ACKED | half_plain_bit(seg);
}

/* The ACK is beyond what was seen without a hole, or this side has corrected that before. False: flow_update must judge. */
INLINE bool plain_unseen(struct flow *flow, struct half *own, const struct half *peer, __u32 ack, __u32 direction)
{
	__u32 *correction = &flow->peer_max[direction & 1];
	__u64 corrects = own->bits / HALF_CORRECTS & 1, ahead = corrects & seq_before_bit(peer->max, *correction), max,
	      beyond;

	opaque(ahead);
	max = choose(mask_if(ahead & 1), *correction, peer->max);
	beyond = seq_before_bit((__u32)max, ack);
	opaque(beyond);
	if (unlikely(beyond & 1 &
		     ((seq_before_bit((__u32)max, peer->next) ^ 1) | flow->acked_unseen[direction & 1] >> 7)))
		return false;
	flow->acked_unseen[direction & 1] += (__u8)(beyond & 1);
	*correction = (__u32)choose(mask_if(beyond & 1), peer->next, *correction);
	own->bits = (__u16)((own->bits & ~HALF_CORRECTS) | (((beyond | ahead) & 1) * HALF_CORRECTS)); /* or it lapsed */
	return true;
}

INLINE void plain_ack(struct half *own, const struct half *peer, const struct segment *seg)
{
	rtt_close(own, peer, seg);
	if (unlikely(own->dups || peer->bits & HALF_MARKS)) {
		own->run++;
		own->dups = 0;
	}
	own->ack = seg->acknowledgment;
}

/* New octets, or a gap. */
INLINE void plain_advance(struct half *own, const struct half *peer, const struct segment *seg, __u32 end)
{
	if (unlikely(end < own->next))
		own->wraps++;
	own->next = end;
	own->next_ns = seg->now_ns;
	if (seg->payload_len)
		rtt_open(own, peer, end, seg->now_ns);
}

INLINE bool flow_plain(struct flow *flow, const struct segment *seg, __u32 direction)
{
	struct half *own = &flow->half[direction & 1];
	const struct half *peer = &flow->half[~direction & 1];
	__u32 ack = seg->acknowledgment, end = seg->sequence + seg->payload_len, max;

	if (unlikely(flow_is_news(own, peer, seg) || !flow_is_orderly(own, peer, seg) ||
		     (own->packets | own->payload_bytes | own->header_bytes) >> 31))
		return false;
	if (unlikely(seg->sequence != own->next) && flow->lost_segments[direction & 1] >> 7)
		return false;
	if (unlikely((seq_after(ack, peer->max) && peer->max) || own->bits & HALF_CORRECTS) &&
	    !plain_unseen(flow, own, peer, ack, direction))
		return false;
	if (unlikely(seg->sequence != own->next))
		flow->lost_segments[direction & 1]++;
	max = analysis_max(own, peer, flow->peer_max[~direction & 1]);
	if (ack != own->ack)
		plain_ack(own, peer, seg);
	if (end != own->next)
		plain_advance(own, peer, seg, end);
	if (max == 0 || seg->sequence == max)
		own->max = end;
	if (unlikely(own->bits & HALF_KEEP_ALIVE))
		own->bits &= (__u16)~HALF_KEEP_ALIVE;
	own->win = seg->window;
	half_window(own, seg);
	half_count(own, peer, seg);
	return true;
}

INLINE void flow_update(struct flow *flow, struct facts *facts, struct segment *seg, __u32 direction)
{
	const struct exchange x = {
		.flow = flow,
		.facts = facts,
		.own = &flow->half[direction & 1],
		.peer = &flow->half[~direction & 1],
		.direction = direction,
		.own_facts = &facts->half[direction & 1],
		.peer_facts = &facts->half[~direction & 1],
		.seg = seg,
		.end = seg->sequence + seg->payload_len + !!(seg->flags & (TCP_SYN | TCP_FIN)),
	};
	const bool news = flow_is_news(x.own, x.peer, seg);
	__u32 next = x.own->next, first_seq = x.own_facts->first_seq;

	if (half_carry_due(flow, direction))
		half_carry(flow, x.own_facts, direction);
	if (news)
		clock_exact(seg);
	rtt_close(x.own, x.peer, seg); /* before the note: it asks whether this side has sent an ACK before */
	if (news || seg->window == 0 || (seg->payload_len && !seq_after(x.end, next)))
		history_note(flow, facts, seg, direction);
	if (news)
		handshake_note(&x);
	analysis_judge(&x);
	if (!(x.own->bits & HALF_SEEN) || x.own_facts->first_seq != first_seq) /* the stream is counted from here */
		x.own->wraps = x.own->next < x.own_facts->first_seq;
	if (x.own->next != next && x.end != seg->sequence)
		rtt_open(x.own, x.peer, x.end, seg->now_ns);
	else if (x.end != seg->sequence)
		rtt_void(x.own, x.peer);
	if (!(seg->flags & (TCP_SYN | TCP_RST)))
		half_window(x.own, seg);
	half_count(x.own, x.peer, seg);
	x.own->bits |= HALF_SEEN;
	if (!((x.own->bits | x.peer->bits) & HALF_INITIAL_RTT))
		handshake_initial_rtt(&x);
	half_settle(&x);
}

INLINE void flow_begin(struct flow *flow, struct facts *facts, const struct segment *seg, struct key_hash hash)
{
	*flow = (struct flow){};
	*facts = (struct facts){};
	flow->hash = hash.value;
	key_of_segment(&flow->key, seg, hash.direction);
	facts->start_ns = seg->now_ns;
	for (int i = 0; i < 2; i++) {
		flow->half[i].window_min = 0xffff;
		flow->half[i].rtt_min_ns = 0xffffffff;
		flow->half[i].scale = SCALE_NONE;
		flow->acked_unseen[i] = HISTORY_FIRST_UNSEEN;
		facts->half[i].analysis[ANALYSIS_ACKED_UNSEEN] = 0u - HISTORY_FIRST_UNSEEN;
	}
	flow->half[hash.direction & 1].time_ns = seg->now_ns; /* a sweep may look before the segment is in */
	facts->first_sender = (__u8)hash.direction;
	facts->vlans = seg->vlans;
	for (int i = 0; i < SEGMENT_VLANS; i++)
		facts->vlan[i] = seg->vlan[i];
}

#endif
