/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE

#include "descriptors.h"

#include <unistd.h>

static void close_between(int above, int below)
{
	if (below > above + 1)
		close_range((unsigned int)above + 1, (unsigned int)below - 1, 0);
}

void descriptors_keep(int null, int one, int other)
{
	int low = one < other ? one : other, high = one < other ? other : one;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (null < 0)
			close(fd);
		else
			dup2(null, fd);
	}
	close_between(STDERR_FILENO, low);
	close_between(low, high);
	close_range((unsigned int)high + 1, ~0U, 0);
}
