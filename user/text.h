/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Text for a terminal: escaping, endpoints, shortening. All results are printable ASCII, so octets are columns. */
#ifndef TCPSCOPE_TEXT_H
#define TCPSCOPE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

enum { TEXT_ENDPOINT = 56 }; /* "[" 45 octets of IPv6 "]:65535" and the end */

/* Copies `from` with every octet outside printable ASCII, and the backslash, as \xNN, so that no name can command the
 * terminal. Stops before the escape that would not fit. Returns the length written. */
size_t text_escape(char *to, size_t size, const char *from);
/* "192.0.2.1:80" or "[2001:db8::1]:80"; `ip` as in struct record_side. */
void text_endpoint(char text[TEXT_ENDPOINT], const __u8 ip[16], __u8 ip_version, __u16 port);
/* Replaces the middle by ".." if the text is wider than `width`, which is at least 3. */
void text_shorten(char *text, size_t width);

#endif
