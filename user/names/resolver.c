/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE

#include "resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "message.h"
#include "question.h"
#include "sandbox/sandbox.h"

enum {
	IPV4_AT = 12, /* where a mapped address has the octets of IPv4 */
	DEATH_MS = 1000,
	SAID_WHY = 9, /* exit status: it could not begin, and has said why */
};

static const char ready = 'r';

/* ---- the process ---- */

static int look_up(const struct question *question, char name[NI_MAXHOST])
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };

	memcpy(&ipv4.sin_addr, question->ip + IPV4_AT, sizeof(ipv4.sin_addr));
	memcpy(&ipv6.sin6_addr, question->ip, sizeof(ipv6.sin6_addr));
	if (question->ip_version == 4)
		return getnameinfo((const struct sockaddr *)&ipv4, sizeof(ipv4), name, NI_MAXHOST, NULL, 0,
				   NI_NAMEREQD);
	return getnameinfo((const struct sockaddr *)&ipv6, sizeof(ipv6), name, NI_MAXHOST, NULL, 0, NI_NAMEREQD);
}

/* One of several: who waits for a server that does not answer keeps no other waiting. */
static void *answer_questions(void *context)
{
	const int socket = *(const int *)context;

	for (;;) {
		char name[NI_MAXHOST];
		struct question question;
		struct answer answer;
		ssize_t size = recv(socket, &question, sizeof(question), 0);

		if (size < 0 && errno == EINTR)
			continue;
		if (size != (ssize_t)sizeof(question))
			_exit(EXIT_SUCCESS);
		answer = (struct answer){ .number = question.number };
		if (!look_up(&question, name) && strlen(name) <= sizeof(answer.name))
			answer.length = (__u32)strlen(name);
		memcpy(answer.name, name, answer.length);
		send(socket, &answer, offsetof(struct answer, name) + answer.length, MSG_NOSIGNAL);
	}
}

static int shut_in(const struct sandbox_user *user)
{
	const struct sandbox_limits limits = { .services = true, .hosts = true, .threads = true };
	int err = sandbox_drop(user);

	if (!err && prctl(PR_SET_PDEATHSIG, SIGKILL)) /* a change of user would undo it */
		err = -errno;
	return err ? err : sandbox_enter(&limits);
}

static __attribute__((noreturn)) void resolve(int socket, const struct sandbox_user *user)
{
	struct pollfd parent = { .fd = socket };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), threads = 0;
	pthread_t thread;

	setsid(); /* Ctrl-C is the program's, which ends this one */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* Not the program's name: who kills by name means the program. */
	prctl(PR_SET_NAME, "scope-names");
	/* What takes longer than a few seconds nobody waits for any more. */
	setenv("RES_OPTIONS", "timeout:2 attempts:2", 0);
	if (shut_in(user))
		_exit(SAID_WHY);
	descriptors_keep(null, &socket, 1);
	while (threads < QUESTIONS_AT_ONCE && !pthread_create(&thread, NULL, answer_questions, &socket))
		threads++;
	if (!threads || send(socket, &ready, sizeof(ready), MSG_NOSIGNAL) < 0)
		_exit(EXIT_FAILURE);
	while (!parent.revents) /* the other end is closed */
		poll(&parent, 1, -1);
	_exit(EXIT_SUCCESS);
}

/* ---- its parent ---- */

static bool has_said_why(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == SAID_WHY;
}

static int say_why(int err)
{
	if (err == -ECHILD)
		message_put("--resolve: the process that looks up names ended at once");
	else
		message_put("--resolve: cannot start the process that looks up names: %s%s", strerror(-err),
			    message_advice(err, ""));
	return err;
}

int resolver_start(struct resolver *resolver, const char *user)
{
	struct sandbox_user become;
	char said = 0;
	int ends[2], err;

	*resolver = (struct resolver){ .death = -1, .socket = -1 };
	err = sandbox_find_user(&become, user);
	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return say_why(-errno);
	resolver->pid = fork();
	err = resolver->pid < 0 ? -errno : 0;
	if (resolver->pid == 0) {
		close(ends[0]);
		resolve(ends[1], &become);
	}
	close(ends[1]);
	resolver->socket = ends[0];
	if (!err)
		resolver->death = pidfd_open(resolver->pid, 0);
	if (!err && resolver->death < 0)
		err = -errno;
	if (!err && recv(ends[0], &said, sizeof(said), 0) != sizeof(said))
		err = -ECHILD;
	if (err) {
		if (err != -ECHILD || !has_said_why(resolver->pid))
			say_why(err);
		resolver_stop(resolver);
	}
	return err;
}

void resolver_stop(struct resolver *resolver)
{
	struct pollfd death = { .fd = resolver->death, .events = POLLIN };

	if (resolver->socket >= 0)
		close(resolver->socket);
	if (resolver->pid > 0) {
		poll(&death, 1, DEATH_MS);
		waitpid(resolver->pid, NULL, WNOHANG);
	}
	if (resolver->death >= 0)
		close(resolver->death);
	*resolver = (struct resolver){ .death = -1, .socket = -1 };
}
