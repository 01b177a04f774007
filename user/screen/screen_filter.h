/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is typed to choose flows: a tcpdump expression if it is made of that language's words, else plain text that a
 * flow's row must contain, word for word. Knows records; neither view nor terminal. */
#ifndef TCPSCOPE_USER_SCREEN_FILTER_H
#define TCPSCOPE_USER_SCREEN_FILTER_H

#include "../../include/record.h"

enum { FILTER_TEXT = 200, FILTER_WRONG = 128 };

struct filter;
struct names;

enum filter_kind { FILTER_NOTHING, FILTER_PLAIN, FILTER_TCPDUMP };

struct screen_filter {
	char text[FILTER_TEXT]; /* printable ASCII */
	bool typing;
	enum filter_kind kind;
	char wrong[FILTER_WRONG];    /* why an expression of tcpdump's words is none yet; "" if it is */
	struct filter *base, *typed; /* NULL: none */
	struct names *names;	     /* of hosts, as the row shows them; NULL: none. Its owner's to set */
};

/* Under a `base` that is known to be right (NULL: none). Returns 0 or -ENOMEM. */
int screen_filter_open(struct screen_filter *filter, const char *base);
void screen_filter_close(struct screen_filter *filter);
/* Something was typed. What is not complete yet leaves in force what was; at the end it is text. */
void screen_filter_renew(struct screen_filter *filter);
/* Is there anything to match? */
bool screen_filter_wanted(const struct screen_filter *filter);
/* `context`: the struct screen_filter. */
bool screen_filter_match(void *context, const struct record *record);
/* The same of a service: an expression is held against its address and port, text also against its name. */
bool screen_filter_match_service(const struct screen_filter *filter, const __u8 ip[16], __u8 ip_version, __u16 port);
/* Whose language a text is. Nothing in an expression would be looked up as a host's name. FILTER_NOTHING: it may become
 * an expression, or its last word another. */
enum filter_kind screen_filter_language(const char *text);

#endif
