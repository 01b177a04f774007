/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Landlock: which files can still be opened. Its calls have no wrappers in the C library, and the kernel tells by a
 * number how much of it there is. */
#define _GNU_SOURCE

#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights over files that each version of the interface knows: the lowest bits. */
static const unsigned int rights_of_abi[] = { 0, 13, 14, 15, 15, 16 };

#define ABIS (sizeof(rights_of_abi) / sizeof(rights_of_abi[0]))

/* What names may ask: services, protocols, hosts, and the libraries that know where. /etc/resolv.conf is elsewhere if
 * it is a link. */
static const char *const name_paths[] = { "/etc",     "/etc/resolv.conf",     "/lib",	  "/lib64",
					  "/usr/lib", "/run/systemd/resolve", "/run/nscd" };

static bool is_beyond_reach(int error)
{
	return error == ENOENT || error == EACCES || error == ENOTDIR || error == ELOOP || error == ENAMETOOLONG;
}

static int allow(int rules, const char *path, __u64 rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights,
						   .parent_fd = open(path, O_PATH | O_CLOEXEC) };
	struct stat status;
	int err = 0;

	if (rule.parent_fd < 0) /* a path beyond reach says why when it is opened in earnest, or will not be missed */
		return is_beyond_reach(errno) ? 0 : -errno;
	if (fstat(rule.parent_fd, &status))
		err = -errno;
	if (!S_ISDIR(status.st_mode))
		rule.allowed_access &= ~LANDLOCK_ACCESS_FS_READ_DIR;
	if (!err && syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		err = -errno;
	close(rule.parent_fd);
	return err;
}

static int allow_all(int rules, const struct sandbox_limits *limits)
{
	const __u64 rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	int err = limits->file ? allow(rules, limits->file, rights) : 0;

	for (size_t i = 0; i < sizeof(name_paths) / sizeof(name_paths[0]) && limits->services && !err; i++)
		err = allow(rules, name_paths[i], rights);
	return err;
}

int sandbox_limit_files(const struct sandbox_limits *limits)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr handled = { 0 };
	int rules, err;

	if (abi <= 0)
		return -EOPNOTSUPP;
	handled.handled_access_fs = (1ULL << rights_of_abi[(size_t)abi < ABIS ? (size_t)abi : ABIS - 1]) - 1;
	rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled.handled_access_fs), 0);
	if (rules < 0)
		return -errno;
	err = allow_all(rules, limits);
	if (!err && syscall(SYS_landlock_restrict_self, rules, 0))
		err = -errno;
	close(rules);
	return err;
}
