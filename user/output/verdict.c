/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "verdict.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/assertion.h"
#include "junit.h"
#include "message.h"
#include "new_file.h"
#include "output.h"

int verdicts_check(const struct options *options)
{
	struct assertion_error error;

	for (size_t i = 0; i < options->assertions; i++) {
		if (!assertion_check(options->assertion[i], &error))
			continue;
		message_put("--assert '%s', column %zu: %s", options->assertion[i], error.at + 1, error.message);
		return EXIT_USAGE;
	}
	return EXIT_FINE;
}

int verdicts_open(const struct options *options, FILE **junit)
{
	int error = options->junit ? new_file_open(options->junit, junit) : 0;

	if (error)
		message_put("--junit %s: %s", options->junit, new_file_error(error));
	return error ? EXIT_FAILED : EXIT_FINE;
}

/* Where an output for programs has no words for verdicts, they go beside it. */
static int put(const struct options *options, const struct verdict *verdict)
{
	FILE *to = options->output->for_programs ? stderr : stdout;

	if (options->output->verdict)
		return options->output->verdict(verdict);
	return verdict_print(to, verdict) < 0 ? -EIO : 0;
}

/* Of a file that was written, or not. */
static int close_junit(const struct options *options, FILE **junit, int error)
{
	*junit = NULL;
	if (!error)
		return EXIT_FINE;
	message_put("--junit %s: %s", options->junit, strerror(-error));
	return EXIT_FAILED;
}

void verdicts_close(const struct options *options, FILE **junit)
{
	if (*junit)
		close_junit(options, junit, junit_write_unjudged(*junit, options->assertion, options->assertions));
}

int verdicts_give(const struct options *options, const struct statistics *statistics, FILE **junit)
{
	struct verdict *verdicts = calloc(options->assertions + 1, sizeof(*verdicts));
	int status = EXIT_FINE;

	if (!verdicts) {
		message_put("no memory for the assertions");
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < options->assertions; i++) {
		assertion_measure(options->assertion[i], statistics, &verdicts[i]);
		if (put(options, &verdicts[i]))
			status = EXIT_FAILED;
		else if (!verdicts[i].holds && status == EXIT_FINE)
			status = EXIT_STRICT;
	}
	if (*junit && close_junit(options, junit, junit_write(*junit, verdicts, options->assertions)))
		status = EXIT_FAILED;
	free(verdicts);
	return status;
}
