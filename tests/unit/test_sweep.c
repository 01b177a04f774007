/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What user space makes of the sweep: it waits until no program can write any more, once for each list, before it takes
 * a flow; and no flow is lost or reported twice, whenever its predecessor died. */
#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "../../user/live/harvest.h"
#include "plain_body.h"

static struct table table;
static struct ledger ledger;
static struct service_set ended[SERVICE_SETS];
static struct harvest harvest;
static __u32 runs, waits, records, late; /* late: packets that the records have beyond those of a connection */
static __u32 drained_at, most_between;	 /* records when the ring buffer was emptied last, and most since */

enum { CONNECTION_PACKETS = 4 };

/* ---- in the kernel's place, and the sink's ---- */

int bpf_prog_test_run_opts(int fd, struct bpf_test_run_opts *options)
{
	(void)fd;
	(void)options;
	table_sweep_call(&table, table.call);
	runs++;
	return 0;
}

/* A segment comes late to each flow that is handed over: the last instant at which one can. */
int grace_wait(const struct grace *grace)
{
	const struct segment seg = { .segments = 1 };

	(void)grace;
	waits++;
	for (__u32 number = 0; number < table.shape.buckets * WAYS; number++)
		if (table.flows[number / WAYS].way[number % WAYS].standing >= SLOT_HANDED)
			tally_count(&table.flows[number / WAYS].way[number % WAYS].tally[0], &seg);
	return 0;
}

int harvest_drain(struct harvest *of)
{
	(void)of;
	table.reported = 0;
	drained_at = records;
	return 0;
}

int sink_flow(struct sink *sink, const struct record *record, const struct report *report)
{
	(void)sink;
	(void)record;
	records++;
	if (records - drained_at > most_between)
		most_between = records - drained_at;
	late += (__u32)(tally_get(&report->flow.tally[0], TALLY_PACKETS) +
			tally_get(&report->flow.tally[1], TALLY_PACKETS)) -
		CONNECTION_PACKETS;
	return 0;
}

/* ---- */

static void begin(__u32 regions)
{
	plain_open(&table, regions);
	table.ended = ended;
	harvest = (struct harvest){ .mapping = { .tags = table.tags,
						 .looks = table.looks,
						 .flows = table.flows,
						 .facts = table.facts,
						 .ended = ended,
						 .sweep = table.call,
						 .buckets = table.shape.buckets } };
}

static void enter(__u32 client, bool of_server, __u16 flags)
{
	struct segment seg = { .now_ns = 1000,
			       .flags = flags,
			       .segments = 1,
			       .ip_len = 60,
			       .ip_version = 6,
			       .sequence = of_server ? 500 : 100 + !(flags & TCP_SYN),
			       .acknowledgment = of_server ? 101 : 501,
			       .source_port = of_server ? 80 : 50000,
			       .destination_port = of_server ? 50000 : 80 };

	seg.source_ip[of_server] = of_server ? 1 : client + 1;
	seg.destination_ip[!of_server] = of_server ? client + 1 : 1;
	engine_enter(&table, &ledger, &seg, LEDGER_IN_FLOWS);
}

static void connections(__u32 count)
{
	for (__u32 client = 0; client < count; client++) {
		enter(client, false, TCP_SYN);
		enter(client, true, TCP_SYN | TCP_ACK);
		enter(client, false, TCP_ACK);
		enter(client, false, TCP_RST);
	}
	cr_assert_eq(plain_count(&table), count);
}

Test(sweep, who_comes_late_is_in_the_record)
{
	begin(1);
	connections(20);
	cr_assert_eq(harvest_sweep(&harvest, true), 0);
	cr_expect_eq(records, 20);
	cr_expect_eq(late, 20, "taken before all had come");
	cr_expect_eq(waits, 1);
	cr_expect_eq(plain_count(&table), 0);
}

Test(sweep, nothing_is_awaited_where_nothing_ended)
{
	begin(1);
	connections(20);
	for (__u32 bucket = 0; bucket < table.shape.buckets; bucket++)
		for (__u32 way = 0; way < WAYS; way++)
			table.flows[bucket].way[way].tally[0].time_ns = table.flows[bucket].way[way].tally[1].time_ns =
				~0ULL >> 1;
	cr_assert_eq(harvest_sweep(&harvest, false), 0);
	cr_expect_gt(runs, 0);
	cr_expect_eq(waits, 0);
	cr_expect_eq(records, 0);
}

Test(sweep, a_list_is_taken_when_it_is_full)
{
	enum { FLOWS = HANDED_BUCKETS * 5 / 4 };

	begin(2 * HANDED_BUCKETS / REGION); /* one in two has a flow */
	connections(FLOWS);
	cr_assert_eq(harvest_sweep(&harvest, true), 0);
	cr_expect_eq(waits, 1, "%u", waits);
	cr_expect_eq(records, FLOWS);
	cr_expect_leq(most_between, 2048, "the ring buffer fills meanwhile: %u", most_between);
	connections(2 * FLOWS);
	records = late = waits = drained_at = 0;
	cr_assert_eq(harvest_sweep(&harvest, true), 0);
	cr_expect_eq(waits, 2, "%u", waits);
	cr_expect_eq(records, 2 * FLOWS);
	cr_expect_eq(late, 2 * FLOWS);
	cr_expect_eq(plain_count(&table), 0);
}

/* A predecessor died: before it waited, amid taking, or when it had taken all. */
Test(sweep, a_successor_goes_on)
{
	for (__u32 taken = 0; taken <= 20; taken += 10) {
		begin(1);
		connections(20);
		records = late = waits = 0;
		table.call->policy.everything = 1;
		plain_call(&table, 0);
		cr_assert_eq(plain_take(&table, taken), taken);
		cr_assert_eq(harvest_sweep(&harvest, false), 0);
		cr_expect_eq(waits, taken == 0, "who has begun to take has waited: %u, %u", taken, waits);
		cr_expect_eq(records, 20 - taken);
		cr_expect_eq(plain_count(&table), 0);
	}
}
