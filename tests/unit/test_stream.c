/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Totals that pass 32 bits, and the short way of plain segments against the long one. */
#include <criterion/criterion.h>

#include "plain_body.h"
#include "random.h"
#include "record.h"

static const struct record_context context = { .interface = "test", .resolution_ns = 1 };

static struct segment data(int from, __u16 flags, __u32 seq, __u32 ack, __u32 len, __u64 now_ns)
{
	struct segment seg = {
		.now_ns = now_ns, .flags = flags, .sequence = seq, .acknowledgment = ack, .payload_len = len
	};

	seg.ip_len = 40 + len;
	seg.wire_payload_len = (__u16)(len > 1460 ? 1460 : len);
	seg.segments = 1;
	seg.ip_version = 6;
	seg.window = 5000;
	seg.source_ip[1] = 1 + (__u64)from;
	seg.destination_ip[1] = 2 - (__u64)from;
	seg.source_port = from ? 80 : 40000;
	seg.destination_port = from ? 40000 : 80;
	return seg;
}

static void enter(struct table *table, struct ledger *ledger, struct segment seg)
{
	cr_assert_eq(engine_enter(table, ledger, &seg, LEDGER_IN_FLOWS), LEDGER_IN_FLOWS);
}

static struct record look(const struct table *table)
{
	struct segment any = data(0, 0, 0, 0, 0, 0);
	struct report report;
	struct record record;

	cr_assert(plain_look(table, &any, &report));
	record_make(&record, &report, &context);
	return record;
}

/* Twenty times round the sequence space; all that was sent before `isn` + 1 + the offset is acknowledged. */
static void stream_run(__u32 isn)
{
	const __u32 len = 0x30000001;
	struct table table;
	struct ledger ledger = {};
	struct record record;
	__u64 sent = 0, now = NS_PER_SEC;

	plain_open(&table, 1);
	enter(&table, &ledger, data(0, TCP_SYN, isn, 0, 0, now));
	enter(&table, &ledger, data(1, TCP_SYN | TCP_ACK, 500, isn + 1, 0, now + 10));
	enter(&table, &ledger, data(0, TCP_ACK, isn + 1, 501, 0, now + 20));
	for (int i = 0; i < 100; i++, sent += len) {
		now += NS_PER_MS;
		enter(&table, &ledger, data(0, TCP_ACK | TCP_PSH, isn + 1 + (__u32)sent, 501, len, now));
		enter(&table, &ledger, data(1, TCP_ACK, 501, isn + 1 + (__u32)sent + len, 0, now + 1));
		record = look(&table);
		cr_assert_eq((__u64)record.client.stream_bytes, sent + len, "%lld after %d, ISN %08x",
			     record.client.stream_bytes, i + 1, isn);
		cr_assert_eq(record.client.payload_bytes, sent + len);
	}
	cr_expect_eq(record.client.packets, 102);
	cr_expect_eq(record.client.ip_bytes, sent + 102 * 40);
	cr_expect_eq(record.client.flags.psh, 100);
	cr_expect_eq(record.client.analysis[ANALYSIS_RETRANSMITS] + record.client.analysis[ANALYSIS_LOST_SEGMENTS], 0);
	cr_expect_eq(record.server.stream_bytes, 0);
	plain_close(&table);
}

Test(stream, beyond_4_gib)
{
	stream_run(1000);
	stream_run(0xfffffff0);
	stream_run(0x80000001);
}

