/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The arithmetic on words of eight tags, against loops. */
#include <criterion/criterion.h>

#include "plain_body.h"
#include "random.h"

static __u64 slow_match(__u64 tags, __u8 tag)
{
	__u64 match = 0;

	for (int i = 0; i < 8; i++)
		if ((tags >> i * 8 & 0xff) == tag)
			match |= 0x80ULL << i * 8;
	return match;
}

static void expect_word(__u64 tags, __u8 tag)
{
	__u64 match = tags_match(tags, tag);

	cr_assert_eq(match, slow_match(tags, tag), "%016llx %02x: %016llx", tags, tag, match);
	cr_assert_eq(tags_count(match), (__u32)__builtin_popcountll(match), "%016llx", match);
	if (!match)
		return;
	cr_assert_eq(tags_first(match), (__u32)__builtin_ctzll(match) / 8, "%016llx", match);
	for (__u32 from = 0; from < 8; from++) {
		__u32 way = from;

		while (!(match >> way * 8 & 0x80))
			way = (way + 1) % 8;
		cr_assert_eq(tags_first_from(match, from), way, "%016llx from %u", match, from);
	}
}

/* Every pattern of equal and unequal tags, with those that carries and borrows could confuse. */
Test(tags, every_pattern)
{
	static const __u8 others[] = { 0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xfe, 0xff };

	for (int tag = 0; tag < 256; tag++)
		for (int pattern = 0; pattern < 256; pattern++)
			for (size_t i = 0; i < sizeof(others); i++) {
				__u64 tags = 0;

				for (int way = 0; way < 8; way++) {
					__u8 other = others[(i + (size_t)way * (i & 1)) % sizeof(others)];

					tags |= (__u64)(pattern >> way & 1 ? tag : (tag ^ other)) << way * 8;
				}
				expect_word(tags, (__u8)tag);
			}
}

Test(tags, random_words)
{
	struct random random = { 7 };

	for (int i = 0; i < 200000; i++) {
		__u64 tags = random_next(&random) & random_next(&random);

		expect_word(tags, (__u8)(tags >> random_below(&random, 8) * 8));
	}
}

Test(tags, smaller_of_two)
{
	static const __u64 edges[] = { 0,	  1,	2, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001,
				       ~0ULL - 1, ~0ULL };
	struct random random = { 9 };

	for (size_t i = 0; i < 8; i++)
		for (size_t k = 0; k < 8; k++)
			cr_assert_eq(u64_less(edges[i], edges[k]), edges[i] < edges[k]);
	for (int i = 0; i < 100000; i++) {
		__u64 a = random_next(&random), b = random_next(&random);

		cr_assert_eq(u64_less(a, b), a < b);
	}
}

/* Taken, put and cleared: one octet each, the first lowest. */
Test(tags, an_octet_each)
{
	struct random random = { 11 };

	for (int i = 0; i < 20000; i++) {
		__u64 tags = random_next(&random) & random_next(&random), was = tags;
		__u32 way = random_below(&random, 8);
		__u64 octet = 0xffULL << way * 8;

		for (__u32 other = 0; other < 8; other++)
			cr_assert_eq(tags_taken(tags) >> other & 1, (tags >> other * 8 & 0xff) != 0, "%016llx", tags);
		tags_put(&tags, way, 0xa5);
		cr_assert_eq(tags, (was & ~octet) | (0xa5a5a5a5a5a5a5a5 & octet), "%016llx %u", was, way);
		tags_keep(&tags, ~octet);
		cr_assert_eq(tags, was & ~octet, "%016llx %u", was, way);
	}
}
