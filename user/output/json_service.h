/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The members of a service line (doc/record.md). */
#ifndef TCPSCOPE_USER_JSON_SERVICE_H
#define TCPSCOPE_USER_JSON_SERVICE_H

#include "text/json.h"
#include "service/statistics.h"

void json_service(struct json *json, const struct statistics *statistics, const struct statistics_service *row);

#endif
