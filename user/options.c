/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line: one table of options, from which the help is printed too. */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "output.h"

#ifndef TCPSCOPE_VERSION
#define TCPSCOPE_VERSION "unversioned"
#endif

enum { FLOWS_DEFAULT = 131072, FLOWS_MAX = 1 << 26, COLUMNS_DEFAULT = 80 };

/* Options without a letter. */
enum { OPTION_OUTPUT = 0x100, OPTION_DURATION, OPTION_HOOK, OPTION_FLOWS, OPTION_STATS, OPTION_STRICT };

static const struct argp_option table[] = {
	{ "interface", 'i', "NAME", 0, "Watch this interface; may be repeated (default: that of the default route)",
	  1 },
	{ "read", 'r', "FILE", 0, "Read a pcap or pcapng capture, - for standard input; needs no privilege", 1 },
	{ "output", OPTION_OUTPUT, "table|json", 0, "What to print (default: table)", 2 },
	{ "duration", OPTION_DURATION, "SECONDS", 0, "Stop after this time (default: when interrupted)", 3 },
	{ "hook", OPTION_HOOK, "auto|xdp|tc", 0,
	  "Where to see arriving packets (auto: XDP on a physical NIC whose driver has it, else tc)", 3 },
	{ "flows", OPTION_FLOWS, "N", 0, "Room in the flow table (default: 131072); for a capture it grows", 3 },
	{ "stats", OPTION_STATS, NULL, 0, "Print the ledger in full: where every packet went", 4 },
	{ "strict", OPTION_STRICT, NULL, 0, "Exit with status 3 if a packet or record was lost or is unaccounted for",
	  4 },
	{ "help", 'h', NULL, 0, "Print this help", -1 },
	{ "version", 'V', NULL, 0, "Print the version", -1 },
	{ 0 },
};

static const char description[] =
	"Watches TCP connections on network interfaces, or in a capture file, and tells what happened to each.\v"
	"FILTER is a tcpdump expression: it chooses packets of a capture, and flows when live.\n"
	"Exit status: 0 fine, 1 failed, 2 wrong usage, 3 --strict found a loss.";

static const char *const hook_names[] = { [HOOK_AUTO] = "auto", [HOOK_XDP] = "xdp", [HOOK_TC] = "tc" };

static void read_hook(struct options *options, const char *name, struct argp_state *state)
{
	for (size_t i = 0; i < sizeof(hook_names) / sizeof(hook_names[0]); i++) {
		if (!strcmp(name, hook_names[i])) {
			options->hook = (enum hook_choice)i;
			return;
		}
	}
	argp_error(state, "--hook is auto, xdp or tc, not '%s'", name);
}

static void read_duration(struct options *options, const char *text, struct argp_state *state)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0) || seconds > 1e9)
		argp_error(state, "--duration is a number of seconds, not '%s'", text);
	options->duration_ns = (uint64_t)(seconds * 1e9);
}

static void read_flows(struct options *options, const char *text, struct argp_state *state)
{
	char *end;
	unsigned long flows;

	errno = 0;
	flows = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || flows == 0 || flows > FLOWS_MAX)
		argp_error(state, "--flows is a number from 1 to %d, not '%s'", FLOWS_MAX, text);
	options->flows = (uint32_t)flows;
}

static void read_output(struct options *options, const char *name, struct argp_state *state)
{
	options->output = output_named(name);
	if (!options->output)
		argp_error(state, "--output is table or json, not '%s'", name);
}

static void read_interface(struct options *options, const char *name, struct argp_state *state)
{
	if (options->interfaces == OPTIONS_INTERFACES)
		argp_error(state, "at most %d interfaces", OPTIONS_INTERFACES);
	options->interface[options->interfaces++] = name;
}

/* The expression is one string to libpcap, however the shell split it. */
static error_t read_filter_word(struct options *options, const char *word)
{
	size_t have = options->filter ? strlen(options->filter) : 0, more = strlen(word);
	char *filter = realloc(options->filter, have + more + 2);

	if (!filter)
		return ENOMEM;
	if (have)
		filter[have++] = ' ';
	memcpy(filter + have, word, more + 1);
	options->filter = filter;
	return 0;
}

static void check(const struct options *options, struct argp_state *state)
{
	if (options->capture && options->interfaces)
		argp_error(state, "-r and -i exclude each other");
	if (options->capture && (options->duration_ns || options->hook != HOOK_AUTO))
		argp_error(state, "--duration and --hook are for interfaces, not for a capture");
}

static error_t read_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'i': read_interface(options, argument, state); break;
	case 'r': options->capture = argument; break;
	case OPTION_OUTPUT: read_output(options, argument, state); break;
	case OPTION_DURATION: read_duration(options, argument, state); break;
	case OPTION_HOOK: read_hook(options, argument, state); break;
	case OPTION_FLOWS: read_flows(options, argument, state); break;
	case OPTION_STATS: options->stats = true; break;
	case OPTION_STRICT: options->strict = true; break;
	case 'h': argp_state_help(state, state->out_stream, ARGP_HELP_STD_HELP); break;
	case 'V': fprintf(state->out_stream, "tcpscope %s\n", TCPSCOPE_VERSION); exit(EXIT_FINE);
	case ARGP_KEY_ARG: return read_filter_word(options, argument);
	case ARGP_KEY_SUCCESS: check(options, state); break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int terminal_columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? COLUMNS_DEFAULT : size.ws_col;
}

void options_read(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = table, .parser = read_option, .args_doc = "[FILTER...]", .doc = description
	};
	error_t error;

	*options = (struct options){ .flows = FLOWS_DEFAULT, .output = &output_table, .columns = terminal_columns() };
	argp_err_exit_status = EXIT_USAGE;
	error = argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, options);
	if (error) {
		fprintf(stderr, "tcpscope: command line: %s\n", strerror(error));
		exit(EXIT_USAGE);
	}
}

void options_free(struct options *options)
{
	free(options->filter);
	options->filter = NULL;
}
