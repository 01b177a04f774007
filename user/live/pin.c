/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "pin.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "leftover.h"
#include "message.h"

#define FILE_SYSTEM "/sys/fs/bpf"
#define FOLDER "tcpscope"
#define ALL_PINS FILE_SYSTEM "/" FOLDER

void pin_path(const struct pin *pin, const char *part, char path[PIN_PATH])
{
	snprintf(path, PIN_PATH, ALL_PINS "/%s%s%s", pin->name, part[0] ? "/" : "", part);
}

void pin_link_path(const struct pin *pin, unsigned int ifindex, const char *hook, char path[PIN_PATH])
{
	char part[64];

	snprintf(part, sizeof(part), "link_%u_%s", ifindex, hook);
	pin_path(pin, part, path);
}

static bool file_system_is_there(void)
{
	struct statfs about;

	return !statfs(FILE_SYSTEM, &about) && about.f_type == BPF_FS_MAGIC;
}

/* How far it came. */
static const char *path_at(const struct pin *pin, char path[PIN_PATH])
{
	snprintf(path, PIN_PATH, "%s%s%s", pin->depth ? ALL_PINS : FILE_SYSTEM, pin->depth > 1 ? "/" : "",
		 pin->depth > 1 ? pin->name : "");
	return path;
}

static int explain(const struct pin *pin, int err)
{
	char path[PIN_PATH];

	if (!file_system_is_there())
		message_put("no BPF file system at " FILE_SYSTEM ", where '%s' would be; "
			    "`mount -t bpf -o mode=700 bpf " FILE_SYSTEM "` makes one; "
			    "`ip netns exec` hides it: `nsenter --net=/run/netns/NAME tcpscope` does not",
			    pin->name);
	else if (err == -EROFS)
		message_put("cannot pin '%s': " FILE_SYSTEM " is read-only; "
			    "`mount -o remount,rw " FILE_SYSTEM "` changes that",
			    pin->name);
	else if (err == -EWOULDBLOCK)
		message_put("a tcpscope that is running has '%s'; end it first, or take another name", pin->name);
	else if (err == -ENOENT)
		message_put("nothing is pinned as '%s'; `ls " ALL_PINS "` shows what is", pin->name);
	else if (err == -ENOTDIR || err == -ESTALE)
		message_put("will not touch '%s': %s is %s", pin->name, path_at(pin, path),
			    err == -ENOTDIR ? "no directory of the BPF file system; remove it"
			    : pin->depth
				    ? "another user's, or others may write there; remove it if it is nobody's"
				    : "another user's, or others may remove what is there; `chmod +t` forbids that");
	else
		message_put("cannot pin '%s' in " ALL_PINS ": %s%s", pin->name, strerror(-err),
			    message_advice(err, err == -EACCES || err == -EPERM ? "; run it as root" : ""));
	return err;
}

/* May nobody but root, or this user, change what is in it? In what is sticky nobody else can change what is theirs. */
static int check_directory(int fd, mode_t sticky)
{
	struct stat about;
	struct statfs system;

	if (fstat(fd, &about) || fstatfs(fd, &system))
		return -errno;
	if (system.f_type != BPF_FS_MAGIC)
		return -ENOTDIR;
	if (about.st_uid && about.st_uid != geteuid())
		return -ESTALE;
	return about.st_mode & (S_IWGRP | S_IWOTH) && !(about.st_mode & sticky) ? -ESTALE : 0;
}

/* The descriptor, if it is of such a directory; else -errno, and it is closed. */
static int checked(int fd, mode_t sticky)
{
	int err = fd < 0 ? -errno : check_directory(fd, sticky);

	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}

/* Opens a directory in one that has been checked, made if `made`: then *made is whether it is new. What others may have
 * put there is not followed, and refused. Closes `parent`. Returns a descriptor or -errno. */
static int enter_directory(int parent, const char *name, bool *made)
{
	int fd, err = 0;

	if (made) {
		*made = !mkdirat(parent, name, 0700);
		err = *made || errno == EEXIST ? 0 : -errno;
	}
	fd = err ? err : checked(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), 0);
	close(parent);
	return fd;
}

