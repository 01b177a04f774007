/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "news.h"

#include <errno.h>
#include <stdlib.h>

int news_open(struct news *news, struct statistics *statistics)
{
	*news = (struct news){ .told = calloc(SERVICE_SETS, sizeof(*news->told)) };
	if (!news->told || statistics_open(&news->fresh, false)) {
		news_close(news, statistics);
		return -ENOMEM;
	}
	statistics->recent = &news->fresh.slowest;
	return 0;
}

void news_close(struct news *news, struct statistics *statistics)
{
	statistics->recent = NULL;
	statistics_close(&news->fresh);
	free(news->told);
	*news = (struct news){ 0 };
}

/* Words of counters; none falls below 0. */
static void subtract(__u64 *from, const __u64 *what, size_t words)
{
	for (size_t i = 0; i < words; i++)
		from[i] -= from[i] < what[i] ? from[i] : what[i];
}

/* Leaves in `service`, which is as it is now, what was not in `before`. */
static void service_since(struct service *service, const struct service *before)
{
	__u64 pending = service->counts.outcome[SERVICE_PENDING];
	struct histogram since;

	subtract((__u64 *)&service->counts, (const __u64 *)&before->counts, sizeof(service->counts) / sizeof(__u64));
	service->counts.outcome[SERVICE_PENDING] = pending;
	for (int i = 0; i < SERVICE_SPANS; i++) {
		histogram_since(&since, &service->span[i], &before->span[i]);
		service->span[i] = since;
	}
}

static bool service_is_empty(const struct service *service)
{
	return !service_attempts(service) && !service_times(service) &&
	       !service->counts.traffic[SERVICE_FROM_CLIENT].packets &&
	       !service->counts.traffic[SERVICE_FROM_SERVER].packets;
}

/* The way of a service in a set, SERVICE_OTHER if it has none. */
static __u32 way_of(const struct service_set *set, const struct service_key *key)
{
	__u32 way = 0;

	while (way < SERVICE_WAYS && service_key_differs(&set->key[way], key))
		way++;
	return way;
}

/* Leaves in `set`, which is as it is now, what was not in `before`. A service that gave way to another is among the
 * others now, and was not before. */
static void set_since(struct service_set *set, const struct service_set *before)
{
	struct service other = before->way[SERVICE_OTHER];

	for (__u32 way = 0; way < SERVICE_WAYS; way++)
		if (before->key[way].ip_version && way_of(set, &before->key[way]) == SERVICE_OTHER)
			service_merge(&other, &before->way[way]);
	service_since(&set->way[SERVICE_OTHER], &other);
	for (__u32 way = 0; way < SERVICE_WAYS; way++) {
		__u32 was = way_of(before, &set->key[way]);

		if (set->key[way].ip_version && was != SERVICE_OTHER)
			service_since(&set->way[way], &before->way[was]);
		if (service_is_empty(&set->way[way]))
			set->key[way] = (struct service_key){ 0 };
	}
}

const struct statistics *news_of(struct news *news, const struct statistics *statistics)
{
	struct statistics *fresh = &news->fresh;

	for (int i = 0; i < SERVICE_SETS; i++) {
		if (!service_set_used(&statistics->sets[i]) && !service_set_used(&fresh->sets[i]))
			continue;
		fresh->sets[i] = statistics->sets[i];
		set_since(&fresh->sets[i], &news->told[i]);
	}
	fresh->at_ns = statistics->at_ns;
	if (fresh->since_ns > fresh->at_ns) /* the clock was set back */
		fresh->since_ns = fresh->at_ns;
	return fresh;
}

void news_told(struct news *news, struct statistics *statistics)
{
	for (int i = 0; i < SERVICE_SETS; i++)
		if (service_set_used(&statistics->sets[i]))
			news->told[i] = statistics->sets[i];
	slowest_close(&news->fresh.slowest);
	news->fresh.since_ns = statistics->at_ns;
	statistics->recent_ns = statistics->report_ns;
}
