/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When to ask for names while watching, so that they are there when they are printed. */
#include "names/names.h"

#include "live_parts.h"
#include "options.h"
#include "service/statistics.h"

static int ask_flow(void *context, const struct report *report)
{
	names_ask_both(context, &report->facts.key);
	return 0;
}

int live_names_ask_report(struct live *live)
{
	int err = harvest_statistics(&live->harvest, false);

	if (!err)
		statistics_ask(live->statistics, live->options->names);
	return err;
}

void live_names_finish(struct live *live)
{
	struct names *names = live->options->names;

	if (!names || live->options->screen)
		return;
	if (live->options->report)
		statistics_ask(live->statistics, names);
	else if (live_prints_flows(live->options) && !live_stays(live))
		mapping_each(&live->harvest.mapping, ask_flow, names);
	names_wait(names);
}
