/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arithmetic on a word of eight tags, one octet for each slot of a bucket, the first lowest; 0: the slot is free. */
#ifndef TCPSCOPE_TAGS_H
#define TCPSCOPE_TAGS_H

#include "types.h"

#define TAGS_LOW 0x7f7f7f7f7f7f7f7fULL
#define TAGS_ONE 0x0101010101010101ULL

/* The high bit of every octet of `tags` that equals `tag`; exact. */
INLINE __u64 tags_match(__u64 tags, __u8 tag)
{
	__u64 differs = tags ^ tag * TAGS_ONE;

	return ~(((differs & TAGS_LOW) + TAGS_LOW) | differs | TAGS_LOW);
}

/* The same, but exact only up to the lowest that is marked. */
INLINE __u64 tags_match_first(__u64 tags, __u8 tag)
{
	__u64 differs = tags ^ tag * TAGS_ONE;

	return (differs - TAGS_ONE) & ~differs & ~TAGS_LOW;
}

/* Index of the lowest octet marked in `match`, which is not 0. */
INLINE __u32 tags_first(__u64 match) { return (__u32)(((match & -match) >> 7) * 0x0001020304050607ULL >> 56) & 7; }

/* How many octets are marked. */
INLINE __u32 tags_count(__u64 match) { return (__u32)((match >> 7) * TAGS_ONE >> 56); }

/* A bit for each octet that is not 0: which slots are taken. */
INLINE __u32 tags_taken(__u64 tags)
{
	return (__u32)((~tags_match(tags, 0) >> 7 & TAGS_ONE) * 0x0102040810204080ULL >> 56);
}

/* Writes one octet, and reads none: others may be cleared meanwhile. */
INLINE void tags_put(__u64 *tags, __u32 way, __u8 tag)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	((volatile __u8 *)tags)[way & 7] = tag;
#else
	((volatile __u8 *)tags)[~way & 7] = tag;
#endif
}

/* Writes an octet that is 0 in `seen`, if the word is that still: then the slot is the caller's. */
INLINE bool tags_claim(__u64 *tags, __u64 seen, __u32 way, __u8 tag)
{
	return __sync_bool_compare_and_swap(tags, seen, seen | (__u64)tag << (way & 7) * 8);
}

/* Clears what is not in `kept`, after all that was written before. */
INLINE void tags_keep(__u64 *tags, __u64 kept)
{
	__u64 was = __sync_fetch_and_and(tags, kept);

	opaque(was); /* what nobody reads may be cleared without order */
}

#endif
