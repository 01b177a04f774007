/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells when a watched interface goes: deleted, or moved to another network namespace. Also when somebody else takes off
 * what is not held by a link: a clsact filter, or all that libxdp's dispatcher had. */
#ifndef TCPSCOPE_USER_WATCH_H
#define TCPSCOPE_USER_WATCH_H

#include "attach.h"

/* Returns a descriptor to poll for reading, or -errno. */
int watch_open(void);
/* Once all is attached: from now on who removes a filter is somebody else. 0 or -errno. */
int watch_attached(int fd);
/* Marks those that are gone, and what is off, with a line on stderr for each. */
void watch_read(int fd, struct interfaces *interfaces, const struct attach *attach);

#endif
