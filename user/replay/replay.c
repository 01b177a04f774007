/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads a capture: each packet through the filter and the engine; at the end every flow, then the ledger. */
#include "replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "capture.h"
#include "filter/filter.h"
#include "interrupt.h"
#include "ladder/ladder.h"
#include "message.h"
#include "names/names.h"
#include "options.h"
#include "patience.h"
#include "output/output.h"
#include "pictures.h"
#include "replay_table.h"
#include "sandbox/sandbox.h"
#include "service/statistics.h"

#include "../../include/rung_take.h" /* of the body, which replay_table.h brings */

/* The engine takes a time of 0 for "never", but a capture may begin at 0: its clock runs this much ahead. */
enum { CLOCK_AHEAD_NS = 1 };

enum {
	FLOWS_AT_FIRST = 16384, /* room in the table; it grows */
	ACTIVE_LOOKS = 8,	/* for interim records, in the time between two of a flow */
	LOOK_CREDIT = 1 << 24,	/* buckets in which looks ask what is due, for nothing */
	LOOK_EACH = 4096,	/* and for each packet */
	SET_BACK_COST = 512,	/* of a bucket, all of whose flows are looked at */
};

#define IDLE_LOOK_NS NS_PER_SEC /* between looks for what ended */

/* Packets that wait for memory: while a flow's lines are on their way, those of the next are asked for. */
enum { BATCH = 32 };

struct batch {
	struct segment segment[BATCH];
	__u64 hash[BATCH];
	int verdict[BATCH];
	__u32 count;
};

struct replay {
	struct capture capture;
	struct filter *filter; /* NULL: every packet is entered */
	struct replay_table flows;
	struct ledger ledger;
	struct options_copy scratch;
	struct batch batch;
	struct sweep_policy policy; /* what is due before the end, by the capture's clock */
	__u64 look_ns;		    /* when to look next for that */
	__u64 look_every_ns;	    /* 0: nothing is */
	__u64 look_credit;	    /* what looks may cost yet */
	struct pictures pictures;   /* of the services */
	bool tells;		    /* at intervals, too */
	struct names *names;	    /* of hosts, where flows are printed one by one; NULL: they are not, or no names */
	bool full;		    /* there is no memory for a larger table */
	bool unordered;		    /* nor was there to sort all records */
	bool finer_than_micro;	    /* a time stamp was no whole microsecond */
	struct filter *ladder_filter; /* NULL: no ladder is wanted */
	struct ladder ladder;
	struct rung_before before;
	const struct output *output;
	struct statistics *statistics;
	__s64 last_ns; /* of the last packet */
	int error;     /* first of the output's */
};

static struct replay replay_state; /* the one there is, zeroed; it would crowd a stack */

static void stop_reading(void) { capture_stop(&replay_state.capture); }

static void replay_record(void *context, struct record *record, const struct report *report)
{
	const struct replay *replay = context;
	const struct record_context about = { .interface = replay->capture.name,
					      .epoch_ns = -CLOCK_AHEAD_NS,
					      .resolution_ns = replay->finer_than_micro ? 1 : 1000 };

	record_make(record, report, &about);
}

static void replay_submit(void *context, const struct report *report)
{
	struct replay *replay = context;
	struct record record;

	replay_record(replay, &record, report);
	if (record.end_reason != END_ACTIVE)
		statistics_flow(replay->statistics, &record, report);
	if (!replay->error)
		replay->error = replay->output->flow(&record);
}

static void replay_make_room(struct replay *replay, __u64 hash)
{
	if (!replay_table_make_room(&replay->flows, &replay->ledger, hash, !replay->full))
		return;
	replay->full = true;
	message_put("no memory for a larger flow table: flows are evicted, and printed when they are, out of order");
}

