/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Plays scripts (script.h) into the engine over plain memory. */
#include "script.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "plain_body.h"
#include "record.h"

/* 0 is "unknown" to the analysis, so no pair may make a number of a script exactly 0. */
static const __u32 isns[][2] = {
	{ 1000, 5000 },
	{ 0xfffffffd, 0xfffffffc },
	{ 0x7ffffff0, 0xfffffe00 - 3 },
	{ 0xffffff9e, 0x80000000 },
};

struct player {
	const struct script *script;
	const __u32 *isn;
	struct table table;
	struct ledger ledger;
};

static const struct record_context context = { .interface = "test", .epoch_ns = 0, .resolution_ns = 1 };

static void player_address(__u64 ip[2], const struct script *script, enum script_side side)
{
	__u8 octets[16] = { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = (__u8)(1 + side) };

	if (script->ip_version == 6) {
		memset(octets, 0, sizeof(octets));
		octets[0] = 0x20;
		octets[15] = (__u8)(1 + side);
	}
	memcpy(ip, octets, sizeof(octets));
}

static __u16 player_port(const struct script *script, enum script_side side)
{
	if (side == C)
		return script->client_port ? script->client_port : CLIENT_PORT;
	return script->server_port ? script->server_port : SERVER_PORT;
}

static struct segment player_segment(const struct player *player, const struct step *step)
{
	const struct script *script = player->script;
	enum script_side from = step->from, to = from == C ? S : C;
	struct segment seg = {
		.now_ns = (1000000 + step->at_us) * 1000,
		.source_port = player_port(script, from),
		.destination_port = player_port(script, to),
		.sequence = player->isn[from] + step->seq,
		.acknowledgment = step->flags & TCP_ACK ? player->isn[to] + step->ack : 0,
		.payload_len = step->len,
		.ip_len = step->len + (script->ip_version == 6 ? 60 : 40),
		.window = (__u16)(step->window == 0		? WINDOW_DEFAULT
				  : step->window == WINDOW_ZERO ? 0
								: step->window),
		.flags = step->flags | (step->options & OPTION_MPTCP ? SEGMENT_MPTCP : 0),
		.segments = step->segments ? step->segments : 1,
		.wire_payload_len = (__u16)(step->len > 0xffff ? 0xffff : step->len),
		.ip_version = script->ip_version ? script->ip_version : 4,
		.ttl = from == C ? CLIENT_TTL : SERVER_TTL,
		.options = step->options,
		.window_scale = step->window_scale,
		.mss = step->mss,
		.tsval = step->tsval,
		.tsecr = step->tsecr,
		.mptcp_subtypes = step->mptcp_subtypes,
		.icmp_type = step->icmp_type,
		.icmp_code = step->icmp_code,
	};

	player_address(seg.source_ip, script, from);
	player_address(seg.destination_ip, script, to);
	return seg;
}

/* The flow as it stands, read as user space reads an open one. */
static void player_expect_now(struct player *player, const struct segment *seg, const struct step *step,
			      const char *where)
{
	char description[DESCRIPTION_MAX];
	struct report report;
	struct record record;

	cr_assert(plain_look(&player->table, seg, &report), "%s: no flow", where);
	record_make(&record, &report, &context);
	script_describe(description, &record, player->isn);
	script_expect(where, description, step->want);
}

static void player_step(struct player *player, size_t number)
{
	const struct step *step = &player->script->steps[number];
	struct segment seg = player_segment(player, step);
	int verdict = step->icmp ? LEDGER_ICMP_ERRORS : LEDGER_IN_FLOWS;
	char where[128];

	snprintf(where, sizeof(where), "%s, step %zu, ISN %08x", player->script->name, number + 1, player->isn[0]);
	cr_expect_eq(engine_enter(&player->table, &player->ledger, &seg, verdict), verdict, "%s: not entered", where);
	if (step->want)
		player_expect_now(player, &seg, step, where);
}

static int report_compare(const void *x, const void *y)
{
	const struct report *a = x, *b = y;

	return a->facts.start_ns < b->facts.start_ns ? -1 : a->facts.start_ns > b->facts.start_ns;
}

