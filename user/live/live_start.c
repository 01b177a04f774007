/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "../../include/link.h"
#include "interrupt.h"
#include "message.h"
#include "filter/filter_kernel.h"
#include "leftover.h"
#include "live_parts.h"
#include "options.h"
#include "terminal.h"
#include "watch.h"

static volatile int told_at = -1; /* live->told, for a signal handler */

static void tell(void) { eventfd_write(told_at, 1); }

/* Readable once a signal has asked for the end. */
static int open_told(void)
{
	told_at = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (told_at < 0)
		return -errno;
	interrupt_catch(tell);
	return told_at;
}

static void remove_leftovers(struct live *live)
{
	for (unsigned int i = 0; i < live->interfaces.count; i++) {
		const struct watched *watched = &live->interfaces.watched[i];
		int removed;

		guardian_note(&live->guardian, watched->ifindex, NULL);
		removed = leftover_remove(watched->ifindex);
		if (removed > 0)
			message_put("%s: replaced %d program%s that an earlier run left attached", watched->name,
				    removed, removed == 1 ? "" : "s");
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

static __u32 program_id(const struct live *live, const char *name)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(loader_program(&live->loader, name), &info, &len) ? 0 : info.id;
}

/* NULL: what is attached is to stay. */
static void note_own(struct live *live, const struct leftover_programs *own)
{
	for (unsigned int i = 0; i < live->interfaces.count; i++)
		guardian_note(&live->guardian, live->interfaces.watched[i].ifindex, own);
}

static int attach_all(struct live *live)
{
	const struct leftover_programs own = { .xdp = program_id(live, "xdp_ingress"),
					       .tc = { program_id(live, "tc_ingress"),
						       program_id(live, "tc_egress") } };
	int err = 0;

	note_own(live, &own);
	for (unsigned int i = 0; i < live->interfaces.count && !err; i++)
		err = enter_interface(live, i);
	if (err)
		message_put("cannot tell the kernel of the interfaces: %s", strerror(-err));
	for (unsigned int i = 0; i < live->interfaces.count && !err; i++)
		err = attach_interface(&live->attach, &live->interfaces.watched[i], i);
	return err;
}

/* All hooks begin at once: else a connection would be seen from one side for as long as attaching takes. */
static int begin(const struct live *live)
{
	int err = loader_switch(&live->loader, true);

	if (err)
		message_put("cannot switch its programs on: %s", strerror(-err));
	return err;
}

static int open_descriptors(struct live *live)
{
	live->told = open_told();
	live->watch = live->told < 0 ? live->told : watch_open();
	if (live->watch < 0)
		message_put("cannot listen for signals and link changes: %s%s", strerror(-live->watch),
			    message_advice(live->watch, ""));
	return live->watch < 0 ? live->watch : 0;
}

static int draw_ladders(struct live *live)
{
	int err = live_ladder_open(&live->ladder, &live->loader, live->ladder_code, live->harvest.epoch_ns,
				   &live->interfaces);

	live->ladder.ladder.names = live->options->names;
	sink_draw(live->sink, &live->ladder);
	return err;
}

/* A large table takes seconds to make: whoever ends the program meanwhile wants nothing attached. */
static bool is_told_to_end(const struct live *live)
{
	struct pollfd told = { .fd = live->told, .events = POLLIN };

	return poll(&told, 1, 0) > 0;
}

/* From now on it holds; a pinned one also when this process is killed. */
static void announce(const struct live *live)
{
	for (unsigned int i = 0; i < live->interfaces.count; i++)
		attach_announce(&live->attach, &live->interfaces.watched[i], i);
}

/* A table of its own, and programs that fill it. Returns 1 if a signal came before these were attached. */
static int start_anew(struct live *live)
{
	int err;

	attach_open(&live->attach, &live->loader, live->options);
	remove_leftovers(live);
	err = attach_load(&live->attach, &live->interfaces);
	if (err)
		return err;
	live->instance = instance_announce(loader_map(&live->loader, "reports"));
	if (live->instance < 0) {
		message_put("cannot announce itself to other runs: %s%s", strerror(-live->instance),
			    message_advice(live->instance, ""));
		return live->instance;
	}
	err = harvest_open(&live->harvest, &live->loader, &live->interfaces, live->sink, live->statistics);
	if (!err && live->options->ladder)
		err = draw_ladders(live);
	if (!err && is_told_to_end(live)) {
		message_put("ended by a signal before anything was watched");
		return 1;
	}
	if (!err)
		err = attach_all(live);
	if (!err)
		err = begin(live);
	if (!err && live->pin.name) {
		err = pin_keep(&live->pin, &live->loader, &live->attach, &live->interfaces, live->options);
		if (!err)
			note_own(live, NULL);
	}
	if (!err)
		announce(live);
	return err;
}

/* With what another process has left. */
static int start_again(struct live *live)
{
	int err = live->options->unpin ? 0 : pin_fits(&live->pin, live->options, &live->interfaces);

	attach_open(&live->attach, &live->loader, live->options);
	live->attach.choice = (enum hook_choice)live->pin.state.hook; /* --unpin names none */
	if (!err)
		err = pin_adopt(&live->pin, &live->loader, &live->attach, live->options->unpin);
	return err ? err : harvest_open(&live->harvest, &live->loader, &live->interfaces, live->sink, live->statistics);
}

/* --unpin where nothing was counted. Returns 1: all is done. */
static int remove_empty(struct live *live)
{
	int err = pin_remove(&live->pin);

	pin_complain(&live->pin, err);
	if (!err && !live->pin.unfinished)
		message_put("there was no watch in '%s': its directory was empty, and is removed", live->pin.name);
	pin_close(&live->pin);
	return err ? err : 1;
}

/* The same where what was counted cannot be read. */
static int remove_unreadable(struct live *live)
{
	int err;

	pin_detach(&live->pin);
	err = pin_remove(&live->pin);
	pin_complain(&live->pin, err);
	if (!err)
		message_put("removed '%s', which another version or build of tcpscope had left: "
			    "the flows it held cannot be read, and are lost",
			    live->pin.name);
	pin_close(&live->pin);
	return err ? err : 1;
}

/* The engine's counts, which are of all flows, go on with the watch; those of a filter end with the process. */
static void say_what_counts(const struct live *live)
{
	if (live->pin.found && live->options->filter && statistics_wanted(live->statistics))
		message_put(
			"with a filter, services and assertions count what this process prints, and not what others "
			"of '%s' have printed",
			live->pin.name);
	if (live->options->merge && (live->options->report || live->options->assertions))
		message_put("--merge joins records; services and assertions count a connection on each interface");
}

static int find_interfaces(struct live *live)
{
	const char *name = live->options->unpin ? live->options->unpin : live->options->pin;
	int err = name ? pin_open(&live->pin, name, live->options->pin) : 0;

	if (!err)
		say_what_counts(live);
	if (err || !live->options->unpin)
		return err ? err : interfaces_find(&live->interfaces, live->options);
	if (!live->pin.found)
		return remove_empty(live);
	if (!pin_is_readable(&live->pin))
		return remove_unreadable(live);
	pin_interfaces(&live->pin, &live->interfaces);
	return 0;
}

/* The programs of a pinned watch pass no packets on: who takes it over may want none. */
static enum ladder_choice ladder_choice(const struct options *options)
{
	if (options->ladder)
		return LADDER_EXPRESSION;
	return options->screen && !options->pin ? LADDER_PICKED : LADDER_NONE;
}

static int open_object(struct live *live)
{
	const struct options *options = live->options;
	const struct config config = { .ladder = ladder_choice(options),
				       .tap = options->hook == HOOK_TAP,
				       .alone = live->interfaces.count == 1 };

	return loader_open(&live->loader, options->unpin ? live->pin.state.flows : options->flows, &config);
}

/* libbpf keeps the number, for when no file can be opened any more. */
static int count_cpus(void)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		message_put("cannot read /sys/devices/system/cpu/possible, which says how many CPUs there are: %s; "
			    "is /sys mounted?",
			    strerror(-cpus));
	return cpus < 0 ? cpus : 0;
}

