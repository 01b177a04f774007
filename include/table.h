/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow table: set-associative, two buckets of eight slots for every key, one octet of tag per slot.
 *
 * Three arrays share one index: tags (8 octets a bucket), flows (8 x 256) and facts (8 x 872). A lookup reads the tag
 * word of the first bucket, finds the slot by arithmetic and touches it alone: three cache lines of one page. A tag
 * that lies (1 in 255 per neighbour), or a flow in its second bucket, costs a second look. The tags of a million flows
 * are 1.4 MB.
 *
 * Lookups take no lock. A slot is taken and given back under the lock of its region, where both its buckets lie,
 * and its tag is written last; a segment that had found its slot just before it was given back may be lost from its
 * flow, or be counted in the newcomer: at most one per CPU and eviction.
 *
 * The body supplies memory, lock and reports (see "the body's part"); this file has the policy. */
#ifndef TCPSCOPE_TABLE_H
#define TCPSCOPE_TABLE_H

#include "ledger.h"
#include "service.h"
#include "shape.h"
#include "summary.h"
#include "update.h"

/* ---- the body's part: the kernel's maps, plain memory in replay and tests. A body defines struct table, with a member
 * `struct table_shape shape`, before it includes this file, and these functions after. Pointers may be NULL only in the
 * kernel, where the verifier wants them checked. ---- */
struct table_lock;

/* Memory for a flow that is evicted: the stack is small, and there may be no room for a report. */
struct departure {
	struct report report;
	struct service_sample sample;
	struct summary_key service; /* of an unanswered SYN */
	struct summary sum;
};

INLINE __u64 *table_tags(struct table *table, __u32 bucket);
INLINE struct flow_bucket *table_flows(struct table *table, __u32 bucket);
INLINE struct facts_bucket *table_facts(struct table *table, __u32 bucket);
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
	__u8 tag;
};

/* A flow and the number of its slot; flow == NULL: none. */
struct slot {
	struct flow *flow;
	__u32 number; /* bucket * WAYS + way */
};

#define SLOT_NONE 0xffffffffu /* as a slot number */

INLINE struct place table_place(const struct table_shape *shape, __u64 hash);
/* Finds a flow by the hash of its key; for the endpoint that sent, whose half it touches. */
INLINE struct slot table_find(struct table *table, struct key_hash hash);
/* Takes a slot for it, evicting if it must and may: then table_depart is next. Returns its number, or SLOT_NONE: no room. */
INLINE __u32 table_birth(struct table *table, struct ledger *ledger, const struct segment *seg, struct key_hash hash);
/* The flow and the facts at a slot number, SLOT_NONE included (then NULL). */
INLINE struct flow *table_flow(struct table *table, __u32 number);
INLINE struct facts *table_flow_facts(struct table *table, __u32 number);
/* After a birth that evicted (ledger->evicted rose): reports the flow that had to go, or sums it, and counts its handshake. Not part of
 * the birth: the stack is small. */
SEPARATE int table_depart(struct table *table, struct ledger *ledger);
/* Counts the handshake of a flow that left the table in its service, under the lock of that. `sample`: memory to work
 * in. */
INLINE void table_count_service(struct table *table, const struct report *report, struct service_sample *sample);
/* Takes a flow out of the reach of lookups: its key was reused. The sweep reports it, or its eviction. */
INLINE void table_retire(struct flow *flow);
/* Reports what is due in one bucket, and frees it unless the report is interim. False: no room for reports, try again. */
INLINE bool table_sweep(struct table *table, __u32 bucket, const struct sweep_policy *policy);

/* ------------------------------------------------------------------------------------------------------------- */

#define TAGS_LOW 0x7f7f7f7f7f7f7f7fULL
#define TAGS_ONE 0x0101010101010101ULL

/* The high bit of every octet of `tags` that equals `tag`; exact. */
INLINE __u64 tags_match(__u64 tags, __u8 tag)
{
	__u64 differs = tags ^ tag * TAGS_ONE;

	return ~(((differs & TAGS_LOW) + TAGS_LOW) | differs | TAGS_LOW);
}

