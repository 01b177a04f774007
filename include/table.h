/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow table: set-associative, two buckets of eight slots for every key, one octet of tag per slot.
 *
 * Three arrays share one index: tags (8 octets a bucket), flows (8 x 192) and facts (8 x 960). The hash names one slot
 * of the first bucket, the flow's home: it is there unless that was taken. So while few are away a lookup reads no tag:
 * it touches two cache lines of the slot, nearly always of one page. In a table that is fuller it reads the tag word of
 * the first bucket, finds the slot by arithmetic and touches that, and its home beside it meanwhile: two thirds are
 * there, and the others have it in their page. A tag that lies (1 in 255 per neighbour), or a flow in its second
 * bucket, costs a second look. The tags of a million flows are 1.4 MB. A SYN that begins a flow touches two lines of
 * its slot (begin.h). What else is news (a SYN/ACK, a FIN) needs four to six lines of the facts: all that is at its
 * home begins to come as soon as the hash is known.
 *
 * Lookups take no lock, but the first after that of a SYN, which makes its flow grow. A slot that is free is taken by
 * one atomic change of its bucket's tags: whoever does that has it, and nobody sees a flow there until all of it is
 * written. A flow is evicted and handed over (handover.h) under the lock of its region, where both its buckets lie, and
 * begins there if not with a SYN; its slot is given back without (leave.h). Two CPUs that meet the first segments of
 * one key at one instant may begin it twice, if one of these is a SYN: one then has but that segment. A segment that
 * had found its slot just before its flow is evicted may be lost from it, or be counted in the newcomer: at most one
 * per CPU and such flow. What is swept is read, and its slot given back, when every such segment is through
 * (handover.h).
 *
 * The body supplies memory, lock and reports (see "the body's part"). Here is how a flow is found; how it gets its slot
 * is birth.h's business, how it leaves leave.h's. */
#ifndef TCPSCOPE_TABLE_H
#define TCPSCOPE_TABLE_H

#include "begin.h"
#include "handover.h"
#include "ledger.h"
#include "summary.h"
#include "tags.h"
#include "update.h"

/* ---- the body's part: the kernel's maps, plain memory in replay and tests. A body defines struct table, with a member
 * `struct table_shape shape`, before it includes this file, and these functions after. Pointers may be NULL only in the
 * kernel, where the verifier wants them checked. ---- */
struct table_lock;

/* Memory for a flow that is evicted: the stack is small, and there may be no room for a report. */
struct departure {
	struct report report;
	struct segment embryo; /* memory for embryo_grow */
	struct service_sample sample;
	struct summary_key service; /* of an unanswered SYN */
	struct summary sum;
};

INLINE __u64 *table_tags(struct table *table, __u32 bucket);
INLINE struct flow_bucket *table_flows(struct table *table, __u32 bucket);
INLINE struct facts_bucket *table_facts(struct table *table, __u32 bucket);
INLINE __u64 *table_next_look(struct table *table, __u32 bucket); /* when the sweep is to look there; NULL: always */
INLINE struct table_lock *table_lock_of(struct table *table, __u32 region);
INLINE void table_lock(struct table_lock *lock);
INLINE void table_unlock(struct table_lock *lock);
INLINE struct report *report_reserve(struct table *table); /* NULL: no room now */
INLINE void report_submit(struct report *report);
INLINE void report_discard(struct report *report);
INLINE struct departure *table_departure(struct table *table); /* of this CPU */
/* Where a service's evicted SYNs are summed. NULL: this body keeps no sums, and they are reported like other flows. */
INLINE struct summary *table_summary(struct table *table, const struct summary_key *key);
INLINE struct service_set *table_services(struct table *table, __u32 set); /* NULL: none are kept */
INLINE struct table_lock *table_services_lock(struct table *table, __u32 set);

/* ---- for the engine ---- */

/* Where a key may live. */
struct place {
	__u32 bucket[2];
	__u8 way; /* where it is put, if it can be: in bucket[0], its home */
	__u8 tag;
};

#define ENTERED 0xfffffffeu /* no slot number, as SLOT_NONE: the segment is in its flow */

INLINE struct place table_place(const struct table_shape *shape, __u64 hash);
/* Finds a flow by the hash of its key. */
INLINE struct slot table_find(struct table *table, struct key_hash hash);
/* The same, and looks at the flow's home before any tag, unless too many are away from home: `strays` counts these,
 * from 0 at each tick, and after some frames so many of them are to be forgiven. */
INLINE struct slot table_find_home(struct table *table, struct key_hash hash, __u32 *strays);
INLINE void table_forgive_strays(__u32 *strays, __u32 frames);
/* Begins to bring what a segment that is news needs of its flow, if that is at its home, before it is looked for.
 * `begins`: it is of the handshake, not of the end (facts_touch). */
INLINE void table_touch_home(struct table *table, struct key_hash hash, bool begins);
/* Makes the embryo in a slot grow, unless another CPU has, or it was handed over: before its facts are looked at, or a
 * second segment enters it. */
SEPARATE int table_grow(struct table *table, __u32 number);
/* Takes a flow out of the reach of lookups by its key's hash: the key was reused. The next sweep hands it over, or its
 * eviction reports it. Two CPUs may do so at once. */
INLINE void table_retire(struct table *table, struct slot slot, struct key_hash hash);
/* Asks the sweep for a look at the flow at a slot number: it ended, and is due earlier than it was. */
INLINE void table_look_soon(struct table *table, __u32 number);

/* ------------------------------------------------------------------------------------------------------------- */

/* More strays than one in eight cost more than looking at the tags of all; then there is no way back before the next
 * tick. */
enum { STRAYS_ONE_IN = 8, STRAYS_MAX = 32 };

