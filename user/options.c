/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line: one table of options, from which the help is printed too. */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "options_check.h"
#include "output/output.h"

#ifndef TCPSCOPE_VERSION
#define TCPSCOPE_VERSION "unversioned"
#endif

enum { FLOWS_DEFAULT = 131072, FLOWS_MAX = 1 << 26, COLUMNS_DEFAULT = 80, PIN_MAX = 32 };

/* Options without a letter. */
enum {
	OPTION_OUTPUT = 0x100,
	OPTION_COLOR,
	OPTION_RESOLVE,
	OPTION_DURATION,
	OPTION_HOOK,
	OPTION_FLOWS,
	OPTION_USER,
	OPTION_ACTIVE,
	OPTION_IDLE,
	OPTION_MERGE,
	OPTION_STATS,
	OPTION_STRICT,
	OPTION_REPORT,
	OPTION_INTERVAL,
	OPTION_PER_INTERVAL,
	OPTION_ASSERT,
	OPTION_JUNIT,
	OPTION_LADDER,
	OPTION_TAP,
	OPTION_PIN,
	OPTION_UNPIN
};

static const struct argp_option table[] = {
	{ "interface", 'i', "NAME", 0, "Watch this interface; may be repeated (default: that of the default route)",
	  1 },
	{ "read", 'r', "FILE", 0, "Read a pcap or pcapng capture, - for standard input; needs no privilege", 1 },
	{ "output", OPTION_OUTPUT, "table|json|csv|zeek|none", 0,
	  "What to print (default: table; live on a terminal: a screen, ? shows its keys)", 2 },
	{ "color", OPTION_COLOR, "auto|always|never", 0,
	  "Colour in the table and on the screen (default: auto: on a terminal, unless NO_COLOR is set)", 2 },
	{ "resolve", OPTION_RESOLVE, NULL, 0,
	  "Look up the names of hosts and show them in place of addresses (default: no look-up)", 2 },
	{ "duration", OPTION_DURATION, "SECONDS", 0, "Stop after this time (default: when interrupted)", 3 },
	{ "hook", OPTION_HOOK, "auto|xdp|tc", 0,
	  "Where to see arriving packets (auto: XDP on a physical NIC whose driver has it, else tc)", 3 },
	{ "tap", OPTION_TAP, NULL, 0, "For a mirror port: drop what arrives once it is counted, by XDP; needs -i", 3 },
	{ "flows", OPTION_FLOWS, "N", 0,
	  "Room in the flow table (default: 131072); near N a few are evicted; for a capture it grows", 3 },
	{ "active", OPTION_ACTIVE, "SECONDS", 0,
	  "Print an interim record of each open flow this often (default: never)", 3 },
	{ "idle", OPTION_IDLE, "SECONDS", 0,
	  "Report a connection that was silent so long, and forget it (default: 600; of a capture: never)", 3 },
	{ "merge", OPTION_MERGE, NULL, 0,
	  "One record of a connection that several interfaces see, with what each of them saw", 3 },
	{ "pin", OPTION_PIN, "NAME", 0,
	  "Leave programs and flow table in the kernel at the end; the next run with that name goes on with them", 3 },
	{ "unpin", OPTION_UNPIN, "NAME", 0, "Print what such a run left, and remove it", 3 },
	{ "user", OPTION_USER, "NAME", 0, "Whom to go on as once attached (default: nobody)", 3 },
	{ "stats", OPTION_STATS, NULL, 0,
	  "Print the ledger in full: where every packet went; live also what the programs took", 4 },
	{ "strict", OPTION_STRICT, NULL, 0, "Exit with status 3 if a packet or record was lost or is unaccounted for",
	  4 },
	{ "report", OPTION_REPORT, NULL, 0,
	  "Report the latency of each service at the end: quantiles, outcomes, slowest connections", 2 },
	{ "ladder", OPTION_LADDER, "FILTER", 0,
	  "Show the packets of the connections of which one matches, with what the analysis found", 2 },
	{ "interval", OPTION_INTERVAL, "SECONDS", 0,
	  "Report also this often (of a capture by its clock), all since the start", 2 },
	{ "per-interval", OPTION_PER_INTERVAL, NULL, 0,
	  "With --interval: each time what is new since the last one, and at the end all", 2 },
	{ "assert", OPTION_ASSERT, "EXPRESSION", 0,
	  "Exit with status 3 unless it holds at the end, as 'p99(connect) < 5ms'; may be repeated", 4 },
	{ "junit", OPTION_JUNIT, "FILE", 0, "Write the verdicts of the assertions as JUnit XML", 4 },
	{ "help", 'h', NULL, 0, "Print this help", -1 },
	{ "version", 'V', NULL, 0, "Print the version", -1 },
	{ 0 },
};

