/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Zeek's conn.log: a header that names the columns and their types, a line for each flow, tabs between. */
#include <string.h>
#include <time.h>

#include <nettle/sha1.h>

#include "community_id.h"
#include "output.h"
#include "text/text.h"

#define UNSET "-"
#define EMPTY "(empty)"

static FILE *out;
static bool stats;

/* As Zeek writes a string: what is no printable ASCII, the backslash and the separator as \xNN, and so the first octet
 * of one that would read as unset, empty or a header line. */
static void put_string(const char *text)
{
	bool special = !strcmp(text, UNSET) || !strcmp(text, EMPTY) || *text == '#';

	if (!*text)
		fputs(EMPTY, out);
	for (const char *at = text; *at; at++) {
		unsigned char octet = (unsigned char)*at;

		if (octet < 0x20 || octet >= 0x7f || octet == '\\' || (special && at == text))
			fprintf(out, "\\x%02x", octet);
		else
			putc(octet, out);
	}
}

static void put_count(__u64 value) { fprintf(out, "%llu", value); }

/* Seconds with six places, as Zeek has them. */
static void put_seconds(__s64 ns)
{
	__u64 us = (ns < 0 ? 0 - (__u64)ns : (__u64)ns) / 1000;

	fprintf(out, "%s%llu.%06llu", ns < 0 && us ? "-" : "", us / 1000000, us % 1000000);
}

static void put_address(const struct record *record, const struct record_side *side)
{
	char text[TEXT_IP];

	fputs(text_ip(text, side->ip, record->ip_version), out);
}

/* A name for the flow, the same for each reading of a capture: of its endpoints, its start, its tunnel and where it was
 * seen. */
static void put_uid(const struct record *record)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	enum { UID_DIGITS = 17 };
	unsigned char digest[SHA1_DIGEST_SIZE];
	char id[COMMUNITY_ID_SIZE], text[UID_DIGITS + 2] = "C";
	struct sha1_ctx sha1;

	community_id_write(id, record);
	sha1_init(&sha1);
	sha1_update(&sha1, strlen(id), (const unsigned char *)id);
	sha1_update(&sha1, sizeof(record->start_ns), (const unsigned char *)&record->start_ns);
	if (record->interface)
		sha1_update(&sha1, strlen(record->interface), (const unsigned char *)record->interface);
	if (record->tunnel_kind != TUNNEL_NONE) {
		sha1_update(&sha1, sizeof(record->tunnel_kind), (const unsigned char *)&record->tunnel_kind);
		sha1_update(&sha1, sizeof(record->tunnel_id), (const unsigned char *)&record->tunnel_id);
	}
	sha1_digest(&sha1, sizeof(digest), digest);
	for (int i = 0; i < UID_DIGITS; i++)
		text[1 + i] = digits[digest[i] % (sizeof(digits) - 1)];
	put_string(text);
}

/* Zeek states payload only of what lasted. A side that sent nothing sent 0 octets. */
static void put_bytes(const struct record *record, const struct record_side *side)
{
	if (record->zeek.duration_ns <= 0)
		fputs(UNSET, out);
	else
		put_count(side->stream_bytes == UNKNOWN ? 0 : (__u64)side->stream_bytes);
}

static void put_duration(const struct record *record)
{
	if (record->zeek.duration_ns <= 0)
		fputs(UNSET, out);
	else
		put_seconds(record->zeek.duration_ns);
}

static void put_history(const struct record *record)
{
	if (*record->zeek.history)
		put_string(record->zeek.history);
	else
		fputs(UNSET, out);
}

static void put_community_id(const struct record *record)
{
	char id[COMMUNITY_ID_SIZE];

	community_id_write(id, record);
	put_string(id);
}

/* name, type, how it is written. Which networks are local, and the service, are not known here. */
#define COLUMNS(X) \
	X("ts", "time", put_seconds(record->start_ns)) \
	X("uid", "string", put_uid(record)) \
	X("id.orig_h", "addr", put_address(record, &record->client)) \
	X("id.orig_p", "port", put_count(record->client.port)) \
	X("id.resp_h", "addr", put_address(record, &record->server)) \
	X("id.resp_p", "port", put_count(record->server.port)) \
	X("proto", "enum", fputs("tcp", out)) \
	X("service", "string", fputs(UNSET, out)) \
	X("duration", "interval", put_duration(record)) \
	X("orig_bytes", "count", put_bytes(record, &record->client)) \
	X("resp_bytes", "count", put_bytes(record, &record->server)) \
	X("conn_state", "string", put_string(record->zeek.conn_state)) \
	X("local_orig", "bool", fputs(UNSET, out)) \
	X("local_resp", "bool", fputs(UNSET, out)) \
	X("missed_bytes", "count", put_count(record->zeek.missed_bytes)) \
	X("history", "string", put_history(record)) \
	X("orig_pkts", "count", put_count(record->client.packets)) \
	X("orig_ip_bytes", "count", put_count(record->client.ip_bytes)) \
	X("resp_pkts", "count", put_count(record->server.packets)) \
	X("resp_ip_bytes", "count", put_count(record->server.ip_bytes)) \
	X("tunnel_parents", "set[string]", fputs(UNSET, out)) \
	X("community_id", "string", put_community_id(record))

static int line_end(void)
{
	putc('\n', out);
	return output_check(out);
}

/* Of the header and the end: local time, as Zeek has it. */
static void put_stamp(const char *what)
{
	char text[32] = "";
	time_t now = time(NULL);
	struct tm local;

	if (localtime_r(&now, &local))
		strftime(text, sizeof(text), "%Y-%m-%d-%H-%M-%S", &local);
	fprintf(out, "#%s\t%s", what, text);
	line_end();
}

static int zeek_open(const struct output_options *options)
{
	out = options->to;
	stats = options->stats;
	fputs("#separator \\x09\n#set_separator\t,\n#empty_field\t" EMPTY "\n#unset_field\t" UNSET "\n#path\tconn\n",
	      out);
	put_stamp("open");
#define PUT_NAME(name, type, put) "\t" name
#define PUT_TYPE(name, type, put) "\t" type
	fputs("#fields" COLUMNS(PUT_NAME) "\n#types" COLUMNS(PUT_TYPE), out);
#undef PUT_NAME
#undef PUT_TYPE
	return line_end();
}

static int zeek_flow(const struct record *record)
{
	const char *between = "";

#define PUT_COLUMN(name, type, put) \
	fputs(between, out); \
	between = "\t"; \
	put;
	COLUMNS(PUT_COLUMN)
#undef PUT_COLUMN
	return line_end();
}

/* conn.log has no room for the ledger: with --stats it goes to standard error. */
static int zeek_ledger(const struct ledger_record *record)
{
	if (stats)
		output_put_ledger(stderr, record);
	return 0;
}

static int zeek_program(const struct program_record *record)
{
	output_put_program(stderr, record);
	return 0;
}

static int zeek_close(void)
{
	put_stamp("close");
	return output_flush(out);
}

const struct output output_zeek = {
	.name = "zeek",
	.for_programs = true,
	.open = zeek_open,
	.flow = zeek_flow,
	.ledger = zeek_ledger,
	.program = zeek_program,
	.close = zeek_close,
};
