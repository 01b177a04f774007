/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who owns an attached program of ours, and whether that owner lives. A run is known by the id of its ring buffer map,
 * which every program it attaches refers to; while it lives it holds an abstract socket of that name, which the kernel
 * takes back however it ends; a run that was pinned needs no owner, and its table says so. Called before attaching, and
 * by the guardian after a crash. */
#ifndef TCPSCOPE_USER_LEFTOVER_H
#define TCPSCOPE_USER_LEFTOVER_H

#include <stdbool.h>

/* What the clsact filters of all runs carry: priority, and a handle from 1 on, one for each run that lives; beyond
 * FILTER_HANDLES where one of these made the qdisc: whoever goes last takes it off. */
enum { FILTER_PRIORITY = 0x7463, FILTER_HANDLES = 16, FILTER_HANDLE_MAX = 2 * FILTER_HANDLES };

/* The kernel's ids of a run's own programs; 0: none. */
struct leftover_programs {
	unsigned int xdp, tc[2]; /* tc: ingress, egress */
};

/* Announces that the run which owns this ring buffer lives. Returns a descriptor to keep open, or -errno. */
int instance_announce(int reports_fd);

/* Detaches what runs that no longer live left on an interface, and takes their qdisc off if it is empty then. Returns
 * how many programs. */
int leftover_remove(unsigned int ifindex);
/* The same for the run whose ring buffer has this id, whether or not it lives. */
int leftover_remove_run(unsigned int ifindex, unsigned int reports_id);

/* Detaches these very programs, if they are attached and not by libxdp's dispatcher. To recognise those of other runs,
 * as leftover_remove does, the kernel asks for CAP_SYS_ADMIN; for this CAP_NET_ADMIN will do. */
void leftover_remove_own(unsigned int ifindex, const struct leftover_programs *own);

/* Is the XDP program of the run whose ring buffer has this id attached there, by libxdp or alone? */
bool leftover_has_xdp(unsigned int ifindex, unsigned int reports_id);
/* The handle of its clsact filter, of egress or ingress; 0: none. Where the kernel does not say whose a filter is, without
 * CAP_SYS_ADMIN, any of ours. */
unsigned int leftover_filter(unsigned int ifindex, bool egress, unsigned int reports_id);
/* Has a run that is attached there by clsact made the qdisc? */
bool leftover_made_qdisc(unsigned int ifindex);

/* Is a program of another run that lives, or is pinned, attached there by XDP? */
bool leftover_xdp_in_use(unsigned int ifindex);

/* Takes the clsact qdisc off an interface if no filter is in it. */
void leftover_remove_qdisc(unsigned int ifindex);

#endif