/* Index of the lowest octet marked in `match`, which is not 0. */
INLINE __u32 tags_first(__u64 match) { return (__u32)(((match & -match) >> 7) * 0x0001020304050607ULL >> 56) & 7; }

/* How many octets are marked. */
INLINE __u32 tags_count(__u64 match) { return (__u32)((match >> 7) * TAGS_ONE >> 56); }

INLINE struct place table_place(const struct table_shape *shape, __u64 hash)
{
	struct place place;

	place.bucket[0] = (__u32)((hash >> 32) * shape->buckets >> 32);
	place.bucket[1] = (place.bucket[0] & ~(REGION - 1u)) | ((__u32)hash & (REGION - 1));
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
			if (flows->way[tags_first(match)].half[0].hash == (__u32)hash)
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
	__u32 way;

	if (!tags || !flows)
		return slot;
	match = tags_match(*tags, place.tag);
	way = tags_first(match);
	slot.number = place.bucket[0] * WAYS + way;
	slot.flow = &flows->way[way];
	if (likely(slot.flow->half[hash.direction & 1].hash == (__u32)hash.value && match))
		return slot;
	slot.number = table_search(table, hash.value);
	slot.flow = table_flow(table, slot.number);
	return slot;
}

/* What may be evicted first, by class then by age. */
enum victim_class { VICTIM_OVER, VICTIM_UNANSWERED, VICTIM_ANSWERED };

/* The class, by arithmetic: sixteen slots of branches are more than a verifier follows. */
INLINE __u64 table_victim_class(const struct flow *flow)
{
	__u32 either = flow->half[0].bits | flow->half[1].bits, both = flow->half[0].bits & flow->half[1].bits;
	__u32 over = !!(both & HALF_FIN_ACKED) | !!(either & HALF_RST) | flow->tally[0].retired;
	__u32 unanswered = !!(either & HALF_SYN) & !(both & HALF_SEEN) & !(either & (HALF_ACKED | HALF_SYNACK));

	opaque(over);
	opaque(unanswered);
	return (1 - (over & 1)) * (VICTIM_ANSWERED - (unanswered & 1));
}

INLINE __u64 flow_last_ns(const struct flow *flow)
{
	__u64 x = flow->half[0].time_ns, y = flow->half[1].time_ns;

	return x ^ ((x ^ y) & (0 - u64_less(x, y)));
}

/* Lower goes first: the class in the top bits, below it the time of the last segment. */
INLINE __u64 table_victim_rank(const struct flow *flow)
{
	return table_victim_class(flow) << 62 | flow_last_ns(flow) >> 2;
}

INLINE void table_write_report(struct report *report, const struct flow *flow, const struct facts *facts, __u32 reason)
{
	report->flow = *flow;
	report->facts = *facts;
	report->reason = reason;
	report->reserved = 0;
}

/* 0: midstream, counted nowhere. */
SEPARATE int table_sample(struct service_sample *sample, const struct report *report)
{
	return sample && report && service_sample_of(sample, report);
}

SEPARATE int table_count(struct table *table, const struct service_sample *sample)
{
	struct service_set *services;
	struct table_lock *lock;
	__u32 set;

	if (!table || !sample)
		return 0;
	set = service_set_of(&sample->key);
	services = table_services(table, set);
	lock = table_services_lock(table, set);
	if (!services || !lock)
		return 0;
	table_lock(lock);
	service_set_count(services, sample);
	table_unlock(lock);
	return 0;
}

INLINE void table_count_service(struct table *table, const struct report *report, struct service_sample *sample)
{
	if (table_sample(sample, report))
		table_count(table, sample);
}

