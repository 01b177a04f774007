/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "view_column.h"

#include <stdio.h>
#include <string.h>

#include "names/names.h"
#include "text/text.h"
#include "text/units.h"

/* ---- texts ---- */

#define FROM_TABLE(name, column, second) \
	static void name(struct cell *cell, const struct view_row *row, const struct record *record) \
	{ \
		(void)row; \
		columns[column].fill(cell, record, second); \
	}

FROM_TABLE(fill_start, COLUMN_START, false)
FROM_TABLE(fill_interface, COLUMN_START, true)
FROM_TABLE(fill_client, COLUMN_ENDPOINT, false)
FROM_TABLE(fill_state, COLUMN_STATE, false)
FROM_TABLE(fill_ended_by, COLUMN_STATE, true)
FROM_TABLE(fill_outcome, COLUMN_OUTCOME, false)
FROM_TABLE(fill_connect, COLUMN_CONNECT, false)
FROM_TABLE(fill_client_handshake, COLUMN_HANDSHAKE, false)
FROM_TABLE(fill_server_handshake, COLUMN_HANDSHAKE, true)
FROM_TABLE(fill_client_rtt, COLUMN_RTT, false)
FROM_TABLE(fill_server_rtt, COLUMN_RTT, true)
FROM_TABLE(fill_client_mss, COLUMN_MSS, false)
FROM_TABLE(fill_server_mss, COLUMN_MSS, true)
FROM_TABLE(fill_client_flags, COLUMN_FLAGS, false)
FROM_TABLE(fill_server_flags, COLUMN_FLAGS, true)

static void fill_server(struct cell *cell, const struct view_row *row, const struct record *record)
{
	char endpoint[NAMES_ENDPOINT];

	(void)row;
	names_endpoint(cell->names, endpoint, record->server.ip, record->ip_version, record->server.port);
	snprintf(cell->text, sizeof(cell->text), "%s", endpoint);
}

static void fill_syns(struct cell *cell, const struct view_row *row, const struct record *record)
{
	(void)row;
	cell->tone = record->handshake.syns > 1 ? TONE_ODD : TONE_PLAIN;
	if (record->handshake.present)
		snprintf(cell->text, sizeof(cell->text), "%u", record->handshake.syns);
	else
		snprintf(cell->text, sizeof(cell->text), "-");
}

static void fill_count(struct cell *cell, __u64 count)
{
	char text[UNITS_TEXT];

	units_format(text, units_count, (__s64)count);
	snprintf(cell->text, sizeof(cell->text), "%s", text);
}

static void fill_byte_rate(struct cell *cell, const struct view_row *row, const struct record *record)
{
	(void)record;
	fill_count(cell, row->byte_rate);
}

static void fill_packet_rate(struct cell *cell, const struct view_row *row, const struct record *record)
{
	(void)record;
	fill_count(cell, row->packet_rate);
}

static void fill_bytes(struct cell *cell, const struct view_row *row, const struct record *record)
{
	(void)record;
	fill_count(cell, row->payload_bytes);
}

static void fill_packets(struct cell *cell, const struct view_row *row, const struct record *record)
{
	(void)record;
	fill_count(cell, row->packets);
}

static void fill_resent(struct cell *cell, const struct view_row *row, const struct record *record)
{
	(void)record;
	fill_count(cell, row->resent);
	cell->tone = row->resent ? TONE_ODD : TONE_PLAIN;
}

/* ---- keys ---- */

static __u64 big_endian(const __u8 *octets)
{
	__u64 value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | octets[i];
	return value;
}

static void key_endpoint(struct view_key *key, const struct record_side *side)
{
	*key = (struct view_key){ { big_endian(side->ip), big_endian(side->ip + 8) }, side->port };
}

static void key_client(struct view_key *key, const struct view_row *row, const struct record *record)
{
	(void)row;
	key_endpoint(key, &record->client);
}

static void key_server(struct view_key *key, const struct view_row *row, const struct record *record)
{
	(void)row;
	key_endpoint(key, &record->server);
}

