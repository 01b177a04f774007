/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fuzzes the parser. Octet 0 is the link type, 1 and 2 how much longer the frame was on the wire; the rest is the
 * frame, copied to a block of its exact size so that an over-read is found. */
#include "../unit/plain_body.h"

#define require(condition) \
	do { \
		if (!(condition)) \
			__builtin_trap(); \
	} while (0)

enum { HEADER = 3 };

static void require_segment(const struct segment *seg, size_t wire_len)
{
	require(seg->ip_version == 4 || seg->ip_version == 6);
	require(seg->ip_len <= wire_len ||
		seg->tunnel_kind); /* of a tunnel whose outer packet is a fragment: the whole */
	require(seg->payload_len + (seg->ip_version == 4 ? 40 : 60) <= seg->ip_len);
	require(seg->wire_payload_len == (seg->payload_len > 0xffff ? 0xffff : seg->payload_len));
	require((seg->flags & ~(0x1ff | SEGMENT_CE | SEGMENT_MPTCP)) == 0);
	require(!(seg->flags & SEGMENT_MPTCP) == !(seg->options & OPTION_MPTCP));
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	size_t len, wire_len;
	struct segment seg;
	__u8 *frame;
	int verdict;

	if (size < HEADER)
		return 0;
	len = size - HEADER;
	wire_len = len + (data[1] | (size_t)data[2] << 8);
	frame = malloc(len ? len : 1);
	require(frame);
	memcpy(frame, data + HEADER, len);
	verdict = plain_parse((enum link_type)(data[0] % (LINK_PPP + 1)), frame, len, wire_len, &seg);
	require(verdict >= 0 && verdict < LEDGER_FILTERED);
	require(seg.vlans <= SEGMENT_VLANS);
	if (verdict == LEDGER_IN_FLOWS)
		require_segment(&seg, wire_len);
	free(frame);
	return 0;
}
