/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Any text as a filter, up to the first 0; what follows is a frame. What libpcap cannot compile is refused with words;
 * what it can, the engine's machine judges as libpcap's does, at every length of the frame. */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/message.c"
#include "../../user/text/text.c"
#include "../../user/filter/filter.c"
#include "../../user/filter/filter_kernel.c"
#include "../unit/both_machines.h"

enum { TEXT_MAX = 512, FRAME_MAX = 300, LENGTHEN = 60 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* libpcap looks names up. A fuzzer asks nobody: there is no name. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	(void)node, (void)service, (void)hints, (void)found;
	return EAI_NONAME;
}

int getnetbyname_r(const char *name, struct netent *entry, char *room, size_t size, struct netent **found, int *error)
{
	(void)name, (void)entry, (void)room, (void)size;
	*found = NULL;
	*error = HOST_NOT_FOUND;
	return 0;
}

static void require_alike(const struct classic_code *code, const __u8 *frame, __u32 size)
{
	for (__u32 len = 0; len <= size; len++)
		require(classic_matches(code, frame, len, size + LENGTHEN) ==
			libpcap_matches(code, frame, len, size + LENGTHEN));
}

static void judge_flow(const char *expression)
{
	const struct record record = { .ip_version = 4,
				       .client = { .port = 40000, .flags = { .syn = 1 } },
				       .server = { .port = 443, .flags = { .ack = 1 } } };
	char why[FILTER_WHY] = "";
	struct filter *filter;

	if (filter_try_flows(&filter, expression, why))
		require(why[0]);
	else
		filter_match_flow(filter, &record);
	filter_close(filter);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	static struct classic_code code[LADDER_LINKS];
	size_t len = strnlen((const char *)data, size < TEXT_MAX ? size : TEXT_MAX), rest;
	char text[TEXT_MAX + 1];

	memcpy(text, data, len);
	text[len] = '\0';
	rest = len < size ? size - len - 1 : 0;
	judge_flow(text);
	if (filter_kernel(code, text))
		return 0;
	for (int link = 0; link < LADDER_LINKS; link++)
		require_alike(&code[link], data + size - rest, (__u32)(rest < FRAME_MAX ? rest : FRAME_MAX));
	return 0;
}
