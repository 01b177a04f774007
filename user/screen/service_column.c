/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "service_column.h"

/* Of columns that show no outcome. */
enum {
	SHOWS_NAME = -1,
	SHOWS_ATTEMPTS = -2,
	SHOWS_RATE = -3,
	SHOWS_RETRIES = -4,
	SHOWS_RESET = -5,
	SHOWS_RESENT = -6,
	SHOWS_QUANTILE = -7 /* and below: by their places in `ppm` */
};

static const __u32 ppm[] = { 500000, 900000, 990000, 1000000 };

/* The widths leave an IPv4 address with its port its room from 80 columns on. */
const struct service_column service_columns[SERVICE_COLUMNS] = {
	{ "SERVICE", "server address and port", 0, 0, SHOWS_NAME },
	{ "ATTEMPTS", "connection attempts", 8, 0, SHOWS_ATTEMPTS },
	{ "/S", "attempts a second", 6, 72, SHOWS_RATE },
	{ "ACCEPT", "accepted", 6, 80, OUTCOME_ACCEPTED },
	{ "REFUSE", "refused by a RST", 6, 66, OUTCOME_REFUSED },
	{ "FILTER", "an ICMP error came instead", 6, 87, OUTCOME_FILTERED },
	{ "NOANSW", "not answered", 6, 58, OUTCOME_UNANSWERED },
	{ "HALF", "no ACK of the SYN/ACK", 5, 112, OUTCOME_HALF_OPEN },
	{ "ABORT", "RST after the SYN/ACK", 5, 112, OUTCOME_ABORTED },
	{ "RETRY", "SYNs sent again", 5, 100, SHOWS_RETRIES },
	{ "RESET", "accepted, and ended by a RST", 5, 118, SHOWS_RESET },
	{ "RESENT", "segments sent again, of both sides", 6, 125, SHOWS_RESENT },
	{ "P50", "connect time: median", 6, 0, SHOWS_QUANTILE },
	{ "P90", "90 % take no longer", 6, 94, SHOWS_QUANTILE - 1 },
	{ "P99", "99 % take no longer", 6, 50, SHOWS_QUANTILE - 2 },
	{ "MAX", "longest connect time", 6, 72, SHOWS_QUANTILE - 3 },
};

static __u64 service_resent(const struct service *service)
{
	return ANALYSIS_RESENT(service->counts.traffic[SERVICE_FROM_CLIENT].analysis) +
	       ANALYSIS_RESENT(service->counts.traffic[SERVICE_FROM_SERVER].analysis);
}

double service_column_value(const struct service *service, double rate, int column)
{
	const struct histogram *connect = &service->span[SERVICE_CONNECT];
	int outcome = service_columns[column].outcome;

	if (outcome >= 0)
		return (double)service->counts.outcome[outcome];
	if (outcome == SHOWS_ATTEMPTS)
		return (double)service_attempts(service);
	if (outcome == SHOWS_RATE)
		return rate;
	if (outcome == SHOWS_RETRIES)
		return (double)service->counts.syn_retries;
	if (outcome == SHOWS_RESET)
		return (double)service->counts.reset;
	if (outcome == SHOWS_RESENT)
		return (double)service_resent(service);
	return outcome <= SHOWS_QUANTILE && connect->count
		       ? (double)histogram_quantile(connect, ppm[SHOWS_QUANTILE - outcome])
		       : -1;
}

void service_column_text(char text[UNITS_TEXT], const struct service *service, double rate, int column)
{
	const struct unit *units = service_columns[column].outcome <= SHOWS_QUANTILE ? units_span_ns : units_count;
	double value = service_column_value(service, rate, column);

	units_format(text, units, value < 0 ? -1 : (__s64)(value + 0.5));
}

enum paint service_column_paint(const struct service *service, int column)
{
	int outcome = service_columns[column].outcome;
	bool bad = outcome == OUTCOME_REFUSED || outcome == OUTCOME_FILTERED || outcome == OUTCOME_UNANSWERED;

	if (bad && service->counts.outcome[outcome])
		return PAINT_BAD;
	if (outcome == SHOWS_RETRIES && service->counts.syn_retries)
		return PAINT_ODD;
	return outcome == SHOWS_RESENT && service_resent(service) ? PAINT_ODD : PAINT_PLAIN;
}

int service_column_next(int column, int step, int width)
{
	do
		column = (column + step + SERVICE_COLUMNS) % SERVICE_COLUMNS;
	while (width < service_columns[column].from);
	return column;
}