/* Adds an unanswered SYN to its service's sum. False: it is none, or no sums are kept. */
INLINE bool table_summarise(struct table *table, struct ledger *ledger, struct departure *departure)
{
	struct summary *sum;

	if (table_victim_class(&departure->report.flow) != VICTIM_UNANSWERED)
		return false;
	summary_key_of(&departure->service, &departure->report.flow, &departure->report.facts);
	sum = table_summary(table, &departure->service);
	if (!sum)
		return false;
	summary_of(&departure->sum, &departure->report.flow, &departure->report.facts);
	summary_add(sum, &departure->sum);
	ledger->summarised++;
	return true;
}

SEPARATE int table_depart(struct table *table, struct ledger *ledger)
{
	struct departure *departure = table ? table_departure(table) : NULL;
	struct report *report;

	if (!departure || !ledger)
		return 0;
	table_count_service(table, &departure->report, &departure->sample);
	if (table_summarise(table, ledger, departure))
		return 0;
	report = report_reserve(table);
	if (!report) {
		ledger->lost_records++;
		return 0;
	}
	/* In parts: the compiler copies at most 1,024 octets without a call. */
	table_write_report(report, &departure->report.flow, &departure->report.facts, departure->report.reason);
	report_submit(report);
	return 0;
}

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
INLINE __u32 table_free_way(__u64 tags0, __u64 tags1, __u8 tag)
{
	__u64 free0 = tags_match(tags0, 0), free1 = tags_match(tags1, 0);

	if (!(free0 | free1))
		return 2 * WAYS;
	return tags_count(free0) > 1 || tags_count(free0) >= tags_count(free1)
		       ? tags_first_from(free0, tag & (WAYS - 1))
		       : WAYS + tags_first_from(free1, tag & (WAYS - 1));
}

