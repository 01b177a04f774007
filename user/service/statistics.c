/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "statistics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int statistics_open(struct statistics *statistics, bool filtered)
{
	*statistics = (struct statistics){ .sets = calloc(SERVICE_SETS, sizeof(struct service_set)) };
	if (filtered)
		statistics->counted = calloc(SERVICE_SETS, sizeof(struct service_set));
	if (statistics->sets && (statistics->counted || !filtered))
		return 0;
	statistics_close(statistics);
	return -ENOMEM;
}

void statistics_close(struct statistics *statistics)
{
	free(statistics->sets);
	free(statistics->counted);
	slowest_close(&statistics->slowest);
	*statistics = (struct statistics){ 0 };
}

static void count(struct service_set *sets, const struct report *report)
{
	struct service_sample sample;

	if (service_sample_of(&sample, report))
		service_set_count(&sets[service_set_of(&sample.key)], &sample);
}

static bool connected_recently(const struct statistics *statistics, const struct report *report)
{
	const struct half_facts *half = report->facts.half;

	return statistics->recent &&
	       (half[0].shook_ns >= statistics->recent_ns || half[1].shook_ns >= statistics->recent_ns);
}

static void add_slow(struct statistics *statistics, const struct record *record, const struct report *report)
{
	if (slowest_add(&statistics->slowest, record) ||
	    (connected_recently(statistics, report) && slowest_add(statistics->recent, record)))
		statistics->error = -ENOMEM;
}

void statistics_flow(struct statistics *statistics, const struct record *record, const struct report *report)
{
	if (!statistics_wanted(statistics))
		return;
	if (statistics->counted)
		count(statistics->counted, report);
	add_slow(statistics, record, report);
}

void statistics_picture(struct statistics *statistics, const struct service_set *ended,
			const struct service_set *evicted)
{
	const struct service_set *from = statistics->counted ? statistics->counted : ended;

	for (int i = 0; i < SERVICE_SETS; i++) {
		if (service_set_used(&from[i]) || service_set_used(&statistics->sets[i]))
			statistics->sets[i] = from[i];
		if (!statistics->counted && evicted && service_set_used(&evicted[i]))
			service_set_merge(&statistics->sets[i], &evicted[i]);
	}
	statistics->ledger = (struct ledger){ 0 };
}

bool statistics_open_flow(struct statistics *statistics, const struct report *report)
{
	struct service_sample sample;
	__s64 connect_ns;

	if (!service_sample_of(&sample, report))
		return false;
	service_set_count(&statistics->sets[service_set_of(&sample.key)], &sample);
	connect_ns = (__s64)sample.span_ns[SERVICE_CONNECT];
	return sample.bucket[SERVICE_CONNECT] < HISTOGRAM_BUCKETS &&
	       (slowest_admits(&statistics->slowest, &sample.key, connect_ns) ||
		(connected_recently(statistics, report) &&
		 slowest_admits(statistics->recent, &sample.key, connect_ns)));
}

void statistics_open_record(struct statistics *statistics, const struct record *record, const struct report *report)
{
	add_slow(statistics, record, report);
}

void statistics_ledger(struct statistics *statistics, const struct ledger *ledger)
{
	ledger_add(&statistics->ledger, ledger);
}

/* Most attempts first, then by address and port. */
static int compare_services(const void *one, const void *two)
{
	const struct statistics_service *x = one, *y = two;
	__u64 of_x = service_attempts(x->service), of_y = service_attempts(y->service);
	int order;

	if (of_x != of_y)
		return of_x > of_y ? -1 : 1;
	order = memcmp(x->key->ip, y->key->ip, sizeof(x->key->ip));
	return order ? order : (int)x->key->port - (int)y->key->port;
}

struct statistics_service *statistics_list(const struct statistics *statistics, struct service *other, size_t *count)
{
	struct statistics_service *list = calloc(SERVICE_SETS * SERVICE_WAYS + 1, sizeof(*list));

	*count = 0;
	*other = (struct service){ 0 };
	for (int i = 0; i < SERVICE_SETS && list; i++) {
		const struct service_set *set = &statistics->sets[i];

		service_merge(other, &set->way[SERVICE_OTHER]);
		for (int way = 0; way < SERVICE_WAYS; way++)
			if (set->key[way].ip_version)
				list[(*count)++] = (struct statistics_service){ &set->key[way], &set->way[way] };
	}
	if (list)
		qsort(list, *count, sizeof(*list), compare_services);
	if (list && service_attempts(other))
		list[(*count)++] = (struct statistics_service){ NULL, other };
	return list;
}

void statistics_sum(const struct statistics *statistics, struct service *sum)
{
	*sum = (struct service){ 0 };
	for (int set = 0; set < SERVICE_SETS; set++)
		for (int way = 0; way <= SERVICE_OTHER; way++)
			if (service_attempts(&statistics->sets[set].way[way]))
				service_merge(sum, &statistics->sets[set].way[way]);
}

const struct service *statistics_find(const struct statistics *statistics, const struct service_key *key)
{
	const struct service_set *set = &statistics->sets[service_set_of(key)];

	for (int way = 0; way < SERVICE_WAYS; way++)
		if (!service_key_differs(&set->key[way], key))
			return &set->way[way];
	return NULL;
}

bool statistics_has_other(const struct statistics *statistics)
{
	__u64 attempts = 0;

	for (int set = 0; set < SERVICE_SETS; set++)
		attempts += service_attempts(&statistics->sets[set].way[SERVICE_OTHER]);
	return attempts;
}
