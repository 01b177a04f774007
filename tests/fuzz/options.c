/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Any words as a command line, each ended by a 0. A wrong one ends with status 2 and says why, a good one is in bounds.
 * Since the reader exits, each runs in a child, which hands back what code it reached: else libFuzzer would be
 * blind. */
#define _GNU_SOURCE /* memfd_create, on_exit */
#include <sys/mman.h>
#include <sys/wait.h>

#include "../../user/message.c"
#include "../../user/options.c"
#include "../../user/options_check.c"
#include "../../user/text/text.c"

enum { WORDS_MAX = 40, TEXT_MAX = 1024, SAID_MAX = 4096, STATUS_UNSOUND = 77 };

/* The child writes no record, so outputs only have to be there. */
static int say_services(const struct statistics *statistics)
{
	(void)statistics;
	return 0;
}

const struct output output_table = { .name = "table" }, output_zeek = { .name = "zeek" },
		    output_csv = { .name = "csv" }, output_json = { .name = "json", .services = say_services },
		    output_report = { .name = "report", .services = say_services }, output_none = { .name = "none" };

const struct output *output_named(const char *name)
{
	const struct output *const outputs[] = { &output_table, &output_json, &output_csv, &output_zeek, &output_none };

	for (size_t i = 0; i < sizeof(outputs) / sizeof(*outputs); i++)
		if (!strcmp(outputs[i]->name, name))
			return outputs[i];
	return NULL;
}

/* Of the instrumentation: a counter for each edge. By assembly, since clang loses its own pair of these names where C
 * has one, and then counts nothing. */
__asm__(".pushsection .data.rel.ro, \"aw\"\n"
	"counters_begin: .quad __start___sancov_cntrs\n"
	"counters_end: .quad __stop___sancov_cntrs\n"
	".popsection");
extern uint8_t *const counters_begin, *const counters_end;

struct shared {
	volatile bool read; /* options_read returned */
	uint8_t counters[1 << 16];
};

static struct shared *shared;
static int said = -1;

static size_t counters_size(void)
{
	size_t size = (size_t)(counters_end - counters_begin);

	return size < sizeof(shared->counters) ? size : sizeof(shared->counters);
}

/* Instead of libFuzzer's own way to end, which takes every exit for a fault. */
static void hand_back(int status, void *unused)
{
	(void)unused;
	memcpy(shared->counters, counters_begin, counters_size());
	fflush(NULL);
	_exit(status);
}

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool sound(const struct options *options)
{
	return options->output && options->interfaces <= OPTIONS_INTERFACES && options->flows >= 1 &&
	       options->flows <= FLOWS_MAX && options->hook <= HOOK_TAP && !(options->capture && options->interfaces) &&
	       (!options->pin || strlen(options->pin) <= PIN_MAX) && (!options->junit || options->assertions);
}

static __attribute__((noreturn)) void child(int argc, char **argv)
{
	struct options options;

	dup2(said, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
	on_exit(hand_back, NULL);
	options_read(&options, argc, argv);
	shared->read = true;
	if (!sound(&options))
		_exit(STATUS_UNSOUND);
	options_free(&options);
	exit(EXIT_FINE);
}

/* What the child said, and how it ended. */
static void require_words(int status)
{
	char text[SAID_MAX + 1];
	ssize_t len = pread(said, text, SAID_MAX, 0);

	require(WIFEXITED(status) && len >= 0);
	text[len] = '\0';
	if (WEXITSTATUS(status) == EXIT_USAGE)
		require(!shared->read && !strncmp(text, "tcpscope: ", 10) && text[len - 1] == '\n');
	else
		require(WEXITSTATUS(status) == EXIT_FINE && (shared->read ? len == 0 : len > 0));
}

static void run(int argc, char **argv)
{
	pid_t pid, ended;
	int status;

	shared->read = false;
	memset(shared->counters, 0, counters_size());
	require(ftruncate(said, 0) == 0 && lseek(said, 0, SEEK_SET) == 0);
	pid = fork();
	require(pid >= 0);
	if (pid == 0)
		child(argc, argv);
	do
		ended = waitpid(pid, &status, 0);
	while (ended < 0 && errno == EINTR); /* libFuzzer's clock */
	require(ended == pid);
	for (size_t i = 0; i < counters_size(); i++)
		counters_begin[i] |= shared->counters[i];
	require_words(status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1], name[] = "tcpscope", *argv[WORDS_MAX + 2] = { name };
	int argc = 1;

	if (said < 0) {
		said = memfd_create("said", MFD_CLOEXEC);
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		require(said >= 0 && shared != MAP_FAILED);
	}
	size = size < TEXT_MAX ? size : TEXT_MAX;
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t at = 0; at < size && argc <= WORDS_MAX; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	run(argc, argv);
	return 0;
}
