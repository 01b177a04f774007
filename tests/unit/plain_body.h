/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The engine over plain memory, made to be looked at: reports are kept in a list whose room a test may limit, and the
 * locks abort when the engine takes one twice, or asks for a report while it holds one. */
#ifndef TCPSCOPE_TESTS_PLAIN_BODY_H
#define TCPSCOPE_TESTS_PLAIN_BODY_H

#include <stdlib.h>
#include <string.h>

#include "shape.h"
#include "summary.h"

enum { PLAIN_REPORTS = 2048 }; /* of one region: all its flows ended, and as many interim ones, are far less */

struct table_lock {
	bool held;
};

struct table {
	struct table_shape shape;
	__u64 *tags;
	__u64 *looks;
	struct flow_bucket *flows;
	struct facts_bucket *facts;
	struct table_lock *locks;
	struct service_set *services,
		*ended; /* NULL unless the test wants them; ended: of what was taken (plain_take) */
	struct table_lock services_lock;
	struct report *reports; /* a list of PLAIN_REPORTS; the test takes them away by setting reported to 0 */
	struct summaries *summaries;
	size_t reported,
		room; /* room: none is given beyond, at most PLAIN_REPORTS, but to what is taken (plain_take) */
	struct sweep_call *call;
};

#include "engine.h"

static struct table *plain_reporting; /* the table whose report is reserved */
static bool plain_locked;

INLINE __u64 *table_tags(struct table *table, __u32 bucket) { return &table->tags[bucket]; }
INLINE struct flow_bucket *table_flows(struct table *table, __u32 bucket) { return &table->flows[bucket]; }
INLINE struct facts_bucket *table_facts(struct table *table, __u32 bucket) { return &table->facts[bucket]; }
INLINE __u64 *table_next_look(struct table *table, __u32 bucket) { return &table->looks[bucket]; }
INLINE struct table_lock *table_lock_of(struct table *table, __u32 region) { return &table->locks[region]; }

INLINE struct service_set *table_services(struct table *table, __u32 set)
{
	return table->services ? &table->services[set] : NULL;
}

INLINE struct table_lock *table_services_lock(struct table *table, __u32 set)
{
	(void)set;
	return &table->services_lock;
}

INLINE struct departure *table_departure(struct table *table)
{
	static struct departure departure;

	(void)table;
	return &departure;
}

INLINE void table_lock(struct table_lock *lock)
{
	if (lock->held || plain_locked)
		abort();
	lock->held = plain_locked = true;
}

INLINE void table_unlock(struct table_lock *lock)
{
	if (!lock->held)
		abort();
	lock->held = plain_locked = false;
}

INLINE struct report *report_reserve(struct table *table)
{
	if (plain_locked || plain_reporting)
		abort();
	if (table->reported >= table->room)
		return NULL;
	plain_reporting = table;
	return &table->reports[table->reported];
}

INLINE void report_submit(struct report *report)
{
	if (!plain_reporting || report != &plain_reporting->reports[plain_reporting->reported])
		abort();
	plain_reporting->reported++;
	plain_reporting = NULL;
}

INLINE void report_discard(struct report *report)
{
	if (!plain_reporting || report != &plain_reporting->reports[plain_reporting->reported])
		abort();
	plain_reporting = NULL;
}

INLINE struct summary *table_summary(struct table *table, const struct summary_key *key)
{
	if (plain_locked || plain_reporting)
		abort();
	return summaries_at(table->summaries, key);
}

INLINE void clock_exact(struct segment *seg) { seg->clock_error = 0; }

/* A seed as user space makes one, from a number not 0: multipliers are odd. */
static inline void plain_seed(struct key_seed *seed, __u64 number)
{
	__u64 *words = (__u64 *)seed;

	for (size_t i = 0; i < sizeof(*seed) / sizeof(*words); i++) {
		number = number * 0xd6e8feb86659fd93ULL + 0x9e3779b97f4a7c15ULL;
		words[i] = (number ^ number >> 32) | 1;
	}
}

/* A table of `regions` * REGION buckets, with a fixed seed. */
static inline void plain_open(struct table *table, __u32 regions)
{
	__u32 buckets = regions * REGION;

	*table = (struct table){ .shape = { .buckets = buckets }, .room = PLAIN_REPORTS };
	plain_seed(&table->shape.seed, 0x9e3779b97f4a7c15ULL);
	table->tags = calloc(buckets, sizeof(*table->tags));
	table->looks = calloc(buckets, sizeof(*table->looks));
	table->flows = calloc(buckets, sizeof(*table->flows));
	table->facts = calloc(buckets, sizeof(*table->facts));
	table->locks = calloc(regions, sizeof(*table->locks));
	table->reports = calloc(PLAIN_REPORTS, sizeof(*table->reports));
	table->summaries = calloc(1, sizeof(*table->summaries));
	table->call = calloc(1, sizeof(*table->call));
	if (!table->call || !table->summaries || !table->tags || !table->looks || !table->flows || !table->facts ||
	    !table->locks || !table->reports)
		abort();
}

