/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* News: what each picture of the services has that the one before had not, and together they are all. */
#include <criterion/criterion.h>
#include <string.h>

#include "../../user/service/news.h"
#include "plain_body.h"
#include "random.h"

static struct service_set sets[SERVICE_SETS]; /* the engine's; each test runs in a process of its own */
static struct statistics statistics;
static struct news news;

static void begin(void)
{
	cr_assert_eq(statistics_open(&statistics, false), 0);
	cr_assert_eq(news_open(&news, &statistics), 0);
}

static void end(void)
{
	news_close(&news, &statistics);
	statistics_close(&statistics);
}

static struct service_key key_numbered(__u32 number)
{
	return (struct service_key){ .ip = { 0, number }, .port = 443, .ip_version = 6 };
}

/* `outcome` may be SERVICE_PENDING. */
static void count(__u32 number, int outcome, __u64 connect_ns)
{
	const struct service_sample sample = {
		.key = key_numbered(number),
		.outcome = (__u32)outcome,
		.span_ns = { connect_ns },
		.bucket = { connect_ns ? histogram_bucket(connect_ns) : HISTOGRAM_BUCKETS, HISTOGRAM_BUCKETS,
			    HISTOGRAM_BUCKETS },
		.traffic = { { .packets = 3, .payload_bytes = number } },
	};

	service_set_count(&sets[service_set_of(&sample.key)], &sample);
}

static const struct statistics *tell(__s64 at_ns)
{
	statistics_picture(&statistics, sets, NULL);
	statistics.at_ns = at_ns;
	return news_of(&news, &statistics);
}

static void told(void) { news_told(&news, &statistics); }

Test(news, each_is_what_came_since_the_one_before, .init = begin, .fini = end)
{
	const struct service_key first = key_numbered(1), second = key_numbered(2);
	const struct service *service;

	count(1, OUTCOME_ACCEPTED, 1000);
	count(1, OUTCOME_ACCEPTED, 5000);
	count(2, OUTCOME_REFUSED, 0);
	cr_expect_eq(tell(10)->since_ns, 0);
	cr_expect_eq(service_attempts(statistics_find(&news.fresh, &first)), 2);
	cr_expect_eq(service_attempts(statistics_find(&news.fresh, &second)), 1);
	told();
	count(1, OUTCOME_ACCEPTED, 3000);
	cr_expect_eq(tell(20)->since_ns, 10);
	cr_expect_eq(news.fresh.at_ns, 20);
	service = statistics_find(&news.fresh, &first);
	cr_assert_not_null(service);
	cr_expect_eq(service->counts.outcome[OUTCOME_ACCEPTED], 1);
	cr_expect_eq(service->counts.traffic[SERVICE_FROM_CLIENT].packets, 3);
	cr_expect_eq(service->span[SERVICE_CONNECT].count, 1);
	cr_expect_eq(service->span[SERVICE_CONNECT].sum_ns, 3000);
	cr_expect_lt(service->span[SERVICE_CONNECT].max_ns, 3050, "the largest is of the interval");
	cr_expect_gt(service->span[SERVICE_CONNECT].max_ns, 2950);
	cr_expect_null(statistics_find(&news.fresh, &second), "nothing is new of it");
	told();
	cr_expect_null(statistics_find(tell(30), &first));
}

Test(news, a_service_of_old_connections_is_told_by_what_they_send, .init = begin, .fini = end)
{
	const struct service_key key = key_numbered(1);
	const struct service *service;

	count(1, OUTCOME_ACCEPTED, 1000);
	tell(10);
	told();
	for (int way = 0; way < SERVICE_WAYS; way++)
		if (!service_key_differs(&sets[service_set_of(&key)].key[way], &key))
			sets[service_set_of(&key)].way[way].counts.traffic[SERVICE_FROM_SERVER].packets += 7;
	service = statistics_find(tell(20), &key);
	cr_assert_not_null(service);
	cr_expect_eq(service_attempts(service), 0);
	cr_expect_eq(service->counts.traffic[SERVICE_FROM_SERVER].packets, 7);
	cr_expect_eq(service->counts.traffic[SERVICE_FROM_CLIENT].packets, 0);
}

