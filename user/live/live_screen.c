/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE

#include "live_screen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clocks.h"
#include "message.h"
#include "terminal.h"
#include "text/text.h"

enum {
	READINGS = 16, /* of a ledger that does not balance */
	/* Pictures of the services look at every flow, so they come the more seldom the longer one takes: 0.5 % of a
	 * core. */
	PICTURE_SHARE = 200,
};

static __u64 now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

/* ---- what others say on standard error waits until the terminal is theirs again ---- */

static void messages_hold(struct live_screen *screen)
{
	if (!isatty(STDERR_FILENO))
		return;
	screen->messages = memfd_create("messages", MFD_CLOEXEC);
	screen->standard_error = screen->messages < 0 ? -1 : dup(STDERR_FILENO);
	if (screen->standard_error >= 0)
		dup2(screen->messages, STDERR_FILENO);
}

static void messages_release(struct live_screen *screen)
{
	char text[4096];
	ssize_t length;
	off_t at = 0;

	if (screen->standard_error >= 0) {
		dup2(screen->standard_error, STDERR_FILENO);
		close(screen->standard_error);
		while ((length = pread(screen->messages, text, sizeof(text), at)) > 0) {
			fwrite(text, 1, (size_t)length, stderr);
			at += length;
		}
	}
	if (screen->messages >= 0)
		close(screen->messages);
	screen->messages = screen->standard_error = -1;
}

/* ---- open and close ---- */

/* What watches a direction there. */
static const char *hook_word(const struct attach *attach, const struct watched *watched, unsigned int number,
			     enum interface_direction direction)
{
	if (!attach_watches(attach, watched, direction))
		return "-";
	if (watched->off[direction])
		return "off";
	if (direction == DIRECTION_INGRESS && attach->of[number].xdp)
		return "xdp";
	return attach->of[number].link[direction] >= 0 ? "tcx" : "clsact";
}

/* "eth0 in xdp out tcx, lo in tcx out -" */
static void describe(char names[SCREEN_NAMES], const struct interfaces *interfaces, const struct attach *attach)
{
	size_t at = 0;

	names[0] = '\0';
	for (unsigned int i = 0; i < interfaces->count && at < SCREEN_NAMES; i++) {
		const struct watched *watched = &interfaces->watched[i];
		char name[4 * IF_NAMESIZE];

		text_escape(name, sizeof(name), watched->name);
		at += (size_t)snprintf(names + at, SCREEN_NAMES - at, "%s%s in %s out %s%s", i ? ", " : "", name,
				       hook_word(attach, watched, i, DIRECTION_INGRESS),
				       hook_word(attach, watched, i, DIRECTION_EGRESS), watched->gone ? " (gone)" : "");
	}
}

static bool record_of(void *context, __u32 row, __u32 identity, struct record *record)
{
	const struct live_screen *screen = context;

	return harvest_view_record(screen->harvest, &screen->view, row, identity, record);
}

/* The packets of a row, for its ladder. */
static int draw(void *context, __u32 row, __u32 identity, struct rungs *rungs)
{
	struct live_screen *screen = context;
	struct flow_key key;
	__u64 start_ns;

	if (row == VIEW_NONE)
		return live_pick_end(&screen->pick);
	if (!harvest_view_key(screen->harvest, &screen->view, row, identity, &key, &start_ns))
		return -ENOENT;
	return live_pick_begin(&screen->pick, &key, start_ns, rungs);
}

int live_screen_open(struct live_screen *screen, struct harvest *harvest, struct statistics *statistics,
		     const struct options *options, const struct attach *attach)
{
	const struct screen_source source = { .view = &screen->view,
					      .statistics = statistics,
					      .filter = options->filter,
					      .names = options->names,
					      .several = harvest->interfaces->count > 1,
					      .record = record_of,
					      .draw = options->pin ? NULL : draw,
					      .context = screen };
	int err;

	*screen = (struct live_screen){ .harvest = harvest, .statistics = statistics, .attach = attach, .open = true };
	screen->messages = screen->standard_error = -1;
	err = view_open(&screen->view, harvest->mapping.buckets * WAYS);
	if (!err && source.draw)
		err = live_pick_open(&screen->pick, harvest->loader, harvest->interfaces);
	if (!err)
		err = screen_open(&screen->screen, &source, options_colour(options));
	if (err) {
		live_screen_close(screen);
		message_put("cannot open the screen: %s%s", strerror(-err),
			    message_advice(err, "; try --output table"));
		return err;
	}
	terminal_taken();
	messages_hold(screen);
	sink_show(harvest->sink, &screen->view);
	return 0;
}

void live_screen_close(struct live_screen *screen)
{
	if (!screen->open)
		return;
	if (screen->harvest->sink)
		sink_show(screen->harvest->sink, NULL);
	screen_close(screen->screen);
	live_pick_close(&screen->pick);
	terminal_given_back();
	messages_release(screen);
	view_close(&screen->view);
	*screen = (struct live_screen){ .open = false };
}

/* ---- pictures ---- */

static int read_ledgers(struct live_screen *screen)
{
	int err = 0;

	screen->ledger_count = 0;
	for (unsigned int i = 0; i < screen->harvest->interfaces->count && !err; i++)
		for (int direction = 0; direction < DIRECTIONS && !err; direction++)
			err = harvest_ledger(screen->harvest, i, (enum interface_direction)direction, READINGS,
					     &screen->ledgers[screen->ledger_count++]);
	return err;
}

static int picture_services(struct live_screen *screen)
{
	__u64 began = now_ns();
	int err;

	if (began < screen->picture_due_ns)
		return 0;
	err = harvest_statistics(screen->harvest, false);
	screen->pictured_ns = began;
	screen->picture_due_ns = began + (now_ns() - began) * PICTURE_SHARE;
	return err;
}

static void show(struct live_screen *screen)
{
	const struct screen_news news = { .ledgers = screen->ledgers,
					  .ledger_count = screen->ledger_count,
					  .interfaces = screen->names,
					  .now_ns = now_ns(),
					  .pictured_ns = screen->pictured_ns };

	screen_show(screen->screen, &news);
}

int live_screen_frame(struct live_screen *screen)
{
	int err = 0;

	if (screen_is_paused(screen->screen))
		return 0;
	describe(screen->names, screen->harvest->interfaces, screen->attach);
	if (screen->names_came)
		screen_names_came(screen->screen);
	screen->names_came = false;
	harvest_view(screen->harvest, &screen->view, false);
	err = read_ledgers(screen);
	if (!err)
		err = picture_services(screen);
	if (!err)
		err = live_pick_count(&screen->pick);
	if (!err)
		show(screen);
	return err;
}

void live_screen_names_came(struct live_screen *screen) { screen->names_came = true; }

bool live_screen_keys(struct live_screen *screen)
{
	while (!screen_keys(screen->screen)) {
		if (!screen_is_stale(screen->screen))
			return false;
		harvest_view(screen->harvest, &screen->view, true);
		screen_redraw(screen->screen);
	}
	return true;
}
