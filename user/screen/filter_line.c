/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "filter_line.h"

#include <string.h>

#include "text/text.h"
#include "paint.h"

/* Text that looks like a display filter is told what would be an expression here. */
static const char *kind_text(const struct screen_filter *filter)
{
	if (filter->kind == FILTER_TCPDUMP)
		return " (tcpdump)";
	return strstr(filter->text, "==") ? " (text; tcpdump: 'port 80')" : " (text)";
}

int filter_line_draw(const struct screen_filter *filter, int row, int at)
{
	if (!filter->typing && filter->kind == FILTER_NOTHING)
		return at;
	at = paint_text(row, at, -1, PAINT_BOLD, "; filter: ");
	at = paint_text(row, at, -1, PAINT_BOLD, filter->text);
	if (filter->typing)
		at = paint_text(row, at, 1, PAINT_PICKED, " ");
	if (filter->kind != FILTER_NOTHING)
		at = paint_text(row, at, -1, PAINT_DIM, kind_text(filter));
	return filter->wrong[0] ? paint_format(row, at, PAINT_ODD, " %s", filter->wrong) : at;
}

void filter_line_base(const char *base, int row, int at)
{
	char text[FILTER_TEXT];

	if (!base)
		return;
	text_escape(text, sizeof(text), base);
	paint_format(row, at, PAINT_PLAIN, "; of '%s'", text);
}

void filter_line_key(struct screen_filter *filter, int key)
{
	size_t length = strlen(filter->text);

	if (key == PAINT_ENTER || key == PAINT_ESCAPE)
		filter->typing = false;
	if (key == PAINT_ESCAPE)
		filter->text[0] = '\0';
	if (key == PAINT_BACKSPACE && length)
		filter->text[length - 1] = '\0';
	if (key >= ' ' && key < 127 && length < sizeof(filter->text) - 1) {
		filter->text[length] = (char)key;
		filter->text[length + 1] = '\0';
	}
	screen_filter_renew(filter);
	if (key == PAINT_ENTER && filter->wrong[0]) /* what is shown at rest is in force */
		filter->typing = true;
}
