/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Round trips: by ACK after Karn, by TSecr for what was sent again and for a side that only receives
 * (include/rtt.h). */
#include <criterion/criterion.h>

#include "plain_body.h"
#include "record.h"

enum { CLIENT, SERVER };

/* One segment of a script: who, when (ms), sequence offset, payload, acknowledgment offset, TSval, TSecr;
 * TSval 0: no timestamps. The handshake comes first: SYN at 0, SYN/ACK at 10, ACK at 11 ms, TSval 100 + ms for the
 * client, 500 + ms for the server. */
struct line {
	int from;
	__u64 ms;
	__u32 seq, len, ack, tsval, tsecr;
	__u8 clock_error;
};

struct script {
	const char *name;
	bool timestamps;
	struct line line[8];
	__u64 server_samples, server_by_timestamp, client_samples, client_by_timestamp;
	__s64 server_max_ms, client_max_ms;
};

static const struct record_context context = { .interface = "test", .resolution_ns = 1 };

static struct segment segment_of(const struct line *line, __u16 flags)
{
	struct segment seg = {
		.now_ns = NS_PER_SEC + line->ms * NS_PER_MS,
		.flags = flags,
		.sequence = (line->from == CLIENT ? 1000 : 9000) + line->seq,
		.acknowledgment = (line->from == CLIENT ? 9000 : 1000) + line->ack,
		.payload_len = line->len,
		.ip_len = 40 + line->len,
		.segments = 1,
		.ip_version = 4,
		.window = 5000,
		.source_port = line->from == CLIENT ? 40000 : 80,
		.destination_port = line->from == CLIENT ? 80 : 40000,
		.options = line->tsval ? OPTION_TIMESTAMPS : 0,
		.tsval = line->tsval,
		.tsecr = line->tsecr,
		.clock_error = line->clock_error,
	};

	return seg;
}

