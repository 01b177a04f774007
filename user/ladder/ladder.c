/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ladder.h"

#include <errno.h>
#include <stdlib.h>

#include "names/names.h"
#include "output/output.h"

enum { CONNECTIONS_FIRST = 64 };

void ladder_close(struct ladder *ladder)
{
	free(ladder->rungs);
	free(ladder->connections);
	free(ladder->index);
	*ladder = (struct ladder){ .rungs = NULL };
}

/* ---- connections ---- */

static __u32 *ladder_place(const struct ladder *ladder, const struct flow_key *key)
{
	return &ladder->index[(key_hash_of(key, &ladder->seed).value >> 16) & (ladder->connection_room - 1)];
}

/* What holds the connection's number + 1: the index, or the one before it there. NULL: there is no such connection. */
static __u32 *ladder_find(const struct ladder *ladder, const struct flow_key *key, __u64 start_ns)
{
	if (!ladder->index)
		return NULL;
	for (__u32 *at = ladder_place(ladder, key); *at; at = &ladder->connections[*at - 1].next) {
		const struct ladder_connection *connection = &ladder->connections[*at - 1];

		if (connection->start_ns == start_ns && key_equal(&connection->key, key))
			return at;
	}
	return NULL;
}

static void ladder_enter(struct ladder *ladder, __u32 place)
{
	struct ladder_connection *connection = &ladder->connections[place - 1];
	__u32 *head = ladder_place(ladder, &connection->key);

	connection->next = *head;
	*head = place;
}

/* Called when no place is free. */
static int ladder_grow(struct ladder *ladder)
{
	__u32 room = ladder->connection_room ? ladder->connection_room * 2 : CONNECTIONS_FIRST;
	struct ladder_connection *connections = realloc(ladder->connections, room * sizeof(*connections));
	__u32 *index = calloc(room, sizeof(*index));

	if (connections)
		ladder->connections = connections;
	if (!connections || !index) {
		free(index);
		return -ENOMEM;
	}
	free(ladder->index);
	ladder->index = index;
	ladder->connection_room = room;
	for (__u32 i = 0; i < ladder->connection_count; i++)
		ladder_enter(ladder, i + 1);
	return 0;
}

static struct ladder_connection *ladder_begin(struct ladder *ladder, const struct rung *rung)
{
	struct ladder_connection *connection;
	__u32 place = ladder->connection_free;

	if (place) {
		ladder->connection_free = ladder->connections[place - 1].next;
	} else {
		if (ladder->connection_count == ladder->connection_room && ladder_grow(ladder))
			return NULL;
		place = ++ladder->connection_count;
	}
	connection = &ladder->connections[place - 1];
	*connection =
		(struct ladder_connection){ .key = rung->key, .start_ns = rung->start_ns, .client = rung->client };
	ladder_enter(ladder, place);
	names_ask_both(ladder->names, &rung->key);
	return connection;
}

/* ---- rungs ---- */

/* Returns number + 1; 0: there is no room. */
static __u32 rung_place(struct ladder *ladder)
{
	__u32 place = ladder->rung_free;

	if (place) {
		ladder->rung_free = ladder->rungs[place - 1].next;
		return place;
	}
	if (!ladder->rungs)
		ladder->rungs = malloc(LADDER_RUNGS * sizeof(*ladder->rungs)); /* touched as it fills */
	ladder->failed |= !ladder->rungs;
	return ladder->rungs && ladder->rung_count < LADDER_RUNGS ? ++ladder->rung_count : 0;
}

static __u64 rung_ns(const struct ladder *ladder, __u32 place) { return ladder->rungs[place - 1].segment.now_ns; }

/* Nearly always it comes last. */
static void rung_put(const struct ladder *ladder, struct ladder_connection *connection, __u32 place)
{
	__u64 now_ns = rung_ns(ladder, place);
	__u32 *at = &connection->first;

	if (connection->last && (!ladder->by_time || rung_ns(ladder, connection->last) <= now_ns))
		at = &ladder->rungs[connection->last - 1].next;
	while (*at && rung_ns(ladder, *at) <= now_ns)
		at = &ladder->rungs[*at - 1].next;
	ladder->rungs[place - 1].next = *at;
	if (!*at)
		connection->last = place;
	*at = place;
}

void ladder_add(struct ladder *ladder, const struct rung *rung)
{
	__u32 place = rung_place(ladder), *found = ladder_find(ladder, &rung->key, rung->start_ns);
	struct ladder_connection *connection = found ? &ladder->connections[*found - 1] : NULL;

	if (!place) {
		ladder->dropped++;
		return;
	}
	ladder->rungs[place - 1].segment = rung->segment;
	if (!connection)
		connection = ladder_begin(ladder, rung);
	if (!connection) {
		ladder->failed = true;
		return;
	}
	connection->client = rung->client;
	rung_put(ladder, connection, place);
}

/* ---- the end ---- */

static void print_one(struct ladder *ladder, const struct ladder_connection *connection, FILE *to, __s64 epoch_ns)
{
	if (ladder->printed)
		fputc('\n', to);
	ladder->printed = true;
	ladder_print_connection(ladder, connection, to, epoch_ns);
}

int ladder_end(struct ladder *ladder, const struct flow_key *key, __u64 start_ns, FILE *to, __s64 epoch_ns)
{
	__u32 *at = ladder_find(ladder, key, start_ns), place = at ? *at : 0;
	struct ladder_connection *connection;

	if (!place)
		return 0;
	connection = &ladder->connections[place - 1];
	errno = 0;
	if (to)
		print_one(ladder, connection, to, epoch_ns);
	*at = connection->next;
	ladder->rungs[connection->last - 1].next = ladder->rung_free;
	ladder->rung_free = connection->first;
	connection->first = 0;
	connection->next = ladder->connection_free;
	ladder->connection_free = place;
	return to ? output_check(to) : 0;
}

int ladder_print(struct ladder *ladder, FILE *to, __s64 epoch_ns)
{
	errno = 0;
	for (__u32 i = 0; i < ladder->connection_count; i++)
		if (ladder->connections[i].first)
			print_one(ladder, &ladder->connections[i], to, epoch_ns);
	if (ladder->dropped && !ladder->failed)
		fprintf(to, "%llu segments more are not shown: there is room for %d\n", ladder->dropped, LADDER_RUNGS);
	if (ladder->failed)
		return -ENOMEM;
	return output_check(to);
}

bool ladder_was_empty(const struct ladder *ladder) { return !ladder->printed && !ladder->dropped && !ladder->failed; }
