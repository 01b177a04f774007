/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the monitor's table puts a key, for a flood that wants all its flows in one bucket. */
#ifndef TCPSCOPE_TESTS_TABLE_PLACE_H
#define TCPSCOPE_TESTS_TABLE_PLACE_H

#include "../../user/sizing.h"
#include "key.h"

/* The next address (24 bits, of service 0 of `services`) and source port whose flow to 192.0.2.99:80, on the monitor's
 * first interface, lies in bucket 0. `random`: state of the search, 0 at first. */
static inline __u32 flood_next_in_bucket(__u64 *random, const struct key_seed *seed, __u32 buckets, __u32 services,
					 __u16 *port)
{
	for (;;) {
		__u64 number = ++*random;
		__u32 address = (__u32)(number % 0xffffff / services * services);
		__u16 source = (__u16)(20000 + number % services * 8000 + number / 0xffffff);
		struct key_hash hash = key_hash_ipv4(__builtin_bswap32(0x0a000000u | address),
						     __builtin_bswap32(0xc0000263u), to_be16(source), to_be16(80), 0,
						     seed);

		if ((hash.value >> 32) * buckets >> 32 == 0) {
			*port = source;
			return address;
		}
	}
}

#endif
