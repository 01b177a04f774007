/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel programs themselves take, as the kernel measures it (BPF statistics, kernel 5.8), and how their
 * frames are spread over the CPUs. Measuring costs each run two readings of the clock: it is on only with --stats.
 * Called by live.c. */
#ifndef TCPSCOPE_USER_PROGRAMS_H
#define TCPSCOPE_USER_PROGRAMS_H

#include "attach.h"
#include "harvest.h"

enum { PROGRAMS = 3 }; /* that see packets */

struct programs {
	int measuring; /* descriptor: as long as it is open the kernel measures; negative: it does not */
	/* When it began: a watch that was pinned has run, and what is attached will not be at the end. */
	__u64 runs[PROGRAMS], run_ns[PROGRAMS];
	bool xdp[OPTIONS_INTERFACES];
};

/* Has the kernel measure; if it will not, says so. Before anything is attached. */
void programs_measure(struct programs *programs);
/* Legal if it does not. */
void programs_close(struct programs *programs);
/* Once they are attached. */
void programs_begin(struct programs *programs, const struct attach *attach);
/* Puts out each program that is attached anywhere. Returns 0 or -errno, of the output too. */
int programs_put(const struct programs *programs, const struct attach *attach, const struct interfaces *interfaces,
		 const struct output *output);

#endif
