/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth and order of the replay's flow table. Order does not depend on the run's random seed: two runs over a capture
 * print the same. */
#include "replay_table.h"

#include <stdlib.h>
#include <string.h>

#include "names/names.h"

enum { RETIRED_ROOM = 1024 }; /* at first */

bool replay_table_lacks_room(struct replay_table *replay, __u64 hash, bool opens)
{
	struct table *table = &replay->table;
	struct place place = table_place(&table->shape, hash);

	return !tags_match(table->tags[place.bucket[0]], 0) && !tags_match(table->tags[place.bucket[1]], 0) &&
	       (opens || table_search(table, hash) == SLOT_NONE);
}

/* Copies a flow into `to`; false: its two buckets are full. */
static bool replay_table_move(struct table *to, const struct flow *flow, const struct facts *facts)
{
	struct place place = table_place(&to->shape, key_hash_of(flow_key_of(flow, facts), &to->shape.seed).value);
	__u32 way = table_free_way(to->tags[place.bucket[0]], to->tags[place.bucket[1]], place.way);
	__u32 bucket = place.bucket[way / WAYS & 1];

	if (way == 2 * WAYS)
		return false;
	to->flows[bucket].way[way % WAYS] = *flow;
	to->facts[bucket].way[way % WAYS] = *facts;
	to->tags[bucket] |= (__u64)place.tag << way % WAYS * 8;
	return true;
}

static void replay_table_submit(struct table *table, const struct flow *flow, const struct facts *facts, __u32 reason,
				__u64 now_ns)
{
	struct report *report = report_reserve(table);
	struct service_sample sample;
	struct segment room;

	table_write_report(report, flow, facts, reason);
	report_grow(report, &room);
	report_say(report, reason, now_ns);
	if (reason != END_ACTIVE)
		table_count_service(table, report, &sample);
	report_submit(report);
}

static void replay_table_move_bucket(struct table *to, const struct table *from, __u32 bucket, struct ledger *ledger)
{
	for (__u32 way = 0; way < WAYS; way++) {
		const struct flow *flow = &from->flows[bucket].way[way];
		const struct facts *facts = &from->facts[bucket].way[way];

		if (!(from->tags[bucket] >> way * 8 & 0xff) || replay_table_move(to, flow, facts))
			continue;
		replay_table_submit(to, flow, facts, END_EVICTED, 0);
		ledger->evicted++;
	}
}

/* Memory for one more. */
static struct retired *retired_add(struct replay_table *replay)
{
	if (replay->retired_count == replay->retired_room) {
		size_t room = replay->retired_room ? 2 * replay->retired_room : RETIRED_ROOM;
		struct retired *larger = realloc(replay->retired, room * sizeof(*larger));

		if (!larger)
			return NULL;
		replay->retired = larger;
		replay->retired_room = room;
	}
	return &replay->retired[replay->retired_count++];
}

/* Puts aside what is retired in a bucket, as far as there is memory. */
static bool replay_table_put_aside(struct replay_table *replay, __u32 bucket)
{
	struct table *table = &replay->table;
	struct handed handed = { .bucket = bucket };

	for (__u32 way = 0; way < WAYS; way++) {
		const struct flow *flow = &table->flows[bucket].way[way];
		struct retired *retired;

		if (!(table->tags[bucket] >> way * 8 & 0xff) || !flow_is_retired(flow))
			continue;
		retired = retired_add(replay);
		if (!retired)
			break;
		*retired = (struct retired){ *flow, table->facts[bucket].way[way] };
		handed.ways |= 1u << way;
	}
	table_give_back(table, &handed);
	return handed.ways;
}

/* Moves all flows to a table twice as large, but those that are retired: a key may have more of these than have room. */
static int replay_table_grow(struct replay_table *replay, struct ledger *ledger)
{
	struct table *table = &replay->table;
	struct service_set *services;
	struct table larger = { .shape = table->shape, .submit = table->submit, .context = table->context };
	int error;

	if (shape_buckets(&table->shape) > 1u << 26)
		return -ENOMEM;
	larger.shape.buckets *= 2;
	error = table_open(&larger);
	if (error)
		return error;
	services = larger.services;
	larger.services = table->services;
	table->services = services; /* the empty one goes with the old table */
	for (__u32 bucket = 0; bucket < shape_buckets(&table->shape); bucket++)
		replay_table_put_aside(replay, bucket);
	for (__u32 bucket = 0; bucket < shape_buckets(&table->shape); bucket++)
		replay_table_move_bucket(&larger, table, bucket, ledger);
	table_close(table);
	*table = larger;
	table->out.table = table;
	return 0;
}

int replay_table_make_room(struct replay_table *replay, struct ledger *ledger, __u64 hash)
{
	struct place place = table_place(&replay->table.shape, hash);
	bool aside = replay_table_put_aside(replay, place.bucket[0]);

	aside |= replay_table_put_aside(replay, place.bucket[1]);
	return aside ? 0 : replay_table_grow(replay, ledger);
}

void replay_table_close(struct replay_table *replay)
{
	table_close(&replay->table);
	free(replay->retired);
	replay->retired = NULL;
	replay->retired_count = replay->retired_room = 0;
}

void replay_table_fetch_tags(const struct table *table, __u64 hash)
{
	__builtin_prefetch(&table->tags[table_place(&table->shape, hash).bucket[0]]);
}

static void fetch_lines(const void *at, size_t octets)
{
	for (size_t offset = 0; offset < octets; offset += 64)
		__builtin_prefetch((const char *)at + offset, 1);
}

