/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An expression as libpcap's instructions: for the other files of this folder, which alone see libpcap's header. */
#ifndef TCPSCOPE_FILTER_PROGRAM_H
#define TCPSCOPE_FILTER_PROGRAM_H

#include <pcap/pcap.h>

#include "filter.h"

/* For one link type, to be freed by pcap_freecode. Returns 0, or -EINVAL with the reason in `why`. Every program that
 * is returned ends: jumps only lead forward. */
int filter_program(struct bpf_program *program, int link_type, const char *expression, char why[FILTER_WHY]);

#endif
