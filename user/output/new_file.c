/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE = 0640 };

/* Emptied only once it is known for what it is. */
static int take(int fd)
{
	struct stat about;

	if (fstat(fd, &about))
		return -errno;
	if (!S_ISREG(about.st_mode))
		return 0; /* a pipe, a device */
	if (about.st_nlink != 1)
		return -EMLINK;
	return ftruncate(fd, 0) ? -errno : 0;
}

int new_file_open(const char *path, FILE **to)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, MODE), err;

	if (fd < 0)
		return -errno;
	err = take(fd);
	*to = err ? NULL : fdopen(fd, "w");
	if (*to)
		return 0;
	err = err ? err : -errno;
	close(fd);
	return err;
}

const char *new_file_error(int error)
{
	if (error == -ELOOP)
		return "it is a symbolic link, and none is followed; name the file itself";
	if (error == -EMLINK)
		return "the file has other names too (hard links), and may be another's; name a new one";
	return strerror(-error);
}
