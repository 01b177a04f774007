/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A ladder as text: whose it is, then a line for each rung. */
#include "ladder.h"

#include <time.h>

#include "../../include/record.h"
#include "names/names.h"
#include "output/rung_text.h"
#include "text/text.h"
#include "text/words.h"

enum { TIME_TEXT = 40, IF_NAME_TEXT = 64 };

/* Where it was seen, as far as that is not the same for all. */
static void put_place(FILE *to, const struct ladder *ladder, const struct flow_key *key)
{
	const char *tunnel = words_tunnel((enum tunnel_kind)key->tunnel_kind);
	char name[IF_NAME_TEXT];

	if (tunnel && record_tunnel_has_id((enum tunnel_kind)key->tunnel_kind))
		fprintf(to, ", in %s %u", tunnel, key->tunnel);
	else if (tunnel)
		fprintf(to, ", in %s", tunnel);
	if (!ladder->interface_name)
		return;
	text_escape(name, sizeof(name), ladder->interface_name(ladder->context, key->interface));
	fprintf(to, ", at %s", name);
}

void ladder_print_connection(const struct ladder *ladder, const struct ladder_connection *connection, FILE *to,
			     __s64 epoch_ns)
{
	const struct flow_key *key = &connection->key;
	const __u32 client = connection->client & 1, server = client ^ 1;
	__u64 first_ns = ladder->rungs[connection->first - 1].segment.now_ns;
	__s64 unix_ns = (__s64)first_ns + epoch_ns, second_ns = (__s64)NS_PER_SEC;
	__s64 within_ns = (unix_ns % second_ns + second_ns) % second_ns; /* before 1970, too */
	time_t seconds = (time_t)((unix_ns - within_ns) / second_ns);
	char one[NAMES_ENDPOINT], other[NAMES_ENDPOINT], when[TIME_TEXT] = "?";
	struct tm parts;

	names_endpoint(ladder->names, one, (const __u8 *)key->ip[client], key->ip_version, key->port[client]);
	names_endpoint(ladder->names, other, (const __u8 *)key->ip[server], key->ip_version, key->port[server]);
	if (gmtime_r(&seconds, &parts))
		strftime(when, sizeof(when), "%F %T", &parts);
	fprintf(to, "%s -> %s, from %s.%06lld UTC", one, other, when, within_ns / 1000);
	put_place(to, ladder, key);
	fputc('\n', to);
	for (__u32 at = connection->first; at; at = ladder->rungs[at - 1].next) {
		rung_put(to, &ladder->rungs[at - 1].segment, first_ns, client);
		fputc('\n', to);
	}
}
