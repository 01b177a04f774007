/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a program that has shut itself in (user/sandbox/sandbox.h) can still do: each attempt in a child of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/landlock.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../user/sandbox/sandbox.h"

static const char *readable, *other; /* two files that anybody may read */

/* 0, or the errno it failed with. */
static int tried(long result) { return result < 0 ? errno : 0; }

static int open_readable(void) { return tried(open(readable, O_RDONLY)); }
static int open_other(void) { return tried(open(other, O_RDONLY)); }
static int write_readable(void) { return tried(open(readable, O_WRONLY)); }
static int create(void) { return tried(open("/tmp/tcpscope-sandbox-test", O_WRONLY | O_CREAT, 0600)); }
static int tcp_socket(void) { return tried(socket(AF_INET, SOCK_STREAM, 0)); }
static int packet_socket(void) { return tried(socket(AF_PACKET, SOCK_RAW, 0)); }
static int name_service(void) { return getservbyname("http", "tcp") ? 0 : ENOENT; }
static int run_program(void) { return tried(execl("/bin/true", "true", NULL)); }
static int trace_parent(void) { return tried(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL)); }
static int new_namespace(void) { return tried(syscall(SYS_unshare, 0x10000000)); }
static int signal_parent(void) { return tried(kill(getppid(), 0)); }
static int signal_itself(void) { return tried(kill(getpid(), 0)); }
static int fork_child(void) { return tried(fork()); }
static void *do_nothing(void *context) { return context; }

static int make_thread(void)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, do_nothing, NULL);

	return err ? err : pthread_join(thread, NULL);
}

/* Of an address that /etc/hosts has. */
static int name_of_host(void)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char name[NI_MAXHOST];
	int err = getnameinfo((const struct sockaddr *)&address, sizeof(address), name, sizeof(name), NULL, 0,
			      NI_NAMEREQD);

	return err < 0 ? -err : err;
}

static int write_out(void) { return tried(write(STDERR_FILENO, "", 0)); }

static int bpf_call(int command)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };

	return tried(syscall(SYS_bpf, command, &attr, sizeof(attr)));
}

static int make_map(void) { return bpf_call(BPF_MAP_CREATE); }
static int look_up(void)
{
	union bpf_attr attr = { .map_fd = ~0u };

	return tried(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)));
}

static const struct attempt {
	const char *name;
	int (*make)(void);
	int live, screen, replay, narrowed, names; /* errno wanted; minus a signal's number if that is to end it */
} attempts[] = {
	{ "writing to what is open", write_out, 0, 0, 0, 0, 0 },
	{ "reading the capture", open_readable, EPERM, EACCES, 0, EPERM, EACCES },
	{ "reading another file", open_other, EPERM, EACCES, EACCES, EPERM, EACCES },
	{ "a service by its name", name_service, ENOENT, 0, ENOENT, ENOENT, 0 },
	{ "writing the capture", write_readable, EPERM, EPERM, EPERM, EPERM, EPERM },
	{ "creating a file", create, EPERM, EPERM, EPERM, EPERM, EPERM },
	{ "a TCP socket", tcp_socket, EPERM, EPERM, EPERM, EPERM, 0 },
	{ "a packet socket", packet_socket, EPERM, EPERM, EPERM, EPERM, EPERM },
	{ "running a program", run_program, -SIGSYS, -SIGSYS, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "tracing its parent", trace_parent, -SIGSYS, -SIGSYS, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "a new user namespace", new_namespace, -SIGSYS, -SIGSYS, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "a signal to its parent", signal_parent, EPERM, EPERM, EPERM, EPERM, EPERM },
	{ "a signal to itself", signal_itself, 0, 0, 0, 0, 0 },
	{ "a child", fork_child, EPERM, EPERM, EPERM, EPERM, EPERM },
	{ "a thread", make_thread, EPERM, EPERM, EPERM, EPERM, 0 },
	{ "the name of this host", name_of_host, -EAI_AGAIN, 0, -EAI_AGAIN, -EAI_AGAIN, 0 },
	{ "making a map", make_map, EPERM, EPERM, EPERM, EPERM, EPERM },
	{ "looking up in a map that is not held", look_up, EBADF, EBADF, EPERM, EPERM, EPERM },
};

/* `then`: a second time, with less; NULL: not. 127: could not shut itself in. */
static int in_sandbox(const struct attempt *attempt, const struct sandbox_limits *limits,
		      const struct sandbox_limits *then)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(sandbox_enter(limits) || (then && sandbox_enter(then)) ? 127 : attempt->make());
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return 127;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int check(const struct attempt *attempt, const char *which, const struct sandbox_limits *limits,
		 const struct sandbox_limits *then, int want)
{
	int got = in_sandbox(attempt, limits, then);

	if (got == want)
		printf("ok sandbox %s: %s\n", which, attempt->name);
	else
		printf("not ok sandbox %s: %s - wanted %d (%s), not %d (%s)\n", which, attempt->name, want,
		       want < 0 ? strsignal(-want) : strerror(want), got, got < 0 ? strsignal(-got) : strerror(got));
	fflush(stdout);
	return got != want;
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

int main(int argc, char **argv)
{
	struct sandbox_limits live = { .bpf = true }, screen = { .bpf = true, .services = true };
	struct sandbox_limits replay = { .replay = true };
	const struct sandbox_limits compiling = { .replay = true, .services = true, .hosts = true },
				    reading = { .bpf = false };
	const struct sandbox_limits names = { .services = true, .hosts = true, .threads = true };
	int failed = 0;

	if (argc != 3) {
		fputs("usage: attempts READABLE OTHER\n", stderr);
		return 2;
	}
	readable = replay.file = argv[1];
	other = argv[2];
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		failed += check(&attempts[i], "live", &live, NULL, attempts[i].live);
		if ((attempts[i].make == open_other || attempts[i].make == open_readable) && !has_landlock()) {
			printf("skip sandbox replay, screen and names: %s - this kernel has no Landlock\n",
			       attempts[i].name);
			continue;
		}
		failed += check(&attempts[i], "screen", &screen, NULL, attempts[i].screen);
		failed += check(&attempts[i], "replay", &replay, NULL, attempts[i].replay);
		failed += check(&attempts[i], "replay with a filter, its packets", &compiling, &reading,
				attempts[i].narrowed);
		failed += check(&attempts[i], "names", &names, NULL, attempts[i].names);
	}
	return failed != 0;
}
