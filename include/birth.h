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

/* The two buckets in which a key's flow may be. A way of the pair: 0 to 7 of the first, 8 to 15 of the second; or
 * 2 * WAYS, none. */
struct pair {
	__u64 *tags[2];
	struct flow_bucket *flows[2];
	struct facts_bucket *facts[2];
};

/* False: a map's lookup failed, which only the verifier thinks of. */
INLINE bool table_pair(struct table *table, const struct place *place, struct pair *pair)
{
	for (int i = 0; i < 2; i++) {
		pair->tags[i] = table_tags(table, place->bucket[i]);
		pair->flows[i] = table_flows(table, place->bucket[i]);
		pair->facts[i] = table_facts(table, place->bucket[i]);
	}
	return pair->tags[0] && pair->tags[1] && pair->flows[0] && pair->flows[1] && pair->facts[0] && pair->facts[1];
}

INLINE __u32 pair_number(const struct place *place, __u32 way)
{
	return place->bucket[way / WAYS & 1] * WAYS + (way & (WAYS - 1));
}

/* A full pair of buckets: evicts the best victim, if the newcomer may. Returns its way. */
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

/* A free way: of the first bucket, unless it is nearly full and the second is emptier. Not simply the
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

/* Its way if the flow is there. */
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

/* Takes a free way for the caller alone. `tags0`, `tags1`: as they were seen. */
INLINE __u32 table_claim(__u64 *const tags[2], __u64 tags0, __u64 tags1, const struct place *place)
{
	__u32 way = table_free_way(tags0, tags1, place->way);

	if (likely(way < WAYS))
		return tags_claim(tags[0], tags0, way, place->tag) ? way : 2 * WAYS;
	return way < 2 * WAYS && tags_claim(tags[1], tags1, way, place->tag) ? way : 2 * WAYS;
}

/* The slot of a flow that begins with a plain SYN: then ENTERED. Of one that is there: its number. SLOT_NONE: there is
 * no free way, or another CPU took it just now. */
INLINE __u32 table_birth_syn(const struct pair *pair, const struct place *place, const struct segment *seg,
			     struct key_hash hash)
{
	__u64 tags0 = once(*pair->tags[0]), tags1 = once(*pair->tags[1]);
	__u32 way = table_find_way(pair->flows, tags0, tags1, place->tag, hash.value), at;

	if (unlikely(way < 2 * WAYS))
		return pair_number(place, way);
	way = table_claim(pair->tags, tags0, tags1, place);
	if (unlikely(way == 2 * WAYS))
		return SLOT_NONE;
	at = way;
	opaque(at); /* else the compiler knows its range, and drops the mask that tells the verifier */
	embryo_begin(way < WAYS ? &pair->flows[0]->way[at & 7] : &pair->flows[1]->way[at & 7], seg, hash);
	return ENTERED;
}

enum { CLAIM_TRIES = 3 }; /* others may take a way of the same bucket at the same instant */

/* What a birth under the lock has come to. */
struct birth {
	__u32 way;
	bool born;    /* not there before: to be begun */
	bool evicted; /* in place of the flow that is there */
};

INLINE struct birth table_birth_way(const struct pair *pair, const struct place *place, const struct segment *seg,
				    struct key_hash hash)
{
	__u64 *const *tags = pair->tags;
	/* Another CPU may have begun the same flow since the lookup. */
	struct birth birth = { .way = table_find_way(pair->flows, once(*tags[0]), once(*tags[1]), place->tag,
						     hash.value) };

	if (likely(birth.way == 2 * WAYS)) {
		birth.born = true;
		for (int i = 0; i < CLAIM_TRIES && birth.way == 2 * WAYS; i++)
			birth.way = table_claim(tags, once(*tags[0]), once(*tags[1]), place);
	}
	if (unlikely(birth.way == 2 * WAYS)) {
		birth.way = table_evict(pair->flows, (seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN);
		birth.evicted = birth.way < 2 * WAYS;
	}
	return birth;
}

/* Begins the flow at a way, after what was there is written to `departing`. Returns whether as an embryo, which it may
 * if it is of a plain SYN: `plain`. */
INLINE bool table_birth_begin(const struct pair *pair, const struct place *place, const struct birth *birth,
			      struct report *departing, const struct segment *seg, struct key_hash hash, bool plain)
{
	__u32 way = birth->way, at = way;
	struct flow *flow;
	struct facts *facts;

	opaque(at); /* else the compiler knows its range, and drops the mask that tells the verifier */
	flow = way < WAYS ? &pair->flows[0]->way[at & 7] : &pair->flows[1]->way[at & 7];
	facts = way < WAYS ? &pair->facts[0]->way[at & 7] : &pair->facts[1]->way[at & 7];
	if (birth->evicted) {
		/* A segment that has found a flow but for an embryo may still write to its lines, which an embryo's key
		 * is in: that is then no place for one. */
		plain = plain && flow_is_embryo(flow);
		table_write_report(departing, flow, facts,
				   table_victim_class(flow) == VICTIM_OVER ? END_CLOSED : END_EVICTED);
	}
	if (plain)
		embryo_begin(flow, seg, hash);
	else
		flow_begin(flow, facts, seg, hash);
	if (birth->evicted)
		tags_put(pair->tags[way / WAYS & 1], way, place->tag);
	return plain;
}

INLINE __u32 table_birth(struct table *table, struct ledger *ledger, const struct segment *seg, struct key_hash hash)
{
	const struct place place = table_place(&table->shape, hash.value);
	struct table_lock *lock = table_lock_of(table, place.bucket[0] / REGION);
	struct departure *departure = table_departure(table);
	bool plain = flow_is_plain_syn(seg);
	struct birth birth;
	struct pair pair;

	if (!table_pair(table, &place, &pair) || !lock || !departure)
		return SLOT_NONE;
	if (likely(plain)) {
		__u32 number = table_birth_syn(&pair, &place, seg, hash);

		ledger->births += number == ENTERED;
		if (likely(number != SLOT_NONE))
			return number;
	}
	/* The lock waits for all that is being brought: so it is taken before. */
	table_lock(lock);
	if (!plain)
		flow_touch(&pair.flows[0]->way[place.way & 7], &pair.facts[0]->way[place.way & 7], hash.direction);
	birth = table_birth_way(&pair, &place, seg, hash);
	birth.born &= birth.way < 2 * WAYS;
	if (birth.born)
		plain = table_birth_begin(&pair, &place, &birth, &departure->report, seg, hash, plain);
	table_unlock(lock);
	ledger->births += birth.born;
	ledger->evicted += birth.evicted;
	if (birth.born && plain)
		return ENTERED;
	return birth.way < 2 * WAYS ? pair_number(&place, birth.way) : SLOT_NONE;
}

#endif
