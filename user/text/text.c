/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Nothing from the wire, a file name or an interface name reaches a terminal but through here. Called by views. */
#include "text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

size_t text_escape(char *to, size_t size, const char *from)
{
	size_t at = 0;

	for (; *from; from++) {
		unsigned char octet = (unsigned char)*from;
		bool plain = octet >= 0x20 && octet < 0x7f && octet != '\\';
		size_t needs = plain ? 1 : 4;

		if (at + needs >= size)
			break;
		if (plain)
			to[at] = (char)octet;
		else
			snprintf(to + at, size - at, "\\x%02x", octet);
		at += needs;
	}
	to[at] = '\0';
	return at;
}

char *text_utf8(char *to, unsigned char octet)
{
	if (octet < 0x7f) {
		*to++ = (char)octet;
	} else if (octet < 0xa0) {
		memcpy(to, "\xef\xbf\xbd", 3);
		to += 3;
	} else {
		*to++ = (char)(0xc0 | octet >> 6);
		*to++ = (char)(0x80 | (octet & 0x3f));
	}
	return to;
}

/* By hand: printf takes ten times as long, and a record is a hundred numbers, most of one digit, and the times of
 * nineteen: so two at a time. */
size_t text_unsigned(char *to, __u64 value)
{
	static const char pairs[] = "0001020304050607080910111213141516171819"
				    "2021222324252627282930313233343536373839"
				    "4041424344454647484950515253545556575859"
				    "6061626364656667686970717273747576777879"
				    "8081828384858687888990919293949596979899";
	char digits[TEXT_DIGITS], *at = digits + sizeof(digits);
	size_t len;

	if (value < 10) {
		*to = (char)('0' + value);
		return 1;
	}
	for (; value >= 10; value /= 100) {
		at -= 2;
		memcpy(at, pairs + value % 100 * 2, 2);
	}
	if (value)
		*--at = (char)('0' + value);
	len = (size_t)(digits + sizeof(digits) - at);
	text_copy(to, at, len);
	return len;
}

size_t text_signed(char *to, __s64 value)
{
	if (value >= 0)
		return text_unsigned(to, (__u64)value);
	*to = '-';
	return 1 + text_unsigned(to + 1, 0 - (__u64)value);
}

static void text_ipv4(char *to, const __u8 ip[4])
{
	size_t at = text_unsigned(to, ip[0]);

	for (int i = 1; i < 4; i++) {
		to[at++] = '.';
		at += text_unsigned(to + at, ip[i]);
	}
	to[at] = '\0';
}

const char *text_ip(char text[TEXT_IP], const __u8 ip[16], __u8 ip_version)
{
	if (ip_version == 4)
		text_ipv4(text, ip + 12);
	else if (!inet_ntop(AF_INET6, ip, text, TEXT_IP))
		strcpy(text, "?");
	return text;
}

void text_endpoint(char text[TEXT_ENDPOINT], const __u8 ip[16], __u8 ip_version, __u16 port)
{
	char address[TEXT_IP];

	text_ip(address, ip, ip_version);
	snprintf(text, TEXT_ENDPOINT, ip_version == 4 ? "%s:%u" : "[%s]:%u", address, port);
}

void text_shorten(char *text, size_t width)
{
	size_t length = strlen(text), head = (width - 2) / 2, tail = width - 2 - head;

	if (length <= width)
		return;
	memcpy(text + head, "..", 2);
	memmove(text + head + 2, text + length - tail, tail + 1);
}
