/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of hosts in place of addresses, in what people read (--resolve): a bounded cache before a process that looks
 * them up (resolver.h). A name that is not known is asked for and its address shown until it is; nothing waits but
 * names_wait. Wherever `names` is NULL there are only addresses. An `ip` is as in struct record_side. Not for several
 * threads. */
#ifndef TCPSCOPE_USER_NAMES_H
#define TCPSCOPE_USER_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

enum {
	NAMES_ROOM = 4096,    /* answers kept, that there is no name too: the oldest goes first */
	NAMES_WAIT_MS = 2000, /* in all, of every names_wait */
	NAMES_ENDPOINT = 264, /* the longest name, ":65535" and the end */
};

struct flow_key;
struct names;

/* ---- for those who print ---- */

/* "www.example.org:443" or, as long as there is no such name, text_endpoint's "192.0.2.1:443". Printable ASCII.
 * True: it is a name. */
bool names_endpoint(struct names *names, char text[NAMES_ENDPOINT], const __u8 ip[16], __u8 ip_version, __u16 port);
/* The same for text that is searched, not shown: asks only as long as no answer has to be forgotten for it. */
bool names_sought(struct names *names, char text[NAMES_ENDPOINT], const __u8 ip[16], __u8 ip_version, __u16 port);
/* Asks ahead, for what will be printed soon. */
void names_ask(struct names *names, const __u8 ip[16], __u8 ip_version);
void names_ask_both(struct names *names, const struct flow_key *key);
/* Would it be worth while to wait? Not if the answer is there, or none is on its way. */
bool names_awaited(struct names *names, const __u8 ip[16], __u8 ip_version);

/* ---- for those who order the calls ---- */

/* Asks through `socket`, which stays the caller's; see question.h for what is said there. NULL: no memory. */
struct names *names_open(int socket);
void names_close(struct names *names);
/* Readable when names_take has something to do; -1: never. */
int names_descriptor(const struct names *names);
/* Takes the answers that are there and asks for more, both without waiting. True: names are known that were not. */
bool names_take(struct names *names);
/* At the end: waits for the answers to all that was asked for, at most until NAMES_WAIT_MS are used up. What is printed
 * from then on is not asked for by that. */
void names_wait(struct names *names);
/* Is this a name of a host, and nothing else: letters, digits, hyphens, dots and underscores, and a letter among them,
 * so that it is no address? */
bool names_is_name(const char *text, size_t length);

#endif
