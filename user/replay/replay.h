/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The capture source: packets of a pcap or pcapng file through the engine in plain memory. */
#ifndef TCPSCOPE_REPLAY_H
#define TCPSCOPE_REPLAY_H

struct options;
struct output;
struct statistics;

/* Reads options->capture to its end, and writes records, then the ledger. Returns an exit status; prints its errors. */
int replay_run(const struct options *options, const struct output *output, struct statistics *statistics);

#endif
