/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ledger: some packet reaches every counter, each packet reaches one, and the sum is what was seen. */
#include <criterion/criterion.h>

#include "../packets.h"
#include "plain_body.h"
#include "random.h"

static const char *const names[] = {
#define NAME(NAME, name, meaning) #name,
	LEDGER_COUNTERS(NAME)
#undef NAME
};

/* An answered flow, or another attempt, on a port of its own. */
static int enter(struct table *table, struct ledger *ledger, __u32 number, __u16 flags, __u16 segments)
{
	struct segment seg = {
		.now_ns = 1 + number, .flags = flags, .segments = segments, .ip_len = 60, .ip_version = 6
	};

	seg.source_ip[1] = number;
	seg.source_port = 50000;
	seg.destination_port = 80;
	return engine_enter(table, ledger, &seg, LEDGER_IN_FLOWS);
}

/* Answered flows until both buckets of some SYN are full of them. */
static void fill(struct table *table, struct ledger *ledger)
{
	for (__u32 i = 0; i < 100000; i++) {
		enter(table, ledger, i, TCP_ACK, 1);
		table->reported = 0;
		if (enter(table, ledger, 200000 + i, TCP_SYN, 1) == LEDGER_TABLE_FULL)
			return;
		table->reported = 0;
	}
	cr_assert_fail("the table never is full");
}

Test(ledger, every_counter_is_reached)
{
	struct table table;
	struct ledger ledger = {};
	struct segment filtered = { .segments = 1 };

	plain_open(&table, 1);
	for (size_t i = 0; i < packet_case_count; i++) {
		const struct packet_case *row = &packet_cases[i];
		struct segment seg;
		int verdict = plain_parse(row->link, row->bytes, row->len, row->wire_len, &seg);
		__u64 before = ledger.counter[row->verdict];

		cr_expect_eq(engine_enter(&table, &ledger, &seg, verdict), row->verdict, "%s", row->name);
		cr_expect_eq(ledger.counter[row->verdict], before + 1, "%s", row->name);
		cr_expect_eq(ledger.seen, i + 1, "%s", row->name);
		cr_expect(plain_balances(&ledger), "%s", row->name);
	}
	engine_enter(&table, &ledger, &filtered, LEDGER_FILTERED);
	fill(&table, &ledger);
	for (int i = 0; i < LEDGER_COUNT; i++)
		cr_expect_gt(ledger.counter[i], 0, "nothing reaches %s", names[i]);
	cr_expect(plain_balances(&ledger));
	cr_expect_eq(ledger.frames, ledger.seen, "no super-packet was among them");
	plain_close(&table);
}

Test(ledger, super_packets_count_their_segments)
{
	struct table table;
	struct ledger ledger = {};

	plain_open(&table, 1);
	cr_expect_eq(enter(&table, &ledger, 1, TCP_ACK, 40), LEDGER_IN_FLOWS);
	cr_expect_eq(enter(&table, &ledger, 1, TCP_ACK, 3), LEDGER_IN_FLOWS);
	cr_expect_eq(ledger.seen, 43);
	cr_expect_eq(ledger.counter[LEDGER_IN_FLOWS], 43);
	cr_expect_eq(ledger.frames, 2);
	plain_close(&table);
}

static struct summary summed(const struct table *table)
{
	struct summary sum = {};

	for (size_t i = 0; i < SUMMARIES; i++)
		summary_add(&sum, &table->summaries->sum[i]);
	for (size_t i = 0; i < SUMMARY_INTERFACES; i++)
		summary_add(&sum, &table->summaries->rest[i]);
	return sum;
}

/* An unanswered SYN never costs an answered flow its slot, whoever comes first; nor a flood of them the room for
 * reports: each is kept, summed or counted as refused. */
Test(ledger, a_flood_of_syns_evicts_no_answered_flow)
{
	struct table table;
	struct ledger ledger = {};
	__u32 answered, after = 0;

	plain_open(&table, 1);
	for (__u32 i = 0; i < 200; i++)
		enter(&table, &ledger, i, TCP_ACK, 1);
	answered = plain_count(&table);
	for (__u32 i = 0; i < 20000; i++) {
		enter(&table, &ledger, 1000 + i, TCP_SYN, 1);
		cr_assert_eq(table.reported, 0, "a SYN was reported, or an answered flow was evicted");
	}
	for (__u32 number = 0; number < REGION * WAYS; number++) {
		const struct flow *flow = &table.flows[number / WAYS].way[number % WAYS];

		after += (table.tags[number / WAYS] >> number % WAYS * 8 & 0xff) && !flow_is_unanswered(flow);
	}
	cr_expect_eq(after, answered);
	cr_expect_gt(ledger.summarised, 0);
	cr_expect_eq(plain_count(&table) - answered + summed(&table).packets + ledger.counter[LEDGER_TABLE_FULL],
		     20000);
	cr_expect_eq(summed(&table).flows, ledger.summarised);
	cr_expect_eq(ledger.evicted, ledger.summarised);
	cr_expect_eq(ledger.lost_records, 0);
	cr_expect(plain_balances(&ledger));
	plain_close(&table);
}

/* Services without number: those that find no room are summed as the rest of their interface. */
Test(ledger, sums_of_services_are_bounded)
{
	struct table table;
	struct ledger ledger = {};
	struct segment seg = {
		.now_ns = 1, .flags = TCP_SYN, .segments = 1, .ip_len = 44, .ip_version = 4, .interface = 3
	};
	__u32 sent = 3 * SUMMARIES, services = 0;

	plain_open(&table, 1);
	for (__u32 i = 0; i < sent; i++) {
		seg.source_port = 1;
		seg.destination_port = 2;
		seg.destination_ip[1] = (__u64)i << 32;
		engine_enter(&table, &ledger, &seg, LEDGER_IN_FLOWS);
	}
	for (__u32 i = 0; i < SUMMARIES; i++)
		services += table.summaries->sum[i].flows == 1 && table.summaries->key[i].port == 2;
	cr_expect_eq(services, SUMMARIES);
	cr_expect_gt(table.summaries->rest[3].flows, 0);
	cr_expect_eq(summed(&table).packets + plain_count(&table), sent);
	cr_expect_eq(summed(&table).ip_bytes, 44 * summed(&table).packets);
	cr_expect_eq(ledger.lost_records, 0);
	plain_close(&table);
}

/* What bits of a key's hash are alike must not make two keys one flow, be that an embryo or grown. */
Test(ledger, a_collision_is_found_and_counted)
{
	for (__u16 window = 0; window < 2; window++) {
		struct table table;
		struct ledger ledger = {};
		struct segment seg = { .now_ns = 1,
				       .flags = TCP_SYN,
				       .segments = 1,
				       .ip_len = 40,
				       .ip_version = 4,
				       .source_port = 9,
				       .window = window };
		struct flow_key *key;
		struct slot slot;

		plain_open(&table, 1);
		engine_enter(&table, &ledger, &seg, LEDGER_IN_FLOWS);
		slot = table_find(&table, key_hash(&seg, &table.shape.seed));
		cr_assert_not_null(slot.flow);
		cr_assert_eq(flow_is_embryo(slot.flow), window);
		key = (struct flow_key *)flow_key_of(slot.flow, table_flow_facts(&table, slot.number));
		key->port[0] ^= 1; /* now the slot has the hash, and another key */
		engine_enter(&table, &ledger, &seg, LEDGER_IN_FLOWS);
		cr_expect_gt(ledger.collisions, 0);
		cr_expect(plain_balances(&ledger));
		plain_close(&table);
	}
}
