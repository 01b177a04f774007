/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* snapshot NAME [ROUNDS]: how long the program's own readers take over the table of a pinned watch, through its
 * mapping: the scan for the screen, of flows that are all new to it and of flows that stand still; a copy of every
 * flow. Prints the medians of CPU time as JSON: {"flows":N,"new_ms":M,"still_ms":M,"copy_ms":M}. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../user/live/harvest.h"
#include "../../user/live/pin.h"
#include "../../user/screen/view.h"

enum { ROUNDS_DEFAULT = 7, ROUNDS_MAX = 101 };

/* Of CPU: others may use the machine, too. */
static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_size(const void *one, const void *other)
{
	double difference = *(const double *)one - *(const double *)other;

	return difference < 0 ? -1 : difference > 0;
}

static double median(double *times, int count)
{
	qsort(times, (size_t)count, sizeof(*times), by_size);
	return times[count / 2];
}

static double scan_ms(const struct harvest *harvest, struct view *view)
{
	double began = now_ms();

	harvest_view(harvest, view, false);
	return now_ms() - began;
}

static int count(void *context, const struct report *report)
{
	__u64 *sums = context; /* what is copied must be looked at */

	sums[0]++;
	sums[1] += report->flow.half[0].bits ^ report->facts.key.interface;
	return 0;
}

static int measure(const struct harvest *harvest, int rounds)
{
	double new_ms[ROUNDS_MAX], still_ms[ROUNDS_MAX], copy_ms[ROUNDS_MAX];
	__u64 sums[2] = { 0 };

	for (int i = 0; i < rounds; i++) {
		struct view view = { 0 };
		double began;

		if (view_open(&view, harvest->mapping.buckets * WAYS))
			return -1;
		new_ms[i] = scan_ms(harvest, &view);
		still_ms[i] = scan_ms(harvest, &view);
		view_close(&view);
		sums[0] = 0;
		began = now_ms();
		mapping_each(&harvest->mapping, count, sums);
		copy_ms[i] = now_ms() - began;
	}
	printf("{\"flows\":%llu,\"new_ms\":%.1f,\"still_ms\":%.1f,\"copy_ms\":%.1f}\n", sums[0], median(new_ms, rounds),
	       median(still_ms, rounds), median(copy_ms, rounds));
	return sums[1] == 1; /* which it hardly is */
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : ROUNDS_DEFAULT, err;
	const struct config config = { 0 };
	struct harvest harvest = { 0 };
	struct loader loader;
	char path[PIN_PATH];
	struct pin pin;

	if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX) {
		fputs("usage: snapshot NAME [ROUNDS]\n", stderr);
		return 2;
	}
	if (pin_open(&pin, argv[1], false) || !pin.found || loader_open(&loader, pin.state.flows, &config))
		return 1;
	pin_path(&pin, "", path);
	err = loader_adopt(&loader, path);
	if (!err)
		err = mapping_open(&harvest.mapping, &loader);
	if (err)
		fprintf(stderr, "snapshot: %s\n", strerror(-err));
	else
		err = measure(&harvest, rounds);
	mapping_close(&harvest.mapping);
	loader_close(&loader);
	pin_close(&pin);
	return err ? 1 : 0;
}
