/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "zones.h"

#include <stdbool.h>
#include <string.h>

enum { PREFIX_IPV4 = 15, PREFIX_IPV6 = 6 }; /* octets, of an IPv4 address's sixteen too */

static struct zone zone_of(const __u8 ip[16], __u8 ip_version)
{
	struct zone zone = { .ip_version = ip_version };

	memcpy(zone.prefix, ip, ip_version == 4 ? PREFIX_IPV4 : PREFIX_IPV6);
	return zone;
}

static bool zone_same(const struct zone *x, const struct zone *y)
{
	return x->ip_version == y->ip_version && !memcmp(x->prefix, y->prefix, sizeof(x->prefix));
}

enum zone_word zones_word(const struct zones *zones, const __u8 ip[16], __u8 ip_version, __u64 now_ms)
{
	const struct zone zone = zone_of(ip, ip_version);
	int asked = 0;

	for (int i = 0; i < ZONES_SILENT; i++)
		if (zones->silent[i].until_ms > now_ms && zone_same(&zones->silent[i], &zone))
			return ZONE_SILENT;
	for (int i = 0; i < QUESTIONS_AT_ONCE; i++)
		asked += zone_same(&zones->asked[i], &zone);
	return asked < ZONE_SHARE ? ZONE_FREE : ZONE_BUSY;
}

void zones_ask(struct zones *zones, const __u8 ip[16], __u8 ip_version)
{
	for (int i = 0; i < QUESTIONS_AT_ONCE; i++) {
		if (zones->asked[i].ip_version)
			continue;
		zones->asked[i] = zone_of(ip, ip_version);
		return;
	}
}

void zones_answer(struct zones *zones, const __u8 ip[16], __u8 ip_version)
{
	const struct zone zone = zone_of(ip, ip_version);

	for (int i = 0; i < QUESTIONS_AT_ONCE; i++) {
		if (!zone_same(&zones->asked[i], &zone))
			continue;
		zones->asked[i] = (struct zone){ 0 };
		return;
	}
}

void zones_silence(struct zones *zones, const __u8 ip[16], __u8 ip_version, __u64 until_ms)
{
	struct zone *silent = &zones->silent[zones->next];

	zones->next = (zones->next + 1) % ZONES_SILENT;
	*silent = zone_of(ip, ip_version);
	silent->until_ms = until_ms;
}
