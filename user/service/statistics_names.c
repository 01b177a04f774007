/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose names a report needs: apart, since most that count have no need of names. */
#include "names/names.h"

#include "statistics.h"

void statistics_ask(const struct statistics *statistics, struct names *names)
{
	for (int i = 0; i < SERVICE_SETS * SERVICE_WAYS && names; i++) {
		const struct service_key *key = &statistics->sets[i / SERVICE_WAYS].key[i % SERVICE_WAYS];
		const struct slow_list *list = key->ip_version ? slowest_of(&statistics->slowest, key) : NULL;

		if (key->ip_version)
			names_ask(names, (const __u8 *)key->ip, key->ip_version);
		for (__u32 slow = 0; list && slow < list->count; slow++)
			names_ask(names, list->slow[slow].ip, list->slow[slow].ip_version);
	}
}
