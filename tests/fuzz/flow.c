/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fuzzes table, handshake and analysis: each eight octets of the input are one segment of one of a few flows in the
 * smallest table, or a sweep. After each the accounts must balance, and every report must make a sound record. */
#include "../unit/plain_body.h"
#include "record.h"

#define require(condition) \
	do { \
		if (!(condition)) \
			__builtin_trap(); \
	} while (0)

enum { OP_SIZE = 8 };

struct op {
	__u8 what, flow, flags, sequence, acknowledgment, len, window, time;
};

struct state {
	struct table table;
	struct ledger ledger;
	__u64 now_ns, reports;
};

static void require_side(const struct record_side *side)
{
	require(side->ip_bytes >= side->payload_bytes);
	require(side->flags.ack <= side->packets && side->flags.syn <= side->packets &&
		side->flags.fin <= side->packets);
	require(side->stream_bytes >= UNKNOWN);
	require(side->window_min <= side->window_max);
	require(side->packets || !side->payload_bytes);
}

static void require_record(const struct report *report)
{
	const struct record_context context = { .interface = "fuzz", .resolution_ns = 1 };
	struct record record;

	record_make(&record, report, &context);
	require(record.end_ns >= record.start_ns);
	require(record.client_known_by <= CLIENT_BY_FIRST && record.state <= STATE_RESET);
	require(record.outcome <= OUTCOME_MIDSTREAM && record.closed_by <= CLOSED_BY_SERVER);
	require((record.reason == NULL) == (record.outcome == OUTCOME_MIDSTREAM));
	require(record.handshake.present == (record.outcome != OUTCOME_MIDSTREAM));
	require(record.handshake.attempts <= ATTEMPTS);
	require(record.zeek.conn_state && strlen(record.zeek.history) < ZEEK_HISTORY_SIZE);
	require(strspn(record.zeek.history, "^SHADFRIQGTWshadfriqgtw") == strlen(record.zeek.history));
	require(record.client.packets + record.server.packets > 0);
	require_side(&record.client);
	require_side(&record.server);
}

static void take_reports(struct state *state)
{
	for (size_t i = 0; i < state->table.reported; i++) {
		require_record(&state->table.reports[i]);
		state->reports += state->table.reports[i].reason != END_ACTIVE;
	}
	state->table.reported = 0;
}

static struct segment segment_of(const struct state *state, const struct op *op)
{
	static const __u16 ports[] = { 80, 443, 40000, 40001 };
	struct segment seg = {
		.now_ns = state->now_ns,
		.flags = op->flags | (op->what & 4 ? TCP_AE : 0),
		.sequence = 0xffffffc0u + op->sequence * (op->what & 2 ? 0x1000001u : 1u),
		.payload_len = op->len > 250 ? op->len * 0x1000000u : op->len,
		.window = (__u16)(op->window * 16),
		.segments = (__u16)(op->len > 200 ? op->len : 1),
		.ip_version = 6,
		.ttl = op->window,
		.clock_error = (__u8)(op->time & 8 ? op->time & 7 : 0),
		.options = (__u8)(op->what >> 1),
		.window_scale = op->window & 31,
		.mss = op->window,
		.tsval = op->time & 3,
		.tsecr = op->sequence & 3,
	};

	seg.acknowledgment = 0xffffffc0u + op->acknowledgment;
	seg.ip_len = seg.payload_len + 40;
	seg.wire_payload_len = (__u16)(seg.payload_len > 1460 ? 1460 : seg.payload_len);
	seg.flags |= seg.options & OPTION_MPTCP ? SEGMENT_MPTCP : 0;
	seg.mptcp_subtypes = (__u16)(seg.options & OPTION_MPTCP ? 1 << (op->window & 15) : 0);
	seg.source_ip[1] = op->flow & 1;
	seg.destination_ip[1] = ~op->flow & 1;
	seg.source_port = ports[op->flow >> 1 & 3];
	seg.destination_port = ports[op->flow >> (op->flow & 1 ? 3 : 5) & 3];
	return seg;
}

static void enter(struct state *state, const struct op *op)
{
	struct segment seg = segment_of(state, op);
	bool icmp = (op->what & 0xf1) == 0xf1;
	int verdict;

	seg.icmp_type = op->window;
	seg.icmp_code = op->len;
	verdict = engine_enter(&state->table, &state->ledger, &seg, icmp ? LEDGER_ICMP_ERRORS : LEDGER_IN_FLOWS);
	require(verdict == LEDGER_IN_FLOWS || verdict == LEDGER_TABLE_FULL || icmp);
}

/* A crowd of other flows, so that buckets overflow. */
static void crowd(struct state *state, const struct op *op)
{
	for (__u32 i = 0; i < 8u * op->len; i++) {
		struct segment seg = segment_of(state, op);

		seg.source_ip[0] = i + 1;
		engine_enter(&state->table, &state->ledger, &seg, LEDGER_IN_FLOWS);
		take_reports(state);
	}
}

static void sweep(struct state *state, bool everything)
{
	const struct sweep_policy policy = { .now_ns = state->now_ns,
					     .linger_ns = NS_PER_MS,
					     .attempt_ns = NS_PER_SEC,
					     .idle_ns = 10 * NS_PER_SEC,
					     .active_ns = 5 * NS_PER_SEC,
					     .everything = everything };

	require(plain_sweep(&state->table, &policy) || !state->table.room);
	take_reports(state);
}

static void step(struct state *state, const struct op *op)
{
	state->now_ns += (__u64)op->time * op->time * op->time * 100;
	state->table.room = op->time % 16 ? PLAIN_REPORTS : 0;
	if (op->what % 32 == 0)
		sweep(state, false);
	else if (op->what % 32 == 16)
		crowd(state, op);
	else
		enter(state, op);
	take_reports(state);
	require(plain_balances(&state->ledger));
	require(state->ledger.births ==
		state->reports + state->ledger.lost_records + state->ledger.summarised + plain_count(&state->table));
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct state state = { .now_ns = NS_PER_SEC };
	struct op op;

	plain_open(&state.table, 1);
	for (size_t at = 0; at + OP_SIZE <= size && at < 256 * OP_SIZE; at += OP_SIZE) {
		memcpy(&op, data + at, OP_SIZE);
		step(&state, &op);
	}
	state.table.room = PLAIN_REPORTS;
	sweep(&state, true);
	require(plain_count(&state.table) == 0);
	require(state.ledger.births == state.reports + state.ledger.lost_records + state.ledger.summarised);
	plain_close(&state.table);
	return 0;
}
