/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A record as words, and wishes held against them: the half of script.h that knows no engine. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "record.h"
#include "script.h"

struct text {
	char *at;
	size_t room;
};

static void put(struct text *text, const char *format, ...)
{
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(text->at, text->room, format, arguments);
	va_end(arguments);
	if (len < 0 || (size_t)len >= text->room)
		cr_assert_fail("DESCRIPTION_MAX is too small");
	text->at += len;
	text->room -= (size_t)len;
}

static void put_number(struct text *text, const char *key, __s64 value)
{
	if (value == UNKNOWN)
		put(text, "%s=null ", key);
	else
		put(text, "%s=%lld ", key, value);
}

static void put_us(struct text *text, const char *key, __s64 ns)
{
	put_number(text, key, ns == UNKNOWN ? ns : ns / 1000);
}

static void put_side(struct text *text, const char *side, const struct record_side *record, __u32 isn)
{
	static const char *const names[] = {
#define NAME(NAME, name) #name,
		ANALYSIS_COUNTERS(NAME)
#undef NAME
	};
	const struct {
		const char *name;
		__s64 value;
	} numbers[] = {
		{ "port", record->port },
		{ "packets", (__s64)record->packets },
		{ "ip_bytes", (__s64)record->ip_bytes },
		{ "payload", (__s64)record->payload_bytes },
		{ "stream", record->stream_bytes },
		{ "isn", record->isn == UNKNOWN ? UNKNOWN : (__s64)((__u32)record->isn - isn) },
		{ "mss", record->mss },
		{ "scale", record->window_scale },
		{ "sack", record->sack_permitted },
		{ "timestamps", record->timestamps },
		{ "fast_open", record->fast_open },
		{ "mptcp", record->mptcp },
		{ "ecn", record->ecn },
		{ "ttl", record->ttl },
		{ "window_min", record->window_min },
		{ "window_max", record->window_max },
		{ "payload_max", record->payload_max },
		{ "ce", (__s64)record->ce },
		{ "fin", (__s64)record->flags.fin },
		{ "syn", (__s64)record->flags.syn },
		{ "rst", (__s64)record->flags.rst },
		{ "psh", (__s64)record->flags.psh },
		{ "ack", (__s64)record->flags.ack },
		{ "urg", (__s64)record->flags.urg },
		{ "ece", (__s64)record->flags.ece },
		{ "cwr", (__s64)record->flags.cwr },
		{ "ae", (__s64)record->flags.ae },
		{ "first_data", record->first_data_ns == UNKNOWN ? UNKNOWN : record->first_data_ns / 1000 },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		put(text, "%s.", side);
		put_number(text, numbers[i].name, numbers[i].value);
	}
	for (int i = 0; i < ANALYSIS_COUNT; i++)
		put(text, "%s.%s=%llu ", side, names[i], record->analysis[i]);
}

static void put_handshake(struct text *text, const struct record_handshake *handshake)
{
	static const char *const by[] = { "null", "only", "timestamp", "last" };

	if (!handshake->present) {
		put(text, "handshake=null ");
		return;
	}
	put_us(text, "connect", handshake->connect_ns);
	put_us(text, "server", handshake->server_ns);
	put_us(text, "client", handshake->client_ns);
	put_us(text, "lost", handshake->lost_ns);
	put(text, "syns=%u synacks=%u attempts=%u ", handshake->syns, handshake->synacks, handshake->attempts);
	put_number(text, "answered", handshake->answered_syn);
	put(text, "answered_by=%s ", by[handshake->answered_by]);
}

void script_describe(char description[DESCRIPTION_MAX], const struct record *record, const __u32 isn[2])
{
	static const char *const known_by[] = { "syn", "synack", "port", "first" };
	static const char *const states[] = { "syn_sent", "syn_received", "established", "closing", "closed", "reset" };
	static const char *const outcomes[] = { "accepted",  "refused", "filtered", "unanswered",
						"half_open", "aborted", "midstream" };
	static const char *const ends[] = { "closed", "idle", "active", "evicted", "end", "open" };
	static const char *const closed[] = { "null", "client", "server" };
	struct text text = { description, DESCRIPTION_MAX };
	/* Where the record's roles are not the script's, its client's words are s. */
	bool turned = record->client.ip[15] != 1;

	put(&text, " known_by=%s state=%s outcome=%s reason=%s end=%s closed_by=%s turned=%d ",
	    known_by[record->client_known_by], states[record->state], outcomes[record->outcome],
	    record->reason ? record->reason : "null", ends[record->end_reason], closed[record->closed_by], turned);
	put(&text, "rtt_server=%llu rtt_client=%llu ", record->rtt_server.samples, record->rtt_client.samples);
	put(&text, "conn_state=%s history=%s missed=%llu ", record->zeek.conn_state, record->zeek.history,
	    record->zeek.missed_bytes);
	put(&text, "start=%lld span=%lld ", record->start_ns / 1000 - 1000000,
	    (record->end_ns - record->start_ns) / 1000);
	put_handshake(&text, &record->handshake);
	put_side(&text, turned ? "s" : "c", &record->client, isn[turned]);
	put_side(&text, turned ? "c" : "s", &record->server, isn[!turned]);
}

/* What the description says instead: the word with the same key. */
static void find_actual(char actual[64], const char *description, const char *word)
{
	size_t len = strcspn(word, "=") + 1;
	char key[80];
	const char *at;

	snprintf(key, sizeof(key), " %.*s", (int)len, word);
	at = strstr(description, key);
	snprintf(actual, 64, "%.*s", at ? (int)strcspn(at + 1, " ") : 7, at ? at + 1 : "nothing");
}

void script_expect(const char *where, const char *description, const char *want)
{
	while (*want) {
		char word[80], padded[84], actual[64];
		size_t len = strcspn(want, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, want);
		snprintf(padded, sizeof(padded), " %s ", word);
		find_actual(actual, description, word);
		cr_expect_not_null(strstr(description, padded), "%s: wanted %s, is %s", where, word, actual);
		want += len;
		want += strspn(want, " ");
	}
}
