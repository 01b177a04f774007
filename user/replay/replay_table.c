/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth and order of the replay's flow table. Order does not depend on the run's random seed: two runs over a capture
 * print the same. */
#include "replay_table.h"

#include <stdlib.h>
#include <string.h>

#include "names/names.h"
#include "patience.h"

enum {
	RETIRED_ROOM = 1024, /* at first */
	ENTRIES_ROOM = 1024,
	RELEASED = 1 << 14, /* buckets at once: whole huge pages, of 2 MB, of flows and of facts */
};

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
	if (!flow_is_embryo(flow)) /* else they are blank, as the new table's are */
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
		*retired = (struct retired){ .flow = *flow };
		if (!flow_is_embryo(flow))
			retired->facts = table->facts[bucket].way[way];
		handed.ways |= 1u << way;
	}
	table_give_back(table, &handed);
	return handed.ways;
}

/* Gives back the memory of buckets that have been moved: two tables at once would be more than the larger needs. */
static void replay_table_release(struct table *from, __u32 first, __u32 buckets)
{
	madvise(&from->flows[first], buckets * sizeof(*from->flows), MADV_DONTNEED);
	madvise(&from->facts[first], buckets * sizeof(*from->facts), MADV_DONTNEED);
}

/* Moves all flows to a larger table, but those that are retired: a key may have more of these than have room. */
static int replay_table_grow(struct replay_table *replay, struct ledger *ledger)
{
	struct table *table = &replay->table;
	struct service_set *services;
	__u64 *looks = table->looks;
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
	for (__u32 bucket = 0; bucket < shape_buckets(&table->shape); bucket++) {
		replay_table_move_bucket(&larger, table, bucket, ledger);
		if ((bucket + 1) % RELEASED == 0)
			replay_table_release(table, bucket + 1 - RELEASED, RELEASED);
	}
	table_close(table);
	free(looks);
	*table = larger;
	table->out.table = table;
	return 0;
}

int replay_table_make_room(struct replay_table *replay, struct ledger *ledger, __u64 hash, bool grow)
{
	struct place place = table_place(&replay->table.shape, hash);
	bool aside = replay_table_put_aside(replay, place.bucket[0]);

	aside |= replay_table_put_aside(replay, place.bucket[1]);
	return aside || !grow ? 0 : replay_table_grow(replay, ledger);
}

