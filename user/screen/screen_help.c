/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The page of help: keys, and what the columns mean of the table from which it was asked, flows or services. */
#include "screen_page.h"
#include "service_column.h"

static const struct {
	const char *keys, *meaning;
} rows[] = {
	{ "1 2 3", "flows, services, histogram of a service's times" },
	{ "up down pgup pgdn home end, j k", "move; home lets the cursor go" },
	{ "enter, esc", "details of a flow, histogram of a service; back" },
	{ "l", "of the details: the flow's packets as they come" },
	{ "< >, left right; r", "order by the column before, behind; reverse it" },
	{ "/", "filter flows or services: tcpdump, else words" },
	{ "e", "hide or show flows that have ended" },
	{ "p, space", "pause: the picture, not the count" },
	{ "connect p50 p99 of 319/10s", "above: of the 319 handshakes of the last ten seconds" },
	{ "? h, q ctrl-c", "this help; quit" },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]), MEANING_AT = 33, HEAD_AT = 10, PAGE = 5 };

/* The table's columns: two beside each other, the second half behind the first. */
static bool is_of_services(const struct screen *screen) { return screen->before == &page_services; }

static int column_count(const struct screen *screen) { return is_of_services(screen) ? SERVICE_COLUMNS : VIEW_COLUMNS; }

static int half_of(const struct screen *screen) { return (column_count(screen) + 1) / 2; }

static void draw_column(const struct screen *screen, int row, int column)
{
	bool services = is_of_services(screen);
	int at = column / half_of(screen) * screen->columns / 2;

	if (column >= column_count(screen))
		return;
	paint_text(row, at, HEAD_AT - 1, PAINT_BOLD,
		   services ? service_columns[column].head : view_columns[column].head);
	paint_text(row, at + HEAD_AT, screen->columns / 2 - HEAD_AT - 1, PAINT_PLAIN,
		   services ? service_columns[column].help : view_columns[column].help);
}

static void help_draw(struct screen *screen, int top, int bottom)
{
	int half = half_of(screen);

	screen_scroll_within(&screen->help_scroll, ROWS + half - (bottom - top));
	for (int row = top; row < bottom; row++) {
		int line = row - top + screen->help_scroll;

		if (line < ROWS) {
			paint_text(row, 0, MEANING_AT - 1, PAINT_BOLD, rows[line].keys);
			paint_text(row, MEANING_AT, -1, PAINT_PLAIN, rows[line].meaning);
		} else if (line < ROWS + half) {
			draw_column(screen, row, line - ROWS);
			draw_column(screen, row, line - ROWS + half);
		}
	}
}

static bool help_key(struct screen *screen, int key)
{
	if (screen_scroll(&screen->help_scroll, key, PAGE))
		return true;
	if (key != PAINT_ESCAPE && key != '?' && key != 'h' && key != PAINT_ENTER)
		return false;
	screen_turn_to(screen, screen->before ? screen->before : &page_flows);
	return true;
}

const struct page page_help = {
	.name = "help", .keys = "esc back  up down", .draw = help_draw, .key_pressed = help_key
};
