/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What each column says of a record. Knows neither terminals nor widths; called by layout.c. */
#include "column.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "names/names.h"
#include "text/text.h"
#include "text/units.h"
#include "text/words.h"

static const enum tone outcome_tones[] = {
	[OUTCOME_ACCEPTED] = TONE_PLAIN,  [OUTCOME_REFUSED] = TONE_BAD,	  [OUTCOME_FILTERED] = TONE_BAD,
	[OUTCOME_UNANSWERED] = TONE_BAD,  [OUTCOME_HALF_OPEN] = TONE_ODD, [OUTCOME_ABORTED] = TONE_ODD,
	[OUTCOME_MIDSTREAM] = TONE_PLAIN,
};

static const struct record_side *side_of(const struct record *record, bool server)
{
	return server ? &record->server : &record->client;
}

static void cell_text(struct cell *cell, const char *text)
{
	snprintf(cell->text, sizeof(cell->text), "%s", text ? text : "-");
}

static void cell_units(struct cell *cell, const struct unit *units, __s64 value)
{
	char text[UNITS_TEXT];

	units_format(text, units, value);
	cell_text(cell, text);
}

static void cell_number(struct cell *cell, __s64 value)
{
	if (value < 0)
		cell_text(cell, NULL);
	else
		snprintf(cell->text, sizeof(cell->text), "%lld", value);
}

/* The tunnel, else the interface, or the capture's name. */
static void fill_place(struct cell *cell, const struct record *record)
{
	const char *kind = words_tunnel(record->tunnel_kind);

	if (kind && record->tunnel_id != UNKNOWN)
		snprintf(cell->text, sizeof(cell->text), "%s %lld", kind, record->tunnel_id);
	else if (kind)
		cell_text(cell, kind);
	else
		text_escape(cell->text, sizeof(cell->text), record->interface ? record->interface : "-");
	for (int i = 1; i < record->observations; i++) {
		size_t at = strlen(cell->text);

		snprintf(cell->text + at, sizeof(cell->text) - at, ",");
		text_escape(cell->text + strlen(cell->text), sizeof(cell->text) - strlen(cell->text),
			    record->observation[i]->interface);
	}
}

/* Local time of day, as tcpdump prints it; where it was seen. */
static void fill_start(struct cell *cell, const struct record *record, bool second)
{
	time_t seconds = record->start_ns / (__s64)NS_PER_SEC;
	struct tm tm;
	size_t at;

	if (second) {
		fill_place(cell, record);
	} else if (record->start_ns < 0 || !localtime_r(&seconds, &tm)) {
		cell_text(cell, NULL);
	} else {
		at = strftime(cell->text, sizeof(cell->text), "%H:%M:%S", &tm);
		snprintf(cell->text + at, sizeof(cell->text) - at, ".%03d",
			 (int)(record->start_ns % (__s64)NS_PER_SEC / (__s64)NS_PER_MS));
	}
}

static void fill_endpoint(struct cell *cell, const struct record *record, bool second)
{
	const struct record_side *side = side_of(record, second);
	char endpoint[NAMES_ENDPOINT];

	names_endpoint(cell->names, endpoint, side->ip, record->ip_version, side->port);
	snprintf(cell->text, sizeof(cell->text), "%s%s", second ? "-> " : "", endpoint);
}

/* The state; who ended the connection, and why the record was written if not for that. */
static void fill_state(struct cell *cell, const struct record *record, bool second)
{
	const char *who = words_closed_by(record->closed_by);
	const char *why = record->end_reason == END_CLOSED ? NULL : words_end(record->end_reason);

	if (!second)
		cell_text(cell, words_state(record->state));
	else if (who && why)
		snprintf(cell->text, sizeof(cell->text), "%s,%s", who, why);
	else
		cell_text(cell, who ? who : why);
}

/* Only an ICMP error's reason says more than the outcome. */
static void fill_outcome(struct cell *cell, const struct record *record, bool second)
{
	cell->tone = (size_t)record->outcome < sizeof(outcome_tones) / sizeof(*outcome_tones)
			     ? outcome_tones[record->outcome]
			     : TONE_BAD;
	if (!second)
		cell_text(cell, words_outcome(record->outcome));
	else if (record->outcome == OUTCOME_FILTERED && record->reason)
		text_escape(cell->text, sizeof(cell->text), record->reason);
}

static void fill_connect(struct cell *cell, const struct record *record, bool second)
{
	const struct record_handshake *handshake = &record->handshake;

	if (!second) {
		cell_units(cell, units_span_ns, handshake->present ? handshake->connect_ns : UNKNOWN);
	} else if (handshake->present && handshake->syns > 1) {
		snprintf(cell->text, sizeof(cell->text), "(%u SYN)", handshake->syns);
		cell->tone = TONE_ODD;
	}
}

