/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Privileges: users, capabilities, and the order in which all is given up. */
#define _GNU_SOURCE

#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "message.h"

/* Has this user namespace that id? A file that cannot be read says no more than that it is not known. */
static bool is_mapped(const char *path, unsigned int id)
{
	FILE *map = fopen(path, "re");
	unsigned int first, outside, count;
	bool mapped = !map;

	while (map && !mapped && fscanf(map, "%u %u %u", &first, &outside, &count) == 3)
		mapped = id - first < count;
	if (map)
		fclose(map);
	return mapped;
}

static bool may_leave_groups(void)
{
	FILE *file = fopen("/proc/self/setgroups", "re");
	char word[8] = "";
	bool denied = file && fgets(word, sizeof(word), file) && !strncmp(word, "deny", 4);

	if (file)
		fclose(file);
	return !denied;
}

int sandbox_find_user(struct sandbox_user *user, const char *name)
{
	const struct passwd *entry;

	*user = (struct sandbox_user){ .name = name ? name : "nobody", .uid = (uid_t)-1, .gid = (gid_t)-1 };
	if (geteuid()) {
		if (name)
			message_put("--user: only root can go on as another user; run it without");
		return name ? -EPERM : 0;
	}
	entry = getpwnam(user->name);
	if (entry) {
		user->uid = entry->pw_uid;
		user->gid = entry->pw_gid;
		/* Root of a user namespace without others, as in a container, is an ordinary user outside: it stays that. */
		if (!name && !(is_mapped("/proc/self/uid_map", user->uid) &&
			       is_mapped("/proc/self/gid_map", user->gid) && may_leave_groups()))
			user->uid = user->gid = 0;
		return 0;
	}
	message_put("no user '%s' to go on as; name one with --user", user->name);
	return -ENOENT;
}

/* Before 5.19 a kernel that forbids BPF to ordinary users forbids also the use of what is held. */
static bool bpf_needs_capability(void)
{
	struct utsname name;
	unsigned int major = 0, minor = 0;

	return !uname(&name) && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major < 5 || (major == 5 && minor < 19));
}

static int become(const struct sandbox_user *user)
{
	if (geteuid() || !user->uid)
		return 0;
	return setgroups(0, NULL) || setresgid(user->gid, user->gid, user->gid) ||
			       setresuid(user->uid, user->uid, user->uid)
		       ? -errno
		       : 0;
}

/* What a set-user-id program could get by exec. Only who has CAP_SETPCAP may, and may not need to: no-new-privs. */
static void drop_bounds(void)
{
	for (cap_value_t capability = 0; cap_get_bound(capability) >= 0; capability++)
		cap_drop_bound(capability);
}

static int set_capabilities(void)
{
	const cap_value_t bpf = CAP_BPF;
	cap_t capabilities = cap_init();
	int err = capabilities ? 0 : -ENOMEM;

	if (!err && bpf_needs_capability() &&
	    (cap_set_flag(capabilities, CAP_PERMITTED, 1, &bpf, CAP_SET) ||
	     cap_set_flag(capabilities, CAP_EFFECTIVE, 1, &bpf, CAP_SET)))
		err = -errno;
	if (!err && cap_set_proc(capabilities))
		err = -errno;
	cap_free(capabilities);
	return err;
}

int sandbox_drop(const struct sandbox_user *user)
{
	int err = 0;

	drop_bounds();
	if (prctl(PR_SET_KEEPCAPS, bpf_needs_capability(), 0, 0, 0))
		err = -errno;
	if (!err)
		err = become(user);
	cap_reset_ambient();
	if (!err)
		err = set_capabilities();
	if (err)
		message_put("cannot give up its privileges and go on as %s: %s", user->name, strerror(-err));
	return err;
}

int sandbox_enter(const struct sandbox_limits *limits)
{
	const char *advice = "";
	int err = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;

	if (!err)
		err = sandbox_limit_files(limits);
	if (err == -EOPNOTSUPP) {
		err = 0;
		if (limits->bpf)
			message_put("this kernel has no Landlock; seccomp alone keeps files away");
	}
	if (!err) {
		advice = "; does the kernel have CONFIG_SECCOMP_FILTER?";
		err = sandbox_limit_calls(limits);
	}
	if (err)
		message_put("cannot shut itself in: %s%s", strerror(-err), message_advice(err, advice));
	return err;
}
