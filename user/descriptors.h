/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For processes of our own that outlive what the program holds, or must not share it. */
#ifndef TCPSCOPE_USER_DESCRIPTORS_H
#define TCPSCOPE_USER_DESCRIPTORS_H

#include <stddef.h>

/* Leaves open nothing of the program's but these (some may be the same), neither its pipes to a reader nor its terminal.
 * `null`: /dev/null, which takes the standard streams' place; negative: they are closed. Sorts `kept`. */
void descriptors_keep(int null, int *kept, size_t count);

#endif
