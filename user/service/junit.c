/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "junit.h"

#include <errno.h>
#include <stdio.h>

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

static void put_case(FILE *to, const struct verdict *verdict)
{
	fputs("  <testcase classname=\"tcpscope\" name=\"", to);
	put_escaped(to, verdict->expression);
	fputs(verdict->holds ? "\"/>\n" : "\">\n    <failure message=\"measured ", to);
	if (verdict->holds)
		return;
	put_escaped(to, verdict->measured);
	fputs("; limit ", to);
	put_escaped(to, verdict->limit);
	fputs("\"/>\n  </testcase>\n", to);
}

int junit_write(FILE *to, const struct verdict *verdicts, size_t count)
{
	size_t failures = 0;
	int error;

	for (size_t i = 0; i < count; i++)
		failures += !verdicts[i].holds;
	fprintf(to,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"tcpscope\" tests=\"%zu\" "
		"failures=\"%zu\">\n",
		count, failures);
	for (size_t i = 0; i < count; i++)
		put_case(to, &verdicts[i]);
	fputs("</testsuite>\n", to);
	error = ferror(to) ? -EIO : 0;
	return fclose(to) ? -errno : error;
}
