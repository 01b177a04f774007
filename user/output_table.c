/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table people read. Streamed: the head once, a row for each flow as it ends, then totals and the ledger. On a
 * terminal also as a screen: the open flows, most bytes first, drawn in place. Knows records only; what columns say is
 * column.c's business, where they stand layout.c's. */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "layout.h"
#include "text.h"
#include "units.h"
#include "words.h"

enum { COLUMNS_PIPE = 200, ROWS_DEFAULT = 24, SCREEN_LEDGERS = 4, NAME_TEXT = 64, RECENT = 64 };

struct totals {
	__u64 flows, outcome[OUTCOME_MIDSTREAM + 1], packets, bytes, resent;
};

static struct {
	struct output_options options;
	struct layout layout;
	struct paper paper;
	struct totals totals;	      /* of ended flows */
	struct record recent[RECENT]; /* the last of them, for the screen: flow n is at n modulo RECENT */
	bool headed, totalled, on_screen;
} table;

static const char *const counter_meanings[] = {
#define COUNTER_MEANING(NAME, name, meaning) meaning,
	LEDGER_COUNTERS(COUNTER_MEANING)
#undef COUNTER_MEANING
};

/* Beside the counters that add up to what was seen. */
static const struct {
	const char *name, *meaning;
	size_t offset;
	bool alarm; /* belongs in the short line too, if not 0 */
} ledger_rest[] = {
	{ "frames", "as handed to the hook: a super-packet is one", offsetof(struct ledger, frames), false },
	{ "births", "flows that took a slot", offsetof(struct ledger, births), false },
	{ "evicted", "flows whose slot another took", offsetof(struct ledger, evicted), true },
	{ "summarised", "of these, unanswered SYNs, summed per service", offsetof(struct ledger, summarised), true },
	{ "lost_records", "flows that left and could not be reported", offsetof(struct ledger, lost_records), true },
	{ "collisions", "lookups that met another key", offsetof(struct ledger, collisions), false },
};

enum { LEDGER_REST = sizeof(ledger_rest) / sizeof(ledger_rest[0]) };

static int environment_number(const char *name)
{
	const char *text = getenv(name);
	long number = text ? strtol(text, NULL, 10) : 0;

	return number > 0 && number < 10000 ? (int)number : 0;
}

/* Writes what is buffered; 0, or why that failed. */
static int table_flush(void)
{
	errno = 0;
	if (fflush(table.options.to) == 0 && !ferror(table.options.to))
		return 0;
	return errno ? -errno : -EIO;
}

static bool colour_wanted(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return table.options.columns > 0 && !(no_color && *no_color) && !(term && !strcmp(term, "dumb"));
}

static int table_open(const struct output_options *options)
{
	int columns_there = options->columns;

	memset(&table, 0, sizeof(table));
	table.options = *options;
	table.paper = (struct paper){ .to = options->to, .colour = colour_wanted(), .whole = columns_there == 0 };
	if (columns_there == 0)
		columns_there = environment_number("COLUMNS");
	layout_choose(&table.layout, columns_there ? columns_there : COLUMNS_PIPE);
	return 0;
}

static void totals_add(struct totals *totals, const struct record *record)
{
	totals->flows++;
	if ((size_t)record->outcome < sizeof(totals->outcome) / sizeof(totals->outcome[0]))
		totals->outcome[record->outcome]++;
	totals->packets += record->client.packets + record->server.packets;
	totals->bytes += record->client.payload_bytes + record->server.payload_bytes;
	totals->resent += column_resent(&record->client) + column_resent(&record->server);
}

static void totals_print(FILE *to, const char *what, const struct totals *totals)
{
	char flows[UNITS_TEXT], packets[UNITS_TEXT], bytes[UNITS_TEXT], resent[UNITS_TEXT];
	const char *before = ": ";

	units_exact(flows, (__s64)totals->flows);
	units_exact(packets, (__s64)totals->packets);
	units_format(bytes, units_count, (__s64)totals->bytes);
	units_exact(resent, (__s64)totals->resent);
	fprintf(to, "%s %s flow%s", what, flows, totals->flows == 1 ? "" : "s");
	for (int i = 0; i <= OUTCOME_MIDSTREAM; i++) {
		if (!totals->outcome[i])
			continue;
		fprintf(to, "%s%llu %s", before, totals->outcome[i], words_outcome((enum outcome)i));
		before = ", ";
	}
	fprintf(to, "; %s packets, %s payload bytes, %s resent\n", packets, bytes, resent);
}

static void table_head(void)
{
	if (!table.headed)
		layout_head(&table.layout, &table.paper);
	table.headed = true;
}

static int table_flow(const struct record *record)
{
	table.recent[table.totals.flows % RECENT] = *record;
	totals_add(&table.totals, record);
	if (table.on_screen)
		return 0;
	table_head();
	layout_row(&table.layout, &table.paper, record);
	return table_flush();
}

