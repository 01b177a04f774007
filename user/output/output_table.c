/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table people read. Streamed: the head once, a row for each flow as it ends, then totals and the ledger; only
 * these where the flows were on the screen. Knows records only; what columns say is column.c's business, where they
 * stand layout.c's. */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "layout.h"
#include "names/names.h"
#include "text/text.h"
#include "text/units.h"
#include "text/words.h"

enum {
	COLUMNS_PIPE = 200,
	NAME_TEXT = 4 * 255 + 16, /* a file's name, escaped, and a direction */
};

struct totals {
	__u64 flows, outcome[OUTCOME_MIDSTREAM + 1], packets, bytes, resent;
	__s64 first_ns, last_ns; /* of the first segment of all, and of the last */
};

static struct {
	struct output_options options;
	struct layout layout;
	struct paper paper;
	struct totals totals; /* of ended flows */
	bool headed, totalled;
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

static int table_flush(void) { return output_flush(table.options.to); }

static int table_open(const struct output_options *options)
{
	int columns_there = options->columns;

	memset(&table, 0, sizeof(table));
	table.options = *options;
	table.paper = (struct paper){
		.to = options->to, .colour = options->colour, .names = options->names, .whole = columns_there == 0
	};
	if (columns_there == 0)
		columns_there = environment_number("COLUMNS");
	layout_choose(&table.layout, columns_there ? columns_there : COLUMNS_PIPE, options->several, options->names);
	return 0;
}

static void totals_add(struct totals *totals, const struct record *record)
{
	if (totals->flows == 0 || record->start_ns < totals->first_ns)
		totals->first_ns = record->start_ns;
	if (totals->flows == 0 || record->end_ns > totals->last_ns)
		totals->last_ns = record->end_ns;
	totals->flows++;
	if ((size_t)record->outcome < sizeof(totals->outcome) / sizeof(totals->outcome[0]))
		totals->outcome[record->outcome]++;
	totals->packets += record->client.packets + record->server.packets;
	totals->bytes += record->client.payload_bytes + record->server.payload_bytes;
	totals->resent += ANALYSIS_RESENT(record->client.analysis) + ANALYSIS_RESENT(record->server.analysis);
}

static const char *plural(__u64 count) { return count == 1 ? "" : "s"; }

static void totals_print(FILE *to, const char *what, const struct totals *totals)
{
	char flows[UNITS_TEXT], packets[UNITS_TEXT], bytes[UNITS_TEXT], resent[UNITS_TEXT], outcome[UNITS_TEXT];
	const char *before = ": ";

	units_exact(flows, (__s64)totals->flows);
	units_exact(packets, (__s64)totals->packets);
	units_format(bytes, units_count, (__s64)totals->bytes);
	units_exact(resent, (__s64)totals->resent);
	fprintf(to, "%s %s flow%s", what, flows, plural(totals->flows));
	for (int i = 0; i <= OUTCOME_MIDSTREAM; i++) {
		if (!totals->outcome[i])
			continue;
		units_exact(outcome, (__s64)totals->outcome[i]);
		fprintf(to, "%s%s %s", before, outcome, words_outcome((enum outcome)i));
		before = ", ";
	}
	fprintf(to, "; %s packet%s, %s payload byte%s, %s resent\n", packets, plural(totals->packets), bytes,
		plural(totals->bytes), resent);
}

static void moment_print(FILE *to, const char *what, __s64 ns)
{
	const time_t seconds = ns / (__s64)NS_PER_SEC;
	char text[32];
	struct tm tm;

	if (ns < 0 || !localtime_r(&seconds, &tm))
		snprintf(text, sizeof(text), "unknown");
	else
		strftime(text, sizeof(text), "%F %T", &tm);
	fprintf(to, "%s %s", what, text);
}

static bool is_today(__s64 ns)
{
	const time_t seconds = ns / (__s64)NS_PER_SEC, now = time(NULL);
	struct tm then, today;

	return localtime_r(&seconds, &then) && localtime_r(&now, &today) && then.tm_year == today.tm_year &&
	       then.tm_yday == today.tm_yday;
}

/* The column has the time of day alone: of another day than today this says which. */
static void days_print(FILE *to, const struct totals *totals)
{
	if (totals->flows == 0 || (is_today(totals->first_ns) && is_today(totals->last_ns)))
		return;
	moment_print(to, "first segment", totals->first_ns);
	moment_print(to, ", last", totals->last_ns);
	fputc('\n', to);
}

static void table_head(void)
{
	if (!table.headed)
		layout_head(&table.layout, &table.paper);
	table.headed = true;
}

static int table_flow(const struct record *record)
{
	if (record->end_reason != END_ACTIVE) /* its end counts it */
		totals_add(&table.totals, record);
	if (table.options.screen)
		return 0;
	table_head();
	layout_row(&table.layout, &table.paper, record);
	return table_flush();
}

static void table_totals(void)
{
	if (!table.totalled) {
		totals_print(table.options.to, "total", &table.totals);
		days_print(table.options.to, &table.totals);
	}
	table.totalled = true;
}

static __u64 ledger_rest_value(const struct ledger *ledger, int number)
{
	return *(const __u64 *)((const char *)ledger + ledger_rest[number].offset);
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
	__s64 residue = (__s64)ledger_unaccounted(ledger);
	const char *before = " = ";

	ledger_name(name, record);
	units_exact(number, (__s64)ledger->seen);
	fprintf(to, "%s: %s packet%s", name, number, plural(ledger->seen));
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
	ledger_entry(to, "unaccounted", (__s64)ledger_unaccounted(ledger), "what the sum lacks: a bug if not 0");
	for (int i = 0; i < LEDGER_REST; i++)
		ledger_entry(to, ledger_rest[i].name, (__s64)ledger_rest_value(ledger, i), ledger_rest[i].meaning);
}

static int table_summary(const struct summary_record *record)
{
	char server[NAMES_ENDPOINT] = "other services", flows[UNITS_TEXT], packets[UNITS_TEXT], name[NAME_TEXT];

	table_totals();
	text_escape(name, sizeof(name), record->interface);
	if (!record->rest)
		names_endpoint(table.options.names, server, record->ip, record->ip_version, record->port);
	units_exact(flows, (__s64)record->flows);
	units_exact(packets, (__s64)record->packets);
	fprintf(table.options.to, "%s %s: %s unanswered attempt%s, %s packet%s, evicted and only summed\n", name,
		server, flows, plural(record->flows), packets, plural(record->packets));
	return table_flush();
}

static int table_ledger(const struct ledger_record *record)
{
	table_totals();
	if (table.options.stats)
		ledger_full(table.options.to, record);
	else
		ledger_line(table.options.to, record);
	return table_flush();
}

static int table_program(const struct program_record *record)
{
	table_totals();
	output_put_program(table.options.to, record);
	return table_flush();
}

/* Nothing at all was shown if the source could not be opened: then there is nothing to sum. */
static int table_close(void)
{
	if (table.headed)
		table_totals();
	return table_flush();
}

const struct output output_table = {
	.name = "table",
	.open = table_open,
	.flow = table_flow,
	.ledger = table_ledger,
	.close = table_close,
	.summary = table_summary,
	.program = table_program,
};
