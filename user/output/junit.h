/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Verdicts as JUnit XML, for what runs pipelines. No XML library: the document has five elements, hardly any text but
 * attributes, and all that comes from outside is an assertion that was parsed, so ASCII; four characters need
 * escaping. */
#ifndef TCPSCOPE_USER_JUNIT_H
#define TCPSCOPE_USER_JUNIT_H

#include <stdio.h>

#include "service/assertion.h"

/* Writes it and closes the file. Returns 0 or -errno. */
int junit_write(FILE *to, const struct verdict *verdicts, size_t count);
/* The same where the run failed: an error for each assertion. */
int junit_write_unjudged(FILE *to, const char *const *expressions, size_t count);

#endif
