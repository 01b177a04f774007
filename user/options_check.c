/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which options go together. */
#include "options_check.h"

#include <net/if.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "options.h"
#include "output/output.h"

void usage_error(const char *format, ...)
{
	va_list words;

	va_start(words, format);
	message_put_list(format, words, "; see tcpscope --help");
	va_end(words);
	exit(EXIT_USAGE);
}

static void check_report(struct options *options)
{
	if (options->interval_ns && !options->report)
		usage_error("--interval is for --report");
	if (options->per_interval && !options->interval_ns)
		usage_error("--per-interval is for --interval");
	if (options->junit && !options->assertions)
		usage_error("--junit is for --assert");
	if (options->ladder && (options->pin || options->unpin))
		usage_error("--ladder excludes --pin and --unpin: the programs of a pinned watch pass no packets on");
	if (options->ladder && (options->report || options->output != &output_table))
		usage_error("--ladder excludes --report and --output");
	if (options->ladder)
		options->output = &output_none;
	if (options->report && options->output == &output_table)
		options->output = &output_report;
	if (options->report && !options->output->services)
		usage_error("--report goes with --output table or json");
}

static void check_resolve(const struct options *options)
{
	const struct output *output = options->output;

	if (options->resolve && (output == &output_json || output == &output_csv || output == &output_zeek))
		usage_error(
			"--resolve is not for --output %s, whose readers want addresses; it goes with --output table, "
			"--report, --ladder and the screen",
			output->name);
}

static void check_pin(const struct options *options)
{
	if (options->pin && options->capture)
		usage_error("--pin is for interfaces, not for a capture");
	if (options->unpin &&
	    (options->pin || options->capture || options->interfaces || options->duration_ns ||
	     options->hook != HOOK_AUTO || options->interval_ns || options->active_ns || options->idle_ns))
		usage_error("--unpin needs no interface, and excludes --pin, -r, --duration, --interval, --active, "
			    "--idle, --hook and --tap");
}

static void check_active(const struct options *options)
{
	if (options->active_ns && options->output == &output_zeek)
		usage_error("--active is not for --output zeek: conn.log has one line for a connection");
	if (options->active_ns && options->ladder)
		usage_error("--active is not for --ladder");
	if (options->idle_ns && options->ladder && options->capture)
		usage_error("--idle is not for the --ladder of a capture, which is printed at the end");
}

/* Who is to be found while nothing is attached yet. */
static void check_user(const struct options *options)
{
	if (options->user && !getpwnam(options->user))
		usage_error("--user: no user '%s'", options->user);
}

/* The interface that somebody named without -i, or the capture without -r, or after another: there or not, no filter is
 * one word that looks like it. */
static void check_filter(const char *filter)
{
	if (if_nametoindex(filter))
		usage_error("'%s' is an interface, not a filter: -i watches it", filter);
	if (!strstr(filter, ".pcap") && !strstr(filter, ".cap"))
		return;
	if (!access(filter, F_OK))
		usage_error("'%s' is a file, not a filter: -r reads a capture, one at a time", filter);
	if (!strpbrk(filter, " \t"))
		usage_error("'%s' is neither a file that is there nor a filter: -r FILE reads a capture", filter);
}

/* The first option there is that a capture has no use for, or NULL. */
static const char *option_of_interfaces(const struct options *options)
{
	return options->duration_ns	    ? "--duration"
	       : options->hook == HOOK_TAP  ? "--tap"
	       : options->hook != HOOK_AUTO ? "--hook"
	       : options->merge		    ? "--merge"
					    : NULL;
}

void options_check(struct options *options)
{
	const char *live = option_of_interfaces(options);

	if (options->filter)
		check_filter(options->filter);
	if (options->capture && options->interfaces)
		usage_error("-r and -i exclude each other");
	check_resolve(options);
	check_report(options);
	check_active(options);
	check_pin(options);
	check_user(options);
	if (options->capture && live)
		usage_error("%s is for interfaces, not for a capture", live);
	if (options->hook == HOOK_TAP && !options->interfaces)
		usage_error("--tap drops what arrives: name the mirror port with -i");
}
