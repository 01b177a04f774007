/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SHA-1 over seed, the lesser endpoint's and the greater's address, protocol, padding and ports; then base64. */
#include "community_id.h"

#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <string.h>

#include "../../include/wire.h"

static size_t append(unsigned char *to, size_t at, const void *from, size_t len)
{
	memcpy(to + at, from, len);
	return at + len;
}

static size_t append_u16(unsigned char *to, size_t at, unsigned int value)
{
	to[at] = (unsigned char)(value >> 8);
	to[at + 1] = (unsigned char)value;
	return at + 2;
}

void community_id_write(char id[COMMUNITY_ID_SIZE], const struct record *record)
{
	const struct record_side *less = &record->client, *more = &record->server, *swap;
	size_t skip = record->ip_version == 4 ? 12 : 0, at = 0; /* IPv4 is the last 4 of 16 octets */
	int order = memcmp(less->ip, more->ip, sizeof(less->ip));
	unsigned char input[2 + 16 + 16 + 2 + 4], digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx sha1;

	if (order > 0 || (order == 0 && less->port > more->port)) {
		swap = less;
		less = more;
		more = swap;
	}
	at = append_u16(input, at, 0);
	at = append(input, at, less->ip + skip, sizeof(less->ip) - skip);
	at = append(input, at, more->ip + skip, sizeof(more->ip) - skip);
	at = append_u16(input, at, PROTO_TCP << 8);
	at = append_u16(input, at, less->port);
	at = append_u16(input, at, more->port);
	sha1_init(&sha1);
	sha1_update(&sha1, at, input);
	sha1_digest(&sha1, sizeof(digest), digest);
	memcpy(id, "1:", 2);
	base64_encode_raw(id + 2, sizeof(digest), digest);
	id[COMMUNITY_ID_SIZE - 1] = '\0';
}
