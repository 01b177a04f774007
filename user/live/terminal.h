/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The terminal's state before the screen took it, where the guardian can read it: so it is given back even after a
 * crash or SIGKILL. One terminal: that of standard output. */
#ifndef TCPSCOPE_USER_TERMINAL_H
#define TCPSCOPE_USER_TERMINAL_H

/* Before the guardian starts. Returns 0 or -errno. */
int terminal_remember(void);
/* The screen has it now, and has it no more. In between a deadly signal gives it back, too. */
void terminal_taken(void);
void terminal_given_back(void);
/* In the guardian, when the program dies without a word (SIGKILL): puts the terminal back, if the screen had it and
 * nobody else has set it since. */
void terminal_rescue(void);

#endif
