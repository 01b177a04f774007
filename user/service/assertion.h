/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Assertions over statistics, as in
 *     p99(connect) < 5ms        syn_retries / attempts < 0.1%        service 10.0.0.2:443 refused == 0
 *
 *     assertion   ["service" ADDRESS:PORT] sum ("<" | "<=" | ">" | ">=" | "==" | "!=") sum
 *     sum         product {("+" | "-") product}
 *     product     value {("*" | "/") value}
 *     value       NUMBER [ns|us|ms|s|%] | NAME | FUNCTION "(" (connect|server|client) ")" | "(" sum ")"
 *
 * Spans and plain numbers do not mix: units are checked with the syntax, before anything is measured. What was not
 * measured (a quantile of nothing, a division by 0) makes an assertion fail. Knows statistics, neither files nor the
 * command line. */
#ifndef TCPSCOPE_USER_ASSERTION_H
#define TCPSCOPE_USER_ASSERTION_H

#include <stdio.h>

#include "statistics.h"
#include "text/text.h"
#include "text/units.h"

struct assertion_error {
	size_t at; /* octets from the start of the text */
	char message[160];
};

struct verdict {
	const char *expression; /* the text */
	bool holds;
	bool known;  /* false: not measured; then it does not hold */
	bool unseen; /* it is about one service, which had no attempt: perhaps its address is wrong */
	char measured[UNITS_TEXT], limit[UNITS_TEXT]; /* what both sides came to */
	double measured_value, limit_value;	      /* the same, if known; spans in ns */
};

/* Returns 0, or -EINVAL with `error` filled. */
int assertion_check(const char *text, struct assertion_error *error);
/* Evaluates a text that assertion_check found right. */
void assertion_measure(const char *text, const struct statistics *statistics, struct verdict *verdict);

/* "holds  p99(connect) < 5ms: measured 1.20ms", and so on: one line. Returns what fprintf does. */
int verdict_print(FILE *to, const struct verdict *verdict);

#endif
