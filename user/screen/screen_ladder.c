/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The page of a flow's packets: its ladder, from when the page was asked for until it is left. Follows the newest until
 * one scrolls. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "output/rung_text.h"
#include "text/units.h"
#include "screen_page.h"

enum { LINE = 320, CLOCK = 16, SIDEWAYS = 8, TITLE_ROWS = 2, BELOW = 6 /* rows that are not the ladder's */ };

/* ---- from when to when it is drawn ---- */

void packets_begin(struct screen *screen)
{
	const struct detail *detail = &screen->detail;
	struct packets *packets = &screen->packets;

	packets_end(screen);
	packets->follows = true;
	packets->sideways = 0;
	packets->first = packets->shown = 0;
	packets->rungs.count = packets->rungs.dropped = 0;
	if (!screen->source.draw)
		packets->error = -EOPNOTSUPP;
	else if (detail->ended)
		packets->error = -ENOENT;
	else
		packets->error = screen->source.draw(screen->source.context, detail->row, detail->identity,
						     &packets->rungs);
	packets->drawn = !packets->error;
}

void packets_end(struct screen *screen)
{
	struct packets *packets = &screen->packets;

	if (packets->drawn)
		screen->source.draw(screen->source.context, VIEW_NONE, 0, NULL);
	packets->drawn = packets->ending = false;
}

void packets_settle(struct screen *screen)
{
	if (screen->page != &page_ladder && !(screen->page == &page_help && screen->before == &page_ladder))
		packets_end(screen);
}

/* A packet that ended the flow may still be on its way when its record has come: one picture later it is not. */
void packets_renew(struct screen *screen)
{
	struct packets *packets = &screen->packets;

	if (packets->ending)
		packets_end(screen);
	packets->ending = packets->drawn && screen->detail.ended;
}

void packets_close(struct screen *screen)
{
	packets_end(screen);
	rungs_close(&screen->packets.rungs);
}

/* ---- the page ---- */

/* Why there is none. */
static const char *words_for(int error)
{
	switch (error) {
	case -EOPNOTSUPP: return "no ladder with --pin: the programs of a pinned watch pass no packets on";
	case -ENOENT: return "no ladder: the connection has ended, and no packet of it comes any more";
	default: return strerror(-error);
	}
}

static void draw_status(const struct screen *screen, int row)
{
	const struct packets *packets = &screen->packets;
	const struct rungs *rungs = &packets->rungs;
	/* Both are the start of the flow: in Unix time, and of the segments' clock. */
	__s64 epoch_ns = screen->detail.record.start_ns - (__s64)rungs->start_ns;
	time_t seconds = (time_t)(((__s64)rungs->first_ns + epoch_ns) / (__s64)NS_PER_SEC);
	char count[UNITS_TEXT], dropped[UNITS_TEXT], clock[CLOCK] = "";
	struct tm parts;
	int at;

	if (packets->error) {
		paint_text(row, 0, -1, PAINT_ODD, words_for(packets->error));
		return;
	}
	if (!rungs->count) {
		paint_text(row, 0, -1, PAINT_DIM,
			   packets->drawn ? "waiting for its next packet" : "no packet came before it ended");
		return;
	}
	units_exact(count, (__s64)packets->shown);
	units_exact(dropped, (__s64)rungs->dropped);
	if (localtime_r(&seconds, &parts))
		strftime(clock, sizeof(clock), "%T", &parts);
	at = paint_format(row, 0, PAINT_PLAIN, "%s packet%s since %s", count, packets->shown == 1 ? "" : "s", clock);
	if (packets->shown > RUNGS_KEPT)
		at = paint_format(row, at, PAINT_DIM, ", the last %d kept", RUNGS_KEPT);
	at = paint_format(row, at, rungs->dropped ? PAINT_BAD : PAINT_PLAIN, ", %s dropped", dropped);
	if (!packets->follows)
		paint_text(row, at, -1, PAINT_DIM, "; end follows the newest");
}

static enum paint paint_of(const struct rung_segment *segment)
{
	static const __u16 harmless = 1 << ANALYSIS_WINDOW_UPDATES | 1 << ANALYSIS_KEEP_ALIVES |
				      1 << ANALYSIS_KEEP_ALIVE_ACKS;

	if (segment->flags & TCP_RST)
		return PAINT_BAD;
	return segment->marks & ~harmless ? PAINT_ODD : PAINT_PLAIN;
}

static void draw_rung(const struct packets *packets, __u64 number, int row)
{
	const struct rung_segment *segment = rungs_at(&packets->rungs, number);
	char line[LINE] = "";
	FILE *to = fmemopen(line, sizeof(line), "w");

	if (!to)
		return;
	rung_put(to, segment, packets->rungs.first_ns, packets->rungs.client);
	fclose(to);
	line[sizeof(line) - 1] = '\0';
	if (strlen(line) > (size_t)packets->sideways)
		paint_text(row, 0, -1, paint_of(segment), line + packets->sideways);
}

/* The first that is in sight, of `height`. */
static __u64 settle_first(struct packets *packets, int height)
{
	__u64 oldest = rungs_first(&packets->rungs),
	      last = packets->shown > (__u64)height ? packets->shown - height : 0;

	last = last < oldest ? oldest : last;
	if (packets->follows || packets->first >= last)
		packets->first = last;
	if (packets->first < oldest)
		packets->first = oldest;
	return packets->first;
}

static void ladder_draw(struct screen *screen, int top, int bottom)
{
	struct packets *packets = &screen->packets;
	int height = bottom - top - TITLE_ROWS;
	__u64 first;

	if (!screen->paused) /* the count goes on, not the picture */
		packets->shown = packets->rungs.count;
	detail_title(screen, top);
	draw_status(screen, top + 1);
	first = settle_first(packets, height > 0 ? height : 1);
	for (int i = 0; i < height && first + (__u64)i < packets->shown; i++)
		draw_rung(packets, first + (__u64)i, top + TITLE_ROWS + i);
}

static void scroll(struct packets *packets, int rows)
{
	__u64 up = rows < 0 ? (__u64)-rows : 0;

	packets->first = up ? (packets->first > up ? packets->first - up : 0) : packets->first + (__u64)rows;
	packets->follows = false;
}

static bool ladder_key(struct screen *screen, int key)
{
	struct packets *packets = &screen->packets;
	int page = screen->rows > HEADER_ROWS + BELOW ? screen->rows - HEADER_ROWS - BELOW : 1;

	switch (key) {
	case PAINT_UP:
	case 'k': scroll(packets, -1); break;
	case PAINT_DOWN:
	case 'j': scroll(packets, 1); break;
	case PAINT_PAGE_UP: scroll(packets, -page); break;
	case PAINT_PAGE_DOWN: scroll(packets, page); break;
	case PAINT_HOME:
		packets->first = 0;
		packets->follows = false;
		break;
	case PAINT_END: packets->follows = true; break;
	case PAINT_LEFT: packets->sideways -= packets->sideways ? SIDEWAYS : 0; break;
	case PAINT_RIGHT: packets->sideways += packets->sideways < LINE / 2 ? SIDEWAYS : 0; break;
	case PAINT_ENTER:
	case PAINT_ESCAPE:
	case 'l': screen_turn_to(screen, &page_detail); break;
	default: return false;
	}
	return true;
}

const struct page page_ladder = {
	.name = "ladder",
	.keys = "esc back  arrows scroll  end newest",
	.draw = ladder_draw,
	.key_pressed = ladder_key,
};
