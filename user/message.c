/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "text/text.h"

enum {
	ESCAPED = 4,	  /* octets that one octet may become */
	DESCRIPTORS = 64, /* a watch of one interface takes some forty */
};

/* NULL without memory. */
static char *text_of(const char *format, va_list words)
{
	char *text = NULL;
	va_list again;
	int length;

	va_copy(again, words);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length >= 0)
		text = malloc((size_t)length + 1);
	if (text)
		vsnprintf(text, (size_t)length + 1, format, words);
	return text;
}

void message_put_list(const char *format, va_list words, const char *end)
{
	char *text = text_of(format, words), *shown = NULL;
	size_t size = text ? ESCAPED * (strlen(text) + 1) : 0;

	if (text)
		shown = malloc(size);
	if (shown)
		text_escape(shown, size, text);
	fprintf(stderr, "tcpscope: %s%s\n", shown ? shown : "no memory to say what is wrong", end);
	free(shown);
	free(text);
}

void message_put(const char *format, ...)
{
	va_list words;

	va_start(words, format);
	message_put_list(format, words, "");
	va_end(words);
}

const char *message_advice(int err, const char *otherwise)
{
	switch (-err) {
	case EMFILE: return "; `ulimit -n` says how many it may have, 64 are enough for one interface";
	case ENFILE: return "; all processes together have too many";
	case ENOMEM: return *otherwise ? otherwise : "; `ulimit -v` says how much it may have";
	default: return otherwise;
	}
}

bool message_lacks_descriptors(void)
{
	struct rlimit limit;

	return !getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < DESCRIPTORS;
}
