/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE

#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "paint.h"

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

void terminal_taken(void)
{
	if (state)
		state->taken = !tcgetattr(STDOUT_FILENO, &state->during);
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
	size_t done = 0, all;
	int fd;

	if (!state || !state->taken)
		return;
	fd = open(state->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	for (all = strlen(state->leave); done < all;) {
		ssize_t length = write(fd, state->leave + done, all - done);

		if (length <= 0)
			break;
		done += (size_t)length;
	}
	if (!tcgetattr(fd, &now) && is_ours(&now))
		tcsetattr(fd, TCSANOW, &state->before);
	close(fd);
}
