/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The network interfaces to watch: who they are and of what kind. Knows nothing of BPF. Called by live.c. */
#ifndef TCPSCOPE_USER_INTERFACES_H
#define TCPSCOPE_USER_INTERFACES_H

#include <net/if.h>
#include <stdbool.h>

#include "../../include/config.h"
#include "options.h"

struct watched {
	char name[IF_NAMESIZE];
	unsigned int ifindex;
	bool ethernet; /* frames begin with an Ethernet header; else with IP */
	bool loopback; /* receives what it sends */
	bool physical; /* a NIC, neither software nor paravirtual */
	bool down;     /* at the start */
	bool no_xdp;   /* as the kernel said last */
	bool gone;     /* deleted, or moved to another namespace, since */
	/* Likewise: somebody else has taken the program off that watched this direction. */
	bool off[DIRECTIONS];
	char driver[32]; /* "" if unknown */
};

_Static_assert((int)OPTIONS_INTERFACES == (int)INTERFACES, "those named have a number each");

struct interfaces {
	struct watched watched[OPTIONS_INTERFACES];
	unsigned int count;
};

/* Finds the interfaces that the options name, or that of the default route. Prints what is wrong; returns 0 or
 * -errno. */
int interfaces_find(struct interfaces *interfaces, const struct options *options);

/* NULL if none of them has that index. */
struct watched *interfaces_by_index(struct interfaces *interfaces, unsigned int ifindex);

/* Notes that a direction is watched no more, with a line on stderr the first time. */
void interfaces_mark_off(struct watched *watched, enum interface_direction direction);
/* Is any that is not gone? */
bool interfaces_any_off(const struct interfaces *interfaces);

#endif
