/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "json_service.h"

#include <arpa/inet.h>

#include "text/words.h"

static void put_unsigned(struct json *json, const char *name, __u64 value)
{
	json_key(json, name, __builtin_strlen(name));
	json_unsigned(json, value);
}

static void put_known(struct json *json, const char *name, __s64 value)
{
	json_key(json, name, __builtin_strlen(name));
	if (value == UNKNOWN)
		json_null(json);
	else
		json_signed(json, value);
}

static void put_endpoint(struct json *json, const __u8 ip[16], __u8 ip_version, __u16 port)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(ip_version == 4 ? AF_INET : AF_INET6, ip_version == 4 ? ip + 12 : ip, text, sizeof(text));
	json_object_begin(json);
	JSON_KEY(json, "ip");
	json_word(json, text);
	put_unsigned(json, "port", port);
	json_object_end(json);
}

static void put_outcomes(struct json *json, const struct service_counts *counts)
{
	JSON_KEY(json, "outcomes");
	json_object_begin(json);
	for (int i = 0; i < OUTCOME_MIDSTREAM; i++)
		put_unsigned(json, words_outcome((enum outcome)i), counts->outcome[i]);
	put_unsigned(json, "pending", counts->outcome[SERVICE_PENDING]);
	json_object_end(json);
	JSON_KEY(json, "filtered_by");
	json_object_begin(json);
	for (int i = FILTER_NONE + 1; i < FILTER_REASON_COUNT; i++)
		if (counts->filtered[i])
			put_unsigned(json, outcome_filter_word((enum filter_reason)i), counts->filtered[i]);
	json_object_end(json);
}

static void put_traffic(struct json *json, const struct service_traffic *traffic)
{
#define NAME_OF(NAME, name) [ANALYSIS_##NAME] = #name,
	static const char *const names[ANALYSIS_COUNT] = { ANALYSIS_COUNTERS(NAME_OF) };
#undef NAME_OF

	json_object_begin(json);
	put_unsigned(json, "packets", traffic->packets);
	put_unsigned(json, "payload_bytes", traffic->payload_bytes);
	for (int i = 0; i < ANALYSIS_COUNT; i++)
		put_unsigned(json, names[i], traffic->analysis[i]);
	json_object_end(json);
}

static void put_buckets(struct json *json, const struct histogram *histogram)
{
	JSON_KEY(json, "histogram");
	json_array_begin(json);
	for (__u32 i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!histogram->bucket[i])
			continue;
		json_array_begin(json);
		json_unsigned(json, histogram_lower(i));
		json_unsigned(json, histogram->bucket[i]);
		json_array_end(json);
	}
	json_array_end(json);
}

static void put_span(struct json *json, const struct histogram *histogram)
{
	static const struct {
		const char *name;
		__u32 ppm;
	} quantiles[] = { { "p50_ns", 500000 }, { "p90_ns", 900000 }, { "p99_ns", 990000 }, { "p99_9_ns", 999000 } };

	if (!histogram->count) {
		json_null(json);
		return;
	}
	json_object_begin(json);
	put_unsigned(json, "count", histogram->count);
	put_unsigned(json, "mean_ns", histogram->sum_ns / histogram->count);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		put_unsigned(json, quantiles[i].name, histogram_quantile(histogram, quantiles[i].ppm));
	put_unsigned(json, "max_ns", histogram->max_ns);
	put_buckets(json, histogram);
	json_object_end(json);
}

static void put_slow(struct json *json, const struct slow *slow)
{
	char sentence[SENTENCE];

	json_object_begin(json);
	JSON_KEY(json, "client");
	put_endpoint(json, slow->ip, slow->ip_version, slow->port);
	put_known(json, "start_ns", slow->start_ns);
	put_known(json, "connect_ns", slow->handshake.connect_ns);
	put_known(json, "server_ns", slow->handshake.server_ns);
	put_known(json, "client_ns", slow->handshake.client_ns);
	put_known(json, "lost_ns", slow->handshake.lost_ns);
	slow_sentence(sentence, &slow->handshake);
	JSON_KEY(json, "sentence");
	json_word(json, sentence);
	json_object_end(json);
}

void json_service(struct json *json, const struct statistics *statistics, const struct statistics_service *row)
{
	const struct slow_list *list = row->key ? slowest_of(&statistics->slowest, row->key) : NULL;
	const struct service *service = row->service;

	put_known(json, "since_ns", statistics->since_ns ? statistics->since_ns : UNKNOWN);
	put_known(json, "at_ns", statistics->at_ns);
	JSON_KEY(json, "final");
	json_bool(json, statistics->final);
	JSON_KEY(json, "server");
	if (row->key)
		put_endpoint(json, (const __u8 *)row->key->ip, row->key->ip_version, row->key->port);
	else
		json_null(json);
	put_unsigned(json, "attempts", service_attempts(service));
	put_outcomes(json, &service->counts);
	put_unsigned(json, "syn_retries", service->counts.syn_retries);
	put_unsigned(json, "synack_retries", service->counts.synack_retries);
	put_unsigned(json, "delayed", service->counts.delayed);
	put_unsigned(json, "lost_ns", service->counts.lost_ns);
	put_unsigned(json, "reset", service->counts.reset);
	JSON_KEY(json, "traffic");
	json_object_begin(json);
	JSON_KEY(json, "client");
	put_traffic(json, &service->counts.traffic[SERVICE_FROM_CLIENT]);
	JSON_KEY(json, "server");
	put_traffic(json, &service->counts.traffic[SERVICE_FROM_SERVER]);
	json_object_end(json);
	JSON_KEY(json, "connect");
	put_span(json, &service->span[SERVICE_CONNECT]);
	JSON_KEY(json, "server_time");
	put_span(json, &service->span[SERVICE_SERVER]);
	JSON_KEY(json, "client_time");
	put_span(json, &service->span[SERVICE_CLIENT]);
	JSON_KEY(json, "slowest");
	json_array_begin(json);
	for (__u32 i = 0; list && i < list->count; i++)
		put_slow(json, &list->slow[i]);
	json_array_end(json);
}
