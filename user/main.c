/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Orders the calls: options, output, source. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "live.h"
#include "options.h"
#include "output.h"
#include "replay.h"

static int run(const struct options *options)
{
	return options->capture ? replay_run(options, options->output) : live_run(options, options->output);
}

int main(int argc, char **argv)
{
	struct options options;
	struct output_options output_options;
	int status, error;

	options_read(&options, argc, argv);
	signal(SIGPIPE, SIG_IGN); /* a reader that has gone is a failed write */
	output_options = (struct output_options){ .to = stdout, .columns = options.columns, .stats = options.stats };
	error = options.output->open(&output_options);
	status = error ? EXIT_FAILED : run(&options);
	if (!error)
		error = options.output->close();
	if (error == -EPIPE) {
		status = EXIT_FINE; /* the reader has what it wanted: head, less */
	} else if (error) {
		fprintf(stderr, "tcpscope: writing to standard output: %s\n", strerror(-error));
		status = EXIT_FAILED;
	}
	options_free(&options);
	return status;
}
