/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The latency report (--report): per service what became of the attempts, quantiles and histograms of their times, and
 * the slowest connections with what their records say. Flows one by one are not its business. */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "service/bars.h"
#include "names/names.h"
#include "service/statistics.h"
#include "text/text.h"
#include "text/units.h"

enum {
	BAR = 40,
	ROWS = 12,
	TIME_TEXT = 40,
	NAME_TEXT = 4 * 255 + 1, /* a file's name, escaped */
};

static FILE *out;
static struct names *names;
static bool full_ledger;
static __u64 midstream; /* flows that ended without an attempt in view */

static const char *const span_names[SERVICE_SPANS] = { "connect", "server", "client" };

static int report_open(const struct output_options *options)
{
	out = options->to;
	names = options->names;
	full_ledger = options->stats;
	midstream = 0;
	return 0;
}

static int report_flush(void) { return output_flush(out); }

static int report_flow(const struct record *record)
{
	midstream += record->end_reason != END_ACTIVE && record->outcome == OUTCOME_MIDSTREAM;
	return 0;
}

static void print_count(const char *before, __u64 count)
{
	char text[UNITS_TEXT];

	units_exact(text, (__s64)count);
	fprintf(out, "%s%s", before, text);
}

/* "1 attempt", "2 attempts"; "1 retry", "2 retries" of the stem "retr". */
static void print_noun(const char *before, __u64 count, const char *stem, const char *one, const char *many)
{
	print_count(before, count);
	fprintf(out, " %s%s", stem, count == 1 ? one : many);
}

static void print_span(__u64 ns, int width)
{
	char text[UNITS_TEXT];

	units_format(text, units_span_ns, (__s64)ns);
	fprintf(out, "%*s", width, text);
}

static void print_reasons(const struct service_counts *counts)
{
	const char *before = " (";

	for (int i = FILTER_NONE + 1; i < FILTER_REASON_COUNT; i++) {
		if (!counts->filtered[i])
			continue;
		print_count(before, counts->filtered[i]);
		fprintf(out, " %s", outcome_filter_word((enum filter_reason)i));
		before = ", ";
	}
	fputc(')', out);
}

static void print_outcomes(const struct service_counts *counts)
{
	static const struct {
		int outcome;
		const char *words;
	} rows[] = { { OUTCOME_ACCEPTED, "accepted (syn-ack)" },
		     { OUTCOME_REFUSED, "refused (reset)" },
		     { OUTCOME_FILTERED, "filtered" },
		     { OUTCOME_UNANSWERED, "unanswered (no-response)" },
		     { OUTCOME_HALF_OPEN, "half open (syn-ack)" },
		     { OUTCOME_ABORTED, "aborted (syn-ack)" },
		     { SERVICE_PENDING, "pending" } };
	const char *before = "  ";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!counts->outcome[rows[i].outcome])
			continue;
		print_count(before, counts->outcome[rows[i].outcome]);
		fprintf(out, " %s", rows[i].words);
		if (rows[i].outcome == OUTCOME_FILTERED)
			print_reasons(counts);
		before = ", ";
	}
	fputc('\n', out);
}

static void print_retries(const struct service_counts *counts)
{
	if (!(counts->syn_retries | counts->synack_retries))
		return;
	print_noun("  ", counts->syn_retries, "SYN retr", "y", "ies");
	print_noun(", ", counts->synack_retries, "SYN/ACK retr", "y", "ies");
	if (counts->delayed) {
		fputs("; ", out);
		print_span(counts->lost_ns, 0);
		print_noun(" lost to them by ", counts->delayed, "connection", " that was answered",
			   "s that were answered");
	}
	fputc('\n', out);
}

static void print_side(const char *who, const struct service_traffic *traffic)
{
	__u64 resent = ANALYSIS_RESENT(traffic->analysis);
	char payload[UNITS_TEXT];

	units_format(payload, units_count, (__s64)traffic->payload_bytes);
	fprintf(out, "  %s sent ", who);
	print_noun("", traffic->packets, "packet", "", "s");
	fprintf(out, " with %s octets of payload", payload);
	if (resent) {
		print_count("; ", resent);
		fprintf(out, " resent (%.2f%%)", (double)resent * 100 / (double)traffic->packets);
	}
	if (traffic->analysis[ANALYSIS_OUT_OF_ORDER]) {
		print_count(resent ? ", " : "; ", traffic->analysis[ANALYSIS_OUT_OF_ORDER]);
		fputs(" out of order", out);
	}
	fputc('\n', out);
}

/* Of services that were only knocked at the outcomes say all. */
static void print_traffic(const struct service_counts *counts)
{
	if (!counts->outcome[OUTCOME_ACCEPTED] && !counts->traffic[SERVICE_FROM_CLIENT].payload_bytes &&
	    !counts->traffic[SERVICE_FROM_SERVER].payload_bytes)
		return;
	if (counts->reset) {
		print_count("  ", counts->reset);
		fputs(" of the accepted ended by RST\n", out);
	}
	print_side("clients", &counts->traffic[SERVICE_FROM_CLIENT]);
	print_side("server", &counts->traffic[SERVICE_FROM_SERVER]);
}

