/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An RCU grace period, from user space: waits until each BPF program that runs now has ended. */
#ifndef TCPSCOPE_USER_GRACE_H
#define TCPSCOPE_USER_GRACE_H

struct grace {
	int outer, inner; /* descriptors of maps; -1: not open */
};

/* Returns 0 or -errno. */
int grace_open(struct grace *grace);
/* Some 10 ms, without work; more where a CPU is kept from ending what it does. Returns 0 or -errno. */
int grace_wait(const struct grace *grace);
void grace_close(struct grace *grace);

#endif