/* The number of the slot that a key's flow is put in, if it can be. */
INLINE __u32 table_home(const struct table_shape *shape, __u64 hash)
{
	return (__u32)((hash >> 32) * shape->buckets * WAYS >> 32);
}

INLINE struct place table_place(const struct table_shape *shape, __u64 hash)
{
	__u32 home = table_home(shape, hash);
	struct place place;

	place.bucket[0] = home / WAYS;
	place.way = home % WAYS;
	/* Another of the region: where it may be the same, one key in 64 has eight slots, and evictions begin at 0.67
	 * N, not 0.77. */
	place.bucket[1] = (place.bucket[0] & ~(REGION - 1u)) |
			  ((place.bucket[0] + 1 + ((__u32)hash & 0xffff) * (REGION - 1) / 0x10000) & (REGION - 1));
	place.tag = (__u8)(((hash >> 32 & 0xffff) * 255 >> 16) + 1);
	return place;
}

/* Looks at all the slots with the key's tag in both its buckets. Returns the slot's number, or SLOT_NONE. */
SEPARATE __u32 table_search(struct table *table, __u64 hash)
{
	struct place place;

	if (!table)
		return SLOT_NONE;
	place = table_place(&table->shape, hash);
	for (int i = 0; i < 2; i++) {
		__u64 *tags = table_tags(table, place.bucket[i]);
		struct flow_bucket *flows = table_flows(table, place.bucket[i]);
		__u64 match = tags ? tags_match(*tags, place.tag) : 0;

		for (int j = 0; j < WAYS && match && flows; j++, match &= match - 1)
			if (flows->way[tags_first(match)].hash == (__u32)hash)
				return place.bucket[i] * WAYS + tags_first(match);
	}
	return SLOT_NONE;
}

/* The first bucket has nearly every flow, and the first slot there with its tag nearly always is it. */
INLINE struct slot table_find(struct table *table, struct key_hash hash)
{
	struct place place = table_place(&table->shape, hash.value);
	__u64 *tags = table_tags(table, place.bucket[0]), match;
	struct flow_bucket *flows = table_flows(table, place.bucket[0]);
	struct slot slot = { .number = SLOT_NONE };
	__u32 way, early;

	if (!tags || !flows)
		return slot;
	early = flows->way[place.way].hash; /* the page, and likely the line, begins to come */
	opaque(early);
	match = tags_match_first(*tags, place.tag);
	way = tags_first(match);
	slot.number = place.bucket[0] * WAYS + way;
	slot.flow = &flows->way[way];
	if (likely(slot.flow->hash == (__u32)hash.value && match))
		return slot;
	slot.number = table_search(table, hash.value);
	slot.flow = table_flow(table, slot.number);
	return slot;
}

INLINE void table_forgive_strays(__u32 *strays, __u32 frames)
{
	__u32 forgiven = frames / STRAYS_ONE_IN;

	if (*strays < STRAYS_MAX)
		*strays -= *strays < forgiven ? *strays : forgiven;
}

INLINE struct slot table_find_home(struct table *table, struct key_hash hash, __u32 *strays)
{
	struct slot slot = { .number = table_home(&table->shape, hash.value) };

	if (likely(*strays < STRAYS_MAX)) {
		struct flow_bucket *flows = table_flows(table, slot.number / WAYS);

		if (!flows)
			return slot;
		slot.flow = &flows->way[slot.number % WAYS];
		if (likely(slot.flow->hash == (__u32)hash.value))
			return slot;
		(*strays)++;
	}
	return table_find(table, hash);
}

INLINE struct flow *table_flow(struct table *table, __u32 number)
{
	struct flow_bucket *flows = number == SLOT_NONE ? NULL : table_flows(table, number / WAYS);

	if (!flows)
		return NULL;
	opaque(flows); /* the verifier wants no arithmetic before the test */
	return &flows->way[number & (WAYS - 1)];
}

INLINE struct facts *table_flow_facts(struct table *table, __u32 number)
{
	struct facts_bucket *facts = number == SLOT_NONE ? NULL : table_facts(table, number / WAYS);

	if (!facts)
		return NULL;
	opaque(facts);
	return &facts->way[number & (WAYS - 1)];
}

SEPARATE int table_grow(struct table *table, __u32 number)
{
	struct flow *flow = table ? table_flow(table, number) : NULL;
	struct facts *facts = table ? table_flow_facts(table, number) : NULL;
	struct table_lock *lock = table ? table_lock_of(table, number / WAYS / REGION) : NULL;
	struct departure *departure = table ? table_departure(table) : NULL;

	if (!flow || !facts || !lock || !departure)
		return 0;
	table_lock(lock);
	if (flow_is_embryo(flow) && flow_is_open(flow))
		embryo_grow(flow, facts, &departure->embryo);
	table_unlock(lock);
	return 0;
}

INLINE void table_touch_home(struct table *table, struct key_hash hash, bool begins)
{
	__u32 home = table_home(&table->shape, hash.value);
	const struct flow *flow = table_flow(table, home);
	const struct facts *facts = table_flow_facts(table, home);

	if (!flow || !facts)
		return;
	slot_touch(flow);
	facts_touch(facts, hash.direction, begins);
}

INLINE void table_look_soon(struct table *table, __u32 number)
{
	__u64 *look = table_next_look(table, number / WAYS);

	written(); /* what it is to see */
	if (look)
		*look = 0;
}

INLINE void table_retire(struct table *table, struct slot slot, struct key_hash hash)
{
	/* Unless the slot has another flow by now. */
	if (!__sync_bool_compare_and_swap(&slot.flow->hash, (__u32)hash.value, ~(__u32)hash.value))
		return;
	slot.flow->half[hash.direction & 1].bits |= HALF_RETIRED;
	table_look_soon(table, slot.number);
}

#endif
