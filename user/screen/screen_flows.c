/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The page of flows: those in sight as a table, in the order of one of its columns. */
#include <string.h>

#include "filter_line.h"
#include "screen_page.h"
#include "text/text.h"
#include "text/units.h"

/* What is shown, in which order, and the filter, which is typed here. */
static void draw_status(const struct screen *screen, int row)
{
	char shown[UNITS_TEXT];
	int at;

	units_exact(shown, screen->source.view->matching);
	at = paint_format(row, 0, PAINT_PLAIN, "%s shown%s, by %s %s", shown,
			  screen->source.view->hide_ended ? " (ended hidden)" : "", view_columns[screen->column].head,
			  screen->source.view->order.descending ? "falling" : "rising");
	at = filter_line_draw(&screen->filter, row, at);
	filter_line_base(screen->source.filter, row, at);
}

static void draw_head(const struct screen *screen, int row, const int *column, const int *widths, int count)
{
	int at = 0;

	paint_text(row, 0, screen->columns, PAINT_HEAD, "");
	for (int i = 0; i < count; i++) {
		const struct view_column *shown = &view_columns[column[i]];
		int length = (int)strlen(shown->head),
		    indent = shown->left || length > widths[i] ? 0 : widths[i] - length;

		paint_text(row, at + indent, widths[i] - indent, column[i] == screen->column ? PAINT_BOLD : PAINT_HEAD,
			   shown->head);
		at += widths[i] + 1;
	}
}

static enum paint paint_of(enum tone tone, bool ended)
{
	static const enum paint paints[] = { [TONE_ODD] = PAINT_ODD, [TONE_BAD] = PAINT_BAD };

	return tone == TONE_PLAIN ? (ended ? PAINT_DIM : PAINT_PLAIN) : paints[tone];
}

/* Without a record: the flow has gone, and its last counts and rates are all that is known. */
static void fill_cell(struct cell *cell, int column, const struct view_row *row, const struct record *record)
{
	if (record || view_columns[column].of_row)
		view_columns[column].fill(cell, row, record);
	else if (!column)
		strcpy(cell->text, "(gone)");
}

static void draw_row(struct screen *screen, int row, __u32 number, const int *column, const int *widths, int count)
{
	const struct view *view = screen->source.view;
	const struct record *record = screen_record(screen, number);
	bool picked = number == view->picked, ended = !record || number >= view->slots;
	int at = 0;

	if (picked)
		paint_text(row, 0, screen->columns, PAINT_PICKED, "");
	for (int i = 0; i < count; i++) {
		const struct view_column *shown = &view_columns[column[i]];
		struct cell cell = { .names = screen->source.names };
		int length;

		fill_cell(&cell, column[i], &view->rows[number], record);
		if (strlen(cell.text) > (size_t)widths[i] && widths[i] > 2 && shown->left)
			text_shorten(cell.text, (size_t)widths[i]);
		length = (int)strlen(cell.text);
		length = length < widths[i] ? length : widths[i];
		paint_text(row, shown->left ? at : at + widths[i] - length, length,
			   picked ? PAINT_PICKED : paint_of(cell.tone, ended), cell.text);
		at += widths[i] + 1;
	}
}

static void flows_draw(struct screen *screen, int top, int bottom)
{
	int column[VIEW_COLUMNS], widths[VIEW_COLUMNS];
	int count = view_columns_choose(column, widths, screen->columns, screen->column, screen->source.names,
					screen->source.several);
	struct view *view = screen->source.view;
	__u32 height = bottom > top + 2 ? (__u32)(bottom - top - 2) : 0;

	view_settle(view, height < SEEN ? height : SEEN);
	draw_status(screen, top);
	draw_head(screen, top + 1, column, widths, count);
	for (__u32 i = 0; i < view->shown; i++)
		draw_row(screen, top + 2 + (int)i, view->sight[i], column, widths, count);
	if (!view->matching)
		paint_text(top + 2, 0, -1, PAINT_DIM,
			   view->live || view->ended_count ? "no flow matches" : "no flow yet");
}

/* ---- keys ---- */

static void order_by(struct screen *screen, int column)
{
	const struct view_column *chosen = &view_columns[column];

	screen->column = column;
	screen->unsettled = true;
	view_order_by(screen->source.view, &(struct view_order){ .key = chosen->key,
								 .of_row = chosen->of_row,
								 .descending = chosen->falls != screen->reversed });
}

static void filter_type(struct screen *screen, int key)
{
	struct screen_filter *filter = &screen->filter;

	filter_line_key(filter, key);
	screen->unsettled = true;
	view_match_by(screen->source.view, screen_filter_wanted(filter) ? screen_filter_match : NULL, filter);
}

static bool move(struct view *view, int key)
{
	int page = view->height > 1 ? (int)view->height - 1 : 1;

	switch (key) {
	case PAINT_UP:
	case 'k': view_move(view, -1); break;
	case PAINT_DOWN:
	case 'j': view_move(view, 1); break;
	case PAINT_PAGE_UP: view_move(view, -page); break;
	case PAINT_PAGE_DOWN: view_move(view, page); break;
	case PAINT_HOME: view_move_home(view); break;
	case PAINT_END: view_move_to_end(view); break;
	default: return false;
	}
	return true;
}

bool flows_open(struct screen *screen)
{
	if (!detail_open(screen, screen->source.view->picked))
		return false;
	screen_turn_to(screen, &page_detail);
	return true;
}

static bool flows_key(struct screen *screen, int key)
{
	struct view *view = screen->source.view;

	if (screen->filter.typing) {
		filter_type(screen, key);
		return true;
	}
	switch (key) {
	case PAINT_LEFT:
	case '<': order_by(screen, (screen->column + VIEW_COLUMNS - 1) % VIEW_COLUMNS); break;
	case PAINT_RIGHT:
	case '>': order_by(screen, (screen->column + 1) % VIEW_COLUMNS); break;
	case 'r':
		screen->reversed = !screen->reversed;
		order_by(screen, screen->column);
		break;
	case 'e':
		view->hide_ended = !view->hide_ended;
		screen->unsettled = true;
		break;
	case '/': screen->filter.typing = true; break;
	case PAINT_ESCAPE: filter_type(screen, key); break;
	case PAINT_ENTER: screen->opening = !flows_open(screen); break;
	default: return move(view, key);
	}
	return true;
}

const struct page page_flows = {
	.name = "flows",
	.key = '1',
	.keys = "/ filter  < > order  enter details  r reverse  e ended",
	.draw = flows_draw,
	.key_pressed = flows_key,
};