/* Super-packets of 65,535 segments: packets and header octets pass 2^32. */
Test(stream, counters_are_carried)
{
	const int rounds = 70000;
	struct table table;
	struct ledger ledger = {};
	struct record record;

	plain_open(&table, 1);
	enter(&table, &ledger, data(1, TCP_ACK, 501, 1, 0, 1));
	for (int i = 0; i < rounds; i++) {
		struct segment seg = data(0, TCP_ACK | TCP_PSH, 1 + (__u32)i * 9, 501, 9, 2 + (__u64)i);

		seg.segments = 0xffff;
		enter(&table, &ledger, seg);
	}
	record = look(&table);
	cr_expect_eq(record.client.packets, 65535ULL * rounds, "%llu", record.client.packets);
	cr_expect_eq(record.client.flags.ack, 65535ULL * rounds);
	cr_expect_eq(record.client.payload_bytes, 9ULL * rounds);
	cr_expect_eq(record.client.ip_bytes, 9ULL * rounds + 40 * 65535ULL * rounds, "%llu", record.client.ip_bytes);
	cr_expect_eq(ledger.seen, 65535ULL * rounds + 1);
	plain_close(&table);
}

/* Holes in the stream and unseen data, one a segment, so that the counters of the fast path are carried too;
 * super-packets, some of them of more segments than those counters take. */
static struct segment random_segment(struct random *random, __u32 next[2], __u64 now_ns)
{
	static const __u16 rare[] = { TCP_FIN | TCP_ACK, TCP_RST,	    TCP_SYN | TCP_ACK,
				      TCP_ACK | TCP_ECE, TCP_ACK | TCP_URG, 0 };
	int from = (int)random_below(random, 2);
	__u32 len = random_below(random, 2) ? random_below(random, 5) : 0, shift = random_below(random, 12);
	__u16 flags = random_below(random, 1000) ? TCP_ACK | (random_below(random, 4) ? 0 : TCP_PSH)
						 : rare[random_below(random, sizeof(rare) / sizeof(*rare))];
	__u32 seq = next[from] + (shift == 0 ? 3 : shift == 1 ? -1u : shift == 2 ? -random_below(random, 8) : 0);
	struct segment seg = data(from, flags, seq,
				  next[!from] - (random_below(random, 4) ? 0 : random_below(random, 9)), len, now_ns);

	seg.ip_len += random_below(random, 30) ? 0 : random_below(random, 200);
	seg.segments = random_below(random, 50) ? 1 : 1 + random_below(random, 2 * TALLY_SEGMENTS_MAX);
	seg.window = (__u16)(random_below(random, 8) ? 5000 : random_below(random, 8));
	seg.clock_error = (__u8)(random_below(random, 8) ? 0 : random_below(random, 20));
	if (random_below(random, 20) == 0)
		seg.acknowledgment += 7;
	if (random_below(random, 1000) == 0) {
		seg.flags |= SEGMENT_MPTCP;
		seg.options = OPTION_MPTCP;
		seg.mptcp_subtypes = (__u16)(1 << random_below(random, 9));
	}
	if (random_below(random, 50)) {
		seg.options |= OPTION_TIMESTAMPS;
		seg.tsval = (__u32)(now_ns / NS_PER_MS) - random_below(random, 2);
		seg.tsecr = seg.tsval - random_below(random, 5);
	}
	if ((__s32)(seq + len - next[from]) > 0)
		next[from] = seq + len;
	return seg;
}

/* With headers of 160 octets, which the tally does not take: what else it counts of them must find room. Each data
 * after a gap, each acknowledged, so that each is a round trip, too. */
