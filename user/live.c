/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The order of things; each is done by the file of its name. */
#include "live.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "attach.h"
#include "guardian.h"
#include "harvest.h"
#include "interfaces.h"
#include "leftover.h"
#include "live_screen.h"
#include "../include/link.h"
#include "loader.h"
#include "options.h"
#include "terminal.h"
#include "watch.h"

enum {
	SWEEP_MS = 250,
	BUSY_MS = 5,	 /* between looks at a ring buffer that fills */
	BUSY_SHARE = 16, /* fills: so small a part of it came since the last look */
};

struct live {
	const struct options *options;
	const struct output *output;
	struct statistics *statistics;
	struct interfaces interfaces;
	struct guardian guardian;
	struct loader loader;
	struct attach attach;
	struct sink *sink;
	struct harvest harvest;
	struct live_screen screen;
	int instance, signals, watch; /* descriptors; negative: not open */
};

static __u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000 + (__u64)now.tv_nsec / 1000000;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void remove_leftovers(struct live *live)
{
	for (unsigned int i = 0; i < live->interfaces.count; i++) {
		const struct watched *watched = &live->interfaces.watched[i];
		int removed;

		guardian_note(&live->guardian, watched->ifindex);
		removed = leftover_remove(watched->ifindex);
		if (removed > 0)
			fprintf(stderr, "tcpscope: %s: replaced %d program%s that an earlier run left attached\n",
				watched->name, removed, removed == 1 ? "" : "s");
	}
}

static int enter_interface(const struct live *live, unsigned int number)
{
	const struct watched *watched = &live->interfaces.watched[number];
	__u32 at = watched->ifindex % INTERFACE_INDEXES;
	const struct interface entry = { .ifindex = watched->ifindex,
					 .number = (__u16)number,
					 .link = watched->ethernet ? LINK_ETHERNET : LINK_IP };

	return bpf_map_update_elem(loader_map(&live->loader, "interfaces"), &at, &entry, BPF_ANY);
}

static int attach_all(struct live *live)
{
	int err = 0;

	for (unsigned int i = 0; i < live->interfaces.count && !err; i++)
		err = enter_interface(live, i);
	if (err)
		fprintf(stderr, "tcpscope: cannot tell the kernel of the interfaces: %s\n", strerror(-err));
	for (unsigned int i = 0; i < live->interfaces.count && !err; i++)
		err = attach_interface(&live->attach, &live->interfaces.watched[i], i);
	return err;
}

static int open_descriptors(struct live *live)
{
	live->signals = open_signals();
	live->watch = live->signals < 0 ? live->signals : watch_open();
	if (live->watch < 0)
		fprintf(stderr, "tcpscope: cannot listen for signals and link changes: %s\n", strerror(-live->watch));
	return live->watch < 0 ? live->watch : 0;
}

static int start(struct live *live)
{
	int err;

	live->sink = sink_open(live->output, live->options->filter, live->statistics);
	if (!live->sink)
		return -EINVAL;
	err = interfaces_find(&live->interfaces, live->options);
	if (!err)
		err = open_descriptors(live);
	if (!err && live->options->screen)
		err = terminal_remember();
	if (err)
		return err;
	err = guardian_start(&live->guardian);
	if (err) {
		fprintf(stderr, "tcpscope: cannot start the process that cleans up after a crash: %s\n",
			strerror(-err));
		return err;
	}
	err = loader_open(&live->loader, live->options->flows);
	if (err)
		return err;
	attach_open(&live->attach, &live->loader, live->options);
	remove_leftovers(live);
	err = attach_load(&live->attach, &live->interfaces);
	if (err)
		return err;
	live->instance = instance_announce(loader_map(&live->loader, "reports"));
	if (live->instance < 0) {
		fprintf(stderr, "tcpscope: cannot announce itself to other runs: %s\n", strerror(-live->instance));
		return live->instance;
	}
	err = harvest_open(&live->harvest, &live->loader, &live->interfaces, live->sink, live->statistics);
	return err ? err : attach_all(live);
}

