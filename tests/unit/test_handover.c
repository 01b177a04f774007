/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A flow that ended is its reader's until its slot is given back: nobody finds it, evicts it or reports it again, and
 * a reader that dies leaves to the next what it has not taken. */
#include <criterion/criterion.h>

#include "glance.h"
#include "plain_body.h"
#include "random.h"

static struct table table;
static struct ledger ledger;
static struct service_set ended[SERVICE_SETS];
static const struct sweep_policy everything = { .everything = 1 };

static struct segment segment_of(__u32 client, bool of_server, __u16 flags, __u32 seq, __u32 ack, __u64 now_ns)
{
	struct segment seg = { .now_ns = now_ns,
			       .flags = flags,
			       .segments = 1,
			       .ip_len = 60,
			       .ip_version = 6,
			       .window = 502,
			       .sequence = seq,
			       .acknowledgment = ack };

	seg.source_ip[of_server] = of_server ? 1 : client + 1;
	seg.destination_ip[!of_server] = of_server ? client + 1 : 1;
	seg.source_port = of_server ? 80 : 50000;
	seg.destination_port = of_server ? 50000 : 80;
	return seg;
}

static int enter(__u32 client, bool of_server, __u16 flags, __u32 seq, __u32 ack, __u64 now_ns)
{
	struct segment seg = segment_of(client, of_server, flags, seq, ack, now_ns);

	return engine_enter(&table, &ledger, &seg, LEDGER_IN_FLOWS);
}

/* A connection that the client resets after the handshake. */
static void connection(__u32 client, __u64 now_ns)
{
	enter(client, false, TCP_SYN, 100, 0, now_ns);
	enter(client, true, TCP_SYN | TCP_ACK, 500, 101, now_ns + 10);
	enter(client, false, TCP_ACK, 101, 501, now_ns + 20);
	enter(client, false, TCP_RST, 101, 0, now_ns + 30);
}

static __u64 attempts(void)
{
	__u64 sum = 0;

	for (int set = 0; set < SERVICE_SETS; set++)
		for (int way = 0; way <= SERVICE_OTHER; way++)
			sum += service_attempts(&ended[set].way[way]);
	return sum;
}

static void open_table(__u32 regions)
{
	plain_open(&table, regions);
	table.ended = ended;
	table.call->policy = everything;
}

/* Slots that are taken and handed over. */
static __u32 handed_count(void)
{
	__u32 count = 0;

	for (__u32 number = 0; number < table.shape.buckets * WAYS; number++)
		count += table.tags[number / WAYS] >> number % WAYS * 8 & 0xff &&
			 table.flows[number / WAYS].way[number % WAYS].standing >= SLOT_HANDED;
	return count;
}

static struct slot found(__u32 client)
{
	struct segment seg = segment_of(client, false, TCP_ACK, 101, 501, 0);
	__u32 strays = 0;

	return table_find_home(&table, key_hash(&seg, &table.shape.seed), &strays);
}

Test(handover, who_is_handed_over_is_found_no_more)
{
	open_table(1);
	connection(1, 1000);
	cr_assert(found(1).flow);
	plain_call(&table, 0);
	cr_assert_eq(handed_count(), 1);
	cr_assert_null(found(1).flow);
	enter(1, false, TCP_ACK, 101, 501, 2000);
	cr_expect_eq(ledger.births, 2, "a late segment went to a flow that was handed over");
	cr_assert_eq(plain_take(&table, 1), 1);
	cr_expect_eq(tally_get(&table.reports[0].flow.tally[0], TALLY_PACKETS) +
			     tally_get(&table.reports[0].flow.tally[1], TALLY_PACKETS),
		     4);
	cr_expect_eq(table.reports[0].reason, END_CLOSED);
	plain_give_back(&table);
	cr_assert_eq(plain_count(&table), 1, "the newcomer is there, and nobody else");
	cr_assert(found(1).flow);
}

/* How many flows a sweep at a time hands over. */
static size_t swept(__u64 now_ns)
{
	size_t before = table.reported;

	cr_assert(plain_sweep(&table, &(struct sweep_policy){ .now_ns = now_ns,
							      .linger_ns = 2 * NS_PER_SEC,
							      .attempt_ns = 60 * NS_PER_SEC,
							      .idle_ns = 600 * NS_PER_SEC }));
	return table.reported - before;
}