static const struct script scripts[] = {
	{ .name = "data and its ACK",
	  .line = { { CLIENT, 20, 1, 100, 1, 0, 0 }, { SERVER, 27, 1, 0, 101, 0, 0 } },
	  .server_samples = 2,
	  .client_samples = 1,
	  .server_max_ms = 10,
	  .client_max_ms = 1 },
	{ .name = "Karn: sent again, no timestamps",
	  .line = { { CLIENT, 20, 1, 100, 1, 0, 0 },
		    { CLIENT, 220, 1, 100, 1, 0, 0 },
		    { SERVER, 230, 1, 0, 101, 0, 0 },
		    { CLIENT, 240, 101, 5, 1, 0, 0 },
		    { SERVER, 245, 1, 0, 106, 0, 0 } },
	  .server_samples = 2,
	  .client_samples = 1,
	  .server_max_ms = 10,
	  .client_max_ms = 1 },
	{ .name = "sent again: the TSecr tells which was answered",
	  .timestamps = true,
	  .line = { { CLIENT, 20, 1, 100, 1, 120, 510 },
		    { CLIENT, 220, 1, 100, 1, 320, 510 },
		    { SERVER, 245, 1, 0, 101, 745, 320 } },
	  .server_samples = 2,
	  .server_by_timestamp = 1,
	  .client_samples = 1,
	  .server_max_ms = 25,
	  .client_max_ms = 1 },
	{ .name = "sent again, but the TSecr is of the first",
	  .timestamps = true,
	  .line = { { CLIENT, 20, 1, 100, 1, 120, 510 },
		    { CLIENT, 220, 1, 100, 1, 320, 510 },
		    { SERVER, 225, 1, 0, 101, 725, 120 } },
	  .server_samples = 1,
	  .client_samples = 1,
	  .server_max_ms = 10,
	  .client_max_ms = 1 },
	{ .name = "a side that only receives: the peer sends all the time",
	  .timestamps = true,
	  .line = { { SERVER, 20, 1, 100, 1, 520, 111 },
		    { CLIENT, 21, 1, 0, 101, 121, 520 },
		    { SERVER, 35, 101, 100, 1, 535, 111 },
		    { SERVER, 41, 201, 100, 1, 541, 121 } },
	  .server_samples = 2,
	  .server_by_timestamp = 1,
	  .client_samples = 2,
	  .server_max_ms = 20,
	  .client_max_ms = 1 },
	{ .name = "a side that only receives: the peer had nothing to say",
	  .timestamps = true,
	  .line = { { SERVER, 20, 1, 100, 1, 520, 111 },
		    { CLIENT, 21, 1, 0, 101, 121, 520 },
		    { SERVER, 5000, 101, 100, 1, 5500, 121 } },
	  .server_samples = 1,
	  .client_samples = 2,
	  .server_max_ms = 10,
	  .client_max_ms = 1 },
	{ .name = "a side that only receives: the peer said what it had, and then nothing for long",
	  .timestamps = true,
	  .line = { { SERVER, 20, 1, 100, 1, 520, 111 },
		    { CLIENT, 21, 1, 0, 101, 121, 520 },
		    { SERVER, 22, 101, 100, 1, 522, 111 },
		    { SERVER, 222, 201, 100, 1, 722, 121 } },
	  .server_samples = 1,
	  .client_samples = 2,
	  .server_max_ms = 10,
	  .client_max_ms = 1 },
	{ .name = "data takes the place of a pure ACK",
	  .timestamps = true,
	  .line = { { SERVER, 20, 1, 100, 1, 520, 111 },
		    { CLIENT, 21, 1, 0, 101, 121, 520 },
		    { CLIENT, 3000, 1, 50, 101, 3100, 520 },
		    { SERVER, 3007, 101, 0, 51, 3507, 3100 } },
	  .server_samples = 2,
	  .client_samples = 2,
	  .server_max_ms = 10,
	  .client_max_ms = 1 },
	{ .name = "a TSval that was there before opens nothing",
	  .timestamps = true,
	  .line = { { SERVER, 20, 1, 100, 1, 520, 111 },
		    { CLIENT, 21, 1, 0, 101, 111, 520 },
		    { SERVER, 22, 101, 100, 1, 522, 111 },
		    { SERVER, 41, 201, 100, 1, 541, 111 } },
	  .server_samples = 1,
	  .client_samples = 2,
	  .server_max_ms = 10,
	  .client_max_ms = 1 },
};

static void enter(struct table *table, struct ledger *ledger, const struct line *line, __u16 flags)
{
	struct segment seg = segment_of(line, flags);

	cr_assert_eq(engine_enter(table, ledger, &seg, LEDGER_IN_FLOWS), LEDGER_IN_FLOWS);
}

/* The record of a connection with these segments after its handshake; the table is closed. */
static struct record record_of(const struct line *lines, int count, bool timestamps)
{
	const __u32 stamp = timestamps;
	const struct line syn = { CLIENT, 0, 0, 0, 0, stamp * 100, 0, 0 },
			  synack = { SERVER, 10, 0, 0, 1, stamp * 510, stamp * 100, 0 },
			  ack = { CLIENT, 11, 1, 0, 1, stamp * 111, stamp * 510, 0 };
	struct segment any = segment_of(&syn, TCP_SYN);
	struct table table;
	struct ledger ledger = {};
	struct report report;
	struct record record;

	plain_open(&table, 1);
	enter(&table, &ledger, &syn, TCP_SYN);
	enter(&table, &ledger, &synack, TCP_SYN | TCP_ACK);
	enter(&table, &ledger, &ack, TCP_ACK);
	for (int i = 0; i < count && lines[i].ms; i++)
		enter(&table, &ledger, &lines[i], TCP_ACK);
	cr_assert(plain_look(&table, &any, &report));
	record_make(&record, &report, &context);
	plain_close(&table);
	return record;
}

