/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where on an interface the programs hang: XDP through libxdp, so that others can share the interface; tc through tcx
 * links (kernel 6.6), else clsact filters. Chooses the hook, says so on stderr when told to, and takes everything off
 * again. */
#ifndef TCPSCOPE_USER_ATTACH_H
#define TCPSCOPE_USER_ATTACH_H

#include "interfaces.h"
#include "loader.h"

enum { ATTACH_WORDS = 256 };

struct attachment {
	bool xdp;			    /* ingress by XDP */
	int xdp_link;			    /* that holds it; -1: libxdp's dispatcher does */
	int link[DIRECTIONS];		    /* tcx; -1: none */
	__u32 filter[DIRECTIONS];	    /* handle of the clsact filter; 0: none */
	bool made_qdisc;		    /* this run, or one that is there still */
	char how[DIRECTIONS][ATTACH_WORDS]; /* hook and reason, of attach_announce */
};

struct attach {
	struct xdp_program *xdp; /* NULL until some interface wants it */
	struct loader *loader;
	enum hook_choice choice;
	bool stats;
	struct attachment of[OPTIONS_INTERFACES]; /* as in struct interfaces */
};

void attach_open(struct attach *attach, struct loader *loader, const struct options *options);

/* Loads the object. If XDP is wanted anywhere, libxdp must do it, while it attaches: to an interface that is then
 * swapped to number 0, since the kernel's map of interfaces is still all zero. Prints what is wrong; 0 or -errno. */
int attach_load(struct attach *attach, struct interfaces *interfaces);

/* Attaches to one interface, entered in the kernel's map before. Prints what is wrong; 0 or -errno. */
int attach_interface(struct attach *attach, const struct watched *watched, unsigned int number);
/* Prints where that was, and why. Who reads it relies on it: to be called when nothing can undo it any more. */
void attach_announce(const struct attach *attach, const struct watched *watched, unsigned int number);

/* Are packets of this direction seen at all, where the hook was chosen so? */
bool attach_choice_watches(enum hook_choice choice, bool loopback, enum interface_direction direction);
/* The same of what is attached. */
bool attach_watches(const struct attach *attach, const struct watched *watched, enum interface_direction direction);

/* The interface that a link is attached to; 0: none any more. Negative errno: the kernel does not say. */
int attach_link_ifindex(int link);
/* Marks what somebody else has taken off, as far as links tell. */
void attach_look(const struct attach *attach, struct watched *watched, unsigned int number);

void detach_interface(struct attach *attach, const struct watched *watched, unsigned int number);
/* Closes its links, which need no privilege to go. */
void attach_close_links(struct attach *attach, unsigned int number);
void attach_close(struct attach *attach);

#endif
