/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who is responsible for an address's name, as far as the address tells: a /24 of IPv4, a /48 of IPv6. Where nobody
 * answers a question takes seconds, and many of one zone would keep all others waiting: so a zone has a share of the
 * questions under way, and one that was silent is not asked for a while. Called by names.c. */
#ifndef TCPSCOPE_USER_ZONES_H
#define TCPSCOPE_USER_ZONES_H

#include "question.h"

enum { ZONE_SHARE = 4, ZONES_SILENT = 64 };

struct zone {
	__u8 prefix[16]; /* the rest 0 */
	__u8 ip_version; /* 0: none */
	__u64 until_ms;	 /* of those that are silent */
};

/* All zeros: none. */
struct zones {
	struct zone asked[QUESTIONS_AT_ONCE]; /* one for each question under way */
	struct zone silent[ZONES_SILENT];     /* used in turn */
	__u32 next;
};

enum zone_word { ZONE_FREE, ZONE_BUSY, ZONE_SILENT };

/* What may be done with a question about this address. */
enum zone_word zones_word(const struct zones *zones, const __u8 ip[16], __u8 ip_version, __u64 now_ms);
/* One is under way, of at most QUESTIONS_AT_ONCE; it was answered. */
void zones_ask(struct zones *zones, const __u8 ip[16], __u8 ip_version);
void zones_answer(struct zones *zones, const __u8 ip[16], __u8 ip_version);
/* Nobody answered for it: it is silent until then. */
void zones_silence(struct zones *zones, const __u8 ip[16], __u8 ip_version, __u64 until_ms);

#endif
