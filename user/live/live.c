/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What goes on while it watches, and the accounts at the end. */
#include "live.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clocks.h"
#include "live_parts.h"
#include "message.h"
#include "names/names.h"
#include "options.h"
#include "watch.h"

enum {
	SWEEP_MS = 250,
	ATTACHED_MS = 1000,
	ASK_AHEAD_MS = 1000,
	BUSY_MS = 5,	 /* between looks at a ring buffer that fills */
	BUSY_SHARE = 16, /* fills: so small a part of it came since the last look */
	READINGS = 1000, /* of a ledger that does not balance */
};

/* What is still seen of it? One that was moved to another network namespace would take its programs along. */
static bool is_left(struct live *live, unsigned int number)
{
	struct watched *watched = &live->interfaces.watched[number];
	bool left = false;

	attach_look(&live->attach, watched, number);
	if (watched->gone)
		attach_close_links(&live->attach, number);
	for (int direction = 0; direction < DIRECTIONS && !watched->gone; direction++)
		left |= !watched->off[direction] &&
			attach_watches(&live->attach, watched, (enum interface_direction)direction);
	return left;
}

static unsigned int interfaces_left(struct live *live)
{
	unsigned int left = 0;

	watch_read(live->watch, &live->interfaces, &live->attach);
	for (unsigned int i = 0; i < live->interfaces.count; i++)
		left += is_left(live, i);
	return left;
}

/* Waits up to `wait_ms` for what ends the watch, or a key. True: it ends. */
static bool wait_for_end(struct live *live, int wait_ms)
{
	struct pollfd fds[] = { { .fd = live->told, .events = POLLIN },
				{ .fd = live->watch, .events = POLLIN },
				{ .fd = live->screen.open ? STDIN_FILENO : -1, .events = POLLIN },
				{ .fd = names_descriptor(live->options->names), .events = POLLIN } };

	if (poll(fds, 4, wait_ms) < 0)
		return live->screen.open && live_screen_keys(&live->screen); /* SIGWINCH */
	if (fds[3].revents && names_take(live->options->names) && live->screen.open)
		live_screen_names_came(&live->screen);
	if (fds[0].revents || fds[2].revents & ~POLLIN)
		return true;
	if (live->screen.open && live_screen_keys(&live->screen))
		return true;
	return fds[1].revents && !interfaces_left(live);
}

/* The services as they are, to the output. `end`: nothing is printed after it but the accounts. */
static int report_services(struct live *live, bool final, bool end)
{
	int err = harvest_statistics(&live->harvest, final);

	if (err || !live->options->report)
		return err;
	if (end)
		live_names_finish(live);
	return output_tell(live->output, &live->news, live->statistics, end);
}

/* --per-interval: what is there already, as of a watch that was pinned, is no news. */
static int begin_news(struct live *live)
{
	int err;

	if (!live->options->per_interval)
		return 0;
	err = news_open(&live->news, live->statistics);
	if (!err)
		err = harvest_statistics(&live->harvest, false);
	if (!err)
		news_told(&live->news, live->statistics);
	return err;
}

/* When to do what next, ms of clock_ms. */
struct schedule {
	__u64 sweep, frame, report, end, interval;
	__u64 attached; /* to see whether all is attached still */
	__u64 ask;	/* for the names of the next report */
	__u64 drained;	/* at the last look: from the ring buffer, */
	__u64 ended;	/* and from the table */
	__u64 taken;	/* rungs of ladders, likewise */
	__u64 capacity; /* of the ring buffer, reports */
};

/* So long before a report, ms. */
static __u64 ask_ahead(__u64 interval) { return interval / 2 < ASK_AHEAD_MS ? interval / 2 : ASK_AHEAD_MS; }

static void schedule_begin(struct schedule *schedule, const struct live *live)
{
	const struct options *options = live->options;
	__u64 start = clock_ms(), interval = options->interval_ns / NS_PER_MS;

	*schedule = (struct schedule){
		.sweep = start,
		.frame = live->screen.open ? start : ~0ULL,
		.report = interval ? start + interval : ~0ULL,
		.end = options->duration_ns ? start + options->duration_ns / NS_PER_MS : ~0ULL,
		.interval = interval,
		.ask = interval && options->names ? start + interval - ask_ahead(interval) : ~0ULL,
		.capacity = live->loader.reports_size / sizeof(struct report),
	};
}

/* The ring buffer is looked at as often as it fills, the table four times a second. */
static int look(struct live *live, struct schedule *schedule, __u64 now)
{
	int err = harvest_drain(&live->harvest);

	if (!err)
		err = live_ladder_drain(&live->ladder);
	if (!err)
		err = live_pick_drain(&live->screen.pick);
	if (!err && now >= schedule->sweep) {
		err = harvest_sweep(&live->harvest, false);
		schedule->sweep = now + SWEEP_MS;
	}
	if (!err)
		err = sink_tick(live->sink);
	if (!err && (live->harvest.drained != schedule->drained || live->harvest.taken != schedule->ended))
		err = output_flush(stdout); /* who reads a pipe wants a flow when it has ended */
	if (!err && now >= schedule->frame) {
		err = live_screen_frame(&live->screen);
		schedule->frame += (now - schedule->frame) / SCREEN_FRAME_MS * SCREEN_FRAME_MS + SCREEN_FRAME_MS;
	}
	if (!err && now >= schedule->ask) {
		err = live_names_ask_report(live);
		schedule->ask += schedule->interval;
	}
	if (!err && now >= schedule->report) {
		err = report_services(live, false, false);
		schedule->report += schedule->interval;
	}
	return err;
}

