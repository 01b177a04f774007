/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* tcpdump expressions for the kernel's own machine (include/classic.h). Apart from filter.h, since libpcap's header and
 * libbpf's exclude each other. */
#ifndef TCPSCOPE_USER_FILTER_KERNEL_H
#define TCPSCOPE_USER_FILTER_KERNEL_H

#include "../../include/rung.h"

/* Compiles for frames of Ethernet and for those that begin with IP; where the expression makes sense for one of them
 * only, nothing of the other matches. Prints what is wrong; returns 0 or -EINVAL. */
int filter_kernel(struct classic_code code[LADDER_LINKS], const char *expression);

#endif
