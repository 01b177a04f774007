/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The page of one flow: its story in a few lines, its round trips as they go, and all fields of its record, the sides'
 * beside each other. */
#include <stdio.h>
#include <string.h>

#include "detail_rows.h"
#include "screen_page.h"
#include "service/slowest.h"
#include "text/text.h"
#include "text/units.h"
#include "text/words.h"

enum { LABEL = 12, CLIENT_AT = 25, ENDS_LEAST = 40, SERVER_ROOM = 28 };

/* ---- the record's fields ---- */

/* Column of the server's values: as much room for each side, where there is enough for 80 columns' worth. */
static int server_at(const struct screen *screen)
{
	int room = screen->columns - CLIENT_AT;

	return room < 2 * SERVER_ROOM ? CLIENT_AT + SERVER_ROOM - 1 : CLIENT_AT + (room + 1) / 2;
}

/* Does a side's value take more than its column? Then the server's has a line of its own: an address is shown whole. */
static bool is_wide(const struct screen *screen, const struct detail_row *row)
{
	int at = server_at(screen);

	return row->both &&
	       ((int)strlen(row->value[0]) > at - CLIENT_AT - 1 || (int)strlen(row->value[1]) > screen->columns - at);
}

static int lines_of(const struct screen *screen, const struct detail_rows *rows)
{
	int lines = rows->count;

	for (int i = 0; i < rows->count; i++)
		lines += is_wide(screen, &rows->row[i]);
	return lines;
}

/* As far right as `column`, as far left as it takes. */
static void draw_value(const struct screen *screen, int row, int column, enum paint paint, const char *value)
{
	int latest = screen->columns - (int)strlen(value);

	column = latest < column ? latest : column;
	paint_text(row, column > 0 ? column : 0, -1, paint, value);
}

/* One of its lines: the second has what the server's is that did not fit. */
static void draw_field(const struct screen *screen, const struct detail_row *row, int at, bool second)
{
	enum paint paint = detail_row_rank(row) == 2 ? PAINT_DIM : PAINT_PLAIN;

	if (second) {
		draw_value(screen, at, server_at(screen), paint, row->value[1]);
		return;
	}
	paint_text(at, 0, CLIENT_AT - 1, PAINT_DIM, row->name);
	draw_value(screen, at, CLIENT_AT, paint, row->value[0]);
	if (row->both && !is_wide(screen, row))
		paint_text(at, server_at(screen), -1, paint, row->value[1]);
}

static void draw_fields(const struct screen *screen, const struct detail_rows *rows, int top, int bottom)
{
	int skip = screen->detail.scroll, at = top;

	for (int rank = 0; rank < 3; rank++) {
		for (int i = 0; i < rows->count; i++) {
			const struct detail_row *row = &rows->row[i];
			int lines = is_wide(screen, row) ? 2 : 1;

			if (detail_row_rank(row) != rank)
				continue;
			for (int line = 0; line < lines; line++)
				if (skip-- <= 0 && at < bottom)
					draw_field(screen, row, at++, line);
		}
	}
}

/* ---- the story ---- */

/* What there is to say behind the ends. */
static void standing_text(char text[SENTENCE], const struct detail *detail)
{
	const struct record *record = &detail->record;
	const char *outcome = words_outcome(record->outcome), *state = words_state(record->state);
	const char *by = words_closed_by(record->closed_by);

	snprintf(text, SENTENCE, "  %s, %s%s%s", outcome ? outcome : "-", state ? state : "-", by ? " by " : "",
		 by ? by : "");
}

/* Both whole if there is room, else what the shorter leaves for the longer, or a half each. */
static int draw_ends(const struct screen *screen, int row, int room)
{
	const struct record *record = &screen->detail.record;
	char client[NAMES_ENDPOINT], server[NAMES_ENDPOINT];
	int width = NAMES_ENDPOINT, client_long, server_long, half;

	room = (room > ENDS_LEAST ? room : ENDS_LEAST - 4) - 4; /* " -> " */
	half = room / 2;
	screen_endpoint(screen, client, record->client.ip, record->ip_version, record->client.port, width);
	screen_endpoint(screen, server, record->server.ip, record->ip_version, record->server.port, width);
	client_long = (int)strlen(client);
	server_long = (int)strlen(server);
	if (client_long + server_long > room) {
		text_shorten(client, (size_t)(server_long < half ? room - server_long : half));
		text_shorten(server, (size_t)(client_long < half ? room - client_long : half));
	}
	return paint_format(row, 0, PAINT_BOLD, "%s -> %s", client, server);
}

