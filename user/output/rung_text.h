/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A rung of a packet ladder as a line: time, arrow with flags, numbers, options in words, marks. */
#ifndef TCPSCOPE_USER_RUNG_TEXT_H
#define TCPSCOPE_USER_RUNG_TEXT_H

#include <stdio.h>

#include "../../include/rung.h"

/* Printable ASCII, without a newline. The time is that since `start_ns`, of the segments' clock; arrows point to the
 * right if the endpoint `client` sent. */
void rung_put(FILE *to, const struct rung_segment *segment, __u64 start_ns, __u32 client);

#endif
