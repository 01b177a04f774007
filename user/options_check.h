/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line as a whole, once each option has been read by itself. Called by options.c, which it has no need
 * of. */
#ifndef TCPSCOPE_USER_OPTIONS_CHECK_H
#define TCPSCOPE_USER_OPTIONS_CHECK_H

struct options;

/* Ends the program with a usage error if options exclude each other; else completes what one says of another. */
void options_check(struct options *options);
/* One line: what is wrong, and where to look. */
void usage_error(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