static const char description[] =
	"Watches TCP connections on network interfaces, or in a capture file, and tells what happened to each.\v"
	"FILTER is a tcpdump expression: it chooses packets of a capture, and flows when live.\n"
	"Exit status: 0 fine, 1 failed, 2 wrong usage, 3 --strict found a loss, or an assertion failed.";

static const char *const hook_names[] = {
	[HOOK_AUTO] = "--hook auto", [HOOK_XDP] = "--hook xdp", [HOOK_TC] = "--hook tc", [HOOK_TAP] = "--tap"
};

static void choose_hook(struct options *options, enum hook_choice hook)
{
	if (options->hook != HOOK_AUTO && (options->hook == HOOK_TAP) != (hook == HOOK_TAP))
		usage_error("%s and %s exclude each other", hook_names[options->hook], hook_names[hook]);
	options->hook = hook;
}

static void read_hook(struct options *options, const char *name)
{
	for (enum hook_choice hook = HOOK_AUTO; hook < HOOK_TAP; hook++) {
		if (!strcmp(name, hook_names[hook] + strlen("--hook "))) {
			choose_hook(options, hook);
			return;
		}
	}
	usage_error("--hook is auto, xdp or tc, not '%s'", name);
}

const char *options_hook_name(enum hook_choice hook) { return hook_names[hook]; }

static void read_color(struct options *options, const char *word)
{
	static const char *const words[] = {
		[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(word, words[i])) {
			options->color = (enum color_choice)i;
			return;
		}
	}
	usage_error("--color is auto, always or never, not '%s'", word);
}

bool options_colour(const struct options *options)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (options->color != COLOR_AUTO)
		return options->color == COLOR_ALWAYS;
	return options->columns > 0 && !(no_color && *no_color) && !(term && !strcmp(term, "dumb"));
}

/* At least `least` of them. */
static uint64_t read_seconds(const char *option, double least, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0) || seconds > 1e9)
		usage_error("%s is a number of seconds, at least %g, not '%s'", option, least, text);
	if (seconds < least)
		usage_error("%s is at least %g seconds, not '%s'", option, least, text);
	return (uint64_t)(seconds * 1e9);
}

static void read_flows(struct options *options, const char *text)
{
	char *end;
	unsigned long flows;

	errno = 0;
	flows = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || flows == 0 || flows > FLOWS_MAX)
		usage_error("--flows is a number from 1 to %d, not '%s'", FLOWS_MAX, text);
	options->flows = (uint32_t)flows;
}

/* It is that of a directory of the BPF file system, which knows no dots. */
static const char *read_pin(const char *option, const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

	if (!name[0] || name[strspn(name, allowed)] || strlen(name) > PIN_MAX)
		usage_error("%s is a name of up to %d letters, digits, _ and -, not '%s'", option, PIN_MAX, name);
	return name;
}

static void read_output(struct options *options, const char *name)
{
	options->output = output_named(name);
	options->output_chosen = true;
	if (!options->output)
		usage_error("--output is table, json, csv, zeek or none, not '%s'", name);
}

static void read_capture(struct options *options, const char *path)
{
	if (!path[0])
		usage_error("-r wants the name of a file; - is standard input");
	if (options->capture)
		usage_error("one capture at a time; of several: `mergecap -w - FILE FILE | tcpscope -r -`");
	options->capture = path;
}

static void read_interface(struct options *options, const char *name)
{
	if (!name[0])
		usage_error("-i wants the name of an interface; `ip link` lists those there are");
	if (options->interfaces == OPTIONS_INTERFACES)
		usage_error("at most %d interfaces", OPTIONS_INTERFACES);
	options->interface[options->interfaces++] = name;
}