/* What is open is counted anew in each picture: what was pending may have been accepted meanwhile. */
Test(news, what_is_pending_is_as_of_now, .init = begin, .fini = end)
{
	const struct service_key key = key_numbered(1);
	const struct service *service;

	count(1, SERVICE_PENDING, 0);
	count(1, SERVICE_PENDING, 0);
	service = statistics_find(tell(10), &key);
	cr_expect_eq(service->counts.outcome[SERVICE_PENDING], 2);
	told();
	memset(sets, 0, sizeof(sets));
	count(1, SERVICE_PENDING, 0);
	count(1, OUTCOME_ACCEPTED, 1000);
	service = statistics_find(tell(20), &key);
	cr_assert_not_null(service);
	cr_expect_eq(service->counts.outcome[SERVICE_PENDING], 1);
	cr_expect_eq(service->counts.outcome[OUTCOME_ACCEPTED], 1);
	cr_expect_eq(service->span[SERVICE_CONNECT].count, 1);
}

Test(news, together_they_are_all_whoever_gives_way_to_whom, .init = begin, .fini = end)
{
	enum { SERVICES = 2 * SERVICE_SETS * SERVICE_WAYS, PICTURES = 20, BETWEEN = 1500 };
	static struct service sum, all, one;
	struct random random = { 3 };

	for (int picture = 0; picture < PICTURES; picture++) {
		for (int i = 0; i < BETWEEN; i++) {
			__u32 number = random_below(&random, SERVICES);

			/* a third gives no time, and so way to the others, which come bit by bit */
			if (number % 3 == 0)
				count(number, OUTCOME_UNANSWERED, 0);
			else if (number % PICTURES <= (__u32)picture)
				count(number, OUTCOME_ACCEPTED, 1000 + random_below(&random, 1000000));
		}
		tell(picture + 1);
		statistics_sum(&news.fresh, &one);
		service_merge(&sum, &one);
		told();
	}
	statistics_sum(&statistics, &all);
	cr_expect(statistics_has_other(&statistics));
	cr_expect_arr_eq(&sum.counts, &all.counts, sizeof(sum.counts));
	cr_expect_arr_eq(sum.span[SERVICE_CONNECT].bucket, all.span[SERVICE_CONNECT].bucket,
			 sizeof(sum.span[SERVICE_CONNECT].bucket));
	cr_expect_eq(sum.span[SERVICE_CONNECT].sum_ns, all.span[SERVICE_CONNECT].sum_ns);
}

static struct record record_of(__u16 client, __s64 connect_ns)
{
	struct record record = { .start_ns = client, .ip_version = 4, .outcome = OUTCOME_ACCEPTED };

	record.client.port = client;
	record.server.port = 443;
	record.handshake.present = true;
	record.handshake.connect_ns = connect_ns;
	return record;
}

/* A connection as its report says when its handshake was done. */
static void connected(__u16 client, __u64 shook_ns, __s64 connect_ns)
{
	struct record record = record_of(client, connect_ns);
	struct report report = {};

	report.facts.half[client % 2].shook_ns = shook_ns;
	statistics_open_record(&statistics, &record, &report);
}

Test(news, the_slowest_are_those_that_connected_since, .init = begin, .fini = end)
{
	const struct service_key key = { .port = 443, .ip_version = 4 };
	const struct slow_list *list;

	connected(1, 100, 9000);
	tell(10);
	statistics.report_ns = 200;
	told();
	connected(1, 100, 9000); /* still open */
	connected(2, 250, 4000);
	connected(3, 260, 5000);
	list = slowest_of(&tell(20)->slowest, &key);
	cr_assert_not_null(list);
	cr_assert_eq(list->count, 2);
	cr_expect_eq(list->slow[0].port, 3);
	cr_expect_eq(slowest_of(&statistics.slowest, &key)->slow[0].port, 1, "of all, the first is");
	told();
	cr_expect_null(slowest_of(&tell(30)->slowest, &key));
}
