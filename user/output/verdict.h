/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The assertions of the command line: looked at before the run, judged after it. Knows options and outputs. */
#ifndef TCPSCOPE_USER_VERDICT_H
#define TCPSCOPE_USER_VERDICT_H

#include <stdio.h>

#include "options.h"
#include "service/statistics.h"

/* Are all of them well formed? Prints the first error, with its place. Returns EXIT_FINE or EXIT_USAGE. */
int verdicts_check(const struct options *options);
/* Opens the JUnit file, if one is asked for: later the program has no rights to. Prints what is wrong. Returns
 * EXIT_FINE or EXIT_FAILED. */
int verdicts_open(const struct options *options, FILE **junit);
/* Prints a verdict for each, and writes the JUnit file, if there is one. Returns EXIT_FINE; EXIT_STRICT if one fails;
 * EXIT_FAILED if they could not be written. */
int verdicts_give(const struct options *options, const struct statistics *statistics, FILE **junit);
/* If the file was not written it says that nothing was judged. */
void verdicts_close(const struct options *options, FILE **junit);

#endif