static int open_directory(struct pin *pin, bool make)
{
	bool made = false;
	int fd = checked(open(FILE_SYSTEM, O_RDONLY | O_DIRECTORY | O_CLOEXEC), S_ISVTX);

	for (pin->depth = 0; fd >= 0 && pin->depth < 2; pin->depth++)
		fd = enter_directory(fd, pin->depth ? pin->name : FOLDER, make ? &made : NULL);
	if (fd < 0)
		return fd;
	pin->was_there = make && !made;
	pin->directory = fd;
	return flock(pin->directory, LOCK_EX | LOCK_NB) ? -errno : 0;
}

/* Maps of another version may be larger or smaller: what both have is read. */
static int read_state(struct pin *pin)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info), at = 0;
	char path[PIN_PATH];
	void *value = NULL;
	int fd, err;

	pin_path(pin, "state", path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (!err) {
		value = calloc(1, info.value_size);
		err = value ? bpf_map_lookup_elem(fd, &at, value) : -ENOMEM;
	}
	if (!err)
		memcpy(&pin->state, value, info.value_size < sizeof(pin->state) ? info.value_size : sizeof(pin->state));
	free(value);
	close(fd);
	return err;
}

/* Was there any? */
static bool remove_parts(const struct pin *pin)
{
	DIR *directory = fdopendir(dup(pin->directory));
	const struct dirent *entry;
	bool any = false;

	if (!directory)
		return false;
	rewinddir(directory); /* the position is shared with whoever read it before */
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			any |= !unlinkat(pin->directory, entry->d_name, 0);
	closedir(directory);
	return any;
}

int pin_open(struct pin *pin, const char *name, bool make)
{
	int err;

	*pin = (struct pin){ .name = name, .directory = -1 };
	err = open_directory(pin, make);
	if (err && pin->directory >= 0) {
		close(pin->directory); /* another's */
		pin->directory = -1;
	}
	if (!err) {
		err = read_state(pin);
		pin->found = !err;
		if (err == -ENOENT)
			pin_detach(pin); /* what it had attached, if it was killed after that */
		pin->unfinished = err == -ENOENT && remove_parts(pin);
		if (pin->unfinished)
			message_put("removed what a start that did not finish had left of '%s': "
				    "there was nothing to take over",
				    name);
		else if (err == -ENOENT && pin->was_there)
			message_put("'%s' was empty, of a start that did not finish: there was nothing to take over",
				    name);
		err = err == -ENOENT ? 0 : err;
	}
	return err ? explain(pin, err) : 0;
}

void pin_close(struct pin *pin)
{
	if (pin->directory >= 0)
		close(pin->directory);
	*pin = (struct pin){ .directory = -1 };
}

__u32 pin_run(const struct pin *pin)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	char path[PIN_PATH];
	int fd, err;

	pin_path(pin, "reports", path);
	fd = bpf_obj_get(path);
	err = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &len);
	if (fd >= 0)
		close(fd);
	return err ? 0 : info.id;
}

static void detach_link(const struct pin *pin, const char *part)
{
	char path[PIN_PATH];
	int fd;

	pin_path(pin, part, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return;
	bpf_link_detach(fd); /* at once: when the last name goes, the kernel detaches some time later */
	close(fd);
}

void pin_detach(const struct pin *pin)
{
	DIR *directory = fdopendir(dup(pin->directory));
	__u32 reports = pin_run(pin);
	struct if_nameindex *all = reports ? if_nameindex() : NULL;
	const struct dirent *entry;

	if (directory)
		rewinddir(directory);
	while (directory && (entry = readdir(directory)))
		if (!strncmp(entry->d_name, "link_", 5))
			detach_link(pin, entry->d_name);
	if (directory)
		closedir(directory);
	for (const struct if_nameindex *at = all; at && at->if_index; at++)
		leftover_remove_run(at->if_index, reports);
	if (all)
		if_freenameindex(all);
}

int pin_remove(const struct pin *pin)
{
	char path[PIN_PATH];
	int err;

	remove_parts(pin);
	pin_path(pin, "", path);
	err = rmdir(path) ? -errno : 0;
	rmdir(ALL_PINS); /* unless there are others */
	return err;
}

void pin_complain(const struct pin *pin, int error)
{
	char path[PIN_PATH];

	if (!error)
		return;
	pin_path(pin, "", path);
	message_put("cannot remove %s: %s%s", path, strerror(-error),
		    error == -ENOTEMPTY ? "; what is left in it is not tcpscope's: remove that first" : "");
}
