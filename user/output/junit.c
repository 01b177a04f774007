/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "junit.h"

#include <errno.h>
#include <stdio.h>

/* Tests, failures, errors. */
#define HEAD \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"tcpscope\" tests=\"%zu\" failures=\"%zu\" " \
	"errors=\"%zu\">\n"

/* XML 1.0, 2.3: what an attribute's value may not hold as it is. Control characters have no form at all. */
static void put_escaped(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&': fputs("&amp;", to); break;
		case '<': fputs("&lt;", to); break;
		case '>': fputs("&gt;", to); break;
		case '"': fputs("&quot;", to); break;
		default: fputc(*text >= 0x20 && *text < 0x7f ? *text : ' ', to);
		}
	}
}

static void put_name(FILE *to, const char *expression)
{
	fputs("  <testcase classname=\"tcpscope\" name=\"", to);
	put_escaped(to, expression);
}

static void put_case(FILE *to, const struct verdict *verdict)
{
	put_name(to, verdict->expression);
	fputs(verdict->holds ? "\">\n    <system-out>measured " : "\">\n    <failure message=\"measured ", to);
	put_escaped(to, verdict->measured);
	fputs("; limit ", to);
	put_escaped(to, verdict->limit);
	fputs(verdict->unseen ? "; nobody was seen to connect to it" : "", to);
	fputs(verdict->holds ? "</system-out>\n  </testcase>\n" : "\"/>\n  </testcase>\n", to);
}

static int finish(FILE *to)
{
	int error;

	fputs("</testsuite>\n", to);
	error = ferror(to) ? -EIO : 0;
	return fclose(to) ? -errno : error;
}

int junit_write(FILE *to, const struct verdict *verdicts, size_t count)
{
	size_t failures = 0;

	for (size_t i = 0; i < count; i++)
		failures += !verdicts[i].holds;
	fprintf(to, HEAD, count, failures, (size_t)0);
	for (size_t i = 0; i < count; i++)
		put_case(to, &verdicts[i]);
	return finish(to);
}

int junit_write_unjudged(FILE *to, const char *const *expressions, size_t count)
{
	fprintf(to, HEAD, count, (size_t)0, count);
	for (size_t i = 0; i < count; i++) {
		put_name(to, expressions[i]);
		fputs("\">\n    <error message=\"not judged: the run failed\"/>\n  </testcase>\n", to);
	}
	return finish(to);
}
