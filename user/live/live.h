/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Watches interfaces: open, load, attach, look, detach. */
#ifndef TCPSCOPE_USER_LIVE_H
#define TCPSCOPE_USER_LIVE_H

struct options;
struct output;
struct statistics;

/* Returns the exit status. Prints what went wrong. The output is open, and stays so. */
int live_run(const struct options *options, const struct output *output, struct statistics *statistics);

#endif
