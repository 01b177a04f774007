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

void text_endpoint(char text[TEXT_ENDPOINT], const __u8 ip[16], __u8 ip_version, __u16 port)
{
	char address[INET6_ADDRSTRLEN] = "?";
	bool v4 = ip_version == 4;

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip + 12 : ip, address, sizeof(address));
	snprintf(text, TEXT_ENDPOINT, v4 ? "%s:%u" : "[%s]:%u", address, port);
}

void text_shorten(char *text, size_t width)
{
	size_t length = strlen(text), head = (width - 2) / 2, tail = width - 2 - head;

	if (length <= width)
		return;
	memcpy(text + head, "..", 2);
	memmove(text + head + 2, text + length - tail, tail + 1);
}
