/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A SYN or SYN/ACK as a line of p0f version 3's raw signatures. Called by views. */
#ifndef TCPSCOPE_P0F_H
#define TCPSCOPE_P0F_H

#include <stdbool.h>

#include "record.h"

enum { P0F_SIZE = 256 };

/* ver:ttl+distance:olen:mss:wsize,scale:olayout:quirks:pclass, of the last SYN or SYN/ACK of `side`. False: none was
 * seen, or its options are not known whole. Source: section 5 of p0f's README. */
bool p0f_write(char text[P0F_SIZE], const struct record_side *side, __u8 ip_version);

#endif
