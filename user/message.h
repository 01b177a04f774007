/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the program says on standard error: "tcpscope: ", the text, a newline. The text may hold any name, of a file, an
 * interface, a filter: what a terminal could obey is written as text_escape has it. */
#ifndef TCPSCOPE_USER_MESSAGE_H
#define TCPSCOPE_USER_MESSAGE_H

#include <stdarg.h>
#include <stdbool.h>

/* One line, in one write. `format` without the program's name and without a newline. */
void message_put(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, with `end` after the text. */
void message_put_list(const char *format, va_list words, const char *end) __attribute__((format(printf, 1, 0)));

/* What to try, behind strerror(-err): how to give more where it says that there is too little of something, else
 * `otherwise`. Begins with "; ", or is empty. */
const char *message_advice(int err, const char *otherwise);
/* May the program have fewer descriptors than a watch takes? Libraries hide that behind other errors. */
bool message_lacks_descriptors(void);

#endif
