/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "merge.h"

#include <stdlib.h>
#include <string.h>

enum { NONE = -1, CHAINS = MERGE_ROOM };

/* A record that waits. The first of a connection is in the queue and in a chain; the others hang on it. */
struct held {
	struct record record;
	__u64 since_ms;
	int more;	   /* the connection's next observation; also the list of free ones */
	int observations;  /* of the first: how many */
	int older, newer;  /* of the first: in the queue */
	int before, after; /* of the first: in the chain of its hash */
};

struct merge {
	int (*put)(void *context, const struct record *record);
	void *context;
	int expected;
	int free, oldest, newest;
	int chain[CHAINS];
	__u64 hurried;
	int error;
	struct held held[MERGE_ROOM];
};

struct merge *merge_open(unsigned int expected, int (*put)(void *context, const struct record *record), void *context)
{
	struct merge *merge = malloc(sizeof(*merge)); /* pages that are not used cost nothing */

	if (!merge)
		return NULL;
	merge->put = put;
	merge->context = context;
	merge->expected = expected < RECORD_OBSERVATIONS ? (int)expected : RECORD_OBSERVATIONS;
	merge->oldest = merge->newest = NONE;
	merge->hurried = 0;
	merge->error = 0;
	merge->free = 0;
	for (int i = 0; i < CHAINS; i++)
		merge->chain[i] = NONE;
	for (int i = 0; i < MERGE_ROOM; i++)
		merge->held[i].more = i + 1 < MERGE_ROOM ? i + 1 : NONE;
	return merge;
}

void merge_close(struct merge *merge) { free(merge); }

static int chain_of(const struct record *record)
{
	__u64 words[4], mixed;

	memcpy(words, record->client.ip, sizeof(record->client.ip));
	memcpy(words + 2, record->server.ip, sizeof(record->server.ip));
	mixed = words[0] ^ words[1] * 3 ^ words[2] * 5 ^ words[3] * 7 ^ (__u64)record->client.port << 16 ^
		record->server.port;
	return (int)(mixed * 0x9e3779b97f4a7c15ULL >> 40 & (CHAINS - 1));
}

static bool side_equal(const struct record_side *x, const struct record_side *y)
{
	return x->port == y->port && !memcmp(x->ip, y->ip, sizeof(x->ip)) &&
	       (x->isn == UNKNOWN || y->isn == UNKNOWN || x->isn == y->isn);
}

/* Did one end so long before the other began that they are two connections? */
static bool apart(const struct record *x, const struct record *y)
{
	const __s64 slack_ns = MERGE_HOLD_MS * (__s64)NS_PER_MS;

	return x->end_ns + slack_ns < y->start_ns || y->end_ns + slack_ns < x->start_ns;
}

static bool same_connection(const struct record *x, const struct record *y)
{
	return x->ip_version == y->ip_version && side_equal(&x->client, &y->client) &&
	       side_equal(&x->server, &y->server) && x->tunnel_kind == y->tunnel_kind && x->tunnel_id == y->tunnel_id &&
	       (x->end_reason == END_ACTIVE) == (y->end_reason == END_ACTIVE) && !apart(x, y);
}

static bool has_interface(const struct merge *merge, int first, const char *interface)
{
	for (int i = first; i != NONE; i = merge->held[i].more)
		if (merge->held[i].record.interface == interface)
			return true;
	return false;
}

/* The connection that lacks this observation, or NONE. */
static int find(const struct merge *merge, const struct record *record)
{
	int first = merge->chain[chain_of(record)];

	while (first != NONE &&
	       (!same_connection(&merge->held[first].record, record) ||
		merge->held[first].observations == merge->expected || has_interface(merge, first, record->interface)))
		first = merge->held[first].after;
	return first;
}

static void queue_add(struct merge *merge, int first, __u64 now_ms)
{
	struct held *held = &merge->held[first];
	int *chain = &merge->chain[chain_of(&held->record)];

	held->since_ms = now_ms;
	held->observations = 0;
	held->older = merge->newest;
	held->newer = NONE;
	*(merge->newest == NONE ? &merge->oldest : &merge->held[merge->newest].newer) = first;
	merge->newest = first;
	held->before = NONE;
	held->after = *chain;
	if (*chain != NONE)
		merge->held[*chain].before = first;
	*chain = first;
}

static void queue_remove(struct merge *merge, int first)
{
	struct held *held = &merge->held[first];

	*(held->older == NONE ? &merge->oldest : &merge->held[held->older].newer) = held->newer;
	*(held->newer == NONE ? &merge->newest : &merge->held[held->newer].older) = held->older;
	*(held->before == NONE ? &merge->chain[chain_of(&held->record)]
			       : &merge->held[held->before].after) = held->after;
	if (held->after != NONE)
		merge->held[held->after].before = held->before;
}

/* By start; of equal ones, by name, so that the order does not depend on which came first. */
static bool comes_before(const struct record *x, const struct record *y)
{
	return x->start_ns != y->start_ns ? x->start_ns < y->start_ns : strcmp(x->interface, y->interface) < 0;
}

/* Puts a connection out, and frees its places. */
static void put_out(struct merge *merge, int first)
{
	const struct record *observation[RECORD_OBSERVATIONS];
	struct record record;
	int count = 1, last = first;

	observation[0] = &merge->held[first].record;
	for (int i = merge->held[first].more; i != NONE; i = merge->held[i].more) {
		int at = count++;

		for (; at > 0 && comes_before(&merge->held[i].record, observation[at - 1]); at--)
			observation[at] = observation[at - 1];
		observation[at] = &merge->held[i].record;
		last = i;
	}
	record = *observation[0];
	record.observations = count;
	record.observation = observation;
	if (!merge->error)
		merge->error = merge->put(merge->context, &record);
	queue_remove(merge, first);
	merge->held[last].more = merge->free;
	merge->free = first;
}

int merge_add(struct merge *merge, const struct record *record, __u64 now_ms)
{
	int first, at;

	if (merge->free == NONE) {
		merge->hurried += (__u64)merge->held[merge->oldest].observations;
		put_out(merge, merge->oldest);
	}
	first = find(merge, record);
	at = merge->free;
	merge->free = merge->held[at].more;
	merge->held[at].record = *record;
	if (first == NONE) {
		queue_add(merge, at, now_ms);
		merge->held[at].more = NONE;
		first = at;
	} else {
		merge->held[at].more = merge->held[first].more;
		merge->held[first].more = at;
	}
	if (++merge->held[first].observations == merge->expected)
		put_out(merge, first);
	return merge->error;
}

int merge_tick(struct merge *merge, __u64 now_ms)
{
	while (merge->oldest != NONE && now_ms - merge->held[merge->oldest].since_ms >= MERGE_HOLD_MS)
		put_out(merge, merge->oldest);
	return merge->error;
}

int merge_flush(struct merge *merge)
{
	while (merge->oldest != NONE)
		put_out(merge, merge->oldest);
	return merge->error;
}

__u64 merge_hurried(const struct merge *merge) { return merge->hurried; }
