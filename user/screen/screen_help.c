/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The page of help: keys, and what the columns of the flow table mean. */
#include "screen_page.h"

static const struct {
	const char *keys, *meaning;
} rows[] = {
	{ "1 2 3", "flows, services, histogram of a service's times" },
	{ "up down pgup pgdn home end, j k", "move; home lets the cursor go" },
	{ "enter, esc", "details of a flow, histogram of a service; back" },
	{ "l", "of the details: the flow's packets as they come" },
	{ "< >, left right; r", "order by the column before, behind; reverse it" },
	{ "/", "filter flows or services: tcpdump syntax, else words" },
	{ "e", "hide or show flows that have ended" },
	{ "p, space", "pause: the picture, not the count" },
	{ "? h, q ctrl-c", "this help; quit" },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]), MEANING_AT = 33, HEAD_AT = 10 };

static void help_draw(struct screen *screen, int top, int bottom)
{
	int half = (VIEW_COLUMNS + 1) / 2, row = top;

	for (int i = 0; i < ROWS && row < bottom; i++, row++) {
		paint_text(row, 0, MEANING_AT - 1, PAINT_BOLD, rows[i].keys);
		paint_text(row, MEANING_AT, -1, PAINT_PLAIN, rows[i].meaning);
	}
	half = row + half > bottom ? bottom - row : half;
	for (int i = 0; i < VIEW_COLUMNS && half > 0; i++) {
		int column = i / half * screen->columns / 2;

		paint_text(row + i % half, column, HEAD_AT - 1, PAINT_BOLD, view_columns[i].head);
		paint_text(row + i % half, column + HEAD_AT, screen->columns / 2 - HEAD_AT - 1, PAINT_PLAIN,
			   view_columns[i].help);
	}
}

static bool help_key(struct screen *screen, int key)
{
	if (key != PAINT_ESCAPE && key != '?' && key != 'h' && key != PAINT_ENTER)
		return false;
	screen_turn_to(screen, screen->before ? screen->before : &page_flows);
	return true;
}

const struct page page_help = { .name = "help", .keys = "esc back", .draw = help_draw, .key_pressed = help_key };
