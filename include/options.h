/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* TCP options (RFC 9293, 3.2; RFC 7323, 2018, 7413, 8684). */
#ifndef TCPSCOPE_OPTIONS_H
#define TCPSCOPE_OPTIONS_H

#include "segment.h"
#include "wire.h"

enum { OPTIONS_MAX = 40 };

/* A copy of the captured options: an index into it can be bounded by a mask, one into a packet cannot. */
struct options_copy {
	__u8 octet[80]; /* OPTIONS_MAX; more, so that a masked index and an option's fixed part stay inside */
	__u32 captured; /* octets that are there */
	__u32 len;	/* octets that the header says */
};

/* Reads the options in data[0, len), of which those before `end` were captured. len is a multiple of 4, at most
 * OPTIONS_MAX. At a bad or a cut option they end; what was read before is kept. */
INLINE void options_parse(struct segment *seg, const __u8 *data, const __u8 *end, __u32 len,
			  struct options_copy *scratch);

/* ------------------------------------------------------------------------------------------------------------- */

INLINE __u32 load_be32(const __u8 *p) { return from_be32(((const struct unaligned_u32 *)p)->value); }
INLINE __u32 option_u16(const __u8 *p) { return (__u32)p[0] << 8 | p[1]; }
INLINE __u32 option_u32(const __u8 *p) { return option_u16(p) << 16 | option_u16(p + 2); }

/* One option of `len` octets, all captured, p[0] its kind. One of a wrong length is passed over. */
INLINE void option_read(struct segment *seg, const __u8 *p, __u32 len)
{
	switch (p[0]) {
	case TCPOPT_MSS:
		if (len == 4) {
			seg->mss = (__u16)option_u16(p + 2);
			seg->options |= OPTION_MSS;
		}
		break;
	case TCPOPT_WINDOW_SCALE:
		if (len == 3) {
			seg->window_scale = p[2];
			seg->options |= OPTION_WINDOW_SCALE;
		}
		break;
	case TCPOPT_SACK_PERMITTED:
		if (len == 2)
			seg->options |= OPTION_SACK_PERMITTED;
		break;
	case TCPOPT_SACK: seg->options |= OPTION_SACK; break;
	case TCPOPT_TIMESTAMPS:
		if (len == 10) {
			seg->tsval = option_u32(p + 2);
			seg->tsecr = option_u32(p + 6);
			seg->options |= OPTION_TIMESTAMPS;
		}
		break;
	case TCPOPT_MPTCP:
		if (len > 2) {
			seg->mptcp_subtypes |= (__u16)(1 << (p[2] >> 4));
			seg->options |= OPTION_MPTCP;
			seg->flags |= SEGMENT_MPTCP;
		}
		break;
	case TCPOPT_FAST_OPEN: seg->options |= OPTION_FAST_OPEN; break;
	case TCPOPT_EXPERIMENT:
		if (len > 3 && option_u16(p + 2) == 0xf989)
			seg->options |= OPTION_FAST_OPEN;
		break;
	}
}

/* Walks the copied options from octet `at` (0) on. `at` is an argument so that the verifier takes it for unknown, and
 * need not tell apart the thousands of ways to get to an octet. */
SEPARATE int options_walk(struct segment *seg, const struct options_copy *copy, __u32 at)
{
	if (!seg || !copy)
		return 0;
	for (int i = 0; i < OPTIONS_MAX; i++) {
		const __u8 *p = &copy->octet[at & 63];
		__u32 len;

		if (at >= copy->len || (at < copy->captured && p[0] == TCPOPT_END))
			return 0;
		if (at >= copy->captured)
			break;
		len = p[1];
		if (p[0] == TCPOPT_NOP)
			len = 1;
		else if (len < 2 || at + len > copy->captured)
			break;
		else
			option_read(seg, p, len);
		at = (at + len) & 63;
	}
	if (copy->captured < copy->len)
		seg->options |= OPTION_CUT;
	return 0;
}

INLINE __u64 layout_add(__u64 layout, __u32 bits, __u32 code)
{
	return layout >> (64 - bits) ? LAYOUT_FULL : layout << bits | code;
}

/* The code of a kind of option, and the length it must have; 0: any. */
INLINE __u32 layout_code(__u8 kind, __u32 *len)
{
	*len = 0;
	switch (kind) {
	case TCPOPT_END: *len = 1; return LAYOUT_END;
	case TCPOPT_NOP: *len = 1; return LAYOUT_NOP;
	case TCPOPT_MSS: *len = 4; return LAYOUT_MSS;
	case TCPOPT_WINDOW_SCALE: *len = 3; return LAYOUT_WINDOW_SCALE;
	case TCPOPT_SACK_PERMITTED: *len = 2; return LAYOUT_SACK_PERMITTED;
	case TCPOPT_SACK: return LAYOUT_SACK;
	case TCPOPT_TIMESTAMPS: *len = 10; return LAYOUT_TIMESTAMPS;
	default: return LAYOUT_OTHER;
	}
}

enum { OPTIONS_PAST_END = 64, OPTIONS_DONE = 128 };

/* Adds the option at octet `at` to the layout. Returns where the next is; past the end of the options, with
 * OPTIONS_PAST_END, every octet is one. A function for the verifier's sake, which so forgets how it got there. */