Test(stream, headers_that_the_tally_does_not_take)
{
	const int rounds = 70000;
	struct table table;
	struct ledger ledger = {};
	struct record record;

	plain_open(&table, 1);
	enter(&table, &ledger, data(0, TCP_SYN, 0, 0, 0, 1));
	enter(&table, &ledger, data(1, TCP_SYN | TCP_ACK, 500, 1, 0, 2));
	enter(&table, &ledger, data(0, TCP_ACK, 1, 501, 0, 3));
	for (int i = 0; i < rounds; i++) {
		struct segment segs[] = { data(0, TCP_ACK | TCP_PSH, 2 + (__u32)i * 10, 501, 9, 100 + 1000 * (__u64)i),
					  data(1, TCP_ACK, 501, 11 + (__u32)i * 10, 0, 600 + 1000 * (__u64)i) };

		for (int j = 0; j < 2; j++) {
			segs[j].ip_len += 120;
			enter(&table, &ledger, segs[j]);
		}
	}
	record = look(&table);
	cr_expect_eq(record.client.analysis[ANALYSIS_LOST_SEGMENTS], (__u64)rounds, "%llu",
		     record.client.analysis[ANALYSIS_LOST_SEGMENTS]);
	cr_expect_eq(record.client.packets, 2ULL + rounds, "%llu", record.client.packets);
	cr_expect_eq(record.client.ip_bytes, 80 + 169ULL * rounds, "%llu", record.client.ip_bytes);
	cr_expect_eq(record.client.flags.psh, (__u64)rounds);
	cr_expect_eq(record.rtt_server.samples, 1ULL + rounds, "%llu", record.rtt_server.samples);
	cr_expect_eq(record.rtt_server.mean_ns, 500LL * rounds / (rounds + 1), "%lld", record.rtt_server.mean_ns);
	plain_close(&table);
}

enum { SHORT_STEPS = 200 };

/* After a hundred gaps the octet of that total may begin anew at another segment, and the facts then have the rest. */
static void gather_unseen(struct report *report)
{
	for (int i = 0; i < 2; i++) {
		report->facts.half[i].analysis[ANALYSIS_ACKED_UNSEEN] += report->flow.tally[i].acked_unseen;
		report->flow.tally[i].acked_unseen = 0;
	}
}

/* Records of both ways; rtt and all. Octets that a record leaves unset are zero in both. */
static void expect_same(const struct report *plain, const struct report *full, int step)
{
	struct record one, other;

	memset(&one, 0, sizeof(one));
	memset(&other, 0, sizeof(other));
	record_make(&one, plain, &context);
	record_make(&other, full, &context);
	cr_assert_arr_eq(&one, &other, sizeof(one), "the records differ after step %d", step);
	cr_assert_eq(plain->flow.last_sender, full->flow.last_sender, "after step %d", step);
	for (int i = 0; i < 2; i++) {
		const struct half *x = &plain->flow.half[i], *y = &full->flow.half[i];

		cr_assert(x->next == y->next && x->max == y->max && x->ack == y->ack && x->win == y->win,
			  "sequence state differs after step %d", step);
		cr_assert_arr_eq(&plain->flow.tally[i], &full->flow.tally[i], sizeof(struct tally),
				 "the tally differs after step %d", step);
		cr_assert_arr_eq(plain->facts.half[i].analysis, full->facts.half[i].analysis,
				 sizeof(full->facts.half[i].analysis), "a count stands elsewhere after step %d", step);
		cr_assert(x->bits == y->bits && x->rtt_seq == y->rtt_seq && rtt_get(x) == rtt_get(y),
			  "the half differs after step %d: bits %x %x", step, x->bits, y->bits);
	}
}

