/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a flow gets its slot in the table: a free one, or that of a flow which matters less. */
#ifndef TCPSCOPE_BIRTH_H
#define TCPSCOPE_BIRTH_H

#include "leave.h"

/* Takes a slot for it, evicting if it must and may: then table_depart is next. Returns ENTERED if the flow began with a
 * plain SYN, which is in it then; else the slot's number, or SLOT_NONE: no room. */
INLINE __u32 table_birth(struct table *table, struct ledger *ledger, const struct segment *seg, struct key_hash hash);

/* ------------------------------------------------------------------------------------------------------------- */

INLINE void table_victim_better(const struct flow *flow, __u32 way, __u64 *lowest, __u32 *best)
{
	__u64 rank = table_victim_rank(flow), better = 0 - u64_less(rank, *lowest);

	*lowest ^= (*lowest ^ rank) & better;
	*best ^= (*best ^ way) & (__u32)better;
}

/* A full pair of buckets: evicts the best victim, if the newcomer may. Returns the way (8 and up: second bucket),
 * or 2 * WAYS. */
INLINE __u32 table_evict(struct flow_bucket *const flows[2], bool unanswered_newcomer)
{
	__u32 best = 2 * WAYS;
	__u64 lowest = unanswered_newcomer ? (__u64)VICTIM_ANSWERED << 62 : ~0ULL;

	for (__u32 i = 0; i < WAYS; i++)
		table_victim_better(&flows[0]->way[i], i, &lowest, &best);
	for (__u32 i = 0; i < WAYS; i++)
		table_victim_better(&flows[1]->way[i], WAYS + i, &lowest, &best);
	return best;
}

/* The lowest marked octet at or after `from`, round. */
INLINE __u32 tags_first_from(__u64 match, __u32 from)
{
	return (tags_first(match >> from * 8 | match << (64 - from * 8) % 64) + from) & (WAYS - 1);
}

/* A free way, or 2 * WAYS: of the first bucket, unless it is nearly full and the second is emptier. Not simply the
 * first: then most flows would lie at multiples of a bucket's size, and share few sets of the cache. */
INLINE __u32 table_free_way(__u64 tags0, __u64 tags1, __u32 home)
{
	__u64 free0 = tags_match(tags0, 0), free1 = tags_match(tags1, 0);

	if (likely(free0 >> (home & 7) * 8 & 0x80 &&
		   free0 & (free0 - 1))) /* nearly always: home is free, and another, too */
		return home;
	if (!(free0 | free1))
		return 2 * WAYS;
	return tags_count(free0) > 1 || tags_count(free0) >= tags_count(free1) ? tags_first_from(free0, home)
									       : WAYS + tags_first_from(free1, home);
}

/* Its way if the flow is there, or 2 * WAYS. */
INLINE __u32 table_find_way(struct flow_bucket *const flows[2], __u64 tags0, __u64 tags1, __u8 tag, __u64 hash)
{
	__u64 match0 = tags_match(tags0, tag), match1 = tags_match(tags1, tag);

	for (__u32 i = 0; i < WAYS && unlikely(match0); i++, match0 &= match0 - 1)
		if (flows[0]->way[tags_first(match0)].hash == (__u32)hash)
			return tags_first(match0);
	for (__u32 i = 0; i < WAYS && unlikely(match1); i++, match1 &= match1 - 1)
		if (flows[1]->way[tags_first(match1)].hash == (__u32)hash)
			return WAYS + tags_first(match1);
	return 2 * WAYS;
}

/* Takes a free way for the caller alone. Returns it, or 2 * WAYS: there is none. `tags0`, `tags1`: as they were
 * seen. */
INLINE __u32 table_claim(__u64 *const tags[2], __u64 tags0, __u64 tags1, const struct place *place)
{
	__u32 way = table_free_way(tags0, tags1, place->way);

	if (likely(way < WAYS))
		return tags_claim(tags[0], tags0, way, place->tag) ? way : 2 * WAYS;
	return way < 2 * WAYS && tags_claim(tags[1], tags1, way, place->tag) ? way : 2 * WAYS;
}

/* The slot of a flow that begins with a plain SYN: then ENTERED. Of one that is there: its number. SLOT_NONE: there is
 * no free way, or another CPU took it just now. */
