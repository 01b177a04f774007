/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE

#include "descriptors.h"

#include <stdlib.h>
#include <unistd.h>

static void close_between(int above, int below)
{
	if (below > above + 1)
		close_range((unsigned int)above + 1, (unsigned int)below - 1, 0);
}

static int compare(const void *one, const void *other) { return *(const int *)one - *(const int *)other; }

void descriptors_keep(int null, int *kept, size_t count)
{
	int last = STDERR_FILENO;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (null < 0)
			close(fd);
		else
			dup2(null, fd);
	}
	qsort(kept, count, sizeof(*kept), compare);
	for (size_t i = 0; i < count; i++) {
		close_between(last, kept[i]);
		last = kept[i];
	}
	close_range((unsigned int)last + 1, ~0U, 0);
}
