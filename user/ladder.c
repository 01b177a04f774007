/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ladder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../include/outcome.h"

enum { CONNECTIONS_FIRST = 64 };

void ladder_close(struct ladder *ladder)
{
	free(ladder->steps);
	free(ladder->connections);
	free(ladder->index);
	*ladder = (struct ladder){ 0 };
}

/* Counters of one side, with what has not been carried over yet: modulo 2^32, as record.h adds them. */
static void count_marks(__u32 counters[ANALYSIS_COUNT], const struct flow *flow, const struct facts *facts, __u32 side)
{
	for (int i = 0; i < ANALYSIS_COUNT; i++)
		counters[i] = facts->half[side].analysis[i];
	counters[ANALYSIS_LOST_SEGMENTS] += flow->tally[side].lost_segments;
	counters[ANALYSIS_ACKED_UNSEEN] += flow->tally[side].acked_unseen;
}

void ladder_before(struct ladder *ladder, struct table *table, const struct segment *seg)
{
	const struct key_hash hash = key_hash(seg, &table->shape.seed);
	__u32 number = table_search(table, hash.value);
	const struct flow *flow = table_flow(table, number);
	const struct facts *facts = table_flow_facts(table, number);

	ladder->flow_ns = flow ? facts->start_ns : 0;
	if (flow)
		count_marks(ladder->before, flow, facts, hash.direction & 1);
}

/* Where a connection is in the index, or would be. */
static __u32 *ladder_place(const struct ladder *ladder, __u64 hash, __u64 start_ns)
{
	__u32 mask = ladder->connection_room * 2 - 1, at = (__u32)(hash >> 16) & mask;

	while (ladder->index[at]) {
		const struct ladder_connection *connection = &ladder->connections[ladder->index[at] - 1];

		if (connection->hash == hash && connection->start_ns == start_ns)
			break;
		at = (at + 1) & mask;
	}
	return &ladder->index[at];
}

static int ladder_grow(struct ladder *ladder)
{
	__u32 room = ladder->connection_room ? ladder->connection_room * 2 : CONNECTIONS_FIRST;
	struct ladder_connection *connections = realloc(ladder->connections, room * sizeof(*connections));
	__u32 *index = calloc((size_t)room * 2, sizeof(*index));

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
		*ladder_place(ladder, connections[i].hash, connections[i].start_ns) = i + 1;
	return 0;
}

static struct ladder_connection *ladder_add(struct ladder *ladder, __u64 hash, __u64 start_ns)
{
	struct ladder_connection *connection;

	if (ladder->connection_count == ladder->connection_room && ladder_grow(ladder))
		return NULL;
	if (!ladder->steps)
		ladder->steps = malloc(LADDER_STEPS * sizeof(*ladder->steps));
	if (!ladder->steps)
		return NULL;
	connection = &ladder->connections[ladder->connection_count++];
	*connection = (struct ladder_connection){ .hash = hash, .start_ns = start_ns, .first = LADDER_STEPS };
	*ladder_place(ladder, hash, start_ns) = ladder->connection_count;
	return connection;
}

static struct ladder_connection *ladder_find(struct ladder *ladder, __u64 hash, __u64 start_ns)
{
	__u32 number = ladder->index ? *ladder_place(ladder, hash, start_ns) : 0;

	return number ? &ladder->connections[number - 1] : NULL;
}

/* Whose numbers the acknowledgment counts: the peer's from its base, or, as long as it has sent nothing, from the first that
 * was acknowledged. */
static __u32 relative_ack(const struct flow *flow, const struct facts *facts, const struct segment *seg, __u32 side)
{
	if (!(seg->flags & TCP_ACK))
		return 0;
	return seg->acknowledgment -
	       (flow->half[side ^ 1].bits & HALF_SEEN ? facts->half[side ^ 1].base : facts->half[side].first_ack - 1);
}

static void step_window(struct ladder_step *step, const struct flow *flow, const struct segment *seg, __u32 side)
{
	step->window = seg->window;
	step->scaled = !(seg->flags & TCP_SYN) && flow->half[side].scale != SCALE_NONE &&
		       flow->half[side ^ 1].scale != SCALE_NONE;
	if (step->scaled)
		step->window <<= flow->half[side].scale & 15;
}

static void step_fill(struct ladder_step *step, const struct ladder *ladder, const struct flow *flow,
		      const struct facts *facts, const struct segment *seg, __u32 side)
{
	__u32 after[ANALYSIS_COUNT];
	bool same = ladder->flow_ns == facts->start_ns;

	*step = (struct ladder_step){ .now_ns = seg->now_ns,
				      .seq = seg->sequence - facts->half[side].base,
				      .ack = relative_ack(flow, facts, seg, side),
				      .len = seg->payload_len,
				      .tsval = seg->tsval,
				      .tsecr = seg->tsecr,
				      .flags = seg->flags,
				      .mss = seg->mss,
				      .segments = seg->segments,
				      .options = seg->options,
				      .window_scale = seg->window_scale,
				      .direction = (__u8)side,
				      .next = LADDER_STEPS };
	step_window(step, flow, seg, side);
	count_marks(after, flow, facts, side);
	for (int i = 0; i < ANALYSIS_COUNT; i++)
		step->marks |= (after[i] != (same ? ladder->before[i] : 0)) << i;
}

/* Who is client may only show later: what is known now. */
static void connection_update(struct ladder_connection *connection, const struct flow *flow, const struct facts *facts,
			      const struct segment *seg, __u32 side)
{
	static struct report report; /* too large for a stack */
	enum client_known_by known_by;

	report.flow = *flow;
	report.facts = *facts;
	connection->client = (__u8)outcome_client(&report, &known_by);
	connection->ip_version = seg->ip_version;
	memcpy(connection->ip[side], seg->source_ip, sizeof(connection->ip[0]));
	memcpy(connection->ip[side ^ 1], seg->destination_ip, sizeof(connection->ip[0]));
	connection->port[side] = seg->source_port;
	connection->port[side ^ 1] = seg->destination_port;
}

void ladder_after(struct ladder *ladder, struct table *table, const struct segment *seg, bool chosen)
{
	const struct key_hash hash = key_hash(seg, &table->shape.seed);
	__u32 number = table_search(table, hash.value), side = hash.direction & 1;
	const struct flow *flow = table_flow(table, number);
	const struct facts *facts = table_flow_facts(table, number);
	struct ladder_connection *connection;

	if (!flow)
		return;
	connection = ladder_find(ladder, hash.value, facts->start_ns);
	if (!connection && !chosen)
		return;
	if (!connection)
		connection = ladder_add(ladder, hash.value, facts->start_ns);
	if (!connection) {
		ladder->failed = true;
		return;
	}
	if (ladder->step_count == LADDER_STEPS) {
		ladder->dropped++;
		return;
	}
	connection_update(connection, flow, facts, seg, side);
	step_fill(&ladder->steps[ladder->step_count], ladder, flow, facts, seg, side);
	if (connection->first == LADDER_STEPS)
		connection->first = ladder->step_count;
	else
		ladder->steps[connection->last].next = ladder->step_count;
	connection->last = ladder->step_count++;
}
