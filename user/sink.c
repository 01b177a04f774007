/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sink.h"

#include <errno.h>
#include <stdlib.h>

#include "filter.h"
#include "live_ladder.h"

struct sink {
	const struct output *output;
	struct filter filter;
	struct statistics *statistics;
	struct view *view;	    /* NULL: none */
	struct live_ladder *ladder; /* NULL: none */
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
	free(sink);
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
	sink->error = sink->output->flow(record);
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