/* The sweep does not look again at what cannot be due: shown by a time that is changed behind its back. */
Test(handover, a_bucket_is_left_alone_until_something_may_be_due)
{
	struct slot slot;

	open_table(1);
	connection(1, 10 * NS_PER_SEC);
	slot = found(1);
	cr_assert_eq(swept(11 * NS_PER_SEC), 0);
	slot.flow->tally[0].time_ns = slot.flow->tally[1].time_ns = 1;
	cr_assert_eq(swept(12 * NS_PER_SEC), 0, "looked at before it was due");
	cr_assert_eq(swept(12 * NS_PER_SEC + 30), 1, "when it was");
	enter(2, false, TCP_SYN, 100, 0, 13 * NS_PER_SEC);
	cr_assert_eq(swept(13 * NS_PER_SEC), 0);
	found(2).flow->tally[0].time_ns = found(2).flow->tally[1].time_ns = 1;
	cr_assert_eq(swept(73 * NS_PER_SEC - 1), 0, "an attempt has a minute");
	cr_assert_eq(swept(73 * NS_PER_SEC), 1);
	enter(3, false, TCP_SYN, 100, 0, 80 * NS_PER_SEC);
	cr_assert_eq(swept(80 * NS_PER_SEC), 0);
	enter(3, true, TCP_RST | TCP_ACK, 0, 101, 81 * NS_PER_SEC);
	cr_assert_eq(swept(82 * NS_PER_SEC), 0);
	cr_assert_eq(swept(83 * NS_PER_SEC), 1, "one that ends is due earlier than it was");
}

/* A segment that found the flow before, and opens a new connection, comes after the hand-over. */
Test(handover, who_is_retired_late_is_found_no_more)
{
	struct slot slot;

	open_table(1);
	connection(1, 1000);
	slot = found(1);
	plain_call(&table, 0);
	table_retire(&table, slot, (struct key_hash){ .value = slot.flow->hash });
	cr_assert_null(found(1).flow);
	cr_assert_eq(table_victim_rank(slot.flow), ~0ULL);
	cr_assert_eq(plain_take(&table, 2), 1);
	cr_expect_eq(table.reports[0].reason, END_CLOSED);
	plain_give_back(&table);
	cr_assert_eq(plain_count(&table), 0);
}

Test(handover, who_was_retired_is_found_no_more)
{
	open_table(1);
	connection(1, 1000);
	enter(1, false, TCP_SYN, 90000, 0, 2000);
	cr_assert_eq(ledger.births, 2);
	cr_assert(plain_sweep(&table, &(struct sweep_policy){ .now_ns = 2000, .linger_ns = ~0ULL }));
	cr_assert_eq(table.reported, 1, "the flow whose key was reused ends, its successor does not");
	cr_assert_eq(table.reports[0].facts.start_ns, 1000);
	cr_assert_eq(found(1).flow->half[0].bits | found(1).flow->half[1].bits, HALF_SEEN | HALF_SYN);
}

/* All slots are handed over: a newcomer finds no room, whoever it is, until they are given back. */
Test(handover, who_is_handed_over_is_no_victim)
{
	__u32 client = 0, slots;

	open_table(1);
	slots = table.shape.buckets * WAYS;
	for (; plain_count(&table) < slots && client < 100 * slots; client++)
		connection(client, 1000 + client);
	cr_assert_eq(plain_count(&table), slots);
	table.reported = 0;
	plain_call(&table, 0);
	cr_assert_eq(handed_count(), slots);
	cr_expect_eq(enter(client, false, TCP_SYN, 100, 0, 1000), LEDGER_TABLE_FULL);
	cr_expect_eq(enter(client, false, TCP_ACK, 100, 1, 1000), LEDGER_TABLE_FULL);
	cr_expect_eq(table.reported, 0);
	cr_assert_eq(plain_take(&table, PLAIN_REPORTS), slots);
	plain_give_back(&table);
	cr_assert_eq(plain_count(&table), 0);
	cr_expect_eq(enter(client, false, TCP_SYN, 100, 0, 1000), LEDGER_IN_FLOWS);
}