static void table_totals(void)
{
	if (!table.totalled)
		totals_print(table.options.to, "total", &table.totals);
	table.totalled = true;
}

static __u64 ledger_rest_value(const struct ledger *ledger, int number)
{
	return *(const __u64 *)((const char *)ledger + ledger_rest[number].offset);
}

static __s64 ledger_residue(const struct ledger *ledger)
{
	__u64 residue = ledger->seen;

	for (int i = 0; i < LEDGER_COUNT; i++)
		residue -= ledger->counter[i];
	return (__s64)residue;
}

static void ledger_name(char name[NAME_TEXT], const struct ledger_record *record)
{
	size_t at = text_escape(name, NAME_TEXT - 16, record->interface ? record->interface : "-");

	if (record->direction)
		snprintf(name + at, NAME_TEXT - at, " %s", record->direction);
}

/* "eth0 ingress: 1,234 packets = 1,200 in_flows + 34 not_tcp", then what should not be. */
static void ledger_line(FILE *to, const struct ledger_record *record)
{
	const struct ledger *ledger = &record->ledger;
	char name[NAME_TEXT], number[UNITS_TEXT];
	__s64 residue = ledger_residue(ledger);
	const char *before = " = ";

	ledger_name(name, record);
	units_exact(number, (__s64)ledger->seen);
	fprintf(to, "%s: %s packet%s", name, number, ledger->seen == 1 ? "" : "s");
	for (int i = 0; i < LEDGER_COUNT; i++) {
		if (!ledger->counter[i])
			continue;
		units_exact(number, (__s64)ledger->counter[i]);
		fprintf(to, "%s%s %s", before, number, words_counter((enum ledger_counter)i));
		before = " + ";
	}
	if (residue)
		fprintf(to, "; %lld UNACCOUNTED", residue);
	for (int i = 0; i < LEDGER_REST; i++)
		if (ledger_rest[i].alarm && ledger_rest_value(ledger, i))
			fprintf(to, "; %llu %s", ledger_rest_value(ledger, i), ledger_rest[i].name);
	fputc('\n', to);
}

static void ledger_entry(FILE *to, const char *name, __s64 value, const char *meaning)
{
	char number[UNITS_TEXT];

	units_exact(number, value);
	fprintf(to, "  %-15s %15s  %s\n", name, number, meaning);
}

static void ledger_full(FILE *to, const struct ledger_record *record)
{
	const struct ledger *ledger = &record->ledger;
	char name[NAME_TEXT];

	ledger_name(name, record);
	fprintf(to, "%s\n", name);
	ledger_entry(to, "seen", (__s64)ledger->seen, "packets: the sum of the following");
	for (int i = 0; i < LEDGER_COUNT; i++)
		ledger_entry(to, words_counter((enum ledger_counter)i), (__s64)ledger->counter[i], counter_meanings[i]);
	ledger_entry(to, "unaccounted", ledger_residue(ledger), "what the sum lacks: a bug if not 0");
	for (int i = 0; i < LEDGER_REST; i++)
		ledger_entry(to, ledger_rest[i].name, (__s64)ledger_rest_value(ledger, i), ledger_rest[i].meaning);
}

static void leave_screen(void)
{
	if (table.on_screen)
		fputc('\n', table.options.to); /* off the screen's last line */
	table.on_screen = false;
}

static int table_summary(const struct summary_record *record)
{
	char server[TEXT_ENDPOINT] = "other services", flows[UNITS_TEXT], packets[UNITS_TEXT], name[NAME_TEXT];

	leave_screen();
	table_totals();
	text_escape(name, sizeof(name), record->interface);
	if (!record->rest)
		text_endpoint(server, record->ip, record->ip_version, record->port);
	units_exact(flows, (__s64)record->flows);
	units_exact(packets, (__s64)record->packets);
	fprintf(table.options.to, "%s %s: %s unanswered attempts, %s packets, were evicted and only summed\n", name,
		server, flows, packets);
	return table_flush();
}

static int table_ledger(const struct ledger_record *record)
{
	leave_screen();
	table_totals();
	if (table.options.stats)
		ledger_full(table.options.to, record);
	else
		ledger_line(table.options.to, record);
	return table_flush();
}

/* Nothing at all was shown if the source could not be opened: then there is nothing to sum. */
static int table_close(void)
{
	leave_screen();
	if (table.headed)
		table_totals();
	return table_flush();
}

/* What the screen is sorted by, beside each record: records are large, and sorting looks at each many times. */
struct ranked {
	__u64 bytes, packets;
	const struct record *record;
};