static void fill_handshake(struct cell *cell, const struct record *record, bool second)
{
	const struct record_handshake *handshake = &record->handshake;
	__s64 span_ns = second ? handshake->server_ns : handshake->client_ns;

	cell_units(cell, units_span_ns, handshake->present ? span_ns : UNKNOWN);
}

static void fill_rtt(struct cell *cell, const struct record *record, bool second)
{
	const struct record_rtt *rtt = second ? &record->rtt_server : &record->rtt_client;

	cell_units(cell, units_span_ns, rtt->samples ? rtt->mean_ns : UNKNOWN);
}

static void fill_mss(struct cell *cell, const struct record *record, bool second)
{
	cell_number(cell, side_of(record, second)->mss);
}

static void fill_window_scale(struct cell *cell, const struct record *record, bool second)
{
	cell_number(cell, side_of(record, second)->window_scale);
}

static void fill_flags(struct cell *cell, const struct record *record, bool second)
{
	const struct record_side *side = side_of(record, second);
	const struct {
		char letter;
		__u64 count;
	} flags[] = {
		{ 'S', side->flags.syn }, { 'A', side->flags.ack }, { 'P', side->flags.psh },
		{ 'F', side->flags.fin }, { 'R', side->flags.rst }, { 'U', side->flags.urg },
		{ 'E', side->flags.ece }, { 'C', side->flags.cwr }, { 'e', side->flags.ae },
	};
	size_t at = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (flags[i].count)
			cell->text[at++] = flags[i].letter;
	cell->text[at] = '\0';
	if (!at)
		cell_text(cell, NULL);
	if (side->flags.rst)
		cell->tone = TONE_ODD;
}

static void fill_packets(struct cell *cell, const struct record *record, bool second)
{
	cell_units(cell, units_count, (__s64)side_of(record, second)->packets);
}

static void fill_bytes(struct cell *cell, const struct record *record, bool second)
{
	cell_units(cell, units_count, (__s64)side_of(record, second)->payload_bytes);
}

static void fill_resent(struct cell *cell, const struct record *record, bool second)
{
	__u64 resent = ANALYSIS_RESENT(side_of(record, second)->analysis);

	cell_units(cell, units_count, (__s64)resent);
	cell->tone = resent ? TONE_ODD : TONE_PLAIN;
}

#define ENDPOINT_KIND (COLUMN_LEFT | COLUMN_SHORTEN | COLUMN_WHOLE | COLUMN_GROW)

/* In the order of display. Narrow: 100 columns hold all but START, 80 all but START, RTT, WS, MSS and FLAGS. Wide: 200
 * columns hold all but the interface, 160 all but that, WS, MSS, FLAGS and ENDED BY; of several interfaces 200 hold all
 * but MSS and WS, and 100, two lines each, all but these and RTT. */
const struct column columns[COLUMN_COUNT] = {
	{ { "START", "INTERFACE" }, { 12, 12 }, 0, { 8, 9 }, { 4, 9 }, COLUMN_LEFT | COLUMN_SHORTEN, NULL, fill_start },
	{ { "CLIENT", "-> SERVER" }, { 21, 24 }, 50, { 0, 0 }, { 0, 0 }, ENDPOINT_KIND, NULL, fill_endpoint },
	{ { "STATE", "ENDED BY" }, { 11, 11 }, 0, { 0, 6 }, { 0, 5 }, COLUMN_LEFT, NULL, fill_state },
	{ { "OUTCOME", "" }, { 10, 0 }, 0, { 0, 0 }, { 0, 0 }, COLUMN_LEFT, ": ", fill_outcome },
	{ { "CONNECT", "" }, { 7, 7 }, 0, { 0, 0 }, { 0, 0 }, 0, " ", fill_connect },
	{ { "3WHS", "" }, { 6, 6 }, 0, { 1, 0 }, { 1, 0 }, 0, "/", fill_handshake },
	{ { "RTT", "" }, { 6, 6 }, 0, { 7, 0 }, { 3, 0 }, 0, "/", fill_rtt },
	{ { "MSS", "" }, { 5, 4 }, 0, { 4, 0 }, { 7, 0 }, 0, "/", fill_mss },
	{ { "WS", "" }, { 2, 3 }, 0, { 5, 0 }, { 8, 0 }, 0, "/", fill_window_scale },
	{ { "FLAGS", "" }, { 5, 4 }, 0, { 3, 0 }, { 6, 0 }, 0, "/", fill_flags },
	{ { "PKTS", "" }, { 5, 5 }, 0, { 2, 0 }, { 2, 0 }, 0, "/", fill_packets },
	{ { "BYTES", "" }, { 5, 5 }, 0, { 0, 0 }, { 0, 0 }, 0, "/", fill_bytes },
	{ { "RTX", "" }, { 3, 3 }, 0, { 0, 0 }, { 0, 0 }, 0, "/", fill_resent },
};
