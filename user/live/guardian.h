/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A small process in a session of its own that outlives the program by a moment. Links close themselves when the
 * program dies; XDP attachments and clsact filters do not, and if it was killed nobody else is left to remove them. The
 * program gives up its privileges once it is attached; so it is this process also that detaches in good order, and that
 * removes what is pinned once it has been printed. */
#ifndef TCPSCOPE_USER_GUARDIAN_H
#define TCPSCOPE_USER_GUARDIAN_H

#include <sys/types.h>

#include "leftover.h"
#include "pin.h"

struct guardian {
	int notes; /* pipe to it; -1: none */
	pid_t pid;
};

/* Starts it. To be called early: it shares what the program has open until then, and closes it. `pin`: what it may be
 * told to remove; NULL: nothing. 0 or -errno. */
int guardian_start(struct guardian *guardian, const struct pin *pin);
/* Tells it of an interface, before anything is attached there; `own` is known once the programs are loaded, or NULL. */
void guardian_note(struct guardian *guardian, unsigned int ifindex, const struct leftover_programs *own);
/* From now on it takes no more notes: whoever got hold of a program without privileges cannot use the guardian's. */
void guardian_seal(struct guardian *guardian);
/* Has it remove what is attached to the interfaces, and end; the program no longer announces itself. 0, or -ECHILD: it
 * has gone before its time. */
int guardian_detach(struct guardian *guardian);
/* Has it remove what is pinned, and end. Returns 0, -ECHILD as above, or what pin_remove returns. */
int guardian_unpin(struct guardian *guardian);
/* Sends it away after an orderly detach, and waits for it. Legal if it was never started. */
void guardian_dismiss(struct guardian *guardian);

#endif
