/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* NDJSON: one object a line, every field of the flow record, null where nothing was observed. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "community_id.h"
#include "assertion.h"
#include "json.h"
#include "json_service.h"
#include "output.h"
#include "p0f.h"
#include "words.h"

enum { RECORD_VERSION = 1 };

static FILE *out;
static struct json json;

static void put_word(const char *word)
{
	if (word)
		json_word(&json, word);
	else
		json_null(&json);
}

static void put_name(const char *name)
{
	if (name)
		json_text(&json, name);
	else
		json_null(&json);
}

static void put_known(__s64 value)
{
	if (value == UNKNOWN)
		json_null(&json);
	else
		json_signed(&json, value);
}

static void put_known_bool(__s64 value)
{
	if (value == UNKNOWN)
		json_null(&json);
	else
		json_bool(&json, value != 0);
}

#define KEY_WORD(name, value) (JSON_KEY(&json, name), put_word(value))
#define KEY_UNSIGNED(name, value) (JSON_KEY(&json, name), json_unsigned(&json, value))
#define KEY_SIGNED(name, value) (JSON_KEY(&json, name), json_signed(&json, value))
#define KEY_KNOWN(name, value) (JSON_KEY(&json, name), put_known(value))
#define KEY_KNOWN_BOOL(name, value) (JSON_KEY(&json, name), put_known_bool(value))

static void put_attempts(const struct record_handshake *handshake)
{
	JSON_KEY(&json, "attempts");
	json_array_begin(&json);
	for (__u32 i = 0; i < handshake->attempts; i++) {
		json_object_begin(&json);
		KEY_WORD("kind", handshake->attempt[i].synack ? "synack" : "syn");
		KEY_SIGNED("at_ns", handshake->attempt[i].at_ns);
		json_object_end(&json);
	}
	json_array_end(&json);
}

static void put_handshake(const struct record_handshake *handshake)
{
	JSON_KEY(&json, "handshake");
	if (!handshake->present) {
		json_null(&json);
		return;
	}
	json_object_begin(&json);
	KEY_KNOWN("connect_ns", handshake->connect_ns);
	KEY_KNOWN("server_ns", handshake->server_ns);
	KEY_KNOWN("client_ns", handshake->client_ns);
	KEY_KNOWN("lost_ns", handshake->lost_ns);
	KEY_UNSIGNED("syns", handshake->syns);
	KEY_UNSIGNED("synacks", handshake->synacks);
	KEY_KNOWN("answered_syn", handshake->answered_syn);
	KEY_WORD("answered_by", words_answered_by(handshake->answered_by));
	put_attempts(handshake);
	json_object_end(&json);
}

static void put_rtt(const struct record_rtt *rtt)
{
	if (!rtt->samples) {
		json_null(&json);
		return;
	}
	json_object_begin(&json);
	KEY_UNSIGNED("samples", rtt->samples);
	KEY_UNSIGNED("by_timestamp", rtt->by_timestamp);
	KEY_SIGNED("min_ns", rtt->min_ns);
	KEY_SIGNED("mean_ns", rtt->mean_ns);
	KEY_SIGNED("max_ns", rtt->max_ns);
	KEY_SIGNED("resolution_ns", rtt->resolution_ns);
	json_object_end(&json);
}

static void put_zeek(const struct record_zeek *zeek)
{
	JSON_KEY(&json, "zeek");
	json_object_begin(&json);
	KEY_WORD("conn_state", zeek->conn_state);
	KEY_WORD("history", zeek->history);
	KEY_UNSIGNED("missed_bytes", zeek->missed_bytes);
	json_object_end(&json);
}

static void put_p0f(const struct record *record)
{
	char text[P0F_SIZE];

	JSON_KEY(&json, "p0f");
	json_object_begin(&json);
	KEY_WORD("client", p0f_write(text, &record->client, record->ip_version) ? text : NULL);
	KEY_WORD("server", p0f_write(text, &record->server, record->ip_version) ? text : NULL);
	json_object_end(&json);
}

