/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "progress.h"

#include <stdio.h>
#include <string.h>

#include "text/text.h"

enum { SHOW_MS = 100, RATE_MS = 50, MEGA = 1000000 };

void progress_begin(struct progress *progress, const char *name, uint64_t size, uint64_t now_ms)
{
	char escaped[4096];

	*progress = (struct progress){ .size = size, .began_ms = now_ms };
	text_escape(escaped, sizeof(escaped), name);
	text_shorten(escaped, PROGRESS_NAME);
	memcpy(progress->name, escaped, strlen(escaped) + 1);
}

/* "0:07", "12:30", "3:05:00". */
static void span_text(char text[32], uint64_t seconds)
{
	if (seconds >= 3600)
		snprintf(text, 32, "%llu:%02u:%02u", (unsigned long long)(seconds / 3600),
			 (unsigned int)(seconds / 60 % 60), (unsigned int)(seconds % 60));
	else
		snprintf(text, 32, "%u:%02u", (unsigned int)(seconds / 60), (unsigned int)(seconds % 60));
}

void progress_text(char text[PROGRESS_TEXT], const struct progress *progress, uint64_t done, uint64_t now_ms)
{
	uint64_t took_ms = now_ms - progress->began_ms, left = progress->size > done ? progress->size - done : 0;
	int at = snprintf(text, PROGRESS_TEXT, "%s: %2.0f %% of %.0f MB", progress->name,
			  100.0 * (double)(progress->size - left) / (double)progress->size,
			  (double)progress->size / MEGA);
	double rate = took_ms ? (double)done / (double)took_ms : 0; /* octets a ms */
	char span[32];

	if (took_ms < RATE_MS || !done) /* too soon to tell */
		return;
	span_text(span, (uint64_t)((double)left / rate / 1000 + 0.999));
	snprintf(text + at, (size_t)(PROGRESS_TEXT - at), ", %.*f MB/s, %s left", rate < 10000 ? 1 : 0,
		 rate * 1000 / MEGA, span);
}

void progress_show(struct progress *progress, uint64_t done, uint64_t now_ms)
{
	char text[PROGRESS_TEXT];

	if (!progress->size || (progress->shown_ms && now_ms - progress->shown_ms < SHOW_MS))
		return;
	progress->shown_ms = now_ms;
	progress_text(text, progress, done, now_ms);
	fprintf(stderr, "\r%s\033[K", text);
	fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (progress->shown_ms)
		fprintf(stderr, "\r\033[K");
	*progress = (struct progress){ .size = 0 };
}
