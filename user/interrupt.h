/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The signals that ask the program to end: SIGINT, SIGTERM, and SIGHUP unless it was started with that ignored
 * (nohup). */
#ifndef TCPSCOPE_USER_INTERRUPT_H
#define TCPSCOPE_USER_INTERRUPT_H

/* Calls `asked` at the first, in a signal handler. One that comes a second later or after ends the program at once, with
 * a line: it may be writing to somebody who reads no more, and never come to an end. Of what the program calls
 * meanwhile, only poll returns early. */
void interrupt_catch(void (*asked)(void));
/* From now on the first ends it. */
void interrupt_release(void);

#endif