/* But for attempts that may yet be answered. */
static __u32 player_expect_outcome(const struct report *report, const struct record *record)
{
	bool asked = record->outcome == OUTCOME_UNANSWERED || record->outcome == OUTCOME_HALF_OPEN;

	return asked && record->end_reason == END_MONITOR && report->silent_ms < 1000 ? SERVICE_PENDING
										      : record->outcome;
}

static void player_expect_traffic(const struct service_traffic *traffic, const struct record_side *side,
				  const char *where)
{
	cr_expect_eq(traffic->packets, side->packets, "%s: packets of the sample", where);
	cr_expect_eq(traffic->payload_bytes, side->payload_bytes, "%s: payload of the sample", where);
	cr_expect_arr_eq(traffic->analysis, side->analysis, sizeof(side->analysis), "%s: analysis of the sample",
			 where);
}

/* A service is told what the record says. */
static void player_expect_sample(const struct report *report, const struct record *record, const char *where)
{
	const struct record_handshake *handshake = &record->handshake;
	const __s64 spans[SERVICE_SPANS] = { handshake->connect_ns, handshake->server_ns, handshake->client_ns };
	struct service_sample sample;

	cr_assert_eq(service_sample_of(&sample, report), record->outcome != OUTCOME_MIDSTREAM, "%s: sample", where);
	if (record->outcome == OUTCOME_MIDSTREAM)
		return;
	cr_expect_eq(sample.outcome, player_expect_outcome(report, record), "%s: outcome of the sample", where);
	cr_expect_eq(sample.key.port, record->server.port, "%s: port of the sample", where);
	cr_expect_arr_eq(sample.key.ip, record->server.ip, 16, "%s: address of the sample", where);
	cr_expect_eq(sample.lost_ns, handshake->lost_ns > 0 ? (__u64)handshake->lost_ns : 0, "%s: lost_ns", where);
	cr_expect_eq(sample.reset, record->outcome == OUTCOME_ACCEPTED && record->state == STATE_RESET, "%s: reset",
		     where);
	player_expect_traffic(&sample.traffic[SERVICE_FROM_CLIENT], &record->client, where);
	player_expect_traffic(&sample.traffic[SERVICE_FROM_SERVER], &record->server, where);
	for (int i = 0; i < SERVICE_SPANS; i++) {
		cr_expect_eq(sample.bucket[i] < HISTOGRAM_BUCKETS, spans[i] >= 0, "%s: span %d is known", where, i);
		cr_expect_eq(sample.span_ns[i], spans[i] >= 0 ? (__u64)spans[i] : 0, "%s: span %d", where, i);
	}
}

static void player_end(struct player *player)
{
	const struct sweep_policy policy = { .everything = 1 };
	const struct script *script = player->script;
	size_t wanted = 0;

	cr_expect(plain_sweep(&player->table, &policy), "%s: no room", script->name);
	qsort(player->table.reports, player->table.reported, sizeof(struct report), report_compare);
	while (wanted < SCRIPT_FLOWS && script->want[wanted])
		wanted++;
	cr_assert_eq(player->table.reported, wanted, "%s: %zu flows, wanted %zu", script->name, player->table.reported,
		     wanted);
	for (size_t i = 0; i < wanted; i++) {
		char description[DESCRIPTION_MAX], where[128];
		struct record record;

		snprintf(where, sizeof(where), "%s, flow %zu at the end, ISN %08x", script->name, i + 1,
			 player->isn[0]);
		record_make(&record, &player->table.reports[i], &context);
		player_expect_sample(&player->table.reports[i], &record, where);
		script_describe(description, &record, player->isn);
		script_expect(where, description, script->want[i]);
	}
	cr_expect(plain_balances(&player->ledger), "%s: the ledger does not balance", script->name);
	cr_expect_eq(player->ledger.births, wanted, "%s: %llu births", script->name, player->ledger.births);
}

void script_run(const struct script *script)
{
	for (size_t pair = 0; pair < sizeof(isns) / sizeof(isns[0]); pair++) {
		struct player player = { .script = script, .isn = isns[pair] };

		plain_open(&player.table, 1);
		for (size_t i = 0; i < script->step_count; i++)
			player_step(&player, i);
		player_end(&player);
		plain_close(&player.table);
	}
}
