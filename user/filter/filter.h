/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* tcpdump expressions, compiled by libpcap: on packets of a capture, on flows when live. To match nothing is read from
 * files or looked up: names in an expression are found when it is opened. */
#ifndef TCPSCOPE_FILTER_H
#define TCPSCOPE_FILTER_H

#include <stddef.h>

#include "../../include/record.h"

struct filter;

enum { FILTER_WHY = 256 }; /* room for why an expression is none: libpcap's */

/* For packets of these link types, libpcap's numbers, at least one. It must make sense for the first; of a type for
 * which it makes none nothing matches. Prints what is wrong. Returns 0, -EINVAL (the expression) or -ENOMEM. */
int filter_open_packets(struct filter **filter, const int *link_types, size_t count, const char *expression);
/* For flows: they are shown to it as packets that they have not sent, so it must not ask for a length. */
int filter_open_flows(struct filter **filter, const char *expression);
/* The same without printing: what is wrong is in `why`. */
int filter_try_flows(struct filter **filter, const char *expression, char why[FILTER_WHY]);
/* Legal on NULL. */
void filter_close(struct filter *filter);

/* `captured`, `len`: octets that are there, and on the wire. */
bool filter_match_packet(const struct filter *filter, int link_type, const unsigned char *data, __u32 captured,
			 __u32 len);
/* Does an IP packet of either direction, with the flow's addresses, ports and all its flags, match? */
bool filter_match_flow(const struct filter *filter, const struct record *record);

#endif
