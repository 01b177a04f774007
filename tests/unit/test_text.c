/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Short copies and numbers as text: against memcpy and printf, and nothing is written beyond. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "text/text.h"

enum { COPY_MAX = 40, GUARD = '#' };

Test(text, copies_any_length)
{
	static const char from[COPY_MAX] = "0123456789abcdefghijklmnopqrstuvwxyzABC";

	for (size_t len = 0; len < COPY_MAX; len++) {
		char to[COPY_MAX + 1];

		memset(to, GUARD, sizeof(to));
		text_copy(to, from, len);
		cr_assert_arr_eq(to, from, len);
		for (size_t at = len; at < sizeof(to); at++)
			cr_assert_eq(to[at], GUARD, "%zu octets, and one at %zu", len, at);
	}
}

static void expect_unsigned(__u64 value)
{
	char want[TEXT_DIGITS + 1], got[TEXT_DIGITS + 1];

	snprintf(want, sizeof(want), "%llu", (unsigned long long)value);
	memset(got, GUARD, sizeof(got));
	cr_assert_eq(text_unsigned(got, value), strlen(want));
	cr_assert_arr_eq(got, want, strlen(want));
	cr_assert_eq(got[strlen(want)], GUARD);
}

Test(text, numbers_are_those_of_printf)
{
	char text[TEXT_DIGITS];

	expect_unsigned(0);
	for (__u64 power = 1, digits = 1; digits < TEXT_DIGITS; power *= 10, digits++) {
		expect_unsigned(power - 1);
		expect_unsigned(power);
		expect_unsigned(power * 7 + 3);
	}
	expect_unsigned(~0ULL);
	cr_expect_eq(text_signed(text, -9223372036854775807LL - 1), 20);
	cr_expect_arr_eq(text, "-9223372036854775808", 20);
}
