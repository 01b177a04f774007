/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The page of one flow: its story in a few lines, its round trips as they go, and all fields of its record, the sides'
 * beside each other. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "output/fields.h"
#include "screen_page.h"
#include "service/slowest.h"
#include "output/text.h"
#include "output/units.h"
#include "output/words.h"

enum { NAME = 32, VALUE = 64, PATH = 32, LABEL = 12, CLIENT_AT = 25, SERVER_AT = 52 };

/* A field of both sides, or of the flow itself (client only). */
struct detail_row {
	char name[NAME];
	char value[2][VALUE];
	bool both;
};

struct detail_rows {
	struct detail_row row[FIELD_ROWS];
	int count;
	int side;	 /* being walked: 0 client, 1 server, -1 neither */
	int base;	 /* row of a side's first field */
	int at;		 /* the next of the second side */
	char path[PATH]; /* of the object being walked, below the side */
	bool in_list;
};

/* ---- the record's fields, from the walk that JSON is made of ---- */

static struct detail_row *row_for(struct detail_rows *rows, const char *name)
{
	struct detail_row *row;

	if (rows->side == 1 && rows->at < rows->count)
		return &rows->row[rows->at++];
	if (rows->count == FIELD_ROWS)
		return NULL;
	row = &rows->row[rows->count++];
	*row = (struct detail_row){ .both = rows->side >= 0 };
	snprintf(row->name, sizeof(row->name), "%s%s", rows->path, name);
	return row;
}

static void put(void *to, struct field_name name, const char *value)
{
	struct detail_rows *rows = to;
	struct detail_row *row;
	size_t used;

	if (rows->in_list) { /* behind the values before it */
		row = rows->count ? &rows->row[rows->count - 1] : NULL;
		used = row ? strlen(row->value[0]) : 0;
		if (row)
			snprintf(row->value[0] + used, VALUE - used, "%s%s", used ? " " : "", value);
		return;
	}
	row = row_for(rows, name.text);
	if (row)
		snprintf(row->value[rows->side == 1], VALUE, "%s", value);
}

static bool object_begin(void *to, struct field_name name, bool known)
{
	struct detail_rows *rows = to;

	if (!name.text || !known) /* attempts are told in words */
		return false;
	if (!rows->path[0] && (!strcmp(name.text, "client") || !strcmp(name.text, "server"))) {
		rows->side = name.text[0] == 's';
		if (!rows->side)
			rows->base = rows->count;
		rows->at = rows->base;
		return true;
	}
	snprintf(rows->path + strlen(rows->path), sizeof(rows->path) - strlen(rows->path), "%s.", name.text);
	return true;
}

static void object_end(void *to)
{
	struct detail_rows *rows = to;
	char *dot;

	if (!rows->path[0]) {
		rows->side = -1;
		return;
	}
	rows->path[strlen(rows->path) - 1] = '\0';
	dot = strrchr(rows->path, '.');
	rows->path[dot ? dot - rows->path + 1 : 0] = '\0';
}

static void list_begin(void *to, struct field_name name)
{
	struct detail_rows *rows = to;

	row_for(rows, name.text);
	rows->in_list = true;
}

static void list_end(void *to) { ((struct detail_rows *)to)->in_list = false; }

static void put_unknown(void *to, struct field_name name) { put(to, name, "-"); }

/* Spans as people read them; instants and counts exactly, and no commas in what counts nothing. */
static void put_signed(void *to, struct field_name name, __s64 value)
{
	const char *called = name.text ? name.text : "";
	size_t length = strlen(called);
	bool time = length > 3 && !strcmp(called + length - 3, "_ns");
	char text[UNITS_TEXT];

	if (time && value < 1000000 * (__s64)NS_PER_SEC)
		units_format(text, units_span_ns, value);
	else if (time || !*called || !strcmp(called, "port") || !strcmp(called, "isn"))
		snprintf(text, sizeof(text), "%lld", value);
	else
		units_exact(text, value);
	put(to, name, text);
}

static void put_unsigned(void *to, struct field_name name, __u64 value) { put_signed(to, name, (__s64)value); }

static void put_bool(void *to, struct field_name name, bool value) { put(to, name, value ? "yes" : "no"); }

static void put_text(void *to, struct field_name name, const char *text)
{
	char escaped[VALUE];

	text_escape(escaped, sizeof(escaped), text);
	put(to, name, escaped);
}

static const struct emitter emitter = {
	.object_begin = object_begin,
	.object_end = object_end,
	.list_begin = list_begin,
	.list_end = list_end,
	.put_unknown = put_unknown,
	.put_unsigned = put_unsigned,
	.put_signed = put_signed,
	.put_bool = put_bool,
	.put_word = put,
	.put_text = put_text,
};

/* First what the sides have to tell, then what is the flow's own, last what neither side has. */
static int rank_of(const struct detail_row *row)
{
	if (!row->both)
		return 1;
	for (int side = 0; side < 2; side++)
		if (strcmp(row->value[side], "0") != 0 && strcmp(row->value[side], "-") != 0)
			return 0;
	return 2;
}

