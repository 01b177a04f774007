/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Units as data, one formatter. Knows nothing of records; called by views. */
#include "units.h"

#include <stdio.h>

const struct unit units_span_ns[] = {
	{ "ns", 1, 0 }, { "us", 1000, 1000 }, { "ms", 1000000, 1000000 }, { "s", 1000000000, 1000000000 },
	{ NULL, 0, 0 },
};

/* Up to four digits are exact: they take no more room than a rounded number. */
const struct unit units_count[] = {
	{ "", 1, 0 },
	{ "k", 1000, 10000 },
	{ "M", 1000000, 1000000 },
	{ "G", 1000000000, 1000000000 },
	{ "T", 1000000000000, 1000000000000 },
	{ "P", 1000000000000000, 1000000000000000 },
	{ NULL, 0, 0 },
};

/* Digits after the point that leave three in all. */
static int units_decimals(__u64 value, __u64 size)
{
	if (size == 1 || value >= 100 * size)
		return 0;
	return value >= 10 * size ? 1 : 2;
}

static __u64 units_round(__u64 value, __u64 step) { return (value / step + (value % step >= step - step / 2)) * step; }

void units_format(char text[UNITS_TEXT], const struct unit *units, __s64 value)
{
	static const __u64 steps[] = { 1, 10, 100 };
	const struct unit *unit = units;
	__u64 number = (__u64)value, step;
	int decimals;

	if (value < 0) {
		snprintf(text, UNITS_TEXT, "-");
		return;
	}
	for (const struct unit *next = units + 1; next->suffix && number >= next->from; next++)
		unit = next;
	decimals = units_decimals(number, unit->size);
	number = units_round(number, unit->size / steps[decimals]);
	if (unit[1].suffix && number >= unit[1].from) /* 999.9us is 1.00ms */
		unit++;
	decimals = units_decimals(number, unit->size);
	step = unit->size / steps[decimals];
	if (decimals)
		snprintf(text, UNITS_TEXT, "%llu.%0*llu%s", number / unit->size, decimals, number % unit->size / step,
			 unit->suffix);
	else
		snprintf(text, UNITS_TEXT, "%llu%s", number / unit->size, unit->suffix);
}

void units_exact(char text[UNITS_TEXT], __s64 value)
{
	char digits[UNITS_TEXT / 2];
	int count = snprintf(digits, sizeof(digits), "%llu", value < 0 ? -(__u64)value : (__u64)value);
	size_t at = 0;

	if (value < 0)
		text[at++] = '-';
	for (int i = 0; i < count; i++) {
		if (i && (count - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = '\0';
}