void detail_title(const struct screen *screen, int row)
{
	const struct detail *detail = &screen->detail;
	static const char on[] = "  on ", ended[] = "  ended";
	char standing[SENTENCE], interface[32];
	int at, behind;

	standing_text(standing, detail);
	text_escape(interface, sizeof(interface), detail->record.interface ? detail->record.interface : "-");
	behind = (int)(strlen(standing) + strlen(on) + strlen(interface) + (detail->ended ? strlen(ended) : 0));
	at = draw_ends(screen, row, screen->columns - behind);
	at = paint_text(row, at, -1, PAINT_PLAIN, standing);
	at = paint_format(row, at, PAINT_DIM, "%s%s", on, interface);
	if (detail->ended)
		paint_text(row, at, -1, PAINT_ODD, ended);
}

static void draw_attempts(const struct record_handshake *handshake, int row)
{
	char span[UNITS_TEXT];
	int at = paint_text(row, 0, LABEL, PAINT_DIM, "attempts");

	for (__u32 i = 0; i < handshake->attempts; i++) {
		units_format(span, units_span_ns, handshake->attempt[i].at_ns - handshake->attempt[0].at_ns);
		at = paint_format(row, at, PAINT_PLAIN, "%s%s +%s", i ? ", " : "",
				  handshake->attempt[i].synack ? "SYN/ACK" : "SYN", span);
	}
}

/* Without a SYN/ACK there is no time to tell. */
static void handshake_sentence(char sentence[SENTENCE], const struct record *record)
{
	const char *outcome = words_outcome(record->outcome);
	__u32 syns = record->handshake.syns;

	if (record->handshake.connect_ns != UNKNOWN || record->handshake.synacks)
		slow_sentence(sentence, &record->handshake);
	else
		snprintf(sentence, SENTENCE, "%s: %u SYN%s, no SYN/ACK",
			 record->outcome == OUTCOME_UNANSWERED || !outcome ? "not answered" : outcome, syns,
			 syns == 1 ? "" : "s");
}

static void draw_handshake(const struct record *record, int row)
{
	const struct record_handshake *handshake = &record->handshake;
	char sentence[SENTENCE];

	if (!handshake->present) {
		paint_text(row, 0, -1, PAINT_DIM, "handshake   not seen: the connection is older");
		return;
	}
	handshake_sentence(sentence, record);
	paint_text(row, 0, LABEL, PAINT_DIM, "handshake");
	paint_text(row, LABEL, -1, handshake->syns > 1 ? PAINT_ODD : PAINT_PLAIN, sentence);
	draw_attempts(handshake, row + 1);
}

/* ---- round trips ---- */

static void sparks_begin(struct sparks *sparks, const struct record_rtt *rtt)
{
	*sparks = (struct sparks){ .samples = rtt->samples, .sum_ns = (double)rtt->mean_ns * (double)rtt->samples };
}

/* The mean of what came since the last picture. */
static void sparks_add(struct sparks *sparks, const struct record_rtt *rtt, unsigned int number)
{
	double sum_ns = (double)rtt->mean_ns * (double)rtt->samples;
	__u64 samples = rtt->samples > sparks->samples ? rtt->samples - sparks->samples : 0;
	double mean = samples ? (sum_ns - sparks->sum_ns) / (double)samples : 0;

	sparks->ns[number % SPARKS] = mean > 0 ? (__s64)mean : 0;
	sparks->samples = rtt->samples;
	sparks->sum_ns = sum_ns;
}

static __s64 spark_at(const struct sparks *sparks, unsigned int number) { return sparks->ns[number % SPARKS]; }

