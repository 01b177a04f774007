/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A line on the terminal while a large file is read: how far, how fast, how long to go. */
#ifndef TCPSCOPE_USER_PROGRESS_H
#define TCPSCOPE_USER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum { PROGRESS_TEXT = 128, PROGRESS_NAME = 40 };

struct progress {
	char name[PROGRESS_NAME + 1]; /* escaped, and shortened */
	uint64_t size;		      /* octets; 0: nothing is shown */
	uint64_t began_ms, shown_ms;  /* of any clock; shown_ms 0: nothing has been shown */
};

void progress_begin(struct progress *progress, const char *name, uint64_t size, uint64_t now_ms);
/* The line as text, when `done` octets have been read. */
void progress_text(char text[PROGRESS_TEXT], const struct progress *progress, uint64_t done, uint64_t now_ms);
/* Puts it on standard error, a few times a second. */
void progress_show(struct progress *progress, uint64_t done, uint64_t now_ms);
/* Takes it off. */
void progress_end(struct progress *progress);

#endif