void replay_table_fetch_flow(const struct table *table, __u64 hash, bool facts)
{
	struct place place = table_place(&table->shape, hash);
	__u32 bucket = place.bucket[0];
	__u64 match = tags_match(table->tags[bucket], place.tag);
	__u32 way = match ? tags_first(match) : table_free_way(table->tags[bucket], 0, place.way) % WAYS;

	fetch_lines(&table->flows[bucket].way[way], sizeof(struct flow));
	if (facts)
		fetch_lines(&table->facts[bucket].way[way], sizeof(struct facts));
}

struct entry {
	struct flow *flow;
	struct facts *facts;
};

/* What is due by a policy. */
struct entries {
	const struct sweep_policy *policy;
	struct entry *list; /* NULL: only counted */
	size_t count;
};

static int compare_endpoints(const struct flow_key *x, __u32 end_x, const struct flow_key *y, __u32 end_y)
{
	int order = memcmp(x->ip[end_x], y->ip[end_y], sizeof(x->ip[0]));

	return order ? order : (int)x->port[end_x] - (int)y->port[end_y];
}

static int compare_tunnels(const struct flow_key *x, const struct flow_key *y)
{
	if (x->tunnel_kind != y->tunnel_kind)
		return x->tunnel_kind < y->tunnel_kind ? -1 : 1;
	if (x->tunnel != y->tunnel)
		return x->tunnel < y->tunnel ? -1 : 1;
	return x->tunnel_outer < y->tunnel_outer ? -1 : x->tunnel_outer > y->tunnel_outer;
}

static __u32 lesser_endpoint(const struct flow_key *key) { return compare_endpoints(key, 0, key, 1) > 0; }

/* Both began at one instant, by the capture's clock. */
static int compare_isns(const struct facts *x, __u32 end_x, const struct facts *y, __u32 end_y)
{
	__u64 isns_x = (__u64)x->half[end_x].isn << 32 | x->half[end_x ^ 1].isn;
	__u64 isns_y = (__u64)y->half[end_y].isn << 32 | y->half[end_y ^ 1].isn;

	return isns_x < isns_y ? -1 : isns_x > isns_y;
}

static int compare_entries(const void *one, const void *two)
{
	const struct entry *x = one, *y = two;
	const struct flow_key *key_x = &x->facts->key, *key_y = &y->facts->key;
	__u32 end_x, end_y;
	int order;

	if (x->facts->start_ns != y->facts->start_ns)
		return x->facts->start_ns < y->facts->start_ns ? -1 : 1;
	end_x = lesser_endpoint(key_x);
	end_y = lesser_endpoint(key_y);
	order = compare_endpoints(key_x, end_x, key_y, end_y);
	if (!order)
		order = compare_endpoints(key_x, end_x ^ 1, key_y, end_y ^ 1);
	if (!order)
		order = compare_tunnels(key_x, key_y);
	if (!order) /* of a key: a retired flow is the earlier */
		order = (int)flow_is_retired(y->flow) - (int)flow_is_retired(x->flow);
	if (!order)
		order = compare_isns(x->facts, end_x, y->facts, end_y);
	return order;
}

/* In a capture flows stay where they are: until the end only interim records are due. -1: nothing. */
static int replay_table_due(const struct entry *entry, const struct sweep_policy *policy)
{
	int reason = table_due(entry->flow, entry->facts, policy);

	return policy->everything || reason == END_ACTIVE ? reason : -1;
}

/* Adds a flow to the list if it is due. */
static void entries_add(struct entries *entries, struct flow *flow, struct facts *facts)
{
	const struct entry entry = { flow, facts };
	struct segment room;

	if (replay_table_due(&entry, entries->policy) < 0)
		return;
	if (entries->list) {
		if (flow_is_embryo(flow))
			embryo_grow(flow, facts, &room);
		entries->list[entries->count] = entry;
	}
	entries->count++;
}

static void replay_table_list(const struct replay_table *replay, struct entries *entries)
{
	const struct table *table = &replay->table;

	entries->count = 0;
	for (__u32 bucket = 0; bucket < shape_buckets(&table->shape); bucket++) {
		for (__u32 way = 0; way < WAYS && table->tags[bucket]; way++) {
			if (table->tags[bucket] >> way * 8 & 0xff)
				entries_add(entries, &table->flows[bucket].way[way], &table->facts[bucket].way[way]);
		}
	}
	for (size_t i = 0; i < replay->retired_count; i++)
		entries_add(entries, &replay->retired[i].flow, &replay->retired[i].facts);
}

int replay_table_report(struct replay_table *replay, const struct sweep_policy *policy)
{
	struct entries entries = { .policy = policy };

	replay_table_list(replay, &entries);
	entries.list = malloc((entries.count + 1) * sizeof(*entries.list));
	if (!entries.list)
		return -ENOMEM;
	replay_table_list(replay, &entries);
	qsort(entries.list, entries.count, sizeof(*entries.list), compare_entries);
	for (size_t i = 0; i < entries.count; i++) {
		const struct entry *entry = &entries.list[i];
		int reason = replay_table_due(entry, policy);

		replay_table_submit(&replay->table, entry->flow, entry->facts, (__u32)reason, policy->now_ns);
		if (reason == END_ACTIVE)
			entry->facts->interim_ns = policy->now_ns;
	}
	free(entries.list);
	return 0;
}

void replay_table_ask(const struct table *table, struct names *names)
{
	for (__u32 bucket = 0; bucket < shape_buckets(&table->shape) && names; bucket++) {
		for (__u32 way = 0; way < WAYS && table->tags[bucket]; way++) {
			if (table->tags[bucket] >> way * 8 & 0xff)
				names_ask_both(names, flow_key_of(&table->flows[bucket].way[way],
								  &table->facts[bucket].way[way]));
		}
	}
}