/* Most bytes first, then most packets, then the latest. */
static int by_rank(const void *left, const void *right)
{
	const struct ranked *x = left, *y = right;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	return (x->record->start_ns < y->record->start_ns) - (x->record->start_ns > y->record->start_ns);
}

static void rank(struct ranked *ranked, const struct record *records, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ranked[i] = (struct ranked){ records[i].client.payload_bytes + records[i].server.payload_bytes,
					     records[i].client.packets + records[i].server.packets, &records[i] };
	qsort(ranked, count, sizeof(*ranked), by_rank);
}

static void screen_size(int *rows, int *columns_there)
{
	struct winsize size = {};

	if (ioctl(fileno(table.options.to), TIOCGWINSZ, &size))
		size = (struct winsize){};
	*rows = size.ws_row ? size.ws_row : environment_number("LINES");
	*columns_there = size.ws_col ? size.ws_col : table.options.columns;
	if (*rows == 0)
		*rows = ROWS_DEFAULT;
	if (*columns_there == 0)
		*columns_there = COLUMNS_PIPE;
}

/* Copies the picture's lines to the terminal, each cut to its width. A line is cleared before it is written: after a
 * full one the cursor still stands on its last column. The last line has no newline, which would scroll. */
static void screen_draw(const char *picture, int rows, int columns_there)
{
	FILE *to = table.options.to;
	int row;

	fputs(table.on_screen ? "\033[H" : "\033[H\033[2J", to);
	for (row = 0; row < rows && *picture; row++) {
		int length = (int)strcspn(picture, "\n");
		bool coloured = memchr(picture, '\033', (size_t)length) != NULL; /* a row: layout.c has cut it */
		int shown = coloured || length < columns_there ? length : columns_there;

		fprintf(to, "%s\033[K%.*s", row ? "\r\n" : "", shown, picture);
		picture += length + (picture[length] == '\n');
	}
	if (row < rows)
		fputs("\r\n\033[J", to);
}

/* Open flows, then, where there is room, those that ended, the last first: an attempt that fails is gone at once. */
static void screen_rows(FILE *to, const struct ranked *ranked, size_t count, int rows)
{
	struct paper paper = table.paper;
	size_t shown = rows > 0 ? (size_t)(rows / table.layout.lines) : 0;
	__u64 ended = table.totals.flows, oldest = ended > RECENT ? ended - RECENT : 0;

	paper.to = to;
	layout_head(&table.layout, &paper);
	for (size_t i = 0; i < count && shown; i++, shown--)
		layout_row(&table.layout, &paper, ranked[i].record);
	for (; ended > oldest && shown; shown--)
		layout_row(&table.layout, &paper, &table.recent[--ended % RECENT]);
}

static void screen_compose(FILE *to, const struct ranked *ranked, size_t count, const struct ledger_record *ledgers,
			   size_t ledger_count, int rows)
{
	struct totals open = {};
	int below = 1;

	if (ledger_count > SCREEN_LEDGERS)
		ledger_count = SCREEN_LEDGERS;
	below += (int)ledger_count + (table.totals.flows ? 1 : 0);
	for (size_t i = 0; i < count; i++)
		totals_add(&open, ranked[i].record);
	fprintf(to, "tcpscope: %zu flow%s in the table, most bytes first; then those that left it, last first\n", count,
		count == 1 ? "" : "s");
	screen_rows(to, ranked, count, rows - 1 - table.layout.lines - below);
	totals_print(to, "here", &open);
	if (table.totals.flows)
		totals_print(to, "gone", &table.totals);
	for (size_t i = 0; i < ledger_count; i++)
		ledger_line(to, &ledgers[i]);
}

static int table_screen(const struct record *records, size_t count, const struct ledger_record *ledgers,
			size_t ledger_count)
{
	struct ranked *ranked = calloc(count + 1, sizeof(*ranked));
	int rows, columns_there, error = -ENOMEM;
	char *picture = NULL;
	size_t size;
	FILE *to = open_memstream(&picture, &size);

	if (!ranked || !to)
		goto out;
	rank(ranked, records, count);
	screen_size(&rows, &columns_there);
	layout_choose(&table.layout, columns_there);
	table.paper.limit = columns_there;
	screen_compose(to, ranked, count, ledgers, ledger_count, rows);
	error = fclose(to) ? -ENOMEM : 0;
	to = NULL;
	if (error)
		goto out;
	screen_draw(picture, rows, columns_there);
	table.on_screen = table.headed = true;
	error = table_flush();
out:
	if (to)
		fclose(to);
	free(picture);
	free(ranked);
	return error;
}

const struct output output_table = {
	.name = "table",
	.help = "columns for people; on a terminal refreshed in place while live",
	.open = table_open,
	.flow = table_flow,
	.ledger = table_ledger,
	.close = table_close,
	.summary = table_summary,
	.screen = table_screen,
};
