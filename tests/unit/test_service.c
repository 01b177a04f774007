/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Services: every handshake counts once, in its service or in `other`, whatever became of its record. */
#include <criterion/criterion.h>

#include "plain_body.h"
#include "random.h"

static struct service_set sets[SERVICE_SETS]; /* each test runs in a process of its own */

static struct service_key key_numbered(__u32 number)
{
	return (struct service_key){ .ip = { 0, number }, .port = 443, .ip_version = 6 };
}

static struct service_sample sample_numbered(__u32 number, enum outcome outcome, __u64 server_ns)
{
	return (struct service_sample){
		.key = key_numbered(number),
		.outcome = outcome,
		.span_ns = { 0, server_ns, 0 },
		.bucket = { HISTOGRAM_BUCKETS, server_ns ? histogram_bucket(server_ns) : HISTOGRAM_BUCKETS,
			    HISTOGRAM_BUCKETS },
	};
}

static void count(const struct service_sample *sample)
{
	service_set_count(&sets[service_set_of(&sample->key)], sample);
}

/* NULL: it is not there by name. */
static const struct service *find(__u32 number)
{
	const struct service_key key = key_numbered(number);
	const struct service_set *set = &sets[service_set_of(&key)];

	for (int way = 0; way < SERVICE_WAYS; way++)
		if (!service_key_differs(&set->key[way], &key))
			return &set->way[way];
	return NULL;
}

static void sum_all(struct service *sum)
{
	*sum = (struct service){};
	for (int set = 0; set < SERVICE_SETS; set++)
		for (int way = 0; way <= SERVICE_OTHER; way++)
			service_merge(sum, &sets[set].way[way]);
}

Test(service, beyond_the_room_services_are_summed_in_other)
{
	enum { SERVICES = 4 * SERVICE_SETS * SERVICE_WAYS };
	static struct service sum, other;
	__u32 named = 0;

	for (__u32 i = 0; i < 3 * SERVICES; i++) {
		struct service_sample sample = sample_numbered(i % SERVICES, OUTCOME_ACCEPTED, 1000 + i);

		count(&sample);
	}
	for (__u32 i = 0; i < SERVICES; i++) {
		const struct service *service = find(i);

		named += service != NULL;
		cr_assert(!service || service->counts.outcome[OUTCOME_ACCEPTED] == 3);
		cr_assert(!service || service->span[SERVICE_SERVER].count == 3);
	}
	for (int set = 0; set < SERVICE_SETS; set++)
		service_merge(&other, &sets[set].way[SERVICE_OTHER]);
	sum_all(&sum);
	cr_expect_eq(named, SERVICE_SETS * SERVICE_WAYS, "%u have room", named);
	cr_expect_eq(service_attempts(&sum), 3 * SERVICES);
	cr_expect_eq(service_attempts(&other), 3 * (SERVICES - named));
	cr_expect_eq(sum.span[SERVICE_SERVER].max_ns, 1000 + 3 * SERVICES - 1);
}

/* A scan of many ports takes all the room; a service that answers still gets some, and no count is lost. */
Test(service, ports_that_never_answered_give_way)
{
	enum { SCANNED = 20000, REAL = 100 };
	static struct service sum;

	for (__u32 i = 0; i < SCANNED; i++) {
		struct service_sample sample = sample_numbered(1000 + i, OUTCOME_REFUSED, 0);

		count(&sample);
	}
	for (__u32 i = 0; i < REAL; i++) {
		struct service_sample sample = sample_numbered(i, OUTCOME_ACCEPTED, 5000);

		count(&sample);
		cr_assert_not_null(find(i), "no room for service %u", i);
	}
	sum_all(&sum);
	cr_expect_eq(sum.counts.outcome[OUTCOME_REFUSED], SCANNED);
	cr_expect_eq(sum.counts.outcome[OUTCOME_ACCEPTED], REAL);
	cr_expect_eq(sum.span[SERVICE_SERVER].count, REAL);
}

