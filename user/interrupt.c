/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "clocks.h"

/* Some send one signal twice in an instant: to the process and to its group. */
enum { AGAIN_NS = 1000000000 };

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
static void (*call)(void);
static __u64 first_ns; /* 0: none came */

/* By the signal's default action, once its handler returns. A terminal that is stopped takes no line. */
static void end_by(int number)
{
	static const char line[] = "tcpscope: ended at once by a second signal: what was not printed yet is lost\n";
	struct pollfd error = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t length = 0;

	signal(number, SIG_DFL);
	raise(number);
	if (poll(&error, 1, 0) > 0 && error.revents & POLLOUT)
		length = write(STDERR_FILENO, line, sizeof(line) - 1);
	(void)length;
}

static void handle(int number)
{
	__u64 now = clock_ns(CLOCK_MONOTONIC);
	int before = errno;

	if (!first_ns) {
		first_ns = now;
		call();
	} else if (now - first_ns >= AGAIN_NS) {
		end_by(number);
	}
	errno = before;
}

void interrupt_catch(void (*asked)(void))
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART }, before;

	call = asked;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&action.sa_mask, numbers[i]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i] != SIGHUP || sigaction(SIGHUP, NULL, &before) || before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
}

void interrupt_release(void)
{
	struct sigaction now;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!sigaction(numbers[i], NULL, &now) && now.sa_handler == handle)
			signal(numbers[i], SIG_DFL);
}