/* A segment that had found its flow before that was handed over is in the record: nobody takes it, or gives its slot
 * back, before each program that ran then has ended. */
Test(handover, what_comes_late_is_in_the_record)
{
	struct segment last = segment_of(1, false, TCP_ACK, 101, 501, 2000);
	struct slot slot;

	open_table(1);
	connection(1, 1000);
	slot = found(1);
	plain_call(&table, 0);
	plain_call(&table, 0);
	tally_count(&slot.flow->tally[0], &last);
	cr_assert_eq(plain_count(&table), 1, "further calls leave it alone");
	cr_assert_eq(plain_take(&table, 2), 1);
	cr_expect_eq(tally_get(&table.reports[0].flow.tally[0], TALLY_PACKETS), 4);
	plain_give_back(&table);
	cr_assert_eq(plain_count(&table), 0);
}

/* The sweep lists nothing while a list is being taken, or given back. */
Test(handover, what_is_not_taken_stays)
{
	enum { FLOWS = 200 };
	bool seen[FLOWS] = {};

	open_table(1);
	for (__u32 client = 0; client < FLOWS; client++)
		connection(client, 1000 * (client + 1));
	cr_assert_eq(plain_call(&table, 0), table.shape.buckets);
	cr_assert_eq(plain_take(&table, FLOWS / 2), FLOWS / 2);
	connection(FLOWS, 1);
	cr_assert_eq(plain_call(&table, 0), 0);
	plain_give_back(&table);
	cr_assert_eq(plain_count(&table), FLOWS + 1);
	cr_assert_eq(plain_take(&table, FLOWS), FLOWS - FLOWS / 2);
	cr_assert_eq(plain_take(&table, FLOWS), 0);
	cr_assert_eq(plain_call(&table, 0), 0);
	plain_give_back(&table);
	cr_assert_eq(plain_count(&table), 1);
	cr_assert_eq(plain_call(&table, 0), table.shape.buckets);
	for (size_t i = 0; i < table.reported; i++) {
		__u64 number = table.reports[i].facts.start_ns / 1000 - 1;

		cr_assert_not(seen[number], "twice");
		seen[number] = true;
	}
	cr_expect_eq(attempts(), FLOWS);
	cr_assert_eq(plain_take(&table, FLOWS), 1);
	plain_give_back(&table);
	cr_expect_eq(attempts(), FLOWS + 1);
	cr_assert_eq(plain_count(&table), 0);
}

/* Calls fill the list until another might find no room; it is taken as one, and given back call by call. */
Test(handover, a_list_that_is_full_goes_on)
{
	enum { CALLS = 3, FLOWS = 4 * CALLS * SWEEP_BUCKETS };
	__u32 next, buckets, flows = 0, calls = 0;
	struct handover *handover;

	open_table(CALLS * SWEEP_BUCKETS / REGION);
	buckets = table.shape.buckets;
	handover = &table.call->handover;
	for (__u32 client = 0; client < FLOWS; client++)
		connection(client, 1000 + client);
	cr_assert_eq(plain_count(&table), FLOWS);
	for (next = 0; next < buckets; calls++) {
		next = plain_call(&table, next);
		cr_assert_leq(handover->count, (calls + 1) * SWEEP_BUCKETS);
		cr_assert_lt(calls, CALLS + 1);
	}
	cr_expect(handover_has_room(handover));
	while (!handover_is_done(handover)) {
		flows += (__u32)plain_take(&table, PLAIN_REPORTS);
		table.reported = 0;
	}
	cr_expect_eq(flows, FLOWS);
	while (sweep_give_back(table.call)) {
		__u32 count = handover->count;

		cr_assert_not(handover_has_room(handover));
		table_sweep_call(&table, table.call);
		cr_assert_eq(handover->count, count < SWEEP_BUCKETS ? 0 : count - SWEEP_BUCKETS);
	}
	cr_expect_eq(attempts(), FLOWS);
	cr_expect_eq(plain_count(&table), 0);
	connection(0, 1);
	handover->count = HANDED_BUCKETS - SWEEP_BUCKETS + 1;
	cr_assert_eq(plain_call(&table, 0), table.call->bucket[0], "nothing is listed");
	handover->count--;
	cr_assert_eq(plain_call(&table, 0), buckets);
	cr_assert_eq(handover->count, HANDED_BUCKETS - SWEEP_BUCKETS + 1);
}

