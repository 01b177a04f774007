/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* seccomp: the system calls that are left. A list of what is allowed; the rest fails with EPERM, so that a library that
 * can do without goes on, and what only a break-in would call ends the program. */
#define _GNU_SOURCE

#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

/* By name, as libseccomp knows them on any machine. */
static const char *const always[] = {
	/* what is open already: files, pipes, terminals, sockets */
	"read",
	"readv",
	"pread64",
	"write",
	"writev",
	"pwrite64",
	"lseek",
	"_llseek",
	"fstat",
	"fstat64",
	"newfstatat",
	"statx",
	"fsync",
	"fdatasync",
	"ftruncate",
	"close",
	"close_range",
	"dup",
	"dup2",
	"dup3",
	"fcntl",
	"fcntl64",
	"poll",
	"ppoll",
	"ppoll_time64",
	"select",
	"_newselect",
	"pselect6",
	"pselect6_time64",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"eventfd2",
	"pipe2",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"accept",
	"accept4",
	"shutdown",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	/* memory, threads and time */
	"brk",
	"mmap",
	"mmap2",
	"munmap",
	"mremap",
	"madvise",
	"mprotect",
	"futex",
	"futex_time64",
	"rseq",
	"set_robust_list",
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"gettimeofday",
	"time",
	"nanosleep",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_gettime",
	"setitimer",
	"getrandom",
	"sched_yield",
	"sched_getaffinity",
	"getcpu",
	"uname",
	"sysinfo",
	"getrusage",
	"prlimit64",
	/* signals, itself and its end */
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigreturn",
	"rt_sigtimedwait",
	"sigaltstack",
	"signalfd4",
	"restart_syscall",
	"getpid",
	"gettid",
	"tgkill",
	"getpgrp",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"wait4",
	"waitid",
	"exit",
	"exit_group",
};

/* For the one file that may be read, and what a filter's names need. */
static const char *const for_files[] = { "access",    "faccessat",    "faccessat2", "readlink", "readlinkat",
					 "stat",      "stat64",	      "lstat",	    "lstat64",	"getdents64",
					 "fadvise64", "fadvise64_64", "getcwd",	    "statfs",	"fstatfs" };
/* Less is still to come. */
static const char *const for_dropping[] = { "setgroups",
					    "setresgid",
					    "setresuid",
					    "capget",
					    "capset",
					    "prctl",
					    "seccomp",
					    "landlock_create_ruleset",
					    "landlock_add_rule",
					    "landlock_restrict_self" };
static const char *const for_hosts[] = { "connect", "bind", "ioctl", "getppid" };

/* What nothing here ever asks for. */
static const char *const deadly[] = { "execve",
				      "execveat",
				      "ptrace",
				      "process_vm_readv",
				      "process_vm_writev",
				      "kexec_load",
				      "init_module",
				      "finit_module",
				      "mount",
				      "pivot_root",
				      "setns",
				      "unshare",
				      "keyctl",
				      "userfaultfd" };

/* Whom a look-up talks to: daemons of this machine, name servers, and the kernel about addresses. */
static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

static const unsigned long terminal[] = {
	TCGETS, TIOCGWINSZ, TIOCGPGRP, FIONREAD, SIOCGIFNAME, TCSETS, TCSETSW, TCSETSF
};

/* Of what is held: to look, to change a map's entry, and to run the sweep. Nothing new is made. */
static const unsigned int bpf_commands[] = { BPF_MAP_LOOKUP_ELEM,   BPF_MAP_UPDATE_ELEM,  BPF_MAP_DELETE_ELEM,
					     BPF_MAP_GET_NEXT_KEY,  BPF_MAP_LOOKUP_BATCH, BPF_PROG_TEST_RUN,
					     BPF_OBJ_GET_INFO_BY_FD };

/* A call that this machine does not have is no loss. */
static int add(scmp_filter_ctx filter, unsigned int action, const char *const *names, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		int call = seccomp_syscall_resolve_name(names[i]);

		if (call != __NR_SCMP_ERROR)
			err = seccomp_rule_add(filter, action, call, 0);
		if (err == -EDOM)
			err = 0;
	}
	return err;
}

#define ADD(filter, action, names) add(filter, action, names, sizeof(names) / sizeof((names)[0]))

static int add_commands(scmp_filter_ctx filter, const struct sandbox_limits *limits)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(terminal) / sizeof(terminal[0]) && !limits->hosts && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, terminal[i]));
	for (size_t i = 0; i < sizeof(bpf_commands) / sizeof(bpf_commands[0]) && limits->bpf && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1, SCMP_A0(SCMP_CMP_EQ, bpf_commands[i]));
	if (!err) /* the screen stops itself for the shell */
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	if (limits->bpf && !err) /* the name of an interface, by its index */
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	return err;
}

/* Files, for reading only: also where there is no Landlock. */
static int add_files(scmp_filter_ctx filter)
{
	const int writing = O_ACCMODE | O_CREAT | O_TRUNC;
	int err = ADD(filter, SCMP_ACT_ALLOW, for_files);

	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
				       SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
	return err;
}

static int add_hosts(scmp_filter_ctx filter)
{
	int err = ADD(filter, SCMP_ACT_ALLOW, for_hosts);

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
	return err;
}

/* Threads, but no processes. What clone3 is to make lies in memory, where no filter looks: without it the C library
 * takes clone. */
static int add_threads(scmp_filter_ctx filter)
{
	const scmp_datum_t thread = CLONE_THREAD | CLONE_VM;
	int err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	return err ? err
		   : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
}

int sandbox_limit_calls(const struct sandbox_limits *limits)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = filter ? ADD(filter, SCMP_ACT_ALLOW, always) : -ENOMEM;

	if (!err)
		err = ADD(filter, SCMP_ACT_KILL_PROCESS, deadly);
	if (!err)
		err = add_commands(filter, limits);
	if (!err && (limits->replay || limits->services))
		err = add_files(filter);
	if (!err && limits->replay)
		err = ADD(filter, SCMP_ACT_ALLOW, for_dropping);
	if (!err && limits->hosts)
		err = add_hosts(filter);
	if (!err && limits->threads)
		err = add_threads(filter);
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
	if (!err)
		err = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	return err;
}