/* Returns the row behind: an ended flow of which none was seen has no line. */
static int draw_sparks(const struct screen *screen, const char *side, const struct sparks *sparks, int row)
{
	const struct detail *detail = &screen->detail;
	unsigned int shown = detail->sparks < SPARKS ? detail->sparks : SPARKS, room, first;
	char most[UNITS_TEXT], last[UNITS_TEXT];
	__s64 highest = 0, latest = UNKNOWN;

	room = screen->columns > 50 ? (unsigned int)screen->columns - 50 : 0;
	shown = shown < room ? shown : room;
	first = detail->sparks - shown;
	for (unsigned int i = 0; i < shown; i++) {
		__s64 ns = spark_at(sparks, first + i);

		highest = ns > highest ? ns : highest;
		latest = ns ? ns : latest;
	}
	if (!highest && detail->ended)
		return row;
	paint_format(row, 0, PAINT_DIM, "rtt %s", side);
	if (!highest) {
		paint_text(row, LABEL, -1, PAINT_DIM, "none measured since this page was opened");
		return row + 1;
	}
	for (unsigned int i = 0; i < shown; i++)
		if (spark_at(sparks, first + i))
			paint_level(row, LABEL + (int)i, 1 + (unsigned int)(spark_at(sparks, first + i) * 7 / highest),
				    PAINT_GOOD);
	units_format(most, units_span_ns, highest);
	units_format(last, units_span_ns, latest);
	paint_format(row, LABEL + (int)shown + 1, PAINT_DIM, "last %s, most shown %s", last, most);
	return row + 1;
}

/* ---- the page ---- */

bool detail_open(struct screen *screen, __u32 row)
{
	const struct record *record = row == VIEW_NONE ? NULL : screen_record(screen, row);
	struct detail *detail = &screen->detail;

	if (!record)
		return false;
	*detail = (struct detail){ .record = *record,
				   .row = row,
				   .identity = screen->source.view->rows[row].identity,
				   .ended = row >= screen->source.view->slots };
	sparks_begin(&detail->client, &record->rtt_client);
	sparks_begin(&detail->server, &record->rtt_server);
	return true;
}

static bool is_same_flow(const struct record *x, const struct record *y)
{
	return x->start_ns == y->start_ns && x->client.port == y->client.port && x->server.port == y->server.port &&
	       !memcmp(x->client.ip, y->client.ip, sizeof(x->client.ip)) &&
	       !memcmp(x->server.ip, y->server.ip, sizeof(x->server.ip));
}

/* The record it had in the end, if it is still kept. */
static void find_ended(struct detail *detail, const struct view *view)
{
	detail->ended = true;
	for (__u32 i = 0; i < VIEW_ENDED; i++) {
		const struct record *ended = view_ended(view, view->slots + i);

		if (ended && is_same_flow(ended, &detail->record))
			detail->record = *ended;
	}
}

void detail_renew(struct screen *screen)
{
	struct detail *detail = &screen->detail;
	struct record record;

	if (!detail->identity || detail->ended)
		return;
	if (screen->source.record(screen->source.context, detail->row, detail->identity, &record) &&
	    is_same_flow(&record, &detail->record))
		detail->record = record;
	else
		find_ended(detail, screen->source.view);
	sparks_add(&detail->client, &detail->record.rtt_client, detail->sparks);
	sparks_add(&detail->server, &detail->record.rtt_server, detail->sparks);
	detail->sparks++;
}

static void detail_draw(struct screen *screen, int top, int bottom)
{
	static struct detail_rows rows;
	struct detail *detail = &screen->detail;

	detail_rows_fill(&rows, &detail->record);
	detail_title(screen, top);
	draw_handshake(&detail->record, top + 1);
	top = draw_sparks(screen, "client", &detail->client, top + 3);
	top = draw_sparks(screen, "server", &detail->server, top);
	paint_text(top, 0, screen->columns, PAINT_HEAD, "");
	paint_text(top, CLIENT_AT, -1, PAINT_HEAD, "CLIENT");
	paint_text(top, server_at(screen), -1, PAINT_HEAD, "SERVER");
	screen_scroll_within(&detail->scroll, lines_of(screen, &rows) - (bottom - top - 1));
	draw_fields(screen, &rows, top + 1, bottom);
}

static bool detail_key(struct screen *screen, int key)
{
	if (screen_scroll(&screen->detail.scroll, key, screen->rows > 12 ? screen->rows - 12 : 1))
		return true;
	switch (key) {
	case PAINT_ENTER:
	case PAINT_ESCAPE:
	case PAINT_LEFT: screen_turn_to(screen, &page_flows); break;
	case 'l':
		packets_begin(screen);
		screen_turn_to(screen, &page_ladder);
		break;
	default: return false;
	}
	return true;
}

const struct page page_detail = {
	.name = "details",
	.keys = "l ladder  esc back  up down scroll",
	.draw = detail_draw,
	.key_pressed = detail_key,
};