/* Until what is due first. */
static int wait_of(struct schedule *schedule, const struct live *live, __u64 now)
{
	__u64 taken = live->ladder.taken + live->screen.pick.taken;
	bool busy = live->harvest.drained - schedule->drained > schedule->capacity / BUSY_SHARE;
	__u64 due = now + (busy ? BUSY_MS : SWEEP_MS);

	busy |= taken != schedule->taken; /* their ring buffer is small, and rungs come by the packet */
	schedule->taken = taken;
	schedule->drained = live->harvest.drained;
	schedule->ended = live->harvest.taken;
	due = schedule->end < due ? schedule->end : due;
	due = schedule->frame < due ? schedule->frame : due;
	return due > now ? (int)(due - now) : 0;
}

static int watch_flows(struct live *live)
{
	struct schedule schedule;
	int err = begin_news(live), wait = 0;

	schedule_begin(&schedule, live);
	live->cut_short = "it was to end before anything was watched";
	while (!err && !wait_for_end(live, wait)) {
		__u64 now = clock_ms();

		if (now >= schedule.attached) {
			if (!interfaces_left(live))
				break;
			schedule.attached = now + ATTACHED_MS;
		}

		live->cut_short = NULL;
		if (now >= schedule.end)
			break;
		err = look(live, &schedule, now);
		wait = wait_of(&schedule, live, clock_ms());
	}
	if (!interfaces_left(live) && live->options->duration_ns && clock_ms() < schedule.end)
		live->cut_short = "no interface was left before --duration was over";
	if (interfaces_any_off(&live->interfaces))
		live->cut_short = "somebody else has taken off what watched, or some of it";
	return err;
}

static int put_ledger(struct live *live, unsigned int number, enum interface_direction direction, bool *whole)
{
	int tries = live_stays(live) ? READINGS : 1, err;
	struct ledger_record record;

	err = harvest_ledger(&live->harvest, number, direction, tries, &record);
	if (err)
		return err;
	statistics_ledger(live->statistics, &record.ledger);
	*whole &= ledger_is_whole(&record.ledger);
	return live->output->ledger(&record);
}

/* The accounts, after all flows, of what is watched. `whole`: nothing was lost, and every packet is accounted for. */
static int put_ledgers(struct live *live, bool *whole)
{
	int err = 0;

	*whole = true;
	for (unsigned int i = 0; i < live->interfaces.count && !err; i++)
		for (int direction = 0; direction < DIRECTIONS && !err; direction++)
			if (attach_watches(&live->attach, &live->interfaces.watched[i],
					   (enum interface_direction)direction))
				err = put_ledger(live, i, (enum interface_direction)direction, whole);
	return err;
}

static bool is_judged(const struct options *options)
{
	return (options->strict || options->assertions) && !options->unpin;
}

static int finish(struct live *live)
{
	bool whole, last = !live_stays(live);
	int err;

	if (!live->options->report)
		live_names_finish(live);
	err = harvest_sweep(&live->harvest, last);
	if (!err)
		err = sink_flush(live->sink);
	if (!err)
		err = live_ladder_finish(&live->ladder);
	if (!err && statistics_wanted(live->statistics))
		err = report_services(live, last, true);
	if (!err && last)
		err = harvest_summaries(&live->harvest, live->output);
	if (!err)
		err = put_ledgers(live, &whole);
	if (!err && live->options->stats)
		err = programs_put(&live->programs, &live->attach, &live->interfaces, live->output);
	if (err)
		return err;
	if (live->cut_short && is_judged(live->options)) {
		message_put("nothing is judged: %s", live->cut_short);
		return EXIT_FAILED;
	}
	if (interfaces_any_off(&live->interfaces)) /* said when it was seen */
		return EXIT_FAILED;
	return live->options->strict && !whole ? EXIT_STRICT : EXIT_FINE;
}

/* Once all that was pinned is printed, and out: else the next --unpin has it still. Returns `status`, or what is
 * worse. */
static int unpin(struct live *live, int status)
{
	int err = output_flush(stdout);

	if (err)
		return err;
	err = guardian_unpin(&live->guardian);
	pin_complain(&live->pin, err);
	return err ? EXIT_FAILED : status;
}

int live_run(const struct options *options, const struct output *output, struct statistics *statistics)
{
	static struct live live;
	int status = EXIT_FAILED, err, said;

	live = (struct live){ .options = options, .output = output, .statistics = statistics, .guardian.notes = -1 };
	live.instance = live.told = live.watch = live.pin.directory = live.programs.measuring = -1;
	err = live_start(&live);
	if (err) { /* all has been said; without a sink an expression is wrong */
		status = err > 0 && !is_judged(options) ? EXIT_FINE
			 : !live.sink && err == -EINVAL ? EXIT_USAGE
							: EXIT_FAILED;
		live_detach(&live);
		goto out;
	}
	err = options->screen ? live_screen_open(&live.screen, &live.harvest, statistics, options, &live.attach) : 0;
	if (!err && !options->unpin)
		err = live_give_up(&live);
	said = err; /* by themselves */
	live.harvest.active_ns = options->active_ns;
	live.harvest.idle_ns = options->idle_ns;
	if (!err && !options->unpin)
		err = watch_flows(&live);
	live_screen_close(&live.screen);
	live_detach(&live);
	if (!err && options->unpin)
		said = err = live_give_up(&live);
	if (!err)
		err = status = finish(&live);
	if (err >= 0 && options->unpin)
		err = status = unpin(&live, status);
	if (err < 0) {
		status = err == -EPIPE && !options->assertions ? EXIT_FINE
							       : EXIT_FAILED; /* the reader has gone: head */
		if (!said && err != output_check(stdout)) /* else main says it, or nobody if the reader has gone */
			message_put("watching ended early: %s", strerror(-err));
	}
out:
	live_stop(&live);
	return status;
}
