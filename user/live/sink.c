/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clocks.h"
#include "filter/filter.h"
#include "hold.h"
#include "message.h"
#include "live_ladder.h"
#include "output/merge.h"

struct sink {
	const struct output *output;
	struct filter *filter; /* NULL: everything passes */
	struct statistics *statistics;
	struct view *view;	    /* NULL: none */
	struct live_ladder *ladder; /* NULL: none */
	struct merge *merge;	    /* NULL: records go out as they come */
	struct hold *hold;	    /* NULL: they do not wait for names */
	bool write_through;
	int error; /* first of the output's */
};

int sink_open(struct sink **sink, const struct output *output, const char *filter, struct statistics *statistics)
{
	struct filter *compiled = NULL;
	int err = filter ? filter_open_flows(&compiled, filter) : 0;

	*sink = NULL;
	if (err)
		return err;
	*sink = calloc(1, sizeof(**sink));
	if (!*sink) {
		filter_close(compiled);
		message_put("no memory for what is to be printed");
		return -ENOMEM;
	}
	**sink = (struct sink){ .output = output, .filter = compiled, .statistics = statistics };
	return 0;
}

void sink_close(struct sink *sink)
{
	if (!sink)
		return;
	filter_close(sink->filter);
	merge_close(sink->merge);
	hold_close(sink->hold);
	free(sink);
}

static bool passes(const struct sink *sink, const struct record *record)
{
	return !sink->filter || filter_match_flow(sink->filter, record);
}

static int put(const struct sink *sink, const struct record *record)
{
	int err = sink->output->flow(record);

	return err || !sink->write_through ? err : output_flush(stdout);
}

/* Behind what may hold it for names. */
static int pass_on(void *context, const struct record *record)
{
	const struct sink *sink = context;

	return sink->merge ? merge_add(sink->merge, record, clock_ms()) : put(sink, record);
}

int sink_flow(struct sink *sink, const struct record *record, const struct report *report)
{
	bool wanted = !sink->error && passes(sink, record);

	if (!sink->error && sink->ladder && record->end_reason != END_ACTIVE)
		sink->error = live_ladder_end(sink->ladder, report, wanted);
	if (sink->error || !wanted)
		return sink->error;
	if (record->end_reason != END_ACTIVE) {
		statistics_flow(sink->statistics, record, report);
		if (sink->view)
			view_end(sink->view, record);
	}
	sink->error = sink->hold ? hold_add(sink->hold, record, clock_ms()) : pass_on(sink, record);
	return sink->error;
}

static int put_merged(void *context, const struct record *record) { return put(context, record); }

int sink_merge(struct sink *sink, unsigned int interfaces)
{
	sink->merge = merge_open(interfaces, put_merged, sink);
	return sink->merge ? 0 : -ENOMEM;
}

int sink_hold(struct sink *sink, struct names *names)
{
	sink->hold = hold_open(names, pass_on, sink);
	return sink->hold ? 0 : -ENOMEM;
}

int sink_tick(struct sink *sink)
{
	if (sink->hold && !sink->error)
		sink->error = hold_tick(sink->hold, clock_ms());
	if (sink->merge && !sink->error)
		sink->error = merge_tick(sink->merge, clock_ms());
	return sink->error;
}

int sink_flush(struct sink *sink)
{
	if (sink->hold && !sink->error)
		sink->error = hold_flush(sink->hold);
	if (!sink->merge || sink->error)
		return sink->error;
	sink->error = merge_flush(sink->merge);
	if (merge_hurried(sink->merge))
		message_put("--merge: no room for more than %d records, so %llu were printed before their time",
			    MERGE_ROOM, merge_hurried(sink->merge));
	return sink->error;
}

void sink_write_through(struct sink *sink) { sink->write_through = true; }

void sink_show(struct sink *sink, struct view *view) { sink->view = view; }

void sink_draw(struct sink *sink, struct live_ladder *ladder) { sink->ladder = ladder; }

/* Whether a filter lets it pass only its record tells. */
bool sink_wants_open_flow(struct sink *sink, const struct report *report)
{
	return sink->filter || statistics_open_flow(sink->statistics, report);
}

int sink_open_flow(struct sink *sink, const struct record *record, const struct report *report)
{
	if (!sink->filter ||
	    (filter_match_flow(sink->filter, record) && statistics_open_flow(sink->statistics, report)))
		statistics_open_record(sink->statistics, record, report);
	return 0;
}
