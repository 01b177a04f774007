/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Orders the calls: options, output, source. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "live/live.h"
#include "message.h"
#include "names/names.h"
#include "names/resolver.h"
#include "options.h"
#include "output/output.h"
#include "output/verdict.h"
#include "replay/replay.h"
#include "screen/paint.h"
#include "service/statistics.h"

/* Watches or replays, then judges. */
static int run(const struct options *options, FILE **junit)
{
	struct statistics statistics = { 0 };
	bool wanted = options->report || options->assertions || options->screen;
	int status, judged;

	if (wanted && statistics_open(&statistics, !options->capture && options->filter)) {
		message_put("no memory for statistics");
		return EXIT_FAILED;
	}
	status = options->capture ? replay_run(options, options->output, &statistics)
				  : live_run(options, options->output, &statistics);
	if (options->assertions && (status == EXIT_FINE || status == EXIT_STRICT)) {
		judged = verdicts_give(options, &statistics, junit);
		status = judged == EXIT_FINE ? status : judged;
	}
	if (statistics.error) {
		message_put("no memory for the slowest connections: the report lacks some");
		status = EXIT_FAILED;
	}
	statistics_close(&statistics);
	return status;
}

/* A terminal at both ends, and nothing that says otherwise. */
static bool wants_screen(const struct options *options)
{
	return !options->capture && !options->unpin && !options->output_chosen && !options->report &&
	       !options->ladder && paint_can();
}

/* Else what is opened first takes the place of a closed standard stream, and is written to. These cannot be. */
static void keep_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
}

/* Before the program holds anything. */
static int open_names(struct options *options, struct resolver *resolver)
{
	*resolver = (struct resolver){ .death = -1, .socket = -1 };
	if (!options->resolve)
		return 0;
	if (resolver_start(resolver, options->user))
		return -ECHILD;
	options->names = names_open(resolver->socket);
	if (options->names)
		return 0;
	message_put("no memory for names");
	resolver_stop(resolver);
	return -ENOMEM;
}

/* From the first line of the output to its last. */
static int put_out(const struct options *options, FILE **junit)
{
	const struct output_options output_options = {
		.to = stdout,
		.columns = options->columns,
		.several = options->interfaces > 1,
		.colour = options_colour(options),
		.names = options->names,
		.stats = options->stats,
		.screen = options->screen,
	};
	int error = options->output->open(&output_options), status = EXIT_FAILED;

	if (error == -ENOMEM) {
		message_put("no memory for the output");
		return EXIT_FAILED;
	}
	if (!error) {
		status = run(options, junit);
		error = options->output->close();
	}
	if (!error)
		return status;
	if (error == -EPIPE) /* the reader has what it wanted: head, less; but then nothing was judged */
		return options->assertions ? EXIT_FAILED : EXIT_FINE;
	message_put("writing to standard output: %s", strerror(-error));
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	static char written[256 << 10];
	struct options options;
	struct resolver resolver;
	FILE *junit = NULL;
	int status;

	keep_standard_streams();
	options_read(&options, argc, argv);
	status = verdicts_check(&options);
	if (status == EXIT_FINE)
		status = verdicts_open(&options, &junit);
	if (status != EXIT_FINE) {
		options_free(&options);
		return status;
	}
	if (!isatty(STDOUT_FILENO)) /* the C library's is a page, and a record two thirds of one */
		setvbuf(stdout, written, _IOFBF, sizeof(written));
	signal(SIGPIPE, SIG_IGN); /* a reader that has gone is a failed write */
	signal(SIGXFSZ, SIG_IGN); /* and so is a file that has reached its limit */
	options.screen = wants_screen(&options);
	status = EXIT_FAILED;
	if (!open_names(&options, &resolver)) {
		status = put_out(&options, &junit);
		names_close(options.names);
		resolver_stop(&resolver);
	}
	verdicts_close(&options, &junit);
	options_free(&options);
	return status;
}
