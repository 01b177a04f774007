/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Any text as an assertion: an error has a place within it, and what passes the check can be judged. */
#include <stdlib.h>
#include <string.h>

#include "../../user/service/assertion.c"
#include "../../user/service/measure.c"
#include "../../user/service/slowest.c"
#include "../../user/service/statistics.c"
#include "../../user/text/units.c"

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	static struct statistics statistics;
	static FILE *nowhere;
	struct assertion_error error;
	struct verdict verdict;
	char *text = malloc(size + 1);

	if (!nowhere)
		require((nowhere = fopen("/dev/null", "w")) != NULL);
	if (!statistics.sets)
		require(statistics_open(&statistics, false) == 0);
	memcpy(text, data, size);
	text[size] = '\0';
	if (assertion_check(text, &error)) {
		require(error.at <= strlen(text) && error.message[0]);
	} else {
		assertion_measure(text, &statistics, &verdict);
		require(verdict.known || !verdict.holds);
		verdict_print(nowhere, &verdict);
	}
	free(text);
	return 0;
}
