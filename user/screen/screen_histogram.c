/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The page of one service's times, or all services': quantiles and a histogram. */
#include "service/bars.h"
#include "screen_page.h"
#include "text/units.h"

enum { BAR_AT = 34 };

static const char *const span_names[SERVICE_SPANS] = { "connect", "server", "client" };

static void draw_quantiles(const struct histogram *histogram, int row)
{
	static const struct {
		const char *name;
		__u32 ppm;
	} quantiles[] = {
		{ "p50", 500000 }, { "p90", 900000 }, { "p99", 990000 }, { "p99.9", 999000 }, { "max", 1000000 }
	};
	char text[UNITS_TEXT];
	int at;

	units_exact(text, (__s64)histogram->count);
	at = paint_format(row, 0, PAINT_PLAIN, "%s measured", text);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]) && histogram->count; i++) {
		units_format(text, units_span_ns, (__s64)histogram_quantile(histogram, quantiles[i].ppm));
		at = paint_format(row, at, PAINT_DIM, "  %s ", quantiles[i].name);
		at = paint_text(row, at, -1, PAINT_BOLD, text);
	}
}

static void draw_bars(const struct histogram *histogram, int top, int bottom, int width)
{
	char from[UNITS_TEXT], to[UNITS_TEXT];
	__u32 rows = (__u32)(bottom - top), room = width > BAR_AT + 1 ? (__u32)(width - BAR_AT - 1) * 8 : 8;
	static struct bars bars;

	bars_make(&bars, histogram, rows < BARS_MAX ? rows : BARS_MAX);
	for (__u32 i = 0; i < bars.count; i++) {
		__u64 eighths = (bars.row[i].count * room + bars.most - 1) / bars.most;

		units_format(from, units_span_ns, (__s64)bars.row[i].from_ns);
		units_format(to, units_span_ns, (__s64)bars.row[i].to_ns);
		paint_format(top + (int)i, 0, PAINT_PLAIN, "%8s .. %8s %12llu", from, to, bars.row[i].count);
		paint_bar(top + (int)i, BAR_AT, (unsigned int)eighths, PAINT_GOOD);
	}
}

static void histogram_draw(struct screen *screen, int top, int bottom)
{
	char name[NAMES_ENDPOINT];
	const struct service *service = services_picked(screen, name);
	const struct histogram *histogram = &service->span[screen->services.span];
	int at = paint_format(top, 0, PAINT_BOLD, "%s", name);

	for (int i = 0; i < SERVICE_SPANS; i++) {
		at = paint_text(top, at, -1, PAINT_PLAIN, "  ");
		at = paint_text(top, at, -1, i == screen->services.span ? PAINT_PICKED : PAINT_DIM, span_names[i]);
	}
	draw_quantiles(histogram, top + 1);
	if (histogram->count && bottom > top + 3)
		draw_bars(histogram, top + 3, bottom, screen->columns);
}

static bool histogram_key(struct screen *screen, int key)
{
	int *span = &screen->services.span;

	switch (key) {
	case PAINT_RIGHT:
	case '\t': *span = (*span + 1) % SERVICE_SPANS; break;
	case PAINT_LEFT: *span = (*span + SERVICE_SPANS - 1) % SERVICE_SPANS; break;
	case PAINT_ENTER:
	case PAINT_ESCAPE: screen_turn_to(screen, &page_services); break;
	default: return services_move(screen, key);
	}
	return true;
}

const struct page page_histogram = {
	.name = "histogram",
	.key = '3',
	.keys = "left right time  up down service  home all",
	.draw = histogram_draw,
	.key_pressed = histogram_key,
};
