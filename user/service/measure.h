/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The names that an assertion may use, and what they come to. Knows services and ledgers; no syntax. */
#ifndef TCPSCOPE_USER_MEASURE_H
#define TCPSCOPE_USER_MEASURE_H

#include "../../include/record.h"
#include "../../include/service.h"

/* What is measured. */
struct measured {
	const struct service *service; /* NULL: nothing was observed, not even that there was nothing */
	const struct ledger *ledger;   /* NULL: one service is asked for, which has none */
};

struct measurement {
	double number; /* spans in ns */
	bool time;
	bool known; /* false: of no handshake, or not observed */
};

enum measure_result { MEASURE_FINE, MEASURE_NO_SUCH_NAME, MEASURE_NOT_OF_A_SERVICE };

/* A counter: `name` has `length` octets. */
enum measure_result measure_counter(const struct measured *from, const char *name, size_t length,
				    struct measurement *measurement);
/* A figure of a span: p50, p99.9, mean, max, count. Returns MEASURE_NO_SUCH_NAME for another. */
enum measure_result measure_span(const struct measured *from, const char *function, size_t length,
				 enum service_span span, struct measurement *measurement);
/* "connect", "server", "client". False: another. */
bool measure_span_named(const char *name, size_t length, enum service_span *span);
/* "10.0.0.2:443" or "[2001:db8::1]:443". False: neither. */
bool measure_endpoint(const char *text, size_t length, struct service_key *key);

#endif