/* The table grows rather than evict, as long as there is memory. */
static int replay_enter(struct replay *replay, struct segment *seg, int verdict, __u64 hash)
{
	bool opens = (seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;

	if (verdict == LEDGER_IN_FLOWS && unlikely(replay_table_lacks_room(&replay->flows, hash, opens)))
		replay_make_room(replay, hash);
	return engine_enter(&replay->flows.table, &replay->ledger, seg, verdict);
}

/* Enters all that waits. */
static void replay_flush(struct replay *replay)
{
	struct batch *batch = &replay->batch;

	for (__u32 i = 0; i < batch->count; i++)
		if (batch->verdict[i] == LEDGER_IN_FLOWS)
			replay_table_fetch_flow(&replay->flows.table, batch->hash[i],
						batch->segment[i].flags & ~(TCP_ACK | TCP_PSH));
	for (__u32 i = 0; i < batch->count; i++)
		replay_enter(replay, &batch->segment[i], batch->verdict[i], batch->hash[i]);
	batch->count = 0;
}

/* For interim records, and for what ended. Who reads a pipe wants these now, and if nobody does there is no more to be
 * read. */
static void replay_look(struct replay *replay, __u64 now_ns)
{
	replay_flush(replay);
	replay->policy.now_ns = now_ns;
	replay->look_ns = now_ns + replay->look_every_ns;
	replay->unordered |= !replay_table_report(&replay->flows, &replay->policy, replay->names);
	if (!replay->error)
		replay->error = output_flush(stdout);
	if (replay->error)
		stop_reading();
}

/* A look costs what the table is large, and packets pay for it: else a clock that leaps, or goes to and fro, would have all
 * of it looked at for each of them. False: not now. */
static bool replay_pays(struct replay *replay, __u32 cost)
{
	__u64 whole = (__u64)cost * shape_buckets(&replay->flows.table.shape);

	if (replay->look_credit < whole)
		return false;
	replay->look_credit -= whole;
	return true;
}

/* A capture's clock may be set back, or have been ahead for a packet: then the next look would be far off. */
static bool replay_is_due(struct replay *replay, __u64 now_ns)
{
	bool set_back = now_ns + replay->look_every_ns * ACTIVE_LOOKS < replay->look_ns;

	replay->look_credit += LOOK_EACH;
	if (unlikely(set_back && replay_pays(replay, SET_BACK_COST))) {
		replay_table_set_back(&replay->flows, now_ns);
		replay->look_ns = now_ns;
	}
	return now_ns >= replay->look_ns && replay_pays(replay, 1);
}

/* The services as they are before a packet of that time. */
static void replay_tell(struct replay *replay, __u64 now_ns)
{
	replay_flush(replay);
	if (!replay->error)
		replay->error = pictures_tell(&replay->pictures, now_ns, (__u64)replay->last_ns + CLOCK_AHEAD_NS);
	if (replay->error)
		stop_reading();
}

static bool replay_matches(const struct filter *filter, const struct capture_packet *packet)
{
	return filter_match_packet(filter, packet->dlt, packet->data, packet->captured, packet->len);
}

/* With a ladder each packet is entered at once, between two looks at its flow. */
static void replay_draw(struct replay *replay, const struct capture_packet *packet, struct segment *seg, __u64 hash)
{
	struct rung rung;

	rung_before(&replay->before, &replay->flows.table, seg);
	if (replay_enter(replay, seg, LEDGER_IN_FLOWS, hash) != LEDGER_IN_FLOWS)
		return;
	rung_grow(&replay->flows.table, seg);
	if ((rung_is_shown(&replay->flows.table, seg) || replay_matches(replay->ladder_filter, packet)) &&
	    rung_make(&rung, &replay->before, &replay->flows.table, seg))
		ladder_add(&replay->ladder, &rung);
}

/* What is due before a segment. Returns where that is then. */
static struct segment *replay_keep_time(struct replay *replay, struct segment *seg)
{
	__u64 now_ns = seg->now_ns;
	bool tells = replay->tells && pictures_due(&replay->pictures, now_ns);
	bool looks = replay->look_every_ns && replay_is_due(replay, now_ns);

	if (unlikely(tells))
		replay_tell(replay, now_ns);
	replay->finer_than_micro |= (now_ns - CLOCK_AHEAD_NS) % 1000 != 0;
	replay->last_ns = (__s64)(now_ns - CLOCK_AHEAD_NS);
	if (unlikely(looks))
		replay_look(replay, now_ns);
	if (likely(!tells && !looks))
		return seg;
	replay->batch.segment[0] = *seg;
	return replay->batch.segment;
}

static void replay_packet(void *context, const struct capture_packet *packet)
{
	struct replay *replay = context;
	struct batch *batch = &replay->batch;
	struct segment *seg = &batch->segment[batch->count];
	struct cursor at = { .data = packet->data,
			     .end = packet->data + packet->captured,
			     .wire_len = packet->len,
			     .scratch = &replay->scratch };
	__u64 hash = 0;
	int verdict;

	*seg = (struct segment){ .segments = 1, .now_ns = packet->time_ns + CLOCK_AHEAD_NS };
	verdict = segment_parse(packet->link, &at, seg);
	/* An ICMP error names no port itself, but is evidence for the flow that it quotes: who chose that wants it. */
	if (unlikely(replay->filter) && verdict != LEDGER_ICMP_ERRORS && !replay_matches(replay->filter, packet)) {
		ledger_count(&replay->ledger, LEDGER_FILTERED, 1);
		return;
	}
	seg = replay_keep_time(replay, seg);
	if (likely(verdict == LEDGER_IN_FLOWS)) {
		hash = key_hash(seg, &replay->flows.table.shape.seed).value;
		if (unlikely(replay->ladder_filter)) {
			replay_draw(replay, packet, seg, hash);
			return;
		}
		replay_table_fetch_tags(&replay->flows.table, hash);
	}
	batch->hash[batch->count] = hash;
	batch->verdict[batch->count] = verdict;
	if (++batch->count == BATCH)
		replay_flush(replay);
}

static void replay_choose_looks(struct replay *replay, const struct options *options)
{
	replay->policy = options->idle_ns ? patience(options->idle_ns) : patience_endless();
	replay->policy.active_ns = options->active_ns;
	replay->look_every_ns = options->active_ns / ACTIVE_LOOKS;
	if (options->idle_ns && (!replay->look_every_ns || replay->look_every_ns > IDLE_LOOK_NS))
		replay->look_every_ns = IDLE_LOOK_NS;
	replay->look_credit = LOOK_CREDIT;
	replay->flows.looks = replay->look_every_ns;
	replay->names = options->report || options->ladder ? NULL : options->names;
}

/* NULL is no expression. Returns an exit status. */
static int replay_open_filter(const struct replay *replay, struct filter **filter, const char *expression)
{
	int types[CAPTURE_LINK_TYPES];
	size_t count = capture_link_types(&replay->capture, types);
	int error = expression ? filter_open_packets(filter, types, count, expression) : 0;

	return !error ? EXIT_FINE : error == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

/* Returns an exit status. */
static int replay_open(struct replay *replay, const struct options *options)
{
	int error, status;

	if (capture_open(&replay->capture, options->capture))
		return EXIT_FAILED;
	status = replay_open_filter(replay, &replay->filter, options->filter);
	if (status == EXIT_FINE)
		status = replay_open_filter(replay, &replay->ladder_filter, options->ladder);
	if (status != EXIT_FINE)
		return status;
	replay->flows.table.submit = replay_submit;
	replay->flows.table.context = replay;
	replay_choose_looks(replay, options);
	replay->tells = options->interval_ns;
	replay->pictures = (struct pictures){ .options = options,
					      .output = replay->output,
					      .statistics = replay->statistics,
					      .flows = &replay->flows,
					      .make = replay_record,
					      .context = replay,
					      .epoch_ns = -CLOCK_AHEAD_NS };
	if (pictures_open(&replay->pictures)) {
		message_put("no memory for --per-interval");
		return EXIT_FAILED;
	}
	shape_for_flows(&replay->flows.table.shape, options->flows < FLOWS_AT_FIRST ? options->flows : FLOWS_AT_FIRST);
	error = shape_seed(&replay->flows.table.shape);
	replay->ladder.names = options->names;
	replay->ladder.seed = replay->flows.table.shape.seed;
	if (!error)
		error = table_open(&replay->flows.table);
	if (error)
		message_put("flow table for %u flows: %s; try a smaller --flows", options->flows, strerror(-error));
	return error ? EXIT_FAILED : EXIT_FINE;
}

static void replay_close(struct replay *replay)
{
	pictures_close(&replay->pictures);
	replay_table_close(&replay->flows);
	filter_close(replay->filter);
	filter_close(replay->ladder_filter);
	ladder_close(&replay->ladder);
	capture_close(&replay->capture);
}

/* All packets; false if the file is broken. */
static bool replay_read(struct replay *replay)
{
	bool whole;

	interrupt_catch(stop_reading);
	whole = capture_read(&replay->capture, replay_packet, replay);
	replay_flush(replay);
	interrupt_release();
	return whole;
}

static int replay_ladder(struct replay *replay)
{
	int error;

	names_wait(replay->ladder.names);
	error = ladder_print(&replay->ladder, stdout, -CLOCK_AHEAD_NS);
	if (error == -ENOMEM)
		message_put("not all segments are shown: no memory for them; a narrower --ladder needs less");
	else if (!error && ladder_was_empty(&replay->ladder))
		message_put("no connection matched --ladder");
	return error;
}

static int replay_report(struct replay *replay, const struct options *options)
{
	struct ledger_record ledger = { .interface = replay->capture.name };
	const struct sweep_policy everything = { .everything = 1, .now_ns = (__u64)replay->last_ns + CLOCK_AHEAD_NS };
	int error;

	replay->unordered |= !replay_table_report(&replay->flows, &everything, replay->names);
	if (replay->unordered && !options->report && !replay->ladder_filter)
		message_put("no memory to sort all flows: some are printed out of order");
	ledger.ledger = replay->ledger;
	error = replay->error;
	if (!error && replay->ladder_filter)
		error = replay_ladder(replay);
	if (!error && statistics_wanted(replay->statistics))
		error = pictures_end(&replay->pictures, (__u64)replay->last_ns + CLOCK_AHEAD_NS);
	statistics_ledger(replay->statistics, &replay->ledger);
	if (!error)
		error = replay->output->ledger(&ledger);
	return error;
}

/* Before the file is opened; root's rights go once it is, since root may read what the user may not. */
static int replay_enter_sandbox(const struct options *options, struct sandbox_user *user)
{
	const struct sandbox_limits limits = { .replay = true,
					       .file = strcmp(options->capture, "-") ? options->capture : NULL,
					       .services = options->filter || options->ladder,
					       .hosts = options->filter || options->ladder };

	tzset();
	return sandbox_find_user(user, options->user) || sandbox_enter(&limits) ? EXIT_FAILED : EXIT_FINE;
}

/* Before the first packet: nothing more is opened or looked up. */
static int replay_narrow_sandbox(const struct sandbox_user *user)
{
	return sandbox_drop(user) || sandbox_enter(&(struct sandbox_limits){ .bpf = false }) ? EXIT_FAILED : EXIT_FINE;
}

int replay_run(const struct options *options, const struct output *output, struct statistics *statistics)
{
	struct replay *replay = &replay_state;
	struct sandbox_user user;
	bool whole;
	int status;

	*replay = (struct replay){ .output = output, .statistics = statistics };
	status = replay_enter_sandbox(options, &user);
	if (status == EXIT_FINE)
		status = replay_open(replay, options);
	if (status == EXIT_FINE)
		status = replay_narrow_sandbox(&user);
	if (status != EXIT_FINE)
		goto out;
	whole = replay_read(replay);
	if (replay_report(replay, options))
		status = EXIT_FAILED;
	else if (options->strict && !ledger_is_whole(&replay->ledger))
		status = EXIT_STRICT;
	if (!whole) {
		fflush(stdout); /* what was read comes before the complaint */
		message_put("%s: %s", replay->capture.path, replay->capture.error);
		status = EXIT_FAILED;
	}
out:
	replay_close(replay);
	return status;
}