/* A reader dies while it counts: its successor counts that flow, and only once. */
Test(handover, a_count_that_was_half_done_is_done_once)
{
	static struct flow_bucket flows;
	static struct facts_bucket facts;
	struct handover *handover;
	__u32 bucket;
	__u64 taken;

	open_table(1);
	handover = &table.call->handover;
	connection(1, 1000);
	connection(2, 2000);
	plain_call(&table, 0);
	cr_assert(handover_take(handover, table.flows, table.facts, table.reports));
	taken = handover->taken;
	bucket = handover->handed[taken / WAYS].bucket;
	flows = table.flows[bucket];
	facts = table.facts[bucket];
	handover_taken(handover, table.flows, table.facts, ended, table.reports);
	handover->taken = taken | HANDOVER_COUNTING; /* all that it does until it is taken */
	table.flows[bucket] = flows;
	table.facts[bucket] = facts;
	handover_resume(handover, ended);
	cr_expect_eq(attempts(), 0);
	cr_assert_eq(plain_take(&table, 3), 2);
	handover_resume(handover, ended);
	cr_expect_eq(attempts(), 2);
	cr_assert_neq(table.reports[0].facts.start_ns, table.reports[1].facts.start_ns);
}

/* Segments that had found the flow before it was handed over: they are in no flow, and leave nothing behind. */
static void late(struct slot slot)
{
	struct segment syn = segment_of(1, false, TCP_SYN, 100, 0, 3000);
	struct segment fin = segment_of(1, false, TCP_FIN | TCP_ACK, 101, 501, 3001);

	cr_assert_eq(engine_special(&table, &syn, slot.number), LEDGER_TABLE_FULL);
	cr_assert_eq(engine_special(&table, &fin, slot.number), LEDGER_TABLE_FULL);
}

/* In a slot that was used a flow begins as in a new one: whether its last reader left it blank, or died before. */
Test(handover, a_flow_begins_the_same_in_any_slot)
{
	struct report begun[3];

	for (int used = 0; used < 3; used++) {
		struct slot slot;

		open_table(1);
		slot.number = SLOT_NONE;
		if (used) {
			connection(1, 1000);
			slot = found(1);
			plain_call(&table, 0);
			cr_assert_eq(plain_take(&table, 1), 1);
			cr_assert_eq(table_flow_facts(&table, slot.number)->used, 0);
			late(slot);
			memset(slot.flow->tally, 0x55, sizeof(slot.flow->tally));
			if (used == 2)
				memset(table_flow_facts(&table, slot.number), 0x55, sizeof(struct facts));
			plain_give_back(&table);
			cr_assert_eq(plain_count(&table), 0);
		}
		enter(1, false, TCP_SYN, 100, 0, 5000);
		cr_assert(!used || found(1).number == slot.number);
		cr_assert(flow_is_embryo(found(1).flow));
		table_grow(&table, found(1).number);
		table_write_report(&begun[used], found(1).flow, table_flow_facts(&table, found(1).number), END_OPEN);
	}
	cr_expect_arr_eq(&begun[1], &begun[0], sizeof(begun[0]), "left blank");
	cr_expect_arr_eq(&begun[2], &begun[0], sizeof(begun[0]), "not");
}

/* What the screen knows a slot by does not matter once it is handed over; a flow that was retired keeps it. */
Test(handover, a_retired_flow_keeps_its_identity)
{
	struct flow flow = { .hash = 0x12345678 };
	__u32 identity = glance_identity(&flow);

	open_table(1);
	table_retire(&table, (struct slot){ .flow = &flow }, (struct key_hash){ .value = flow.hash });
	cr_expect_eq(glance_identity(&flow), identity);
}

/* Its slot is given back without the lock: whoever evicts meanwhile may see it emptied, with its tag still there. */
Test(handover, a_slot_on_its_way_back_is_no_victim)
{
	struct flow flow = { .standing = SLOT_HANDED + END_CLOSED, .half = { { .bits = HALF_SEEN | HALF_RST } } };

	table_vacate(&flow);
	cr_expect_eq(table_victim_rank(&flow), ~0ULL);
}