/* Under the lock: another CPU may have begun the same flow since the lookup. Returns the way, or 2 * WAYS. */
INLINE __u32 table_find_locked(struct flow_bucket *const flows[2], __u64 tags0, __u64 tags1, __u8 tag, __u64 hash)
{
	__u64 match0 = tags_match(tags0, tag), match1 = tags_match(tags1, tag);

	for (__u32 i = 0; i < WAYS && unlikely(match0); i++, match0 &= match0 - 1)
		if (flows[0]->way[tags_first(match0)].half[0].hash == (__u32)hash)
			return tags_first(match0);
	for (__u32 i = 0; i < WAYS && unlikely(match1); i++, match1 &= match1 - 1)
		if (flows[1]->way[tags_first(match1)].half[0].hash == (__u32)hash)
			return WAYS + tags_first(match1);
	return 2 * WAYS;
}

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
	bool evicted = false, born = false;
	__u32 way;

	if (!tags[0] || !tags[1] || !flows[0] || !flows[1] || !facts[0] || !facts[1] || !lock || !departure)
		return SLOT_NONE;
	table_lock(lock);
	way = table_find_locked(flows, *tags[0], *tags[1], place.tag, hash.value);
	if (likely(way == 2 * WAYS)) {
		born = true;
		way = table_free_way(*tags[0], *tags[1], place.tag);
	}
	if (unlikely(way == 2 * WAYS)) {
		way = table_evict(flows, (seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN);
		evicted = way < 2 * WAYS;
	}
	if (likely(way < 2 * WAYS)) {
		__u64 shift = (way & (WAYS - 1)) * 8;

		flow = way < WAYS ? &flows[0]->way[way & 7] : &flows[1]->way[way & 7];
		flow_facts = way < WAYS ? &facts[0]->way[way & 7] : &facts[1]->way[way & 7];
		if (evicted)
			table_write_report(&departure->report, flow, flow_facts,
					   table_victim_class(flow) == VICTIM_OVER ? END_CLOSED : END_EVICTED);
		if (born)
			flow_begin(flow, flow_facts, seg, hash);
		if (way < WAYS)
			*tags[0] = (*tags[0] & ~(0xffULL << shift)) | (__u64)place.tag << shift;
		else
			*tags[1] = (*tags[1] & ~(0xffULL << shift)) | (__u64)place.tag << shift;
	}
	table_unlock(lock);
	ledger->births += flow && born;
	ledger->evicted += evicted;
	return flow ? place.bucket[way / WAYS & 1] * WAYS + (way & (WAYS - 1)) : SLOT_NONE;
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

INLINE void table_retire(struct flow *flow)
{
	flow->tally[0].retired = 1;
	flow->half[0].hash = flow->half[1].hash = ~flow->half[0].hash;
}

/* In which interval since the flow's start a time lies, from 0. */
INLINE __u64 table_interval(const struct facts *facts, const struct sweep_policy *policy, __u64 at_ns)
{
	return at_ns > facts->start_ns ? (at_ns - facts->start_ns) / policy->active_ns : 0;
}

/* Once an interval, and only if a segment came since the last one. A sweep that missed some makes one for them all. */
INLINE int table_due_interim(const struct flow *flow, const struct facts *facts, const struct sweep_policy *policy)
{
	if (!policy->active_ns || flow_is_over(flow) || flow_last_ns(flow) < facts->interim_ns)
		return -1;
	return table_interval(facts, policy, policy->now_ns) > table_interval(facts, policy, facts->interim_ns)
		       ? END_ACTIVE
		       : -1;
}

/* Is the flow due, and why? -1: not yet. */
INLINE int table_due(const struct flow *flow, const struct facts *facts, const struct sweep_policy *policy)
{
	__u64 last = flow_last_ns(flow), silent = policy->now_ns > last ? policy->now_ns - last : 0;

	if (flow->tally[0].retired)
		return END_CLOSED;
	if (policy->everything)
		return flow_is_over(flow) ? END_CLOSED : END_MONITOR;
	if (silent < policy->linger_ns)
		return table_due_interim(flow, facts, policy);
	if (flow_is_over(flow))
		return END_CLOSED;
	if (facts->icmp_seen && flow_is_unanswered(flow) && silent >= policy->attempt_ns)
		return END_CLOSED;
	if (!(flow->half[0].bits & flow->half[1].bits & HALF_ACKED) && silent >= policy->attempt_ns)
		return END_IDLE;
	return silent >= policy->idle_ns ? END_IDLE : table_due_interim(flow, facts, policy);
}

INLINE bool table_sweep_way(struct table *table, struct table_lock *lock, __u64 *tags, struct flow *flow,
			    struct facts *facts, __u32 way, const struct sweep_policy *policy)
{
	int reason = table_due(flow, facts, policy);
	struct service_sample sample;
	struct report *report;

	if (reason < 0)
		return true;
	report = report_reserve(table);
	if (!report)
		return false;
	table_lock(lock);
	reason = table_due(flow, facts, policy);
	if (reason >= 0 && *tags >> (way * 8) & 0xff) {
		table_write_report(report, flow, facts, (__u32)reason);
		if (reason == END_ACTIVE)
			facts->interim_ns = policy->now_ns;
		else
			*tags &= ~(0xffULL << (way * 8));
	} else {
		reason = -1; /* evicted, or woken up, in between */
	}
	table_unlock(lock);
	if (reason >= 0) {
		if (reason != END_ACTIVE)
			table_count_service(table, report, &sample);
		report_submit(report);
	} else {
		report_discard(report);
	}
	return true;
}

INLINE bool table_sweep(struct table *table, __u32 bucket, const struct sweep_policy *policy)
{
	__u64 *tags = table_tags(table, bucket);
	struct flow_bucket *flows;
	struct facts_bucket *facts;
	struct table_lock *lock;

	if (!tags || !*tags)
		return true;
	flows = table_flows(table, bucket);
	facts = table_facts(table, bucket);
	lock = table_lock_of(table, bucket / REGION);
	if (!flows || !facts || !lock)
		return true;
	for (__u32 way = 0; way < WAYS; way++) {
		if (!(*tags >> (way * 8) & 0xff))
			continue;
		if (!table_sweep_way(table, lock, tags, &flows->way[way], &facts->way[way], way, policy))
			return false;
	}
	return true;
}

#endif