SEPARATE __u32 options_layout_add(struct segment *seg, const struct options_copy *copy, __u32 at)
{
	__u32 index = at & 63, len, right, code;
	__u8 kind;

	if (!seg || !copy || index >= copy->len)
		return OPTIONS_DONE;
	kind = copy->octet[index];
	len = index + 1 < copy->captured ? copy->octet[index + 1] : 0;
	if (index >= copy->captured) {
		seg->option_layout = LAYOUT_FULL;
		return OPTIONS_DONE;
	}
	if (at & OPTIONS_PAST_END) {
		seg->option_quirks |= kind ? QUIRK_OPTIONS_TRAIL : 0;
		return at + 1;
	}
	code = layout_code(kind, &right);
	if (code == LAYOUT_END)
		seg->option_layout = layout_add(seg->option_layout, 12, code << 8 | (copy->len - index - 1));
	else if (code == LAYOUT_OTHER)
		seg->option_layout = layout_add(seg->option_layout, 12, code << 8 | kind);
	else
		seg->option_layout = layout_add(seg->option_layout, 4, code);
	if (right == 1)
		return (at + 1) | (code == LAYOUT_END ? OPTIONS_PAST_END : 0);
	if (index + 1 == copy->captured && copy->captured < copy->len)
		return index + 1; /* where it will be found to be cut */
	if (len < 2 || index + len > copy->len || (right && len != right))
		seg->option_quirks |= QUIRK_OPTIONS_BAD;
	return len < 2 || index + len > copy->len ? OPTIONS_DONE : index + len;
}

/* The same walk for the order of a SYN's options, all kinds. If they were not captured whole, that is not known. */
SEPARATE int options_layout(struct segment *seg, const struct options_copy *copy, __u32 at)
{
	for (int i = 0; i < OPTIONS_MAX && at < OPTIONS_DONE; i++)
		at = options_layout_add(seg, copy, at);
	return 0;
}

INLINE void options_copy(struct options_copy *copy, const __u8 *data, const __u8 *end, __u32 len)
{
	__u32 captured = 0;

	for (__u32 i = 0; i < OPTIONS_MAX / 4; i++) {
		if (i * 4 >= len || data + i * 4 + 4 > end)
			break;
		__builtin_memcpy(&copy->octet[i * 4], data + i * 4, 4);
		captured = i * 4 + 4;
	}
	copy->captured = captured;
	copy->len = len;
}

INLINE void options_timestamps(struct segment *seg, const __u8 *data)
{
	seg->tsval = load_be32(data);
	seg->tsecr = load_be32(data + 4);
	seg->options |= OPTION_TIMESTAMPS;
}

/* What nearly every segment carries (RFC 7323, appendix A). Octets [0, 12) were captured, and there are no more. */
INLINE bool options_of_data(struct segment *seg, const __u8 *data)
{
	if (load_be32(data) != 0x0101080a)
		return false;
	options_timestamps(seg, data + 4);
	seg->option_layout = LAYOUT_NOP << 8 | LAYOUT_NOP << 4 | LAYOUT_TIMESTAMPS;
	return true;
}

/* MSS at one place and NOP, window scale at another, of a SYN that permits SACK. False: nothing was done. */
INLINE bool options_of_syn(struct segment *seg, const __u8 *mss, const __u8 *nop_scale)
{
	__u32 scale = load_be32(nop_scale);

	if (load_be32(mss) >> 16 != (TCPOPT_MSS << 8 | 4) ||
	    scale >> 8 != (TCPOPT_NOP << 16 | TCPOPT_WINDOW_SCALE << 8 | 3))
		return false;
	seg->mss = (__u16)load_be32(mss);
	seg->window_scale = (__u8)scale;
	seg->options |= OPTION_MSS | OPTION_SACK_PERMITTED | OPTION_WINDOW_SCALE;
	return true;
}

/* What a SYN of Linux carries: MSS, SACK permitted, timestamps, window scale. Octets [0, 20), and no more. */
INLINE bool options_of_linux(struct segment *seg, const __u8 *data)
{
	if (load_be32(data + 4) != 0x0402080a || !options_of_syn(seg, data, data + 16))
		return false;
	options_timestamps(seg, data + 8);
	seg->option_layout = LAYOUT_MSS << 16 | LAYOUT_SACK_PERMITTED << 12 | LAYOUT_TIMESTAMPS << 8 | LAYOUT_NOP << 4 |
			     LAYOUT_WINDOW_SCALE;
	return true;
}

/* What a SYN of Windows carries: MSS, window scale, SACK permitted. Octets [0, 12), and no more. */
INLINE bool options_of_windows(struct segment *seg, const __u8 *data)
{
	if (load_be32(data + 8) != 0x01010402 || !options_of_syn(seg, data, data + 4))
		return false;
	seg->option_layout = LAYOUT_MSS << 20 | LAYOUT_NOP << 16 | LAYOUT_WINDOW_SCALE << 12 | LAYOUT_NOP << 8 |
			     LAYOUT_NOP << 4 | LAYOUT_SACK_PERMITTED;
	return true;
}

/* The usual ones, at fixed offsets: as options_walk and options_layout read them. */
INLINE bool options_usual(struct segment *seg, const __u8 *data, const __u8 *end, __u32 len)
{
	if (len == 12 && data + 12 <= end)
		return options_of_data(seg, data) || options_of_windows(seg, data);
	return len == 20 && data + 20 <= end && options_of_linux(seg, data);
}

INLINE void options_parse(struct segment *seg, const __u8 *data, const __u8 *end, __u32 len,
			  struct options_copy *scratch)
{
	if (likely(options_usual(seg, data, end, len)))
		return;
	options_copy(scratch, data, end, len);
	options_walk(seg, scratch, 0);
	if (seg->flags & TCP_SYN)
		options_layout(seg, scratch, 0);
}

#endif
