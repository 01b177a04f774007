/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "screen_page.h"
#include "service_column.h"
#include "text/text.h"

enum { ROWS_LEAST = 8, COLUMNS_LEAST = 40, ENDPOINT_LEAST = 14 /* "[20..]:65535" and a little */ };
enum { SCROLL_END = 1 << 16 }; /* beyond any */

static const struct page *const pages[] = { &page_flows, &page_services, &page_histogram };

enum { PAGES = sizeof(pages) / sizeof(pages[0]) };

int screen_open(struct screen **screen, const struct screen_source *source, bool colour)
{
	struct screen *opened = calloc(1, sizeof(*opened));
	int err;

	*screen = opened;
	if (!opened)
		return -ENOMEM;
	opened->source = *source;
	opened->seen = calloc(SEEN, sizeof(*opened->seen));
	err = opened->seen ? screen_filter_open(&opened->filter, source->filter) : -ENOMEM;
	if (!err)
		err = paint_open(colour);
	if (err)
		return err;
	opened->filter.names = opened->services.filter.names = source->names;
	opened->page = &page_flows;
	opened->column = VIEW_COLUMN_RATE;
	opened->services.column = SERVICE_COLUMN_ATTEMPTS;
	view_order_by(source->view, &(struct view_order){ .key = view_columns[VIEW_COLUMN_RATE].key,
							  .of_row = view_columns[VIEW_COLUMN_RATE].of_row,
							  .descending = true });
	if (source->filter)
		view_match_by(source->view, screen_filter_match, &opened->filter);
	return 0;
}

void screen_close(struct screen *screen)
{
	if (!screen)
		return;
	packets_close(screen);
	paint_close();
	screen_filter_close(&screen->filter);
	screen_filter_close(&screen->services.filter);
	services_close(&screen->services);
	free(screen->seen);
	free(screen);
}

bool screen_is_paused(const struct screen *screen) { return screen->paused; }

void screen_names_came(struct screen *screen)
{
	if (screen->filter.kind == FILTER_PLAIN)
		view_match_by(screen->source.view, screen_filter_match, &screen->filter);
	services_names_came(&screen->services);
}

bool screen_is_stale(const struct screen *screen) { return screen->stale; }

/* ---- records of rows ---- */

static struct seen *seen_at(struct screen *screen, __u32 row, __u32 identity)
{
	for (int i = 0; i < SEEN; i++)
		if (screen->seen[i].identity == identity && screen->seen[i].row == row)
			return &screen->seen[i];
	return NULL;
}

/* While paused each row in sight has its place; they come and go in turn. */
static const struct record *record_kept(struct screen *screen, __u32 row, __u32 identity)
{
	static unsigned int next;
	struct seen *seen = seen_at(screen, row, identity);

	if (seen)
		return seen->known ? &seen->record : NULL;
	seen = &screen->seen[next++ % SEEN];
	*seen = (struct seen){ .row = row, .identity = identity };
	seen->known = screen->source.record(screen->source.context, row, identity, &seen->record);
	return seen->known ? &seen->record : NULL;
}

const struct record *screen_record(struct screen *screen, __u32 row)
{
	const struct view *view = screen->source.view;
	const struct record *ended = view_ended(view, row);

	return ended ? ended : record_kept(screen, row, view->rows[row].identity);
}

static void forget_records(struct screen *screen)
{
	for (int i = 0; i < SEEN; i++)
		screen->seen[i].identity = 0;
}

void screen_endpoint(const struct screen *screen, char text[NAMES_ENDPOINT], const __u8 ip[16], __u8 ip_version,
		     __u16 port, int width)
{
	names_endpoint(screen->source.names, text, ip, ip_version, port);
	text_shorten(text, width > ENDPOINT_LEAST ? (size_t)width : ENDPOINT_LEAST);
}

bool screen_scroll(int *scroll, int key, int page)
{
	switch (key) {
	case PAINT_UP:
	case 'k': --*scroll; break;
	case PAINT_DOWN:
	case 'j': ++*scroll; break;
	case PAINT_PAGE_UP: *scroll -= page; break;
	case PAINT_PAGE_DOWN: *scroll += page; break;
	case PAINT_HOME: *scroll = 0; break;
	case PAINT_END: *scroll = SCROLL_END; break;
	default: return false;
	}
	return true;
}

void screen_scroll_within(int *scroll, int most)
{
	*scroll = *scroll < most ? *scroll : most;
	*scroll = *scroll > 0 ? *scroll : 0;
}

/* ---- pictures ---- */

void screen_turn_to(struct screen *screen, const struct page *page)
{
	screen->before = screen->page;
	screen->page = page;
}

static void draw_keys(const struct screen *screen)
{
	int row = screen->rows - 1, at = 0;

	for (int i = 0; i < PAGES; i++)
		at = paint_format(row, at, screen->page == pages[i] ? PAINT_HEAD : PAINT_PLAIN, " %c %s ",
				  pages[i]->key, pages[i]->name);
	at = paint_text(row, at, -1, PAINT_PLAIN, "  ? help  q quit  p pause  ");
	paint_text(row, at, -1, PAINT_DIM, screen->page->keys);
}

void screen_redraw(struct screen *screen)
{
	paint_begin();
	paint_size(&screen->rows, &screen->columns);
	if (screen->rows < ROWS_LEAST || screen->columns < COLUMNS_LEAST) {
		paint_format(0, 0, PAINT_PLAIN, "tcpscope needs %d x %d", COLUMNS_LEAST, ROWS_LEAST);
	} else {
		header_draw(screen);
		screen->page->draw(screen, HEADER_ROWS, screen->rows - 1);
		draw_keys(screen);
	}
	paint_end();
	screen->stale = screen->unsettled = false;
}

void screen_show(struct screen *screen, const struct screen_news *news)
{
	screen->news = *news;
	forget_records(screen);
	header_renew(screen);
	services_renew(screen);
	detail_renew(screen);
	packets_renew(screen);
	screen_redraw(screen);
	if (screen->opening && flows_open(screen))
		screen_redraw(screen);
	screen->opening = false;
}

/* ---- keys ---- */

/* Keys of every page. Returns true if it ends the program. */
static bool common_key(struct screen *screen, int key)
{
	if (key == 'q' || key == 'Q')
		return true;
	if (key == 'p' || key == ' ')
		screen->paused = !screen->paused;
	if ((key == '?' || key == 'h') && screen->page != &page_help) {
		screen->help_scroll = 0;
		screen_turn_to(screen, &page_help);
	}
	for (int i = 0; i < PAGES; i++)
		if (key == pages[i]->key)
			screen_turn_to(screen, pages[i]);
	return false;
}

bool screen_keys(struct screen *screen)
{
	bool ends = false;
	int key;

	while (!ends && !(screen->unsettled && !screen->filter.typing) && (key = paint_key()) != PAINT_NO_KEY) {
		screen->stale = true;
		screen->opening = false;
		ends = key != PAINT_RESIZE && !screen->page->key_pressed(screen, key) && common_key(screen, key);
		packets_settle(screen);
	}
	return ends;
}