static void detach_all(struct live *live)
{
	for (unsigned int i = 0; i < live->interfaces.count; i++)
		detach_interface(&live->attach, &live->interfaces.watched[i], i);
	/* Waits for every CPU to leave the programs it may still be in: then the accounts are closed. */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

/* Waits up to `wait_ms` for what ends the watch, or a key. True: it ends. */
static bool wait_for_end(struct live *live, int wait_ms)
{
	struct pollfd fds[] = { { .fd = live->signals, .events = POLLIN },
				{ .fd = live->watch, .events = POLLIN },
				{ .fd = live->screen.open ? STDIN_FILENO : -1, .events = POLLIN } };

	if (poll(fds, 3, wait_ms) < 0)
		return live->screen.open && live_screen_keys(&live->screen); /* SIGWINCH */
	if (fds[0].revents || fds[2].revents & ~POLLIN)
		return true;
	if (live->screen.open && live_screen_keys(&live->screen))
		return true;
	return fds[1].revents && !watch_read(live->watch, &live->interfaces);
}

/* The services as they are, to the output. */
static int report_services(struct live *live, bool final)
{
	int err = harvest_statistics(&live->harvest, final);

	return err || !live->options->report ? err : live->output->services(live->statistics);
}

/* When to do what next, ms of now_ms. */
struct schedule {
	__u64 sweep, frame, report, end, interval;
	__u64 drained;	/* at the last look */
	__u64 capacity; /* of the ring buffer, reports */
};

static void schedule_begin(struct schedule *schedule, const struct live *live)
{
	const struct options *options = live->options;
	__u64 start = now_ms(), interval = options->interval_ns / NS_PER_MS;

	*schedule = (struct schedule){
		.sweep = start,
		.frame = live->screen.open ? start : ~0ULL,
		.report = interval ? start + interval : ~0ULL,
		.end = options->duration_ns ? start + options->duration_ns / NS_PER_MS : ~0ULL,
		.interval = interval,
		.capacity = live->loader.reports_size / sizeof(struct report),
	};
}

/* The ring buffer is looked at as often as it fills, the table four times a second. */
static int look(struct live *live, struct schedule *schedule, __u64 now)
{
	int err = harvest_drain(&live->harvest);

	if (!err && now >= schedule->sweep) {
		err = harvest_sweep(&live->harvest, false);
		schedule->sweep = now + SWEEP_MS;
	}
	if (!err && live->harvest.drained != schedule->drained && fflush(stdout))
		err = -errno; /* who reads a pipe wants a flow when it has ended */
	if (!err && now >= schedule->frame) {
		err = live_screen_frame(&live->screen);
		schedule->frame += (now - schedule->frame) / SCREEN_FRAME_MS * SCREEN_FRAME_MS + SCREEN_FRAME_MS;
	}
	if (!err && now >= schedule->report) {
		err = report_services(live, false);
		schedule->report += schedule->interval;
	}
	return err;
}

/* Until what is due first. */
static int wait_of(struct schedule *schedule, const struct live *live, __u64 now)
{
	bool busy = live->harvest.drained - schedule->drained > schedule->capacity / BUSY_SHARE;
	__u64 due = now + (busy ? BUSY_MS : SWEEP_MS);

	schedule->drained = live->harvest.drained;
	due = schedule->end < due ? schedule->end : due;
	due = schedule->frame < due ? schedule->frame : due;
	return due > now ? (int)(due - now) : 0;
}

static int watch_flows(struct live *live)
{
	struct schedule schedule;
	int err = 0, wait = 0;

	schedule_begin(&schedule, live);
	while (!err && !wait_for_end(live, wait)) {
		__u64 now = now_ms();

		if (now >= schedule.end)
			break;
		err = look(live, &schedule, now);
		wait = wait_of(&schedule, live, now_ms());
	}
	return err;
}

/* The accounts, after all flows. `whole`: nothing was lost, and every packet is accounted for. */
static int put_ledgers(struct live *live, bool *whole)
{
	struct ledger_record record;
	int err = 0;

	*whole = true;
	for (unsigned int i = 0; i < live->interfaces.count && !err; i++) {
		for (int direction = 0; direction < DIRECTIONS && !err; direction++) {
			err = harvest_ledger(&live->harvest, i, (enum interface_direction)direction, &record);
			if (!err)
				err = live->output->ledger(&record);
			statistics_ledger(live->statistics, &record.ledger);
			*whole &= ledger_is_whole(&record.ledger);
		}
	}
	return err;
}

static int finish(struct live *live)
{
	bool whole;
	int err = harvest_sweep(&live->harvest, true);

	if (!err && statistics_wanted(live->statistics))
		err = report_services(live, true);
	if (!err)
		err = harvest_summaries(&live->harvest, live->output);
	if (!err)
		err = put_ledgers(live, &whole);
	if (err)
		return err;
	return live->options->strict && !whole ? EXIT_STRICT : EXIT_FINE;
}

static void stop(struct live *live)
{
	harvest_close(&live->harvest);
	sink_close(live->sink);
	attach_close(&live->attach);
	loader_close(&live->loader);
	for (int i = 0; i < 3; i++) {
		int fd = (int[]){ live->instance, live->signals, live->watch }[i];

		if (fd >= 0)
			close(fd);
	}
	guardian_dismiss(&live->guardian);
}

int live_run(const struct options *options, const struct output *output, struct statistics *statistics)
{
	static struct live live;
	int status = EXIT_FAILED, err;

	live = (struct live){ .options = options, .output = output, .statistics = statistics, .guardian.notes = -1 };
	live.instance = live.signals = live.watch = -1;
	if (start(&live)) {
		status = live.sink ? EXIT_FAILED
				   : EXIT_USAGE; /* without a sink: the filter is wrong, and has been said */
		detach_all(&live);
		goto out;
	}
	err = options->screen ? live_screen_open(&live.screen, &live.harvest, statistics, options, &live.attach) : 0;
	if (!err)
		err = watch_flows(&live);
	live_screen_close(&live.screen);
	detach_all(&live);
	if (!err)
		err = status = finish(&live);
	if (err < 0) {
		if (err != -EPIPE) /* a reader that has gone is no failure */
			fprintf(stderr, "tcpscope: watching ended early: %s\n", strerror(-err));
		status = EXIT_FAILED;
	}
out:
	stop(&live);
	return status;
}
