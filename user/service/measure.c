/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "measure.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct counter {
	const char *name;
	size_t offset;
	bool time;
};

#define OF_SERVICE(name, field, time) { name, offsetof(struct service_counts, field), time }
static const struct counter service_counters[] = {
	OF_SERVICE("accepted", outcome[OUTCOME_ACCEPTED], false),
	OF_SERVICE("refused", outcome[OUTCOME_REFUSED], false),
	OF_SERVICE("filtered", outcome[OUTCOME_FILTERED], false),
	OF_SERVICE("unanswered", outcome[OUTCOME_UNANSWERED], false),
	OF_SERVICE("half_open", outcome[OUTCOME_HALF_OPEN], false),
	OF_SERVICE("aborted", outcome[OUTCOME_ABORTED], false),
	OF_SERVICE("pending", outcome[SERVICE_PENDING], false),
	OF_SERVICE("syn_retries", syn_retries, false),
	OF_SERVICE("synack_retries", synack_retries, false),
	OF_SERVICE("delayed", delayed, false),
	OF_SERVICE("lost_time", lost_ns, true),
	OF_SERVICE("reset", reset, false),
};

#define OF_TRAFFIC(NAME, name) { #name, offsetof(struct service_traffic, analysis[ANALYSIS_##NAME]), false },
static const struct counter traffic_counters[] = { { "packets", offsetof(struct service_traffic, packets), false },
						   { "payload_bytes", offsetof(struct service_traffic, payload_bytes),
						     false },
						   ANALYSIS_COUNTERS(OF_TRAFFIC) };

#define OF_COUNTER(NAME, name, meaning) { #name, offsetof(struct ledger, counter[LEDGER_##NAME]), false },
static const struct counter ledger_counters[] = {
	{ "seen", offsetof(struct ledger, seen), false },
	{ "frames", offsetof(struct ledger, frames), false },
	{ "births", offsetof(struct ledger, births), false },
	{ "evicted", offsetof(struct ledger, evicted), false },
	{ "lost_records", offsetof(struct ledger, lost_records), false },
	{ "collisions", offsetof(struct ledger, collisions), false },
	LEDGER_COUNTERS(OF_COUNTER) /* `filtered` is found before, as an outcome */
};

enum {
	SERVICE_COUNTERS = sizeof(service_counters) / sizeof(service_counters[0]),
	TRAFFIC_COUNTERS = sizeof(traffic_counters) / sizeof(traffic_counters[0]),
	LEDGER_COUNTER_COUNT = sizeof(ledger_counters) / sizeof(ledger_counters[0]),
};

static bool is(const char *name, size_t length, const char *word)
{
	return strlen(word) == length && !memcmp(name, word, length);
}

static const struct counter *counter_named(const struct counter *counters, size_t count, const char *name,
					   size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (is(name, length, counters[i].name))
			return &counters[i];
	return NULL;
}

static struct measurement measurement_of(const void *from, const struct counter *counter)
{
	__u64 value = 0;

	if (from)
		memcpy(&value, (const char *)from + counter->offset, sizeof(value));
	return (struct measurement){ .number = (double)value, .time = counter->time, .known = from };
}

/* A prefix of the name that chooses one side; else both are meant. Returns its length. */
static size_t read_side(const char *name, size_t length, int *first, int *last)
{
	static const char *const prefixes[SERVICE_SIDES] = {
		[SERVICE_FROM_CLIENT] = "client.", [SERVICE_FROM_SERVER] = "server."
	};

	for (int side = 0; side < SERVICE_SIDES; side++) {
		size_t prefix = strlen(prefixes[side]);

		if (length <= prefix || memcmp(name, prefixes[side], prefix) != 0)
			continue;
		*first = *last = side;
		return prefix;
	}
	*first = 0;
	*last = SERVICE_SIDES - 1;
	return 0;
}

/* What connections sent: "retransmits", "server.retransmits", "client.resent". */
static enum measure_result measure_traffic(const struct service *service, const char *name, size_t length,
					   struct measurement *measurement)
{
	int first, last;
	size_t prefix = read_side(name, length, &first, &last);
	const struct counter *counter = counter_named(traffic_counters, TRAFFIC_COUNTERS, name + prefix,
						      length - prefix);

	if (!counter && !is(name + prefix, length - prefix, "resent"))
		return MEASURE_NO_SUCH_NAME;
	*measurement = (struct measurement){ .known = service };
	for (int side = first; service && side <= last; side++) {
		const struct service_traffic *traffic = &service->counts.traffic[side];

		measurement->number += counter ? measurement_of(traffic, counter).number
					       : (double)ANALYSIS_RESENT(traffic->analysis);
	}
	return MEASURE_FINE;
}