static void put_flags(const struct record_side *side)
{
	JSON_KEY(&json, "flags");
	json_object_begin(&json);
	KEY_UNSIGNED("fin", side->flags.fin);
	KEY_UNSIGNED("syn", side->flags.syn);
	KEY_UNSIGNED("rst", side->flags.rst);
	KEY_UNSIGNED("psh", side->flags.psh);
	KEY_UNSIGNED("ack", side->flags.ack);
	KEY_UNSIGNED("urg", side->flags.urg);
	KEY_UNSIGNED("ece", side->flags.ece);
	KEY_UNSIGNED("cwr", side->flags.cwr);
	KEY_UNSIGNED("ae", side->flags.ae);
	json_object_end(&json);
}

static void put_negotiated(const struct record_side *side)
{
	KEY_KNOWN("isn", side->isn);
	KEY_KNOWN("mss", side->mss);
	KEY_KNOWN("window_scale", side->window_scale);
	KEY_KNOWN_BOOL("sack_permitted", side->sack_permitted);
	KEY_KNOWN_BOOL("timestamps", side->timestamps);
	KEY_KNOWN_BOOL("fast_open", side->fast_open);
	KEY_KNOWN_BOOL("mptcp", side->mptcp);
	KEY_KNOWN_BOOL("ecn", side->ecn);
}

static void put_analysis(const struct record_side *side)
{
#define PUT_ANALYSIS(NAME, name) KEY_UNSIGNED(#name, side->analysis[ANALYSIS_##NAME]);
	ANALYSIS_COUNTERS(PUT_ANALYSIS)
#undef PUT_ANALYSIS
}

static void put_ip(const __u8 ip[16], __u8 ip_version)
{
	char text[INET6_ADDRSTRLEN];

	JSON_KEY(&json, "ip");
	put_word(ip_version == 4 ? inet_ntop(AF_INET, ip + 12, text, sizeof(text))
				 : inet_ntop(AF_INET6, ip, text, sizeof(text)));
}

static void put_side(const struct record_side *side, __u8 ip_version)
{
	json_object_begin(&json);
	put_ip(side->ip, ip_version);
	KEY_UNSIGNED("port", side->port);
	KEY_UNSIGNED("packets", side->packets);
	KEY_UNSIGNED("ip_bytes", side->ip_bytes);
	KEY_UNSIGNED("payload_bytes", side->payload_bytes);
	KEY_KNOWN("stream_bytes", side->stream_bytes);
	put_flags(side);
	put_negotiated(side);
	KEY_KNOWN("ttl", side->ttl);
	KEY_KNOWN("window_min", side->window_min);
	KEY_KNOWN("window_max", side->window_max);
	KEY_KNOWN("payload_max", side->payload_max);
	put_analysis(side);
	KEY_KNOWN("first_data_ns", side->first_data_ns);
	KEY_UNSIGNED("ce", side->ce);
	KEY_UNSIGNED("cpu_handovers", side->cpu_handovers);
	json_object_end(&json);
}

static void put_origin(const struct record *record)
{
	char id[COMMUNITY_ID_SIZE];

	community_id_write(id, record);
	KEY_WORD("community_id", id);
	KEY_SIGNED("start_ns", record->start_ns);
	KEY_SIGNED("end_ns", record->end_ns);
	KEY_SIGNED("end_resolution_ns", record->end_resolution_ns);
	JSON_KEY(&json, "interface");
	put_name(record->interface);
	JSON_KEY(&json, "vlan");
	json_array_begin(&json);
	for (int i = 0; i < record->vlans; i++)
		json_unsigned(&json, record->vlan[i]);
	json_array_end(&json);
	JSON_KEY(&json, "tunnel");
	json_null(&json);
	KEY_UNSIGNED("ip_version", record->ip_version);
}

/* Opens an object of the stream. */
static void line_begin(const char *type)
{
	json_clear(&json);
	json_object_begin(&json);
	KEY_WORD("type", type);
	KEY_UNSIGNED("version", RECORD_VERSION);
}

/* Closes it, and writes the line. */
static int error; /* the first that writing met, -errno */

static int line_end(void)
{
	const char *text;
	size_t len;

	json_object_end(&json);
	json_newline(&json);
	text = json_get(&json, &len);
	if (json.failed)
		return -ENOMEM;
	if (fwrite(text, 1, len, out) != len && !error)
		error = -errno;
	return error;
}

