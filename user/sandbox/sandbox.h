/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Gives up what the program needs no longer: root, capabilities, files, system calls. What lies on the wire or in a
 * capture is an enemy's, and whoever got hold of the program by it should hold nothing. Called by live.c and
 * replay.c. */
#ifndef TCPSCOPE_USER_SANDBOX_H
#define TCPSCOPE_USER_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

/* Who the program becomes. */
struct sandbox_user {
	const char *name;
	uid_t uid;
	gid_t gid;
};

struct sandbox_limits {
	const char *file; /* may be read, and no other; NULL: no file at all */
	bool services;	  /* a filter may name services and protocols: /etc and libraries may be read */
	bool hosts;	  /* hosts are looked up, by name or for their names: sockets too */
	bool threads;	  /* threads may be made; they are as shut in as who makes them */
	bool replay;	  /* `file` may be read; sandbox_drop, and sandbox_enter with less, are still to come */
	bool bpf;	  /* maps and programs that are held may be used */
};

/* Looks up who to become, before files are out of reach: `name`, or if NULL nobody. Prints what is wrong; 0 or
 * -errno. */
int sandbox_find_user(struct sandbox_user *user, const char *name);

/* For ever, and once more with less: no privileges are gained by exec, only `limits->file` is opened (Landlock), and system calls that the
 * program does not make fail with EPERM or, those of a break-in, end it (seccomp). Prints what is wrong; 0 or
 * -errno. */
int sandbox_enter(const struct sandbox_limits *limits);

/* For ever: no capability, and if it was root's, the user's rights. Before sandbox_enter unless limits say replay.
 * Prints what is wrong; 0 or -errno. */
int sandbox_drop(const struct sandbox_user *user);

/* Parts, each in its file. 0 or -errno; sandbox_limit_files -EOPNOTSUPP where the kernel has no Landlock. */
int sandbox_limit_files(const struct sandbox_limits *limits);
int sandbox_limit_calls(const struct sandbox_limits *limits);

#endif