static void draw_field(const struct detail_row *row, int at)
{
	enum paint paint = rank_of(row) == 2 ? PAINT_DIM : PAINT_PLAIN;

	paint_text(at, 0, CLIENT_AT - 1, PAINT_DIM, row->name);
	paint_text(at, CLIENT_AT, row->both ? SERVER_AT - CLIENT_AT - 1 : -1, paint, row->value[0]);
	if (row->both)
		paint_text(at, SERVER_AT, -1, paint, row->value[1]);
}

static void draw_fields(const struct detail_rows *rows, int top, int bottom, int skip)
{
	for (int rank = 0, at = top; rank < 3; rank++)
		for (int i = 0; i < rows->count && at < bottom; i++)
			if (rank_of(&rows->row[i]) == rank && skip-- <= 0)
				draw_field(&rows->row[i], at++);
}

/* ---- the story ---- */

void detail_title(const struct screen *screen, int row)
{
	const struct detail *detail = &screen->detail;
	const struct record *record = &detail->record;
	const char *outcome = words_outcome(record->outcome), *state = words_state(record->state);
	const char *by = words_closed_by(record->closed_by);
	char client[NAMES_ENDPOINT], server[NAMES_ENDPOINT], interface[32];
	int at, width = screen->columns / 3;

	screen_endpoint(screen, client, record->client.ip, record->ip_version, record->client.port, width);
	screen_endpoint(screen, server, record->server.ip, record->ip_version, record->server.port, width);
	text_escape(interface, sizeof(interface), record->interface ? record->interface : "-");
	at = paint_format(row, 0, PAINT_BOLD, "%s -> %s", client, server);
	at = paint_format(row, at, PAINT_PLAIN, "  %s, %s", outcome ? outcome : "-", state ? state : "-");
	if (by)
		at = paint_format(row, at, PAINT_PLAIN, " by %s", by);
	at = paint_format(row, at, PAINT_DIM, "  on %s", interface);
	if (detail->ended)
		paint_text(row, at, -1, PAINT_ODD, "  ended");
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

static void draw_handshake(const struct record_handshake *handshake, int row)
{
	char sentence[SENTENCE];

	if (!handshake->present) {
		paint_text(row, 0, -1, PAINT_DIM, "handshake   not seen: the connection is older");
		return;
	}
	slow_sentence(sentence, handshake);
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

static void draw_sparks(const struct detail *detail, const char *side, const struct sparks *sparks, int row, int width)
{
	unsigned int shown = detail->sparks < SPARKS ? detail->sparks : SPARKS, room;
	char most[UNITS_TEXT], last[UNITS_TEXT];
	__s64 highest = 0, latest = UNKNOWN;

	room = width > 50 ? (unsigned int)width - 50 : 0;
	shown = shown < room ? shown : room;
	for (unsigned int i = 0; i < shown; i++) {
		__s64 ns = sparks->ns[(detail->sparks - shown + i) % SPARKS];

		highest = ns > highest ? ns : highest;
		latest = ns ? ns : latest;
	}
	paint_format(row, 0, PAINT_DIM, "rtt %s", side);
	for (unsigned int i = 0; i < shown && highest; i++) {
		__s64 ns = sparks->ns[(detail->sparks - shown + i) % SPARKS];

		if (ns)
			paint_level(row, LABEL + (int)i, 1 + (unsigned int)(ns * 7 / highest), PAINT_GOOD);
	}
	units_format(most, units_span_ns, highest ? highest : UNKNOWN);
	units_format(last, units_span_ns, latest);
	paint_format(row, LABEL + (int)shown + 1, PAINT_DIM, "last %s, most %s", last, most);
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

	rows = (struct detail_rows){ .side = -1 };
	fields_walk(&detail->record, &emitter, &rows);
	detail_title(screen, top);
	draw_handshake(&detail->record.handshake, top + 1);
	draw_sparks(detail, "client", &detail->client, top + 3, screen->columns);
	draw_sparks(detail, "server", &detail->server, top + 4, screen->columns);
	paint_text(top + 5, 0, screen->columns, PAINT_HEAD, "");
	paint_text(top + 5, CLIENT_AT, -1, PAINT_HEAD, "CLIENT");
	paint_text(top + 5, SERVER_AT, -1, PAINT_HEAD, "SERVER");
	if (detail->scroll > rows.count - (bottom - top - 6))
		detail->scroll = rows.count - (bottom - top - 6);
	if (detail->scroll < 0)
		detail->scroll = 0;
	draw_fields(&rows, top + 6, bottom, detail->scroll);
}

static bool detail_key(struct screen *screen, int key)
{
	struct detail *detail = &screen->detail;
	int page = screen->rows > 12 ? screen->rows - 12 : 1;

	switch (key) {
	case PAINT_UP:
	case 'k': detail->scroll--; break;
	case PAINT_DOWN:
	case 'j': detail->scroll++; break;
	case PAINT_PAGE_UP: detail->scroll -= page; break;
	case PAINT_PAGE_DOWN: detail->scroll += page; break;
	case PAINT_HOME: detail->scroll = 0; break;
	case PAINT_END: detail->scroll = FIELD_ROWS; break;
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
