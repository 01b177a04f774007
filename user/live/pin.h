/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A watch that outlives its process: its maps, programs and links have names in a directory of the BPF file system, so
 * the kernel keeps them and goes on counting, until another process takes them over or removes them. The directory is
 * locked while a process has it. pin.c owns directory and removal, pin_state.c what is said there of the watch, and
 * whether that fits. Called by live.c. */
#ifndef TCPSCOPE_USER_PIN_H
#define TCPSCOPE_USER_PIN_H

#include "attach.h"

enum { PIN_PATH = 320, PIN_VERSION = 32, PIN_DIGEST = 32 };

struct pin_interface {
	char name[IF_NAMESIZE];
	__u32 ifindex;
	__u8 ethernet, loopback, xdp; /* xdp: ingress by XDP */
	__u8 reserved;
};

/* The one element of the map `state`, pinned last: without it a directory is of a start that did not finish. */
struct pin_state {
	/* First, and the same in every version. */
	char version[PIN_VERSION];
	__u8 digest[PIN_DIGEST];		 /* of the BPF object: then layout and meaning are the same */
	__u64 namespace_device, namespace_inode; /* of the network namespace */
	/* What this version says. */
	__u32 flows; /* as asked for */
	__u32 hook;  /* enum hook_choice */
	__u32 interfaces;
	__u32 reserved;
	struct pin_interface interface[OPTIONS_INTERFACES]; /* by their numbers in the table */
};

struct pin {
	const char *name; /* NULL: none */
	int directory;	  /* descriptor, locked; -1: none */
	int depth;	  /* so far pin_open came: 0 the file system, 1 the directory of all pins, 2 that of this one */
	bool was_there;	  /* what pin_open was to make */
	bool unfinished;  /* there were parts of a start that did not finish: they are removed, and it has been said */
	bool found;	  /* another process has left a watch there, described by: */
	struct pin_state state;
};

/* Opens the directory of that name, made if `make`, and locks it. What a start left that did not finish is removed.
 * Prints what is wrong; returns 0 or -errno. */
int pin_open(struct pin *pin, const char *name, bool make);
void pin_close(struct pin *pin);

/* Was it found, and left by this very build? */
bool pin_is_readable(const struct pin *pin);
/* May this process go on with what was found? Puts the interfaces in the order that they have there. Prints what is
 * different; returns 0 or -EEXIST. */
int pin_fits(const struct pin *pin, const struct options *options, struct interfaces *interfaces);
/* The interfaces that were found. */
void pin_interfaces(const struct pin *pin, struct interfaces *interfaces);

/* Takes over what was found: the loader's maps and its sweep, the links; `last`: to remove it then. Prints where, or what is
 * wrong; 0 or -errno. */
int pin_adopt(const struct pin *pin, struct loader *loader, struct attach *attach, bool last);
/* Leaves a watch that has been attached. Prints what is wrong; returns 0 or -errno. */
int pin_keep(struct pin *pin, struct loader *loader, const struct attach *attach, const struct interfaces *interfaces,
	     const struct options *options);

/* Detaches what is pinned there, from every interface of this namespace. */
void pin_detach(const struct pin *pin);
/* Removes names and directory: the kernel then frees what no process has open. Returns 0 or -errno, which pin_complain
 * prints. */
int pin_remove(const struct pin *pin);
void pin_complain(const struct pin *pin, int error);

/* The id of its ring buffer, by which its programs are known (leftover.h); 0: unknown. */
__u32 pin_run(const struct pin *pin);
/* The path of a part. */
void pin_path(const struct pin *pin, const char *part, char path[PIN_PATH]);
/* The name of a link's part: of an interface, "xdp", "ingress" or "egress". */
void pin_link_path(const struct pin *pin, unsigned int ifindex, const char *hook, char path[PIN_PATH]);

#endif