INLINE __u32 table_birth_syn(__u64 *const tags[2], struct flow_bucket *const flows[2], const struct place *place,
			     const struct segment *seg, struct key_hash hash)
{
	__u64 tags0 = once(*tags[0]), tags1 = once(*tags[1]);
	__u32 way = table_find_way(flows, tags0, tags1, place->tag, hash.value), at;

	if (unlikely(way < 2 * WAYS))
		return place->bucket[way / WAYS & 1] * WAYS + (way & (WAYS - 1));
	way = table_claim(tags, tags0, tags1, place);
	if (unlikely(way == 2 * WAYS))
		return SLOT_NONE;
	at = way;
	opaque(at); /* else the compiler knows its range, and drops the mask that tells the verifier */
	embryo_begin(way < WAYS ? &flows[0]->way[at & 7] : &flows[1]->way[at & 7], seg, hash);
	return ENTERED;
}

enum { CLAIM_TRIES = 3 }; /* others may take a way of the same bucket at the same instant */

INLINE __u32 table_birth(struct table *table, struct ledger *ledger, const struct segment *seg, struct key_hash hash)
{
	const struct place place = table_place(&table->shape, hash.value);
	__u64 *tags[2] = { table_tags(table, place.bucket[0]), table_tags(table, place.bucket[1]) };
	struct flow_bucket *flows[2] = { table_flows(table, place.bucket[0]), table_flows(table, place.bucket[1]) };
	struct facts_bucket *facts[2] = { table_facts(table, place.bucket[0]), table_facts(table, place.bucket[1]) };
	struct table_lock *lock = table_lock_of(table, place.bucket[0] / REGION);
	struct departure *departure = table_departure(table);
	struct flow *flow = NULL;
	struct facts *flow_facts = NULL;
	bool plain = flow_is_plain_syn(seg);
	bool evicted = false, born = false;
	__u32 way;

	if (!tags[0] || !tags[1] || !flows[0] || !flows[1] || !facts[0] || !facts[1] || !lock || !departure)
		return SLOT_NONE;
	if (likely(plain)) {
		__u32 number = table_birth_syn(tags, flows, &place, seg, hash);

		ledger->births += number == ENTERED;
		if (likely(number != SLOT_NONE))
			return number;
	}
	/* The lock waits for all that is being brought: so it is taken before. */
	table_lock(lock);
	if (!plain)
		flow_touch(&flows[0]->way[place.way & 7], &facts[0]->way[place.way & 7], hash.direction);
	/* Another CPU may have begun the same flow since the lookup. */
	way = table_find_way(flows, once(*tags[0]), once(*tags[1]), place.tag, hash.value);
	if (likely(way == 2 * WAYS)) {
		born = true;
		for (int i = 0; i < CLAIM_TRIES && way == 2 * WAYS; i++)
			way = table_claim(tags, once(*tags[0]), once(*tags[1]), &place);
	}
	if (unlikely(way == 2 * WAYS)) {
		way = table_evict(flows, (seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN);
		evicted = way < 2 * WAYS;
	}
	if (likely(way < 2 * WAYS)) {
		__u32 at = way;

		opaque(at); /* else the compiler knows its range, and drops the mask that tells the verifier */
		flow = way < WAYS ? &flows[0]->way[at & 7] : &flows[1]->way[at & 7];
		flow_facts = way < WAYS ? &facts[0]->way[at & 7] : &facts[1]->way[at & 7];
		if (evicted) {
			/* A segment that has found a flow but for an embryo may still write to its lines, which an
			 * embryo's key is in: that is then no place for one. */
			plain = plain && flow_is_embryo(flow);
			table_write_report(&departure->report, flow, flow_facts,
					   table_victim_class(flow) == VICTIM_OVER ? END_CLOSED : END_EVICTED);
		}
		if (born && plain)
			embryo_begin(flow, seg, hash);
		else if (born)
			flow_begin(flow, flow_facts, seg, hash);
		if (evicted)
			tags_put(tags[way / WAYS & 1], way, place.tag);
	}
	table_unlock(lock);
	ledger->births += flow && born;
	ledger->evicted += evicted;
	if (flow && born && plain)
		return ENTERED;
	return flow ? place.bucket[way / WAYS & 1] * WAYS + (way & (WAYS - 1)) : SLOT_NONE;
}

#endif