static error_t read_assertion(struct options *options, const char *text)
{
	const char **more = realloc(options->assertion, (options->assertions + 1) * sizeof(*more));

	if (!more)
		return ENOMEM;
	options->assertion = more;
	options->assertion[options->assertions++] = text;
	return 0;
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

static error_t read_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'i': read_interface(options, argument); break;
	case 'r': read_capture(options, argument); break;
	case OPTION_OUTPUT: read_output(options, argument); break;
	case OPTION_COLOR: read_color(options, argument); break;
	case OPTION_RESOLVE: options->resolve = true; break;
	case OPTION_DURATION: options->duration_ns = read_seconds("--duration", 0.001, argument); break;
	case OPTION_HOOK: read_hook(options, argument); break;
	case OPTION_TAP: choose_hook(options, HOOK_TAP); break;
	case OPTION_FLOWS: read_flows(options, argument); break;
	case OPTION_ACTIVE: options->active_ns = read_seconds("--active", 0.1, argument); break;
	case OPTION_IDLE: options->idle_ns = read_seconds("--idle", 2, argument); break;
	case OPTION_USER: options->user = argument; break;
	case OPTION_MERGE: options->merge = true; break;
	case OPTION_STATS: options->stats = true; break;
	case OPTION_STRICT: options->strict = true; break;
	case OPTION_REPORT: options->report = true; break;
	case OPTION_PER_INTERVAL: options->per_interval = true; break;
	case OPTION_INTERVAL: options->interval_ns = read_seconds("--interval", 0.25, argument); break;
	case OPTION_ASSERT: return read_assertion(options, argument);
	case OPTION_LADDER: options->ladder = argument; break;
	case OPTION_JUNIT: options->junit = argument; break;
	case OPTION_PIN: options->pin = read_pin("--pin", argument); break;
	case OPTION_UNPIN: options->unpin = read_pin("--unpin", argument); break;
	case 'h': argp_help(state->root_argp, stdout, ARGP_HELP_STD_HELP, state->name); exit(EXIT_FINE);
	case 'V': printf("tcpscope %s\n", TCPSCOPE_VERSION); exit(EXIT_FINE);
	case ARGP_KEY_ARG: return read_filter_word(options, argument);
	case ARGP_KEY_SUCCESS: options_check(options); break;
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

/* How many options a word may mean, which may be short for a long one, and one of them. */
static int options_meant(const char *word, const struct argp_option **option)
{
	bool is_long = !strncmp(word, "--", 2);
	size_t len = is_long ? strcspn(word + 2, "=") : 0;
	int meant = 0;

	for (const struct argp_option *row = table; row->name; row++) {
		if (is_long ? strncmp(word + 2, row->name, len) : word[0] != '-' || word[1] != row->key)
			continue;
		*option = row;
		meant++;
		if (!is_long || !row->name[len])
			return 1;
	}
	return meant;
}

/* Does the next word belong to this one, as the value of its option? -1: the word itself is wrong. */
static int word_takes_next(const char *word)
{
	const struct argp_option *option = NULL;
	bool value = strchr(word, '=');

	if (!strncmp(word, "--", 2)) {
		if (options_meant(word, &option) != 1 || (value && !option->arg))
			return -1;
		return option->arg && !value;
	}
	for (const char *letter = word + 1; *letter; letter++) {
		const char alone[] = { '-', *letter, 0 };

		if (options_meant(alone, &option) != 1)
			return -1;
		if (option->arg) /* what is left of the word is the value */
			return !letter[1];
	}
	return 0;
}

/* The first word that argp cannot have taken; it does not tell which that was. */
static const char *word_refused(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		int takes = argv[i][0] == '-' && argv[i][1] ? word_takes_next(argv[i]) : 0;

		if (takes < 0 || i + takes >= argc)
			return argv[i];
		i += takes;
	}
	return argv[argc - 1];
}

/* Says why argp refused it. */
static void __attribute__((noreturn)) refuse(const char *word)
{
	const struct argp_option *option = NULL;
	int meant = options_meant(word, &option);

	if (meant > 1)
		usage_error("'%s' is short for several options", word);
	if (meant && option->arg && !strchr(word, '='))
		usage_error("--%s needs a value: %s", option->name, option->arg);
	if (meant && !option->arg && strchr(word, '='))
		usage_error("--%s takes no value", option->name);
	usage_error("no such option: '%s'", word);
}

void options_read(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = table, .parser = read_option, .args_doc = "[FILTER...]", .doc = description
	};
	error_t error;

	*options = (struct options){ .flows = FLOWS_DEFAULT, .output = &output_table, .columns = terminal_columns() };
	error = argp_parse(&argp, argc, argv, ARGP_NO_HELP | ARGP_NO_ERRS | ARGP_NO_EXIT, NULL, options);
	if (error == ENOMEM)
		usage_error("command line: %s", strerror(error));
	if (error)
		refuse(word_refused(argc, argv));
}

void options_free(struct options *options)
{
	free(options->filter);
	options->filter = NULL;
	free(options->assertion);
	options->assertion = NULL;
	options->assertions = 0;
}
