/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What goes over the socket between the cache of names and the process that looks them up: packets, one question or one
 * answer each (SOCK_SEQPACKET). */
#ifndef TCPSCOPE_USER_QUESTION_H
#define TCPSCOPE_USER_QUESTION_H

#include <linux/types.h>

enum {
	QUESTIONS_AT_ONCE = 16, /* as many are looked up side by side; no more are sent before an answer */
	NAME_MAX_LENGTH = 253,	/* of a domain name in text (RFC 1035, 2.3.4: 255 octets on the wire) */
};

struct question {
	__u32 number; /* the asker's own */
	__u8 ip[16];  /* as in struct record_side */
	__u8 ip_version;
};

/* As long as its name: the text's end is the packet's. */
struct answer {
	__u32 number; /* the question's */
	__u32 length; /* of `name`; 0: none */
	char name[NAME_MAX_LENGTH];
};

#endif