static void key_interface(struct view_key *key, const struct view_row *row, const struct record *record)
{
	char name[17] = "";

	(void)row;
	snprintf(name, sizeof(name), "%s", record->interface ? record->interface : "");
	*key = (struct view_key){ { big_endian((const __u8 *)name), big_endian((const __u8 *)name + 8) }, 0 };
}

/* By a number of the record, then by age; what is unknown is least. */
#define KEY_OF_RECORD(name, number) \
	static void name(struct view_key *key, const struct view_row *row, const struct record *record) \
	{ \
		(void)row; \
		*key = (struct view_key){ { (__u64)(number) + 1, (__u64)record->start_ns }, 0 }; \
	}

KEY_OF_RECORD(key_start, record->start_ns)
KEY_OF_RECORD(key_state, record->state)
KEY_OF_RECORD(key_ended_by, record->closed_by * 8 + record->end_reason)
KEY_OF_RECORD(key_outcome, record->outcome)
KEY_OF_RECORD(key_connect, record->handshake.present ? record->handshake.connect_ns : UNKNOWN)
KEY_OF_RECORD(key_client_handshake, record->handshake.present ? record->handshake.client_ns : UNKNOWN)
KEY_OF_RECORD(key_server_handshake, record->handshake.present ? record->handshake.server_ns : UNKNOWN)
KEY_OF_RECORD(key_client_rtt, record->rtt_client.samples ? record->rtt_client.mean_ns : UNKNOWN)
KEY_OF_RECORD(key_server_rtt, record->rtt_server.samples ? record->rtt_server.mean_ns : UNKNOWN)
KEY_OF_RECORD(key_syns, record->handshake.present ? (__s64)record->handshake.syns : UNKNOWN)
KEY_OF_RECORD(key_client_mss, record->client.mss)
KEY_OF_RECORD(key_server_mss, record->server.mss)

/* Flags in the order of their letters: SYN weighs least. */
static __u64 flag_bits(const struct record_side *side)
{
	return (__u64) !!side->flags.syn | (__u64) !!side->flags.ack << 1 | (__u64) !!side->flags.psh << 2 |
	       (__u64) !!side->flags.fin << 3 | (__u64) !!side->flags.rst << 4 | (__u64) !!side->flags.urg << 5 |
	       (__u64) !!side->flags.ece << 6 | (__u64) !!side->flags.cwr << 7 | (__u64) !!side->flags.ae << 8;
}

KEY_OF_RECORD(key_client_flags, flag_bits(&record->client))
KEY_OF_RECORD(key_server_flags, flag_bits(&record->server))

/* By a number that is exact at every scan, then by what moved last. */
#define KEY_OF_ROW(name, number) \
	static void name(struct view_key *key, const struct view_row *row, const struct record *record) \
	{ \
		(void)record; \
		*key = (struct view_key){ { (number), row->payload_bytes }, (__u32)(row->last_ns >> 20) }; \
	}

KEY_OF_ROW(key_byte_rate, row->byte_rate)
KEY_OF_ROW(key_packet_rate, row->packet_rate)
KEY_OF_ROW(key_bytes, row->payload_bytes)
KEY_OF_ROW(key_packets, row->packets)
KEY_OF_ROW(key_resent, row->resent)

/* ---- the columns, in the order of display ---- */

