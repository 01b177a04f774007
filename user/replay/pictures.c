/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "pictures.h"

#include "names/names.h"
#include "options.h"
#include "output/output.h"

enum {
	CREDIT = 1 << 24,      /* for nothing */
	CREDIT_EACH = 1 << 14, /* for each packet */
	BUCKET_COST = 2,
	FLOW_COST = 200,
	SET_BACK = 8, /* intervals: so far ahead the clock was set back, or one packet's was ahead */
};

int pictures_open(struct pictures *pictures)
{
	pictures->credit = CREDIT;
	return pictures->options->per_interval ? news_open(&pictures->news, pictures->statistics) : 0;
}

void pictures_close(struct pictures *pictures)
{
	if (news_wanted(&pictures->news))
		news_close(&pictures->news, pictures->statistics);
}

/* The first interval begins with the first packet, or anew where the clock was set back. */
static void begin(struct pictures *pictures, __u64 now_ns)
{
	pictures->due_ns = now_ns + pictures->options->interval_ns;
	pictures->news.fresh.since_ns = (__s64)now_ns + pictures->epoch_ns;
}

/* A picture costs what flows there are, and packets pay for it: else a clock that leaps would have all of them looked at
 * for each packet. */
bool pictures_due(struct pictures *pictures, __u64 now_ns)
{
	if (!pictures->due_ns || now_ns + SET_BACK * pictures->options->interval_ns < pictures->due_ns)
		begin(pictures, now_ns);
	pictures->credit += CREDIT_EACH;
	pictures->late |= now_ns >= pictures->due_ns && pictures->credit < 0;
	return now_ns >= pictures->due_ns && pictures->credit >= 0;
}

static void open_flow(void *context, const struct report *report)
{
	struct pictures *pictures = context;
	struct record record;

	pictures->credit -= FLOW_COST;
	if (!statistics_open_flow(pictures->statistics, report))
		return;
	pictures->make(pictures->context, &record, report);
	statistics_open_record(pictures->statistics, &record, report);
}

static int tell(struct pictures *pictures, bool end)
{
	statistics_ask(pictures->statistics, pictures->options->names);
	names_wait(pictures->options->names);
	return output_tell(pictures->output, &pictures->news, pictures->statistics, end);
}

/* The one after it is that in which this packet is: intervals without packets are not told. */
static void go_on(struct pictures *pictures, __u64 now_ns)
{
	__u64 every_ns = pictures->options->interval_ns, from_ns = pictures->due_ns;

	from_ns += (now_ns - from_ns) / every_ns * every_ns;
	pictures->due_ns = from_ns + every_ns;
	if (!pictures->late)
		pictures->news.fresh.since_ns = (__s64)from_ns + pictures->epoch_ns;
	pictures->late = false;
}

int pictures_tell(struct pictures *pictures, __u64 now_ns, __u64 last_ns)
{
	struct statistics *statistics = pictures->statistics;
	__u64 at_ns = pictures->late ? last_ns : pictures->due_ns;
	int err;

	statistics_picture(statistics, pictures->flows->table.services, NULL);
	statistics->at_ns = (__s64)at_ns + pictures->epoch_ns;
	statistics->report_ns = now_ns;
	pictures->credit -= BUCKET_COST * (__s64)shape_buckets(&pictures->flows->table.shape);
	replay_table_each(pictures->flows, at_ns, open_flow, pictures);
	err = tell(pictures, false);
	go_on(pictures, now_ns);
	return err;
}

int pictures_end(struct pictures *pictures, __u64 last_ns)
{
	struct statistics *statistics = pictures->statistics;

	statistics_picture(statistics, pictures->flows->table.services, NULL);
	statistics->at_ns = (__s64)last_ns + pictures->epoch_ns;
	statistics->report_ns = last_ns;
	statistics->final = true;
	return pictures->options->report ? tell(pictures, true) : 0;
}