void replay_table_close(struct replay_table *replay)
{
	table_close(&replay->table);
	free(replay->table.looks);
	free(replay->retired);
	replay->table.looks = NULL;
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

/* A flow that is due. */
struct entry {
	struct flow *flow;
	struct facts *facts;
	__u32 slot; /* SLOT_NONE: it was put aside */
};

/* What is due by a policy. */
struct entries {
	struct table *table;
	const struct sweep_policy *policy;
	struct entry *list;
	size_t count, room;
	bool unordered; /* there was no memory for a longer list: what was not in it was submitted at once */
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

/* Of its last SYN or SYN/ACK; 0: none. */
static __u32 entry_isn(const struct entry *entry, __u32 end)
{
	if (!flow_is_embryo(entry->flow))
		return entry->facts->half[end].isn;
	return end == (entry->flow->last_sender & 1) ? entry->flow->embryo.sequence : 0;
}

/* Of two that began at one instant, by the capture's clock. `end_x`, `end_y`: one endpoint. */
static int compare_isns(const struct entry *x, __u32 end_x, const struct entry *y, __u32 end_y)
{
	__u64 isns_x = (__u64)entry_isn(x, end_x) << 32 | entry_isn(x, end_x ^ 1);
	__u64 isns_y = (__u64)entry_isn(y, end_y) << 32 | entry_isn(y, end_y ^ 1);

	return isns_x < isns_y ? -1 : isns_x > isns_y;
}

static int compare_entries(const void *one, const void *two)
{
	const struct entry *x = one, *y = two;
	const struct flow_key *key_x = flow_key_of(x->flow, x->facts), *key_y = flow_key_of(y->flow, y->facts);
	__u64 start_x = flow_start_ns(x->flow, x->facts), start_y = flow_start_ns(y->flow, y->facts);
	__u32 end_x, end_y;
	int order;

	if (start_x != start_y)
		return start_x < start_y ? -1 : 1;
	end_x = lesser_endpoint(key_x);
	end_y = lesser_endpoint(key_y);
	order = compare_endpoints(key_x, end_x, key_y, end_y);
	if (!order)
		order = compare_endpoints(key_x, end_x ^ 1, key_y, end_y ^ 1);
	if (!order)
		order = compare_tunnels(key_x, key_y);
	if (!order) /* of a key: a retired flow is the earlier */
		order = (int)flow_is_retired(y->flow) - (int)flow_is_retired(x->flow);
	return order ? order : compare_isns(x, end_x, y, end_y);
}

/* Who has no patience but for everything keeps what is retired, too. */
static bool policy_ends_flows(const struct sweep_policy *policy)
{
	return policy->everything || policy->idle_ns < patience_endless().idle_ns;
}

/* -1: not due. */
static int replay_table_due(const struct flow *flow, const struct facts *facts, const struct sweep_policy *policy)
{
	int reason = table_due(flow, facts, policy);

	return reason == END_ACTIVE || policy_ends_flows(policy) ? reason : -1;
}

static void entry_submit(struct table *table, const struct entry *entry, const struct sweep_policy *policy)
{
	int reason = replay_table_due(entry->flow, entry->facts, policy);
	struct segment room;

	if (reason == END_ACTIVE && flow_is_embryo(entry->flow)) /* it goes on, and notes that */
		embryo_grow(entry->flow, entry->facts, &room);
	replay_table_submit(table, entry->flow, entry->facts, (__u32)reason, policy->now_ns);
	if (reason == END_ACTIVE)
		entry->facts->interim_ns = policy->now_ns;
	else if (entry->slot != SLOT_NONE && !policy->everything)
		table_give_back(table, &(struct handed){ entry->slot / WAYS, 1u << entry->slot % WAYS });
}

static void entries_add(struct entries *entries, const struct entry *entry)
{
	if (entries->count == entries->room && !entries->unordered) {
		size_t room = entries->room ? 2 * entries->room : ENTRIES_ROOM;
		struct entry *larger = realloc(entries->list, room * sizeof(*larger));

		entries->unordered = !larger;
		if (larger) {
			entries->list = larger;
			entries->room = room;
		}
	}
	if (entries->count < entries->room)
		entries->list[entries->count++] = *entry;
	else
		entry_submit(entries->table, entry, entries->policy);
}

/* Adds what is due in a bucket. Returns when it is to be looked at again. */
static __u64 entries_add_bucket(struct entries *entries, __u32 bucket)
{
	const struct sweep_policy *policy = entries->policy;
	const struct table *table = entries->table;
	__u64 next_ns = table_look_later(policy), tags = table->tags[bucket];

	for (__u32 way = 0; way < WAYS; way++) {
		const struct entry entry = { &table->flows[bucket].way[way], &table->facts[bucket].way[way],
					     bucket * WAYS + way };
		__u64 due_ns;

		if (!(tags >> way * 8 & 0xff))
			continue;
		due_ns = table_due_ns(entry.flow, entry.facts, policy);
		if (due_ns < next_ns)
			next_ns = due_ns;
		if (replay_table_due(entry.flow, entry.facts, policy) >= 0)
			entries_add(entries, &entry);
	}
	return next_ns;
}

static void replay_table_list(struct replay_table *replay, struct entries *entries)
{
	const struct sweep_policy *policy = entries->policy;
	struct table *table = &replay->table;

	if (replay->looks && !table->looks)
		table->looks = calloc(shape_buckets(&table->shape), sizeof(*table->looks));
	for (__u32 bucket = 0; bucket < shape_buckets(&table->shape); bucket++) {
		__u64 next_ns;

		if (!table->tags[bucket] ||
		    (!policy->everything && table->looks && table->looks[bucket] > policy->now_ns))
			continue;
		next_ns = entries_add_bucket(entries, bucket);
		if (table->looks)
			table->looks[bucket] = next_ns;
	}
	for (size_t i = 0; i < replay->retired_count && policy_ends_flows(policy); i++)
		entries_add(entries, &(struct entry){ &replay->retired[i].flow, &replay->retired[i].facts, SLOT_NONE });
}

static void entries_wait_for_names(const struct entries *entries, struct names *names)
{
	for (size_t i = 0; i < entries->count && names; i++)
		names_ask_both(names, flow_key_of(entries->list[i].flow, entries->list[i].facts));
	names_wait(names);
}

bool replay_table_report(struct replay_table *replay, const struct sweep_policy *policy, struct names *names)
{
	struct entries entries = { .table = &replay->table, .policy = policy };

	replay_table_list(replay, &entries);
	if (entries.list)
		qsort(entries.list, entries.count, sizeof(*entries.list), compare_entries);
	entries_wait_for_names(&entries, names);
	for (size_t i = 0; i < entries.count; i++)
		entry_submit(&replay->table, &entries.list[i], policy);
	if (policy_ends_flows(policy))
		replay->retired_count = 0;
	free(entries.list);
	return !entries.unordered;
}

static void show(const struct flow *flow, const struct facts *facts, __u64 now_ns,
		 void (*see)(void *context, const struct report *report), void *context)
{
	static struct report report; /* too large for a stack */
	struct segment room;

	table_write_report(&report, flow, facts, END_OPEN);
	report_grow(&report, &room);
	report_say(&report, END_OPEN, now_ns);
	see(context, &report);
}

void replay_table_each(const struct replay_table *replay, __u64 now_ns,
		       void (*see)(void *context, const struct report *report), void *context)
{
	const struct table *table = &replay->table;

	for (__u32 bucket = 0; bucket < shape_buckets(&table->shape); bucket++)
		for (__u32 way = 0; way < WAYS && table->tags[bucket]; way++)
			if (table->tags[bucket] >> way * 8 & 0xff)
				show(&table->flows[bucket].way[way], &table->facts[bucket].way[way], now_ns, see,
				     context);
	for (size_t i = 0; i < replay->retired_count; i++)
		show(&replay->retired[i].flow, &replay->retired[i].facts, now_ns, see, context);
}

void replay_table_set_back(struct replay_table *replay, __u64 now_ns)
{
	const struct table *table = &replay->table;

	for (__u32 bucket = 0; bucket < shape_buckets(&table->shape); bucket++) {
		if (table->looks)
			table->looks[bucket] = 0;
		for (__u32 way = 0; way < WAYS && table->tags[bucket]; way++) {
			struct facts *facts = &table->facts[bucket].way[way];

			if (table->tags[bucket] >> way * 8 & 0xff && facts->interim_ns > now_ns)
				facts->interim_ns = now_ns;
		}
	}
}
