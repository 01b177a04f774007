/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The columns of the screen's list of services as data: each can be ordered by. Knows neither terminal nor list. */
#ifndef TCPSCOPE_USER_SCREEN_SERVICE_COLUMN_H
#define TCPSCOPE_USER_SCREEN_SERVICE_COLUMN_H

#include "../../include/service.h"
#include "text/units.h"
#include "paint.h"

struct service_column {
	const char *head;
	const char *help;
	int width;   /* 0: what the others leave */
	int from;    /* least width of the terminal that has it */
	int outcome; /* a counter of it; negative: something else */
};

enum { SERVICE_COLUMN_NAME, SERVICE_COLUMN_ATTEMPTS, SERVICE_COLUMNS = 16 };

extern const struct service_column service_columns[SERVICE_COLUMNS];

/* What a column other than that of the name says of a service that is attempted `rate` times a second. */
void service_column_text(char text[UNITS_TEXT], const struct service *service, double rate, int column);
enum paint service_column_paint(const struct service *service, int column);
/* By which services are ordered; -1: unknown. */
double service_column_value(const struct service *service, double rate, int column);
/* The column that a terminal of that width shows before (step -1) or behind (1) another. */
int service_column_next(int column, int step, int width);

#endif