static int open_sink(struct live *live)
{
	const struct options *options = live->options;
	int err = options->merge ? sink_merge(live->sink, live->interfaces.count) : 0;

	if (!err && options->names && live_prints_flows(options))
		err = sink_hold(live->sink, options->names);
	if (options->pin || options->unpin) /* a successor has what could not be written */
		sink_write_through(live->sink);
	if (err)
		message_put("no memory for records that wait for others, or for names");
	return err;
}

int live_start(struct live *live)
{
	int err;

	if (live->options->ladder && filter_kernel(live->ladder_code, live->options->ladder))
		return -EINVAL;
	err = sink_open(&live->sink, live->output, live->options->filter, live->statistics);
	if (!err)
		err = sandbox_find_user(&live->user, live->options->user);
	if (!err)
		err = find_interfaces(live);
	if (!err)
		err = open_descriptors(live);
	if (!err && live->options->screen)
		err = terminal_remember();
	if (err)
		return err;
	err = guardian_start(&live->guardian, live->options->unpin ? &live->pin : NULL);
	if (err) {
		message_put("cannot start the process that cleans up after a crash: %s%s", strerror(-err),
			    message_advice(err, ""));
		return err;
	}
	err = open_object(live);
	if (!err)
		err = count_cpus();
	if (err)
		return err;
	err = open_sink(live);
	if (err)
		return err;
	if (live->options->stats)
		programs_measure(&live->programs);
	err = live->pin.found ? start_again(live) : start_anew(live);
	if (!err)
		err = watch_attached(live->watch);
	if (!err)
		programs_begin(&live->programs, &live->attach);
	return err;
}

