/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The first rows of every page: what is watched, how much of it there is, and whether all is accounted for. Of all that
 * is seen, but for connect times where the command line has a filter. */
#include <time.h>

#include "screen_page.h"
#include "text/units.h"

enum { COUNT_ROOM = sizeof(" of 99.9k/10s") - 1 };

static void totals_of(struct totals *totals, const struct screen_news *news)
{
	*totals = (struct totals){ 0 };
	for (size_t i = 0; i < news->ledger_count; i++) {
		const struct ledger *ledger = &news->ledgers[i].ledger;

		totals->seen += ledger->seen;
		totals->births += ledger->births;
		totals->in_flows += ledger->counter[LEDGER_IN_FLOWS];
		totals->unaccounted += ledger_unaccounted(ledger);
		totals->lost += ledger->lost_records;
		totals->full += ledger->counter[LEDGER_TABLE_FULL];
		totals->evicted += ledger->evicted;
	}
}

void header_renew(struct screen *screen)
{
	struct totals before = screen->totals;
	double seconds = (double)(screen->news.now_ns - screen->at_ns) / (double)NS_PER_SEC;

	totals_of(&screen->totals, &screen->news);
	if (screen->at_ns && seconds > 0) {
		screen->packet_rate = (double)(screen->totals.seen - before.seen) / seconds;
		screen->birth_rate = (double)(screen->totals.births - before.births) / seconds;
	}
	screen->at_ns = screen->news.now_ns;
	screen->taken = time(NULL);
}

static void draw_names(const struct screen *screen)
{
	char clock[16] = "";
	struct tm parts;
	int width = screen->columns - 9, at;

	if (localtime_r(&screen->taken, &parts))
		strftime(clock, sizeof(clock), "%T", &parts);
	at = paint_text(0, 0, -1, PAINT_BOLD, "tcpscope ");
	paint_text(0, at, width - at, PAINT_PLAIN, screen->news.interfaces ? screen->news.interfaces : "");
	paint_text(0, screen->columns - 8, 8, PAINT_DIM, clock);
}

static int draw_count(int row, int at, const char *before, double count, const char *behind)
{
	char text[UNITS_TEXT];

	units_format(text, units_count, (__s64)(count + 0.5));
	at = paint_text(row, at, -1, PAINT_DIM, before);
	at = paint_text(row, at, -1, PAINT_BOLD, text);
	return paint_text(row, at, -1, PAINT_DIM, behind);
}

static int draw_quantile(int at, const char *before, const struct histogram *histogram, __u32 ppm)
{
	char text[UNITS_TEXT];

	units_format(text, units_span_ns, histogram->count ? (__s64)histogram_quantile(histogram, ppm) : UNKNOWN);
	at = paint_text(1, at, -1, PAINT_DIM, before);
	return paint_text(1, at, -1, PAINT_BOLD, text);
}

static int draw_connect(const struct screen *screen, int at)
{
	const struct histogram *connect = &screen->services.recent;

	at = draw_quantile(at, "connect p50 ", connect, 500000);
	at = draw_quantile(at, " p99 ", connect, 990000);
	return at + COUNT_ROOM > screen->columns ? at : draw_count(1, at, " of ", (double)connect->count, "/10s");
}

static int draw_open(const struct screen *screen, int at)
{
	return draw_count(1, at, screen->source.filter ? " open " : "  open ",
			  screen->source.view->live - screen->source.view->over, "");
}

/* The command line's filter chooses what services are counted from, and so connect times; the rest is of all. */
static void draw_rates(const struct screen *screen)
{
	bool filtered = screen->source.filter;
	int at = draw_count(1, 0, filtered ? "all: pkts " : "pkts ", screen->packet_rate, "/s");

	at = draw_count(1, at, filtered ? " conns " : "  conns ", screen->birth_rate, "/s");
	if (filtered) {
		at = draw_open(screen, at);
		draw_connect(screen, paint_text(1, at, -1, PAINT_DIM, "  filter: "));
	} else {
		at = draw_connect(screen, paint_text(1, at, -1, PAINT_DIM, "  "));
		draw_open(screen, at);
	}
}

static int draw_alarm(int at, const char *before, __s64 count, const char *behind)
{
	char text[UNITS_TEXT];

	units_exact(text, count);
	return paint_format(2, at, count ? PAINT_BAD : PAINT_DIM, "%s%s%s", before, text, behind);
}

static void draw_ledger(const struct screen *screen)
{
	const struct totals *totals = &screen->totals;
	char seen[UNITS_TEXT], in_flows[UNITS_TEXT];
	int at;

	units_exact(seen, (__s64)totals->seen);
	units_exact(in_flows, (__s64)totals->in_flows);
	at = paint_format(2, 0, PAINT_DIM, "%s seen, %s in flows", seen, in_flows);
	at = draw_alarm(at, ", ", (__s64)totals->unaccounted, " unaccounted");
	at = draw_alarm(at, ", ", (__s64)totals->lost, " records lost");
	at = draw_alarm(at, ", ", (__s64)totals->full, " without room");
	if (totals->evicted)
		draw_alarm(at, ", ", (__s64)totals->evicted, " evicted");
}

void header_draw(const struct screen *screen)
{
	draw_names(screen);
	draw_rates(screen);
	draw_ledger(screen);
	if (screen->paused)
		paint_text(1, screen->columns - 8, 8, PAINT_PICKED, " PAUSED ");
}
