/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files that the program writes, of the user's choice. It may be root that does, in a directory where others write
 * too. */
#ifndef TCPSCOPE_USER_NEW_FILE_H
#define TCPSCOPE_USER_NEW_FILE_H

#include <stdio.h>

/* Opens `path` for writing, empty; made with mode 0640 if it is not there. It is no symbolic link, none that belongs to
 * another (but root) lies on the way, and a file that has other names (hard links) is left alone: each may be another
 * user's way to a third file. 0 or -errno: -ELOOP a link, -EMLINK other names. */
int new_file_open(const char *path, FILE **to);

/* In words, for one of its errors. */
const char *new_file_error(int error);

#endif