enum measure_result measure_counter(const struct measured *from, const char *name, size_t length,
				    struct measurement *measurement)
{
	const struct counter *counter = counter_named(service_counters, SERVICE_COUNTERS, name, length);

	if (counter || is(name, length, "attempts")) {
		const struct service *service = from->service;

		*measurement = (struct measurement){ .known = service };
		if (counter)
			*measurement = measurement_of(service ? &service->counts : NULL, counter);
		else if (service)
			measurement->number = (double)service_attempts(service);
		return MEASURE_FINE;
	}
	if (measure_traffic(from->service, name, length, measurement) == MEASURE_FINE)
		return MEASURE_FINE;
	counter = counter_named(ledger_counters, LEDGER_COUNTER_COUNT, name, length);
	if (!counter && !is(name, length, "unaccounted"))
		return MEASURE_NO_SUCH_NAME;
	if (!from->ledger)
		return MEASURE_NOT_OF_A_SERVICE;
	if (counter)
		*measurement = measurement_of(from->ledger, counter);
	else
		*measurement = (struct measurement){ .number = (double)(__s64)ledger_unaccounted(from->ledger),
						     .known = true };
	return MEASURE_FINE;
}

/* p0 to p100 with up to four digits after the point, in millionths. False: no such word. */
static bool read_quantile(const char *name, size_t length, __u32 *ppm)
{
	__u32 scale = 10000, value = 0;
	bool point = false;

	if (length < 2 || length > 9 || name[0] != 'p' || name[1] == '.' || name[length - 1] == '.')
		return false;
	for (size_t i = 1; i < length; i++) {
		if (name[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (name[i] < '0' || name[i] > '9' || (point && scale == 1) || value > 1000000)
			return false;
		value = value * 10 + (__u32)(name[i] - '0');
		scale /= point ? 10 : 1;
	}
	value = value > 1000000 ? value : value * scale;
	*ppm = value;
	return value <= 1000000;
}

enum measure_result measure_span(const struct measured *from, const char *function, size_t length,
				 enum service_span span, struct measurement *measurement)
{
	const struct histogram *histogram = from->service ? &from->service->span[span] : NULL;
	__u64 count = histogram ? histogram->count : 0;
	__u32 ppm = 0;

	*measurement = (struct measurement){ .time = true, .known = count };
	if (is(function, length, "count"))
		*measurement = (struct measurement){ .number = (double)count, .known = histogram };
	else if (is(function, length, "mean"))
		measurement->number = count ? (double)histogram->sum_ns / (double)count : 0;
	else if (is(function, length, "max"))
		measurement->number = count ? (double)histogram->max_ns : 0;
	else if (read_quantile(function, length, &ppm))
		measurement->number = count ? (double)histogram_quantile(histogram, ppm) : 0;
	else
		return MEASURE_NO_SUCH_NAME;
	return MEASURE_FINE;
}

bool measure_span_named(const char *name, size_t length, enum service_span *span)
{
	static const char *const names[SERVICE_SPANS] = {
		[SERVICE_CONNECT] = "connect", [SERVICE_SERVER] = "server", [SERVICE_CLIENT] = "client"
	};

	for (int i = 0; i < SERVICE_SPANS; i++) {
		*span = (enum service_span)i;
		if (is(name, length, names[i]))
			return true;
	}
	return false;
}

static bool read_port(const char *text, __u16 *port)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value = 0;

	if (!digits || digits > 5 || text[digits])
		return false;
	for (; *text; text++)
		value = value * 10 + (unsigned long)(*text - '0');
	*port = (__u16)value;
	return value <= 0xffff;
}

bool measure_endpoint(const char *text, size_t length, struct service_key *key)
{
	char copy[INET6_ADDRSTRLEN + 10], *address = copy, *colon, *end;
	__u8 ip[16] = { [10] = 0xff, [11] = 0xff };
	bool v6 = length && text[0] == '[';

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	colon = strrchr(copy, ':');
	if (!colon || !read_port(colon + 1, &key->port))
		return false;
	end = colon;
	if (v6) {
		address++;
		if (*--end != ']')
			return false;
	}
	*end = '\0';
	key->ip_version = v6 ? 6 : 4;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, address, v6 ? ip : ip + 12) != 1)
		return false;
	memcpy(key->ip, ip, sizeof(ip));
	return true;
}