/* flow_plain is a shorter way, never another meaning: what it takes leaves the state that flow_update leaves. */
static int shorter_way_run(__u64 seed, int steps, __u64 unit_ns, bool firsts)
{
	static struct report plain, full, full_now;
	static struct table table;
	struct slot slot = { .number = 3 };
	struct facts *facts;
	struct random random = { seed };
	__u32 next[2] = { (__u32)random_next(&random), (__u32)random_next(&random) };
	struct segment syn = data(0, TCP_SYN, next[0]++, 0, 0, 1),
		       synack = data(1, TCP_SYN | TCP_ACK, next[1]++, next[0], 0, 2);
	struct key_hash hash = { .value = 1, .direction = 0 };
	int taken = 0;

	plain_open(&table, 1);
	slot.flow = table_flow(&table, slot.number);
	facts = table_flow_facts(&table, slot.number);
	flow_begin(slot.flow, facts, &syn, hash);
	flow_update(slot.flow, facts, &syn, 0);
	flow_update(slot.flow, facts, &synack, 1);
	full = (struct report){ .flow = *slot.flow, .facts = *facts };
	for (int step = 0; step < steps; step++) {
		struct segment seg = random_segment(&random, next,
						    1000 + (__u64)step * random_below(&random, 3) * unit_ns);
		__u32 from = seg.source_port == 80;
		bool short_way;

		if (firsts) /* as brief.h does; it leaves the clock as it is */
			seg.clock_error = 0;
		short_way = tally_takes(&seg) && flow_plain(&table, slot, &seg, from);
		if (!short_way && firsts && flow_wants_firsts(slot.flow, &seg, from)) {
			flow_firsts(slot.flow, facts, &seg, from);
			short_way = tally_takes(&seg) && flow_plain(&table, slot, &seg, from);
		}
		taken += short_way;
		if (!short_way)
			flow_update(slot.flow, facts, &seg, from);
		flow_update(&full.flow, &full.facts, &seg, from);
		plain = (struct report){ .flow = *slot.flow, .facts = *facts };
		full_now = full;
		if (steps > SHORT_STEPS) {
			gather_unseen(&plain);
			gather_unseen(&full_now);
		}
		expect_same(&plain, &full_now, step);
	}
	plain_close(&table);
	return taken;
}

Test(stream, the_shorter_way_means_the_same)
{
	int taken = 0;

	for (__u64 seed = 1; seed <= 400; seed++)
		taken += shorter_way_run(seed, SHORT_STEPS, NS_PER_MS, false);
	cr_expect_gt(taken, 10000, "only %d segments went the shorter way", taken);
	taken = 0;
	for (__u64 seed = 1; seed <= 400; seed++)
		taken += shorter_way_run(seed, SHORT_STEPS, NS_PER_MS, true);
	cr_expect_gt(taken, 10000, "only %d segments went the shorter way after their firsts", taken);
	taken = 0; /* until totals are carried over, of round trips of seconds, too */
	for (__u64 seed = 1; seed <= 4; seed++)
		taken += shorter_way_run(seed, 10000, NS_PER_MS, false) + shorter_way_run(seed, 2000, NS_PER_SEC, true);
	cr_expect_gt(taken, 2000, "only %d segments of long flows went the shorter way", taken);
}

/* What the snap length kept from being seen is not known, and nothing is derived from it. */
Test(stream, options_that_were_not_captured_are_unknown)
{
	static const __u8 options[] = { OPTION_MSS | OPTION_CUT, OPTION_MSS, OPTION_MSS | OPTION_WINDOW_SCALE };
	static const __s64 windows[] = { UNKNOWN, 501, 501 }, sacks[] = { UNKNOWN, 0, 0 };
	static const __u64 fulls[] = { 0, 1, 1 };

	for (size_t i = 0; i < sizeof(options); i++) {
		struct segment syn = data(0, TCP_SYN, 100, 0, 0, 1),
			       synack = data(1, TCP_SYN | TCP_ACK, 500, 101, 0, 2),
			       ack = data(0, TCP_ACK, 101, 501, 0, 3), full = data(1, TCP_ACK, 501, 101, 501, 4);
		struct table table;
		struct ledger ledger = {};
		struct record record;

		syn.options = options[i];
		synack.options = options[i];
		ack.window = 501;
		plain_open(&table, 1);
		enter(&table, &ledger, syn);
		enter(&table, &ledger, synack);
		enter(&table, &ledger, ack);
		enter(&table, &ledger, full);
		record = look(&table);
		cr_expect_eq(record.client.window_min, windows[i], "window %lld", record.client.window_min);
		cr_expect_eq(record.client.sack_permitted, sacks[i], "SACK %lld", (__s64)record.client.sack_permitted);
		cr_expect_eq(record.server.analysis[ANALYSIS_WINDOW_FULL], fulls[i], "window full");
		plain_close(&table);
	}
}
