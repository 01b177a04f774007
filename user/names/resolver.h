/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The process that looks names up, by the C library: as /etc/nsswitch.conf says, so by /etc/hosts, a name server or
 * whatever else. The program itself can open neither socket nor file once it has shut itself in, and may not wait. This
 * process has no privilege, no file but what a look-up reads, and nothing of the program's but a socket. It ends with
 * the program, however that ends. Called by main.c. */
#ifndef TCPSCOPE_USER_RESOLVER_H
#define TCPSCOPE_USER_RESOLVER_H

#include <sys/types.h>

struct resolver {
	pid_t pid;  /* 0: none */
	int death;  /* pidfd: readable when it has ended; negative: none */
	int socket; /* for question.h's packets; negative: none */
};

/* Starts it, as `user` (NULL: nobody) if the program is root's, and waits until it is shut in. Before anything is
 * opened that it should not hold, and before the program shuts itself in. Prints what is wrong; returns 0 or -errno. */
int resolver_start(struct resolver *resolver, const char *user);
/* Ends it and waits for that; one that somebody has stopped is killed when the program itself has ended. Legal if there
 * is none. */
void resolver_stop(struct resolver *resolver);

#endif
