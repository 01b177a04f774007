/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The page of services: what became of connection attempts per server address and port, and the slowest by name. */
#include <string.h>

#include "filter_line.h"
#include "screen_page.h"
#include "service_column.h"
#include "text/text.h"
#include "text/units.h"

enum { SLOW_ROWS = 6 };

/* ---- the table ---- */

/* Column at which the numbers begin, with a blank: the name has what is before. */
static int numbers_at(const struct screen *screen)
{
	int at = screen->columns;

	for (int i = SERVICE_COLUMN_ATTEMPTS; i < SERVICE_COLUMNS; i++)
		if (screen->columns >= service_columns[i].from)
			at -= service_columns[i].width + 1;
	return at;
}

static enum paint head_paint(const struct screen *screen, int column)
{
	return column == screen->services.column ? PAINT_BOLD : PAINT_HEAD;
}

static void draw_head(const struct screen *screen, int row)
{
	int at = numbers_at(screen);

	paint_text(row, 0, screen->columns, PAINT_HEAD, "");
	paint_text(row, 0, at, head_paint(screen, SERVICE_COLUMN_NAME), service_columns[SERVICE_COLUMN_NAME].head);
	for (int i = SERVICE_COLUMN_ATTEMPTS; i < SERVICE_COLUMNS; i++) {
		const struct service_column *column = &service_columns[i];

		if (screen->columns < column->from)
			continue;
		at += 1 + column->width;
		paint_text(row, at - (int)strlen(column->head), -1, head_paint(screen, i), column->head);
	}
}

/* `number`: in the list. */
static void draw_line(const struct screen *screen, int row, size_t number, bool picked)
{
	const struct services *services = &screen->services;
	const struct service *service = services->list[number].service;
	char text[NAMES_ENDPOINT];
	int at = numbers_at(screen);

	services_name(screen, text, services->list[number].key, at - 1);
	paint_text(row, 0, screen->columns, picked ? PAINT_PICKED : PAINT_PLAIN, text);
	for (int i = SERVICE_COLUMN_ATTEMPTS; i < SERVICE_COLUMNS; i++) {
		int width = service_columns[i].width, first;

		if (screen->columns < service_columns[i].from)
			continue;
		service_column_text(text, service, services->rates[number].rate, i);
		first = width - (int)strlen(text);
		paint_text(row, at, 1, picked ? PAINT_PICKED : PAINT_PLAIN, " ");
		paint_text(row, at + 1 + (first > 0 ? first : 0), -1,
			   picked ? PAINT_PICKED : service_column_paint(service, i), text);
		at += width + 1;
	}
}

static void draw_slowest(const struct screen *screen, int top, int bottom)
{
	const struct services *services = &screen->services;
	const struct slow_list *slowest;
	char name[NAMES_ENDPOINT], sentence[SENTENCE];

	if (services->cursor >= services->sighted || !services_seen(services, services->cursor)->key || top >= bottom)
		return;
	slowest = slowest_of(&screen->source.statistics->slowest, services_seen(services, services->cursor)->key);
	if (!slowest || !slowest->count)
		return;
	services_name(screen, name, services_seen(services, services->cursor)->key, screen->columns / 2);
	paint_format(top++, 0, PAINT_BOLD, "slowest connections to %s", name);
	for (__u32 i = 0; i < slowest->count && top < bottom; i++) {
		const struct slow *slow = &slowest->slow[i];

		screen_endpoint(screen, name, slow->ip, slow->ip_version, slow->port, screen->columns / 3);
		slow_sentence(sentence, &slow->handshake);
		paint_format(top++, 0, PAINT_PLAIN, "%s %s", name, sentence);
	}
}

/* How many, in which order, and the filter. */
static void draw_status(const struct screen *screen, int row)
{
	const struct services *services = &screen->services;
	char order[SERVICES_ORDER];
	int at = 0;

	services_order_text(services, order);
	if (services->filter.typing || services->filter.kind != FILTER_NOTHING)
		at = paint_format(row, 0, PAINT_PLAIN, "%zu of ", services->sighted);
	at = paint_format(row, at, PAINT_PLAIN, "%zu service%s, %s", services->count, services->count == 1 ? "" : "s",
			  order);
	at = filter_line_draw(&services->filter, row, at);
	filter_line_base(screen->source.filter, row, at);
}

static void services_draw(struct screen *screen, int top, int bottom)
{
	struct services *services = &screen->services;
	int slow = bottom - top > 3 * SLOW_ROWS ? SLOW_ROWS : 0;
	size_t height;

	draw_status(screen, top++);
	height = (size_t)(bottom - top - 1 - slow);
	if (services->cursor < services->first)
		services->first = services->cursor;
	if (services->cursor >= services->first + height)
		services->first = services->cursor - height + 1;
	draw_head(screen, top);
	for (size_t i = 0; i < height && services->first + i < services->sighted; i++) {
		size_t place = services->first + i;

		draw_line(screen, top + 1 + (int)i, services->sight[place], place == services->cursor);
	}
	if (!services->count)
		paint_text(top + 1, 0, -1, PAINT_DIM, "no connection attempt yet");
	draw_slowest(screen, bottom - slow, bottom);
}

static void filter_type(struct services *services, int key)
{
	filter_line_key(&services->filter, key);
	services_sift(services);
}

/* False: the key does not. */
static bool order(struct screen *screen, int key)
{
	struct services *services = &screen->services;
	bool left = key == PAINT_LEFT || key == '<', right = key == PAINT_RIGHT || key == '>';

	if (left || right)
		services_order_by(services, service_column_next(services->column, right ? 1 : -1, screen->columns),
				  services->reversed);
	else if (key == 'r')
		services_order_by(services, services->column, !services->reversed);
	else
		return false;
	return true;
}

static bool services_key(struct screen *screen, int key)
{
	struct services *services = &screen->services;

	if (services->filter.typing || (key == PAINT_ESCAPE && services->filter.kind != FILTER_NOTHING)) {
		filter_type(services, key);
		return true;
	}
	if (order(screen, key))
		return true;
	if (key == '/') {
		services->filter.typing = true;
		return true;
	}
	if (key == PAINT_ENTER && services->sighted) {
		services_move(screen, services->picked ? PAINT_NO_KEY : PAINT_DOWN);
		screen_turn_to(screen, &page_histogram);
		return true;
	}
	if (key == PAINT_ESCAPE) {
		screen_turn_to(screen, &page_flows);
		return true;
	}
	return services_move(screen, key);
}

const struct page page_services = {
	.name = "services",
	.key = '2',
	.keys = "/ filter  < > order  enter histogram  r reverse",
	.draw = services_draw,
	.key_pressed = services_key,
};