/* As beyond_the_room..., with odd and even ones counted apart and then added up. */
Test(service, sets_counted_apart_add_up)
{
	enum { SERVICES = 2 * SERVICE_SETS * SERVICE_WAYS };
	static struct service_set apart[SERVICE_SETS];
	static struct service sum;

	for (__u32 i = 0; i < 4 * SERVICES; i++) {
		struct service_sample sample = sample_numbered(i % SERVICES, OUTCOME_ACCEPTED, 1000 + i);

		if (i % 3)
			count(&sample);
		else
			service_set_count(&apart[service_set_of(&sample.key)], &sample);
	}
	for (int set = 0; set < SERVICE_SETS; set++) {
		service_set_merge(&sets[set], &apart[set]);
		for (int way = 0; way < SERVICE_WAYS; way++)
			cr_expect(!sets[set].key[way].ip_version ||
				  find((__u32)sets[set].key[way].ip[1]) == &sets[set].way[way]);
	}
	sum_all(&sum);
	cr_expect_eq(service_attempts(&sum), 4 * SERVICES);
	cr_expect_eq(sum.span[SERVICE_SERVER].count, 4 * SERVICES);
	cr_expect_eq(sum.span[SERVICE_SERVER].max_ns, 1000 + 4 * SERVICES - 1);
}

/* Whatever has been done of a count, undoing it leaves the set as it was. */
Test(service, a_count_that_was_half_done_is_undone)
{
	static struct service_set set, before, after;
	struct random random = { 11 };

	for (__u32 i = 0; i < 2000; i++) {
		bool timed = random_below(&random, 2);
		struct service_sample sample = sample_numbered(random_below(&random, 3 * SERVICE_WAYS),
							       timed ? OUTCOME_ACCEPTED : OUTCOME_FILTERED,
							       timed ? 1 + random_below(&random, 1 << 20) : 0);
		struct service_before note;
		size_t at = random_below(&random, sizeof(set) / sizeof(__u64));

		sample.filtered = timed ? 0 : FILTER_NET_UNREACH;
		before = set;
		service_remember(&note, &set, 5, &sample);
		service_set_count(&set, &sample);
		cr_assert_eq(note.set, 5);
		after = set;
		memcpy(&set, &before, at * sizeof(__u64)); /* the second part is done, of words in any order */
		service_undo(&note, &set);
		cr_assert_arr_eq(&set, &before, sizeof(set), "not undone, sample %u", i);
		set = after;
		service_undo(&note, &set);
		cr_assert_arr_eq(&set, &before, sizeof(set), "done and not undone, sample %u", i);
		set = after;
	}
	cr_expect(service_set_used(&set) && service_attempts(&set.way[SERVICE_OTHER]), "the test shows too little");
}

static void enter(struct table *table, struct ledger *ledger, __u32 client, __u16 port, __u16 flags, __u64 now_ns)
{
	bool of_server = flags & TCP_SYN && flags & TCP_ACK;
	struct segment seg = { .now_ns = now_ns,
			       .flags = flags,
			       .segments = 1,
			       .ip_len = 60,
			       .ip_version = 6,
			       .sequence = of_server	     ? 500
					   : flags & TCP_SYN ? 100
							     : 101,
			       .acknowledgment = of_server	   ? 101
						 : flags & TCP_ACK ? 501
								   : 0 };

	seg.source_ip[of_server] = of_server ? 1 : client + 1;
	seg.destination_ip[!of_server] = of_server ? client + 1 : 1;
	seg.source_port = of_server ? port : 50000;
	seg.destination_port = of_server ? 50000 : port;
	engine_enter(table, ledger, &seg, LEDGER_IN_FLOWS);
}