static void print_quantiles(const struct service *service)
{
	static const __u32 ppm[] = { 500000, 900000, 990000, 999000, 1000000 };

	fprintf(out, "  %-8s %9s %8s %8s %8s %8s %8s %8s\n", "", "count", "mean", "p50", "p90", "p99", "p99.9", "max");
	for (int span = 0; span < SERVICE_SPANS; span++) {
		const struct histogram *histogram = &service->span[span];

		if (!histogram->count)
			continue;
		fprintf(out, "  %-8s %9llu ", span_names[span], histogram->count);
		print_span(histogram->sum_ns / histogram->count, 8);
		for (size_t i = 0; i < sizeof(ppm) / sizeof(ppm[0]); i++) {
			fputc(' ', out);
			print_span(histogram_quantile(histogram, ppm[i]), 8);
		}
		fputc('\n', out);
	}
}

static void print_bars(const struct histogram *histogram)
{
	struct bars bars;

	bars_make(&bars, histogram, ROWS);
	for (__u32 i = 0; i < bars.count; i++) {
		int length = (int)((bars.row[i].count * BAR + bars.most - 1) / bars.most);

		fputs("    ", out);
		print_span(bars.row[i].from_ns, 7);
		fputs(" ..", out);
		print_span(bars.row[i].to_ns, 8);
		fprintf(out, " %10llu%s%.*s\n", bars.row[i].count, length ? " " : "", length,
			"########################################");
	}
}

static void print_slowest(const struct slow_list *list)
{
	char client[NAMES_ENDPOINT], sentence[SENTENCE];

	fprintf(out, "  slowest\n");
	for (__u32 i = 0; i < list->count; i++) {
		const struct slow *slow = &list->slow[i];

		names_endpoint(names, client, slow->ip, slow->ip_version, slow->port);
		slow_sentence(sentence, &slow->handshake);
		fprintf(out, "    %s %s\n", client, sentence);
	}
}

static void print_service(const struct statistics_service *row, const struct slowest *slowest)
{
	const struct slow_list *list = row->key ? slowest_of(slowest, row->key) : NULL;
	const struct service *service = row->service;
	char name[NAMES_ENDPOINT] = "other services, for which there was no room";

	if (row->key)
		names_endpoint(names, name, (const __u8 *)row->key->ip, row->key->ip_version, row->key->port);
	fprintf(out, "\n%s", name);
	print_noun("  ", service_attempts(service), "attempt", "\n", "s\n");
	if (service_attempts(service))
		print_outcomes(&service->counts);
	print_retries(&service->counts);
	print_traffic(&service->counts);
	if (service_times(service))
		print_quantiles(service);
	if (service->span[SERVICE_CONNECT].count) {
		fputs("  connect time\n", out);
		print_bars(&service->span[SERVICE_CONNECT]);
	} else if (service->span[SERVICE_SERVER].count) {
		fputs("  server time\n", out);
		print_bars(&service->span[SERVICE_SERVER]);
	}
	if (list)
		print_slowest(list);
}

static void print_head(const struct statistics *statistics, size_t services)
{
	time_t seconds = (time_t)(statistics->at_ns / (__s64)NS_PER_SEC);
	static struct service sum;
	struct tm parts;
	char when[TIME_TEXT] = "";

	statistics_sum(statistics, &sum);
	if (statistics->at_ns > 0 && gmtime_r(&seconds, &parts))
		strftime(when, sizeof(when), "%F %T UTC: ", &parts);
	fprintf(out, "%s%zu service%s", when, services, services == 1 ? "" : "s");
	print_noun(", ", service_attempts(&sum), "connection attempt", "", "s");
	if (statistics->since_ns) {
		fputs(" in the last ", out);
		print_span((__u64)(statistics->at_ns - statistics->since_ns), 0);
		fputc('\n', out);
	} else {
		fputs(statistics->final ? " in all\n" : " so far\n", out);
	}
	if (midstream)
		print_noun("", midstream, "flow", " had no attempt in view (midstream)\n",
			   "s had no attempt in view (midstream)\n");
}

static int report_services(const struct statistics *statistics)
{
	static struct service other;
	size_t count;
	struct statistics_service *list = statistics_list(statistics, &other, &count);

	if (!list)
		return -ENOMEM;
	print_head(statistics, count);
	for (size_t i = 0; i < count; i++)
		print_service(&list[i], &statistics->slowest);
	fputs(statistics->final ? "\n" : "\n---\n", out);
	free(list);
	return report_flush();
}

static int report_ledger(const struct ledger_record *record)
{
	const struct ledger *ledger = &record->ledger;
	char name[NAME_TEXT];

	if (!full_ledger && ledger_is_whole(ledger))
		return 0;
	text_escape(name, sizeof(name), record->interface);
	fprintf(out,
		"%s%s%s: %llu packets seen, %llu in flows, %llu unaccounted, %llu found no room; %llu records lost\n",
		name, record->direction ? " " : "", record->direction ? record->direction : "", ledger->seen,
		ledger->counter[LEDGER_IN_FLOWS], ledger_unaccounted(ledger), ledger->counter[LEDGER_TABLE_FULL],
		ledger->lost_records);
	return report_flush();
}

static int report_program(const struct program_record *record)
{
	output_put_program(out, record);
	return report_flush();
}

const struct output output_report = {
	.name = "report",
	.open = report_open,
	.flow = report_flow,
	.ledger = report_ledger,
	.services = report_services,
	.program = report_program,
	.close = report_flush,
};