static void play(const struct script *script)
{
	const struct record record = record_of(script->line, 8, script->timestamps);

	cr_expect_eq(record.rtt_server.samples, script->server_samples, "%s: %llu samples of the server", script->name,
		     record.rtt_server.samples);
	cr_expect_eq(record.rtt_client.samples, script->client_samples, "%s: %llu samples of the client", script->name,
		     record.rtt_client.samples);
	cr_expect_eq(record.rtt_server.by_timestamp, script->server_by_timestamp, "%s: server by timestamp %llu",
		     script->name, record.rtt_server.by_timestamp);
	cr_expect_eq(record.rtt_client.by_timestamp, script->client_by_timestamp, "%s: client by timestamp %llu",
		     script->name, record.rtt_client.by_timestamp);
	cr_expect_eq(record.rtt_server.max_ns, script->server_max_ms * (__s64)NS_PER_MS, "%s: server %lld",
		     script->name, record.rtt_server.max_ns);
	cr_expect_eq(record.rtt_client.max_ns, script->client_max_ms * (__s64)NS_PER_MS, "%s: client %lld",
		     script->name, record.rtt_client.max_ns);
}

Test(rtt, by_ack_and_by_timestamp)
{
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
		play(&scripts[i]);
}

/* Together more than 32 bits hold. */
Test(rtt, the_mean_of_round_trips_of_seconds)
{
	const struct line lines[] = { { CLIENT, 1000, 1, 100, 1, 0, 0, 0 },  { SERVER, 4000, 1, 0, 101, 0, 0, 0 },
				      { CLIENT, 5000, 101, 5, 1, 0, 0, 0 },  { SERVER, 8000, 1, 0, 106, 0, 0, 0 },
				      { CLIENT, 9000, 106, 5, 1, 0, 0, 0 },  { SERVER, 17000, 1, 0, 111, 0, 0, 0 },
				      { CLIENT, 18000, 111, 5, 1, 0, 0, 0 }, { SERVER, 18002, 1, 0, 116, 0, 0, 0 } };
	const struct record record = record_of(lines, 8, false);

	cr_expect_eq(record.rtt_server.samples, 5);
	cr_expect_eq(record.rtt_server.mean_ns, (__s64)(10 + 3000 + 3000 + 8000 + 2) * (__s64)NS_PER_MS / 5, "%lld",
		     record.rtt_server.mean_ns);
	cr_expect_eq(record.rtt_server.max_ns, 0xffffffff); /* saturates */
}

/* A capture's clock may be set in between, forth or back: that is no round trip. */
Test(rtt, none_where_the_clock_was_set)
{
	const __u64 year_ms = 365ULL * 86400 * 1000;
	const struct line forth[] = { { CLIENT, 20, 1, 100, 1, 0, 0, 0 }, { SERVER, 2 * year_ms, 1, 0, 101, 0, 0, 0 } };
	const struct line back[] = { { CLIENT, 2 * year_ms, 1, 100, 1, 0, 0, 0 }, { SERVER, 20, 1, 0, 101, 0, 0, 0 } };
	const struct line days[] = { { CLIENT, 20, 1, 100, 1, 0, 0, 0 },
				     { SERVER, year_ms / 100, 1, 0, 101, 0, 0, 0 } };

	cr_expect_eq(record_of(forth, 2, false).rtt_server.samples, 1);
	cr_expect_eq(record_of(back, 2, false).rtt_server.samples, 1);
	cr_expect_eq(record_of(days, 2, false).rtt_server.samples, 2);
}

/* The time of the segment that opened a sample may be as wrong as that of the one that closes it. */
Test(rtt, a_sample_is_as_coarse_as_the_coarser_of_its_two_times)
{
	for (int coarse = 2; coarse < 4; coarse++) {
		struct line lines[] = { { CLIENT, 20, 1, 100, 1, 0, 0, 0 },
					{ SERVER, 27, 1, 0, 101, 0, 0, 0 },
					{ CLIENT, 30, 101, 100, 1, 0, 0, 0 },
					{ SERVER, 37, 1, 0, 201, 0, 0, 0 } };
		struct record record;

		lines[coarse].clock_error = 16;
		record = record_of(lines, 4, false);
		cr_expect_eq(record.rtt_server.resolution_ns, 1 << 16, "segment %d: %lld", coarse,
			     record.rtt_server.resolution_ns);
	}
}
