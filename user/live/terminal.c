/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE

#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "screen/paint.h"

struct state {
	volatile bool taken;
	char path[PATH_MAX];
	char leave[PAINT_LEAVE];
	struct termios before, during;
};

static struct state *state; /* shared with the guardian; NULL: there is none */

int terminal_remember(void)
{
	void *shared = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return -errno;
	state = shared;
	if (ttyname_r(STDOUT_FILENO, state->path, sizeof(state->path)) || tcgetattr(STDOUT_FILENO, &state->before))
		return -ENOTTY;
	paint_leave(state->leave);
	return 0;
}

static void send_leave(int fd)
{
	size_t all = strlen(state->leave);

	for (size_t done = 0; done < all;) {
		ssize_t length = write(fd, state->leave + done, all - done);

		if (length <= 0)
			break;
		done += (size_t)length;
	}
}

/* Ends the program by the signal that came, but for the terminal. Only what a signal handler may call. */
static void die(int number)
{
	if (state->taken) {
		state->taken = false;
		send_leave(STDOUT_FILENO);
		tcsetattr(STDOUT_FILENO, TCSANOW, &state->before);
	}
	raise(number);
}

/* Those that end the program and that live.c does not wait for; none that it ignores. */
static void catch_deadly(void)
{
	static const int deadly[] = { SIGSEGV, SIGBUS,	SIGFPE,	 SIGILL,  SIGABRT, SIGQUIT, SIGTRAP,
				      SIGSYS,  SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU, SIGXFSZ };
	struct sigaction action = { .sa_handler = die, .sa_flags = (int)SA_RESETHAND }, now;

	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		if (!sigaction(deadly[i], NULL, &now) && now.sa_handler != SIG_IGN)
			sigaction(deadly[i], &action, NULL);
}

void terminal_taken(void)
{
	if (!state)
		return;
	state->taken = !tcgetattr(STDOUT_FILENO, &state->during);
	catch_deadly();
}

void terminal_given_back(void)
{
	if (state)
		state->taken = false;
}

/* A shell that reads a line by itself has set other modes than the screen's, and will have them. */
static bool is_ours(const struct termios *now)
{
	const struct termios *during = &state->during;

	return now->c_iflag == during->c_iflag && now->c_oflag == during->c_oflag && now->c_lflag == during->c_lflag &&
	       !memcmp(now->c_cc, during->c_cc, sizeof(now->c_cc));
}

void terminal_rescue(void)
{
	struct termios now;
	int fd;

	if (!state || !state->taken)
		return;
	fd = open(state->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	send_leave(fd);
	if (!tcgetattr(fd, &now) && is_ours(&now))
		tcsetattr(fd, TCSANOW, &state->before);
	close(fd);
}
