/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static int usage(void)
{
	fputs("usage: load answer INTERFACE PERCENT:MICROSECONDS[,...]\n"
	      "       load connect ADDRESS PORT RATE COUNT OUTSTANDING\n",
	      stderr);
	return 2;
}

/* Returns how many modes there are, 0 if the text is wrong. */
static size_t read_modes(char *text, struct mode modes[MODES])
{
	__u32 sum = 0;
	size_t count = 0;

	for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
		unsigned int percent;
		unsigned long long microseconds;

		if (count == MODES || sscanf(word, "%u:%llu", &percent, &microseconds) != 2)
			return 0;
		modes[count++] = (struct mode){ .percent = percent, .delay_ns = microseconds * 1000 };
		sum += percent;
	}
	return sum == 100 ? count : 0;
}

int main(int argc, char **argv)
{
	struct mode modes[MODES];
	size_t count;

	if (argc == 7 && !strcmp(argv[1], "connect"))
		return load_connect(argv[2], (__u16)atoi(argv[3]), (__u32)atoi(argv[4]), (__u32)atoi(argv[5]),
				    (__u32)atoi(argv[6]));
	if (argc != 4 || strcmp(argv[1], "answer") != 0)
		return usage();
	count = read_modes(argv[3], modes);
	return count ? load_answer(argv[2], modes, count) : usage();
}
