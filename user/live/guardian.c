/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE

#include "guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "leftover.h"
#include "options.h"
#include "terminal.h"

enum { DEATH_MS = 2000 };

/* In place of an interface. */
#define ALL_DONE 0u
#define REMOVE_NOW (~0u)
#define SEALED (~0u - 1)
#define UNPIN (~0u - 2)

struct note {
	unsigned int ifindex;
	struct leftover_programs own;
};

/* Of an interface the last note counts. Returns their number. */
static unsigned int keep_note(struct note *notes, unsigned int count, const struct note *note)
{
	unsigned int at = 0;

	while (at < count && notes[at].ifindex != note->ifindex)
		at++;
	if (at < OPTIONS_INTERFACES)
		notes[at] = *note;
	return at == count && count < OPTIONS_INTERFACES ? count + 1 : count;
}

/* Returns the exit status: 0, or the errno of what it could not remove. */
static int guard(int pipe, int parent, const struct pin *pin)
{
	static struct note notes[OPTIONS_INTERFACES];
	struct pollfd death = { .fd = parent, .events = POLLIN };
	struct note note = { 0 };
	unsigned int count = 0;
	bool sealed = false;
	ssize_t len;

	for (;;) {
		len = read(pipe, &note, sizeof(note));
		if (len < 0 && errno == EINTR)
			continue;
		if (len != (ssize_t)sizeof(note) || note.ifindex == REMOVE_NOW)
			break;
		if (note.ifindex == ALL_DONE)
			return 0;
		if (note.ifindex == UNPIN)
			return pin ? -pin_remove(pin) : EINVAL;
		sealed |= note.ifindex == SEALED;
		if (!sealed)
			count = keep_note(notes, count, &note);
	}
	if (pin)
		close(pin->directory); /* and so gives up the lock on it */
	/* At once: a shell that is told of the death first writes its prompt on the alternate screen. */
	terminal_rescue();
	/* The pipe is one of the first things that a dying process loses. Once it is dead it has lost all of them, so
	 * also what says that it lives. */
	if (note.ifindex != REMOVE_NOW)
		poll(&death, 1, DEATH_MS);
	for (unsigned int i = 0; i < count; i++) {
		leftover_remove(notes[i].ifindex);
		leftover_remove_own(notes[i].ifindex, &notes[i].own);
	}
	return 0;
}

int guardian_start(struct guardian *guardian, const struct pin *pin)
{
	int ends[2], parent = pidfd_open(getpid(), 0), err;

	guardian->notes = -1;
	if (parent < 0)
		return -errno;
	if (pipe2(ends, O_CLOEXEC)) {
		err = -errno;
		close(parent);
		return err;
	}
	guardian->pid = fork();
	err = guardian->pid < 0 ? -errno : 0;
	if (guardian->pid == 0) {
		setsid();
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		/* Not the program's name: who kills by name means the program. */
		prctl(PR_SET_NAME, "scope-guardian");
		close(ends[1]);
		/* Holds open nothing of the program's: neither its pipes to a reader nor its terminal. */
		descriptors_keep(open("/dev/null", O_RDWR | O_CLOEXEC),
				 (int[]){ ends[0], parent, pin ? pin->directory : parent }, 3);
		_exit(guard(ends[0], parent, pin));
	}
	close(parent);
	close(ends[0]);
	if (err)
		close(ends[1]);
	else
		guardian->notes = ends[1];
	return err;
}

void guardian_note(struct guardian *guardian, unsigned int ifindex, const struct leftover_programs *own)
{
	const struct note note = { .ifindex = ifindex, .own = own ? *own : (struct leftover_programs){ 0 } };
	/* If it is gone the write fails, and the program is as safe as without it. SIGPIPE is ignored. */
	ssize_t len = guardian->notes < 0 ? 0 : write(guardian->notes, &note, sizeof(note));

	(void)len;
}

void guardian_seal(struct guardian *guardian) { guardian_note(guardian, SEALED, NULL); }

static int send_away(struct guardian *guardian, unsigned int order)
{
	int status = 0;

	guardian_note(guardian, order, NULL);
	close(guardian->notes);
	guardian->notes = -1;
	return waitpid(guardian->pid, &status, 0) < 0 || !WIFEXITED(status) ? -ECHILD : -WEXITSTATUS(status);
}

int guardian_detach(struct guardian *guardian)
{
	return guardian->notes < 0 ? -ECHILD : send_away(guardian, REMOVE_NOW);
}

int guardian_unpin(struct guardian *guardian) { return guardian->notes < 0 ? -ECHILD : send_away(guardian, UNPIN); }

void guardian_dismiss(struct guardian *guardian)
{
	if (guardian->notes >= 0)
		send_away(guardian, ALL_DONE);
}
