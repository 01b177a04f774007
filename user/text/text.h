/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Text for terminals and files: escaping, numbers, endpoints, shortening. All results but that of text_utf8 are
 * printable ASCII, so octets are columns. */
#ifndef TCPSCOPE_TEXT_H
#define TCPSCOPE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <linux/types.h>

enum {
	TEXT_IP = 46,	    /* 45 octets of IPv6, and the end */
	TEXT_ENDPOINT = 56, /* "[" 45 octets of IPv6 "]:65535" and the end */
	TEXT_DIGITS = 20,   /* of 64 bits, with a sign and without an end */
};

/* memcpy for names, words and numbers: few are longer than 16 octets, and a call for each is a tenth of what a record
 * costs. Two moves of a fixed size, which may overlap. */
static inline void text_copy(char *to, const char *from, size_t len)
{
	if (len > 16) {
		memcpy(to, from, len);
	} else if (len >= 8) {
		memcpy(to, from, 8);
		memcpy(to + (len - 8), from + (len - 8), 8);
	} else if (len >= 4) {
		memcpy(to, from, 4);
		memcpy(to + (len - 4), from + (len - 4), 4);
	} else {
		for (size_t i = 0; i < len; i++)
			to[i] = from[i];
	}
}

/* Copies `from` with every octet outside printable ASCII, and the backslash, as \xNN, so that no name can command the
 * terminal. Stops before the escape that would not fit. Returns the length written. */
size_t text_escape(char *to, size_t size, const char *from);
/* One octet, read as Latin-1, in UTF-8: up to three octets; DEL and the C1 controls, which a terminal may obey, become
 * U+FFFD. Returns where the next goes. */
char *text_utf8(char *to, unsigned char octet);
/* Decimal, without an end, in up to TEXT_DIGITS octets. Returns the length. */
size_t text_unsigned(char *to, __u64 value);
size_t text_signed(char *to, __s64 value);
/* "192.0.2.1" or "2001:db8::1"; `ip` as in struct record_side. Returns `text`. */
const char *text_ip(char text[TEXT_IP], const __u8 ip[16], __u8 ip_version);
/* "192.0.2.1:80" or "[2001:db8::1]:80". */
void text_endpoint(char text[TEXT_ENDPOINT], const __u8 ip[16], __u8 ip_version, __u16 port);
/* Replaces the middle by ".." if the text is wider than `width`, which is at least 3. */
void text_shorten(char *text, size_t width);

#endif