static inline void plain_close(struct table *table)
{
	free(table->tags);
	free(table->looks);
	free(table->flows);
	free(table->facts);
	free(table->locks);
	free(table->reports);
	free(table->summaries);
	free(table->call);
}

/* Takes up to `most` of the flows that are handed over into the list of reports. Returns how many there were. */
static inline size_t plain_take(struct table *table, size_t most)
{
	size_t before = table->reported;

	while (table->reported < before + most) {
		if (table->reported == PLAIN_REPORTS)
			abort();
		if (!handover_take(&table->call->handover, table->flows, table->facts,
				   &table->reports[table->reported]))
			break;
		handover_taken(&table->call->handover, table->flows, table->facts, table->ended,
			       &table->reports[table->reported++]);
	}
	return table->reported - before;
}

/* One call of the sweep, for what may be due from a bucket on. Returns where the next goes on. */
static inline __u32 plain_call(struct table *table, __u32 first)
{
	__u32 listed = sweep_list(table->call, table->tags, table->looks, first, table->shape.buckets);

	table_sweep_call(table, table->call);
	return sweep_next(table->call, listed);
}

/* Gives back what was taken; nothing if there is more. */
static inline void plain_give_back(struct table *table)
{
	while (handover_is_done(&table->call->handover) && sweep_give_back(table->call))
		table_sweep_call(table, table->call);
}

/* A sweep through the table, as user space does it. False: it stopped for want of room for interim reports. */
static inline bool plain_sweep(struct table *table, const struct sweep_policy *policy)
{
	__u32 next = 0, first;
	bool on;

	table->call->policy = *policy;
	do {
		first = next;
		next = plain_call(table, first);
		on = plain_take(table, PLAIN_REPORTS) || next != first;
		plain_give_back(table);
	} while (next < table->shape.buckets && on);
	return next == table->shape.buckets;
}

/* How many slots are taken. */
static inline __u32 plain_count(const struct table *table)
{
	__u32 count = 0;

	for (__u32 bucket = 0; bucket < table->shape.buckets; bucket++)
		for (__u32 way = 0; way < WAYS; way++)
			count += (table->tags[bucket] >> (way * 8) & 0xff) != 0;
	return count;
}

/* The report of the live flow of `seg`'s endpoints, sought without the engine's help. False: there is none. */
static inline bool plain_look(const struct table *table, const struct segment *seg, struct report *report)
{
	struct segment room;

	for (__u32 number = 0; number < table->shape.buckets * WAYS; number++) {
		__u32 bucket = number / WAYS, way = number % WAYS;
		const struct flow *flow = &table->flows[bucket].way[way];
		const struct facts *facts = &table->facts[bucket].way[way];
		const struct flow_key *key = flow_key_of(flow, facts);
		__u32 from = key->port[0] != seg->source_port || memcmp(key->ip[0], seg->source_ip, 16);

		if (!(table->tags[bucket] >> (way * 8) & 0xff) || flow_is_retired(&table->flows[bucket].way[way]) ||
		    key->interface != seg->interface || key->port[from] != seg->source_port ||
		    memcmp(key->ip[from], seg->source_ip, 16) || key->port[!from] != seg->destination_port ||
		    memcmp(key->ip[!from], seg->destination_ip, 16))
			continue;
		*report = (struct report){ .reason = END_OPEN };
		report_copy(report, flow, facts);
		report_grow(report, &room);
		return true;
	}
	return false;
}

/* Parses a frame of which data[0, len) was captured. The caller owns `seg`. */
static inline int plain_parse(enum link_type link, const __u8 *data, size_t len, size_t wire_len, struct segment *seg)
{
	static struct options_copy scratch;
	struct cursor at = {
		.data = data,
		.end = data + len,
		.wire_len = (__u32)wire_len,
		.scratch = &scratch,
	};

	memset(&scratch, 0xaa, sizeof(scratch)); /* what an earlier packet left must not matter */
	memset(seg, 0xaa, sizeof(*seg));
	segment_begin(seg, 0);
	seg->now_ns = 1;
	seg->cpu = 0;
	return segment_parse(link, &at, seg);
}

/* Is the sum of the counters what was seen? */
static inline bool plain_balances(const struct ledger *ledger)
{
	__u64 sum = 0;

	for (int i = 0; i < LEDGER_COUNT; i++)
		sum += ledger->counter[i];
	return sum == ledger->seen;
}

#endif