int live_give_up(struct live *live)
{
	const struct sandbox_limits limits = { .bpf = true, .services = live->options->screen };
	int err;

	tzset(); /* the C library reads it once and keeps it */
	guardian_seal(&live->guardian);
	live->unprivileged = true;
	err = sandbox_drop(&live->user);
	return err ? err : sandbox_enter(&limits);
}

bool live_prints_flows(const struct options *options)
{
	return !options->screen && !options->report && !options->ladder;
}

bool live_stays(const struct live *live) { return live->pin.found && !live->options->unpin; }

/* The guardian removes what a run left that is no longer announced. Links close here. */
static void detach_by_guardian(struct live *live)
{
	for (unsigned int i = 0; i < live->interfaces.count; i++)
		attach_close_links(&live->attach, i);
	close(live->instance);
	live->instance = -1;
	if (guardian_detach(&live->guardian))
		message_put("the process that cleans up is gone: XDP programs and clsact filters may be left; "
			    "the next run removes them");
}

void live_detach(struct live *live)
{
	if (live_stays(live))
		return;
	if (live->pin.found)
		pin_detach(&live->pin);
	else if (live->loader.loaded)
		loader_switch(&live->loader, false); /* all hooks end at once; where it fails, one after the other */
	if (live->unprivileged)
		detach_by_guardian(live);
	for (unsigned int i = 0; i < live->interfaces.count && !live->pin.found && !live->unprivileged; i++)
		detach_interface(&live->attach, &live->interfaces.watched[i], i);
	if (live->harvest.loader) /* then the accounts are closed */
		grace_wait(&live->harvest.grace);
}

void live_stop(struct live *live)
{
	news_close(&live->news, live->statistics);
	harvest_close(&live->harvest);
	live_ladder_close(&live->ladder);
	programs_close(&live->programs);
	if (live->pin.directory >= 0 && !live->pin.found) /* begun, but not finished */
		pin_complain(&live->pin, pin_remove(&live->pin));
	pin_close(&live->pin);
	sink_close(live->sink);
	attach_close(&live->attach);
	loader_close(&live->loader);
	told_at = -1;
	for (int i = 0; i < 3; i++) {
		int fd = (int[]){ live->instance, live->told, live->watch }[i];

		if (fd >= 0)
			close(fd);
	}
	guardian_dismiss(&live->guardian);
}
