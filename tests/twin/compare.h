/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Plays frames through one kernel program and through the native engine, and compares: the same reports, octet for
 * octet and in the same order, the same ledger, the same services, the same slots taken; and every frame passes. */
#ifndef TCPSCOPE_TESTS_COMPARE_H
#define TCPSCOPE_TESTS_COMPARE_H

#include "native.h"
#include "play.h"

struct twin {
	struct kernel kernel;
	struct player player;
	struct native native;
	__u64 seed;
	enum hook hook;	  /* which program */
	__u32 plays;	  /* each second with interim reports */
	__u64 summarised; /* evicted SYNs in sums */
	unsigned long frames, left_out, reports, evicted, handshakes,
		differences;  /* left_out: shorter than a test run takes */
	unsigned int skipped; /* captures that cannot be read */
};

/* How the bodies are set up for a test. */
struct setting {
	const char *name;
	bool small;	   /* a table that is too small, so that flows are evicted */
	__u32 sweep_every; /* frames, so that flows age; 0: only at the end */
	bool super;	   /* super-packets (tc) */
	enum link_type link;
	enum ladder_choice ladder; /* that the programs are loaded with */
	bool draws;		   /* LADDER_PICKED: a ladder is drawn */
};

/* Both return 0 or -errno, and print the reason. twin_close is right after either. */
int twin_open(struct twin *twin, const char *object, enum ladder_choice ladder);
void twin_close(struct twin *twin);
/* Differences are counted and the first ones printed. Returns 0, or -errno if the test itself failed. */
int twin_play(struct twin *twin, const char *name, const struct setting *setting, const struct frame *frames,
	      size_t count);

#endif
