/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers as people read them: three significant digits and a unit. Multiples of 1000, never of 1024. */
#ifndef TCPSCOPE_UNITS_H
#define TCPSCOPE_UNITS_H

#include <stddef.h>

#include <linux/types.h>

enum { UNITS_TEXT = 48 }; /* room for any result */

/* A unit serves values from `from` on; smaller ones take the one before it. A list ends with a suffix of NULL. */
struct unit {
	const char *suffix;
	__u64 size, from;
};

extern const struct unit units_span_ns[]; /* 812ns 1.20ms 3.04s */
extern const struct unit units_count[];	  /* packets and octets: 9999 12.3k 1.50M */

/* Writes `value`, or "-" if it is negative: unknown. */
void units_format(char text[UNITS_TEXT], const struct unit *units, __s64 value);
/* The exact number, thousands set apart by commas. */
void units_exact(char text[UNITS_TEXT], __s64 value);

#endif
