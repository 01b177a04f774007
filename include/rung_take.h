/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes rungs of a ladder, round the engine and never in it: what the analysis found in a segment is told by the
 * counters of its flow before and after. A body that draws no ladders pays nothing. */
#ifndef TCPSCOPE_RUNG_TAKE_H
#define TCPSCOPE_RUNG_TAKE_H

#include "engine.h"
#include "outcome.h"
#include "rung.h"

/* Before the engine sees a segment. */
INLINE void rung_before(struct rung_before *before, struct table *table, const struct segment *seg);
/* After it, first of all: makes the segment's flow one to look at. */
SEPARATE int rung_grow(struct table *table, const struct segment *seg);
/* Is the segment's connection one that is shown? */
INLINE bool rung_is_shown(struct table *table, const struct segment *seg);
/* Is it of the flow with this key? */
INLINE bool rung_is_of(struct table *table, const struct segment *seg, const struct flow_key *picked);
/* Fills the rung; from now on the segment's connection is shown. False: the flow is gone. */
INLINE bool rung_make(struct rung *rung, const struct rung_before *before, struct table *table,
		      const struct segment *seg);

/* ------------------------------------------------------------------------------------------------------------- */

/* The flow of a segment in the table, but for an embryo, which has nothing to count. `direction`: the endpoint that
 * sent it. */
INLINE struct slot rung_find(struct table *table, const struct segment *seg, struct facts **facts, __u32 *direction)
{
	const struct key_hash hash = key_hash(seg, &table->shape.seed);
	struct slot slot = { .number = table_search(table, hash.value) };
	struct flow_key key;

	*direction = hash.direction & 1;
	slot.flow = table_flow(table, slot.number);
	*facts = table_flow_facts(table, slot.number);
	if (!slot.flow || !*facts)
		return (struct slot){ .number = SLOT_NONE };
	if (flow_is_embryo(slot.flow))
		return (struct slot){ .number = SLOT_NONE };
	key_of_segment(&key, seg, hash.direction);
	return key_equal(&(*facts)->key, &key) ? slot : (struct slot){ .number = SLOT_NONE };
}

INLINE void rung_count(__u32 counter[ANALYSIS_COUNT], const struct flow *flow, const struct facts *facts, __u32 side)
{
	for (int i = 0; i < ANALYSIS_COUNT; i++)
		counter[i] = (__u32)half_analysis(&facts->half[side & 1], &flow->tally[side & 1],
						  (enum analysis_counter)i);
}

INLINE void rung_before(struct rung_before *before, struct table *table, const struct segment *seg)
{
	struct facts *facts;
	__u32 side;
	const struct slot slot = rung_find(table, seg, &facts, &side);

	before->start_ns = slot.flow ? facts->start_ns : 0;
	if (slot.flow)
		rung_count(before->counter, slot.flow, facts, side);
}

SEPARATE int rung_grow(struct table *table, const struct segment *seg)
{
	const struct flow *flow;
	__u32 number;

	if (!table || !seg)
		return 0;
	number = table_search(table, key_hash(seg, &table->shape.seed).value);
	flow = table_flow(table, number);
	return flow && flow_is_embryo(flow) ? table_grow(table, number) : 0;
}

INLINE bool rung_is_shown(struct table *table, const struct segment *seg)
{
	struct facts *facts;
	__u32 side;

	return rung_find(table, seg, &facts, &side).flow && facts->shown;
}

INLINE bool rung_is_of(struct table *table, const struct segment *seg, const struct flow_key *picked)
{
	struct flow_key key;

	key_of_segment(&key, seg, key_hash(seg, &table->shape.seed).direction);
	return key_equal(&key, picked);
}

/* Whose numbers the acknowledgment counts: the peer's from its base, or, as long as it has sent nothing, from the first
 * that was acknowledged. */
INLINE __u32 rung_ack(const struct flow *flow, const struct facts *facts, const struct segment *seg, __u32 side)
{
	if (!(seg->flags & TCP_ACK))
		return 0;
	return seg->acknowledgment - (flow->half[~side & 1].bits & HALF_SEEN ? facts->half[~side & 1].base
									     : facts->half[side & 1].first_ack - 1);
}

INLINE void rung_window(struct rung_segment *to, const struct flow *flow, const struct segment *seg, __u32 side)
{
	to->window = seg->window;
	to->scaled = !(seg->flags & TCP_SYN) && flow_is_scaled(flow);
	if (to->scaled)
		to->window <<= flow->scale[side & 1] & 15;
}

INLINE __u16 rung_marks(const struct rung_before *before, const struct flow *flow, const struct facts *facts,
			__u32 side)
{
	const bool same = before->start_ns == facts->start_ns;
	__u32 after[ANALYSIS_COUNT];
	__u16 marks = 0;

	rung_count(after, flow, facts, side);
	for (int i = 0; i < ANALYSIS_COUNT; i++)
		marks |= (__u16)((after[i] != (same ? before->counter[i] : 0)) << i);
	return marks;
}

INLINE bool rung_make(struct rung *rung, const struct rung_before *before, struct table *table,
		      const struct segment *seg)
{
	enum client_known_by known_by;
	struct facts *facts;
	__u32 side;
	const struct slot slot = rung_find(table, seg, &facts, &side);

	if (!slot.flow)
		return false;
	facts->shown = 1;
	rung->key = facts->key;
	rung->start_ns = facts->start_ns;
	rung->client = outcome_client_of(slot.flow, facts, &known_by);
	rung->reserved = 0;
	rung->segment = (struct rung_segment){ .now_ns = seg->now_ns,
					       .seq = seg->sequence - facts->half[side & 1].base,
					       .ack = rung_ack(slot.flow, facts, seg, side),
					       .len = seg->payload_len,
					       .tsval = seg->tsval,
					       .tsecr = seg->tsecr,
					       .flags = seg->flags,
					       .mss = seg->mss,
					       .segments = seg->segments,
					       .options = seg->options,
					       .window_scale = seg->window_scale,
					       .direction = (__u8)side };
	rung_window(&rung->segment, slot.flow, seg, side);
	rung->segment.marks = rung_marks(before, slot.flow, facts, side);
	return true;
}

#endif