const struct view_column view_columns[VIEW_COLUMNS] = {
	{ "CLIENT", "who began it", 21, 47, 0, true, false, fill_client, key_client, false },
	{ "SERVER", "whom", 21, 47, 0, true, false, fill_server, key_server, false },
	{ "STATE", "of the connection", 11, 12, 0, true, false, fill_state, key_state, false },
	{ "OUTCOME", "of the attempt", 10, 10, 4, true, false, fill_outcome, key_outcome, false },
	{ "CONNECT", "SYN to ACK of the SYN/ACK", 7, 7, 1, false, true, fill_connect, key_connect, false },
	{ "B/S", "payload octets/s, both ways", 6, 6, 0, false, true, fill_byte_rate, key_byte_rate, true },
	{ "PKT/S", "packets a second", 6, 6, 5, false, true, fill_packet_rate, key_packet_rate, true },
	{ "RTX", "segments resent", 5, 5, 2, false, true, fill_resent, key_resent, true },
	{ "RTT-S", "mean round trip to the server", 6, 6, 3, false, true, fill_server_rtt, key_server_rtt, false },
	{ "RTT-C", "mean round trip to the client", 6, 6, 7, false, true, fill_client_rtt, key_client_rtt, false },
	{ "BYTES", "payload, both ways", 6, 6, 6, false, true, fill_bytes, key_bytes, true },
	{ "PKTS", "packets, both ways", 6, 6, 8, false, true, fill_packets, key_packets, true },
	{ "SYN", "SYNs sent", 3, 3, 12, false, true, fill_syns, key_syns, false },
	{ "3WHS-S", "SYN to SYN/ACK", 6, 6, 10, false, true, fill_server_handshake, key_server_handshake, false },
	{ "3WHS-C", "SYN/ACK to ACK", 6, 6, 11, false, true, fill_client_handshake, key_client_handshake, false },
	{ "MSS-C", "the client's MSS", 5, 5, 16, false, false, fill_client_mss, key_client_mss, false },
	{ "MSS-S", "the server's MSS", 5, 5, 17, false, false, fill_server_mss, key_server_mss, false },
	{ "FLAGS-C", "flags the client sent", 7, 9, 14, true, false, fill_client_flags, key_client_flags, false },
	{ "FLAGS-S", "flags the server sent", 7, 9, 15, true, false, fill_server_flags, key_server_flags, false },
	{ "START", "time of day", 12, 12, 9, true, true, fill_start, key_start, false },
	{ "ENDED BY", "who closed it, why it ended", 10, 14, 13, true, false, fill_ended_by, key_ended_by, false },
	{ "IFACE", "interface", 8, 15, 18, true, false, fill_interface, key_interface, false },
};

/* ---- which of them ---- */

static int total_width(const int *widths, int count)
{
	int total = count - 1;

	for (int i = 0; i < count; i++)
		total += widths[i];
	return total;
}

enum { PRIORITY_OF_SEVERAL = 3 };

static int priority_of(int column, int ordered, bool several)
{
	if (column == ordered)
		return 0;
	return several && column == VIEW_COLUMN_INTERFACE ? PRIORITY_OF_SEVERAL : view_columns[column].priority;
}

/* Takes the least important column out; false if all must stay. */
static bool drop(int *column, int *widths, int *count, int ordered, bool several)
{
	int worst = -1;

	for (int i = 0; i < *count; i++) {
		int priority = priority_of(column[i], ordered, several);

		if (priority && (worst < 0 || priority > priority_of(column[worst], ordered, several)))
			worst = i;
	}
	if (worst < 0)
		return false;
	(*count)--;
	memmove(&column[worst], &column[worst + 1], (size_t)(*count - worst) * sizeof(*column));
	memmove(&widths[worst], &widths[worst + 1], (size_t)(*count - worst) * sizeof(*widths));
	return true;
}

enum { COLUMN_ENDPOINT_LEAST = 8 };

int view_columns_choose(int column[VIEW_COLUMNS], int widths[VIEW_COLUMNS], int width, int ordered, bool named,
			bool several)
{
	int count = VIEW_COLUMNS, spare;
	bool grew = true;

	for (int i = 0; i < VIEW_COLUMNS; i++) {
		column[i] = i;
		widths[i] = view_columns[i].width;
		if (named && width >= COLUMN_NAMED_FROM && i < VIEW_COLUMN_ENDPOINTS)
			widths[i] += COLUMN_NAMED;
	}
	while (total_width(widths, count) > width && drop(column, widths, &count, ordered, several))
		;
	/* What is left stays whole but for the endpoints, which are shortened with a mark: a number cut is another
	 * number. */
	while (total_width(widths, count) > width && widths[0] > COLUMN_ENDPOINT_LEAST)
		for (int i = 0; i < VIEW_COLUMN_ENDPOINTS; i++)
			widths[i]--;
	spare = width - total_width(widths, count);
	while (spare > 0 && grew) {
		grew = false;
		for (int i = 0; i < count && spare > 0; i++) {
			if (widths[i] >= view_columns[column[i]].grown)
				continue;
			widths[i]++;
			spare--;
			grew = true;
		}
	}
	return count;
}
