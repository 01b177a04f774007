/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The list of outputs, and what several of them share. */
#include "output.h"

#include <errno.h>
#include <string.h>

#include "service/news.h"
#include "text/text.h"
#include "text/units.h"
#include "text/words.h"

enum { NAME_ROOM = 1024 };

static const struct output *const outputs[] = { &output_table, &output_json, &output_csv, &output_zeek, &output_none };

int output_check(FILE *to)
{
	static int failed; /* errno has the reason but once */

	if (!failed && ferror(to))
		failed = errno ? -errno : -EIO;
	return failed;
}

int output_flush(FILE *to)
{
	if (!ferror(to)) {
		errno = 0;
		fflush(to);
	}
	return output_check(to);
}

const struct output *output_named(const char *name)
{
	for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		if (!strcmp(outputs[i]->name, name))
			return outputs[i];
	}
	return NULL;
}

void output_put_ledger(FILE *to, const struct ledger_record *record)
{
	const struct ledger *ledger = &record->ledger;
	char name[NAME_ROOM];

	text_escape(name, sizeof(name), record->interface ? record->interface : "-");
	fprintf(to, "%s%s%s: seen %llu", name, record->direction ? " " : "", record->direction ? record->direction : "",
		ledger->seen);
	for (int i = 0; i < LEDGER_COUNT; i++)
		fprintf(to, ", %s %llu", words_counter((enum ledger_counter)i), ledger->counter[i]);
	fprintf(to, ", unaccounted %lld, lost_records %llu, summarised %llu\n", (__s64)ledger_unaccounted(ledger),
		ledger->lost_records, ledger->summarised);
}

void output_put_program(FILE *to, const struct program_record *record)
{
	char text[UNITS_TEXT];

	fprintf(to, "program %s:", record->name);
	units_exact(text, (__s64)record->runs);
	if (!record->timed)
		fputs(" the kernel does not measure its time;", to);
	else if (!record->runs)
		fputs(" 0 runs;", to);
	else
		fprintf(to, " %s runs of %llu ns, measuring included;", text, record->run_ns / record->runs);
	for (size_t cpu = 0; cpu < record->cpus; cpu++) {
		units_exact(text, (__s64)record->cpu_frames[cpu]);
		fprintf(to, "%s CPU %zu %s", cpu ? "," : "", cpu, text);
	}
	fputs(" frames\n", to);
}

int output_tell(const struct output *output, struct news *news, struct statistics *statistics, bool end)
{
	int err = 0;

	if (news_wanted(news)) {
		err = output->services(news_of(news, statistics));
		news_told(news, statistics);
	}
	if (!err && (end || !news_wanted(news)))
		err = output->services(statistics);
	return err;
}

static FILE *none_to;

static int none_open(const struct output_options *options)
{
	none_to = options->to;
	return 0;
}

static int none_flow(const struct record *record)
{
	(void)record;
	return 0;
}

static int none_ledger(const struct ledger_record *record)
{
	(void)record;
	return 0;
}

static int none_program(const struct program_record *record)
{
	output_put_program(stderr, record);
	return 0;
}

static int none_close(void) { return output_flush(none_to); }

const struct output output_none = {
	.name = "none",
	.open = none_open,
	.flow = none_flow,
	.ledger = none_ledger,
	.program = none_program,
	.close = none_close,
};