/* A table far too small, and a ring that is full most of the time: records are lost, counts are not. */
Test(service, counts_are_exact_where_records_are_lost)
{
	enum { CLIENTS = 30000, PORTS = 3 };
	struct sweep_policy policy = { .everything = 1 };
	struct random random = { 3 };
	struct table table;
	struct ledger ledger = {};
	__u64 begun[PORTS] = {}, shaken[PORTS] = {}, attempts = 0, now = NS_PER_SEC;
	static struct service_set ended[SERVICE_SETS];
	static struct service sum;

	plain_open(&table, 1);
	table.services = sets;
	table.ended = ended;
	for (__u32 client = 0; client < CLIENTS; client++) {
		__u16 which = (__u16)random_below(&random, PORTS);

		table.reported = 0;
		table.room = random_below(&random, 4) ? 0 : PLAIN_REPORTS;
		now += 1000000;
		begun[which]++;
		enter(&table, &ledger, client, (__u16)(80 + which), TCP_SYN, now);
		if (random_below(&random, 3) == 0)
			continue;
		enter(&table, &ledger, client, (__u16)(80 + which), TCP_SYN | TCP_ACK, now + 2000 + which);
		enter(&table, &ledger, client, (__u16)(80 + which), TCP_ACK, now + 5000);
		enter(&table, &ledger, client, (__u16)(80 + which), TCP_RST, now + 6000); /* may be evicted now */
		shaken[which]++;
	}
	table.room = PLAIN_REPORTS;
	table.reported = 0;
	policy.now_ns = now + 2 * NS_PER_SEC;
	cr_assert(plain_sweep(&table, &policy));
	for (int set = 0; set < SERVICE_SETS; set++)
		service_set_merge(&sets[set], &ended[set]);
	sum_all(&sum);
	cr_expect_gt(ledger.lost_records, CLIENTS / 4, "the test loses too few records to show anything");
	cr_expect_eq(ledger.counter[LEDGER_TABLE_FULL], 0);
	for (int which = 0; which < PORTS; which++) {
		const struct service *service = NULL;
		struct service_key key = { .ip = { 0, 1 }, .port = (__u16)(80 + which), .ip_version = 6 };

		for (int way = 0; way < SERVICE_WAYS; way++)
			if (!service_key_differs(&sets[service_set_of(&key)].key[way], &key))
				service = &sets[service_set_of(&key)].way[way];
		cr_assert_not_null(service);
		attempts += service_attempts(service);
		cr_expect_eq(service_attempts(service), begun[which]);
		cr_expect_eq(service->counts.outcome[OUTCOME_ACCEPTED], shaken[which]);
		cr_expect_eq(service->counts.outcome[OUTCOME_UNANSWERED], begun[which] - shaken[which]);
		cr_expect_eq(service->span[SERVICE_SERVER].count, shaken[which]);
		cr_expect_eq(service->span[SERVICE_SERVER].max_ns, 2000 + which);
		cr_expect_eq(service->span[SERVICE_CONNECT].max_ns, 5000);
	}
	cr_expect_eq(attempts, ledger.births);
	plain_close(&table);
}

/* Attempts of 1.5 s and 0.5 s ago when the watch ends: a SYN, a SYN and its SYN/ACK, and a handshake. */
Test(service, who_has_not_lost_patience_is_pending)
{
	const struct sweep_policy policy = { .now_ns = 10 * NS_PER_SEC, .everything = 1 };
	static struct service_set ended[SERVICE_SETS];
	static struct service sum;
	struct table table;
	struct ledger ledger = {};
	__u32 client = 0;

	plain_open(&table, 1);
	table.services = sets;
	table.ended = ended;
	for (int age = 1; age <= 3; age += 2) {
		__u64 at = policy.now_ns - (__u64)age * 500 * NS_PER_MS;

		for (int steps = 1; steps <= 3; steps++, client++) {
			enter(&table, &ledger, client, 80, TCP_SYN, at);
			if (steps > 1)
				enter(&table, &ledger, client, 80, TCP_SYN | TCP_ACK, at);
			if (steps > 2)
				enter(&table, &ledger, client, 80, TCP_ACK, at);
		}
	}
	cr_assert(plain_sweep(&table, &policy));
	for (int set = 0; set < SERVICE_SETS; set++)
		service_merge(&sum, &ended[set].way[0]);
	cr_expect_eq(service_attempts(&sum), 6);
	cr_expect_eq(sum.counts.outcome[OUTCOME_ACCEPTED], 2);
	cr_expect_eq(sum.counts.outcome[OUTCOME_UNANSWERED], 1);
	cr_expect_eq(sum.counts.outcome[OUTCOME_HALF_OPEN], 1);
	cr_expect_eq(sum.counts.outcome[SERVICE_PENDING], 2);
	plain_close(&table);
}
