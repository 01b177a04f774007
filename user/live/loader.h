/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The BPF object: opened from what is built into the binary, sized, loaded. Keeps the libraries quiet, and turns a
 * refusal into a line for the user. Called by live.c and attach.c; knows nothing of interfaces. */
#ifndef TCPSCOPE_USER_LOADER_H
#define TCPSCOPE_USER_LOADER_H

#include <bpf/libbpf.h>
#include <stdbool.h>

#include "../../include/config.h"

enum { LOADER_PROGRAMS = 8 }; /* at most */

struct loader {
	struct bpf_object *object;
	struct table_shape shape;
	__u32 buckets;
	__u32 flows_asked;
	size_t reports_size; /* of the ring buffer, octets */
	bool loaded;
	int taken[LOADER_PROGRAMS]; /* programs of a table that was taken over, in the object's order */
	unsigned int taken_count;   /* 0: they are the object's own */
};

/* Opens the object, sizes the table for `flows` and configures the programs. Prints what is wrong; returns 0 or
 * -errno. */
int loader_open(struct loader *loader, __u32 flows, const struct config *config);
/* Loads it, unless libxdp has done so; `refusal`: the error that libxdp had, or 0, since an object that failed to load
 * cannot be tried again. Prints what is wrong; returns 0 or -errno. */
int loader_load(struct loader *loader, int refusal, bool stats);
/* Prints why loading failed with `err`, and what to try. */
void loader_explain(const struct loader *loader, int err, bool stats);
/* The programs of a loaded object look at nothing before they are switched on, nor after they are switched off; not for
 * a table that was taken over, which is on. Returns 0 or -errno. */
int loader_switch(const struct loader *loader, bool on);
/* What is built in, as SHA-256: two with the same agree on every layout. */
void loader_digest(__u8 digest[32]);
/* Gives the maps and programs of a loaded object names in a directory of the BPF file system, and marks the table as
 * kept. Returns 0 or -errno, then some may have names. */
int loader_keep(const struct loader *loader, const char *directory);
/* Takes what loader_keep left there instead of loading the object. Returns 0 or -errno. */
int loader_adopt(struct loader *loader, const char *directory);
void loader_close(struct loader *loader);

/* Descriptors of a loaded object's parts, by name. */
int loader_map(const struct loader *loader, const char *name);
int loader_program(const struct loader *loader, const char *name);

#endif