static int json_flow(const struct record *record)
{
	line_begin("flow");
	put_origin(record);
	KEY_WORD("client_known_by", words_known_by(record->client_known_by));
	KEY_WORD("state", words_state(record->state));
	KEY_WORD("outcome", words_outcome(record->outcome));
	KEY_WORD("reason", record->reason);
	KEY_WORD("end_reason", words_end(record->end_reason));
	KEY_WORD("closed_by", words_closed_by(record->closed_by));
	put_handshake(&record->handshake);
	JSON_KEY(&json, "rtt");
	json_object_begin(&json);
	JSON_KEY(&json, "server");
	put_rtt(&record->rtt_server);
	JSON_KEY(&json, "client");
	put_rtt(&record->rtt_client);
	json_object_end(&json);
	put_zeek(&record->zeek);
	put_p0f(record);
	JSON_KEY(&json, "client");
	put_side(&record->client, record->ip_version);
	JSON_KEY(&json, "server");
	put_side(&record->server, record->ip_version);
	return line_end();
}

static void put_counters(const struct ledger *ledger)
{
#define PUT_COUNTER(NAME, name, meaning) KEY_UNSIGNED(#name, ledger->counter[LEDGER_##NAME]);
	LEDGER_COUNTERS(PUT_COUNTER)
#undef PUT_COUNTER
}

static int json_ledger(const struct ledger_record *record)
{
	const struct ledger *ledger = &record->ledger;

	line_begin("ledger");
	JSON_KEY(&json, "interface");
	put_name(record->interface);
	KEY_WORD("direction", record->direction);
	KEY_UNSIGNED("seen", ledger->seen);
	put_counters(ledger);
	KEY_SIGNED("unaccounted", (__s64)ledger_unaccounted(ledger));
	KEY_UNSIGNED("lost_records", ledger->lost_records);
	JSON_KEY(&json, "detail"); /* what is not part of the sum */
	json_object_begin(&json);
	KEY_UNSIGNED("frames", ledger->frames);
	KEY_UNSIGNED("births", ledger->births);
	KEY_UNSIGNED("evicted", ledger->evicted);
	KEY_UNSIGNED("summarised", ledger->summarised);
	KEY_UNSIGNED("collisions", ledger->collisions);
	json_object_end(&json);
	return line_end();
}

static int json_summary(const struct summary_record *record)
{
	line_begin("summary");
	JSON_KEY(&json, "interface");
	put_name(record->interface);
	JSON_KEY(&json, "ip_version");
	put_known(record->rest ? UNKNOWN : record->ip_version);
	JSON_KEY(&json, "server");
	if (record->rest) {
		json_null(&json);
	} else {
		json_object_begin(&json);
		put_ip(record->ip, record->ip_version);
		KEY_UNSIGNED("port", record->port);
		json_object_end(&json);
	}
	KEY_WORD("outcome", words_outcome(OUTCOME_UNANSWERED));
	KEY_SIGNED("start_ns", record->start_ns);
	KEY_SIGNED("end_ns", record->end_ns);
	KEY_UNSIGNED("flows", record->flows);
	KEY_UNSIGNED("packets", record->packets);
	KEY_UNSIGNED("ip_bytes", record->ip_bytes);
	KEY_UNSIGNED("payload_bytes", record->payload_bytes);
	return line_end();
}

static int json_services(const struct statistics *statistics)
{
	static struct service other;
	size_t count;
	struct statistics_service *list = statistics_list(statistics, &other, &count);
	int err = list ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !err; i++) {
		line_begin("service");
		json_service(&json, statistics, &list[i]);
		err = line_end();
	}
	free(list);
	return err;
}

static int json_verdict(const struct verdict *verdict)
{
	line_begin("assertion");
	KEY_WORD("expression", verdict->expression);
	JSON_KEY(&json, "holds");
	json_bool(&json, verdict->holds);
	KEY_WORD("measured", verdict->known ? verdict->measured : NULL);
	KEY_WORD("limit", verdict->known ? verdict->limit : NULL);
	return line_end();
}

static int json_output_open(const struct output_options *options)
{
	out = options->to;
	return json_open(&json);
}

static int json_output_close(void)
{
	json_close(&json);
	if (fflush(out) && !error)
		error = -errno;
	return error;
}

const struct output output_json = {
	.name = "json",
	.help = "one JSON object a line",
	.open = json_output_open,
	.flow = json_flow,
	.ledger = json_ledger,
	.services = json_services,
	.verdict = json_verdict,
	.close = json_output_close,
	.summary = json_summary,
};
