/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells when a watched interface goes: deleted, or moved to another network namespace. */
#ifndef TCPSCOPE_USER_WATCH_H
#define TCPSCOPE_USER_WATCH_H

#include "interfaces.h"

/* Returns a descriptor to poll for reading, or -errno. */
int watch_open(void);
/* Marks those that are gone, with a line on stderr for each. Returns how many are left. */
unsigned int watch_read(int fd, struct interfaces *interfaces);

#endif
