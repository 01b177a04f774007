/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* O_PATH */
#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE = 0640, LINKS_MAX = 40 /* on the way, as the kernel has it */ };

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

static int walk(int at, const char *path, int *links);

/* Where a link in the directory `at` leads, if it is root's or our own. */
static int follow(int at, int link, int *links)
{
	char to[PATH_MAX];
	struct stat about;
	ssize_t length;

	if (fstat(link, &about))
		return -errno;
	if ((about.st_uid != 0 && about.st_uid != geteuid()) || ++*links > LINKS_MAX)
		return -ELOOP;
	length = readlinkat(link, "", to, sizeof(to) - 1);
	if (length < 0)
		return -errno;
	to[length] = '\0';
	return walk(at, to, links);
}

/* The file `name` of the directory `at`. */
static int step(int at, const char *name, int *links)
{
	int fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), to;
	struct stat about;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &about) || !S_ISLNK(about.st_mode))
		return fd;
	to = follow(at, fd, links);
	close(fd);
	return to;
}

/* Opens a directory as the kernel does, but what others link. `path` begins at the directory `at` or at the root. A
 * file descriptor with which to open what is in there, or -errno. */
static int walk(int at, const char *path, int *links)
{
	int fd = openat(at, *path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC), next;
	char name[NAME_MAX + 1];
	size_t length;

	if (fd < 0)
		return -errno;
	for (path += strspn(path, "/"); *path && fd >= 0; path += length + strspn(path + length, "/")) {
		length = strcspn(path, "/");
		next = -ENAMETOOLONG;
		if (length <= NAME_MAX) {
			memcpy(name, path, length);
			name[length] = '\0';
			next = step(fd, name, links);
		}
		close(fd);
		fd = next;
	}
	return fd;
}

/* Where `path` lies, and its name there. */
static int open_directory(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX];
	int links = 0;

	*name = slash ? slash + 1 : path;
	if (*name - path >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(directory, path, (size_t)(*name - path));
	directory[*name - path] = '\0';
	return walk(AT_FDCWD, directory, &links);
}

int new_file_open(const char *path, FILE **to)
{
	const char *name;
	int directory = open_directory(path, &name), fd, err;

	*to = NULL;
	if (directory < 0)
		return directory;
	fd = openat(directory, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, MODE);
	err = fd < 0 ? -errno : 0;
	close(directory);
	if (err)
		return err;
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
		return "it is a symbolic link, or another user's lies on the way: none is followed; name the file "
		       "itself";
	if (error == -EMLINK)
		return "the file has other names too (hard links), and may be another's; name a new one";
	return strerror(-error);
}
