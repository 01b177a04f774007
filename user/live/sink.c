/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hold.h"
#include "message.h"
#include "replay/filter.h"
#include "live_ladder.h"
#include "output/merge.h"

struct sink {
	const struct output *output;
	struct filter filter;
	struct statistics *statistics;
	struct view *view;	    /* NULL: none */
	struct live_ladder *ladder; /* NULL: none */
	struct merge *merge;	    /* NULL: records go out as they come */
	struct hold *hold;	    /* NULL: they do not wait for names */
	int error;		    /* first of the output's */
};

struct sink *sink_open(const struct output *output, const char *filter, struct statistics *statistics)
{
	struct sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->output = output;
	sink->statistics = statistics;
	if (!filter_open_flows(&sink->filter, filter))
		return sink;
	free(sink);
	return NULL;
}

void sink_close(struct sink *sink)
{
	if (!sink)
		return;
	filter_close(&sink->filter);
	merge_close(sink->merge);
	hold_close(sink->hold);
	free(sink);
}

static __u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000 + (__u64)now.tv_nsec / NS_PER_MS;
}

/* Behind what may hold it for names. */
static int pass_on(void *context, const struct record *record)
{
	const struct sink *sink = context;

	return sink->merge ? merge_add(sink->merge, record, now_ms()) : sink->output->flow(record);
}

int sink_flow(struct sink *sink, const struct record *record, const struct report *report)
{
	bool wanted = !sink->error && filter_match_flow(&sink->filter, record);

	if (!sink->error && sink->ladder && record->end_reason != END_ACTIVE)
		sink->error = live_ladder_end(sink->ladder, report, wanted);
	if (sink->error || !wanted)
		return sink->error;
	if (record->end_reason != END_ACTIVE) {
		statistics_flow(sink->statistics, record, report);
		if (sink->view)
			view_end(sink->view, record);
	}
	sink->error = sink->hold ? hold_add(sink->hold, record, now_ms()) : pass_on(sink, record);
	return sink->error;
}

static int put_merged(void *context, const struct record *record)
{
	const struct sink *sink = context;

	return sink->output->flow(record);
}

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
		sink->error = hold_tick(sink->hold, now_ms());
	if (sink->merge && !sink->error)
		sink->error = merge_tick(sink->merge, now_ms());
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

void sink_show(struct sink *sink, struct view *view) { sink->view = view; }

void sink_draw(struct sink *sink, struct live_ladder *ladder) { sink->ladder = ladder; }

/* Whether a filter lets it pass only its record tells. */
bool sink_wants_open_flow(struct sink *sink, const struct report *report)
{
	return sink->filter.expression || statistics_open_flow(sink->statistics, report);
}

int sink_open_flow(struct sink *sink, const struct record *record, const struct report *report)
{
	if (!sink->filter.expression ||
	    (filter_match_flow(&sink->filter, record) && statistics_open_flow(sink->statistics, report)))
		statistics_open_record(sink->statistics, record);
	return 0;
}
