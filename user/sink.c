/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sink.h"

#include <errno.h>
#include <stdlib.h>

#include "filter.h"

enum { PICTURE_FIRST = 1024 }; /* records to make room for first */

struct sink {
	const struct output *output;
	struct filter filter;
	struct statistics *statistics;
	int error; /* first of the output's */
	struct record *picture;
	size_t count, room;
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
	free(sink->picture);
	free(sink);
}

int sink_flow(struct sink *sink, const struct record *record, const struct report *report)
{
	if (sink->error || !filter_match_flow(&sink->filter, record))
		return sink->error;
	statistics_flow(sink->statistics, record, report);
	sink->error = sink->output->flow(record);
	return sink->error;
}

int sink_open_flow(struct sink *sink, const struct record *record, const struct report *report)
{
	if (filter_match_flow(&sink->filter, record))
		statistics_open_flow(sink->statistics, record, report);
	return 0;
}

void sink_picture_begin(struct sink *sink) { sink->count = 0; }

int sink_picture_flow(struct sink *sink, const struct record *record)
{
	size_t room = sink->room ? sink->room * 2 : PICTURE_FIRST;
	struct record *larger;

	if (!filter_match_flow(&sink->filter, record))
		return 0;
	if (sink->count == sink->room) {
		larger = realloc(sink->picture, room * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		sink->picture = larger;
		sink->room = room;
	}
	sink->picture[sink->count++] = *record;
	return 0;
}

int sink_picture_show(struct sink *sink, const struct ledger_record *ledgers, size_t count)
{
	return sink->output->screen(sink->picture, sink->count, ledgers, count);
}
