/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "leftover.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "../../include/shape.h"

/* A run, as one of its programs tells. */
struct instance {
	__u32 reports; /* id of its ring buffer; 0: the program is not ours */
	bool kept;     /* on purpose, by --pin */
};

enum {
	MAPS_MAX = 64,	   /* that a program refers to */
	PROGRAMS_MAX = 64, /* on one interface: more than libxdp attaches */
};

static int instance_bind(__u32 reports_id)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "tcpscope/%u", reports_id);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static bool instance_alive(__u32 reports_id)
{
	int fd = instance_bind(reports_id);

	if (fd >= 0)
		close(fd);
	return fd < 0;
}

int instance_announce(int reports_fd)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(reports_fd, &info, &len) ? -errno : instance_bind(info.id);
}

static bool map_has_name(__u32 id, const char *name)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);
	bool has;

	if (fd < 0)
		return false;
	has = !bpf_obj_get_info_by_fd(fd, &info, &len) && !strcmp(info.name, name);
	close(fd);
	return has;
}

static bool is_our_name(const char *name)
{
	return !strcmp(name, "xdp_ingress") || !strcmp(name, "tc_ingress") || !strcmp(name, "tc_egress");
}

static bool map_says_kept(__u32 id)
{
	int fd = map_has_name(id, ".data.table") ? bpf_map_get_fd_by_id(id) : -1;
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info), at = 0;
	struct table_shape shape = { 0 };

	if (fd < 0)
		return false;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.value_size != sizeof(shape) ||
	    bpf_map_lookup_elem(fd, &at, &shape))
		shape.kept = 0;
	close(fd);
	return shape.kept;
}

static struct instance instance_of(int program_fd)
{
	__u32 maps[MAPS_MAX], len = sizeof(struct bpf_prog_info), ours = 0;
	struct instance instance = { 0 };
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX, .map_ids = (__u64)(unsigned long)maps };

	if (bpf_obj_get_info_by_fd(program_fd, &info, &len) || !is_our_name(info.name))
		return instance;
	for (__u32 i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++) {
		if (map_has_name(maps[i], "reports"))
			instance.reports = maps[i];
		instance.kept |= map_says_kept(maps[i]);
		ours += map_has_name(maps[i], "flows") || map_has_name(maps[i], "facts");
	}
	if (ours != 2)
		instance.reports = 0;
	return instance;
}

/* Of run `run`; 0: of one that no longer lives and left it by mistake. */
static bool is_leftover(int program_fd, __u32 run)
{
	struct instance instance = instance_of(program_fd);

	if (run)
		return instance.reports == run;
	return instance.reports && !instance.kept && !instance_alive(instance.reports);
}

/* The first one, alone or in libxdp's dispatcher; NULL: there is none. */
static struct xdp_program *find_xdp(const struct xdp_multiprog *attached, __u32 run)
{
	struct xdp_program *program;

	if (xdp_multiprog__is_legacy(attached)) {
		program = xdp_multiprog__main_prog(attached);
		return is_leftover(xdp_program__fd(program), run) ? program : NULL;
	}
	program = xdp_multiprog__next_prog(NULL, attached);
	while (program && !is_leftover(xdp_program__fd(program), run))
		program = xdp_multiprog__next_prog(program, attached);
	return program;
}

/* One at a time: what is attached beside it is attached anew by each removal. Returns 1 if it removed one. */
static int remove_one_xdp(unsigned int ifindex, __u32 run)
{
	struct xdp_multiprog *attached = xdp_multiprog__get_from_ifindex((int)ifindex);
	struct xdp_program *program;
	int err = -ENOENT;

	if (libxdp_get_error(attached) || !attached)
		return 0;
	program = find_xdp(attached, run);
	if (program && xdp_multiprog__is_legacy(attached))
		err = xdp_multiprog__detach(attached);
	else if (program)
		err = xdp_program__detach(program, (int)ifindex, xdp_multiprog__attach_mode(attached), 0);
	xdp_multiprog__close(attached);
	return err == 0;
}

bool leftover_xdp_in_use(unsigned int ifindex)
{
	struct xdp_multiprog *attached = xdp_multiprog__get_from_ifindex((int)ifindex);
	struct instance instance = { 0 };

	if (libxdp_get_error(attached) || !attached)
		return false;
	if (xdp_multiprog__is_legacy(attached))
		instance = instance_of(xdp_program__fd(xdp_multiprog__main_prog(attached)));
	xdp_multiprog__close(attached);
	return instance.reports && (instance.kept || instance_alive(instance.reports));
}

bool leftover_has_xdp(unsigned int ifindex, unsigned int reports_id)
{
	struct xdp_multiprog *attached = xdp_multiprog__get_from_ifindex((int)ifindex);
	bool has;

	if (libxdp_get_error(attached) || !attached)
		return false;
	has = find_xdp(attached, reports_id);
	xdp_multiprog__close(attached);
	return has;
}

/* As is_leftover, of a program by its id: 1 or 0, or -errno; -EPERM: the kernel does not say. */
static int is_leftover_id(__u32 program, __u32 run)
{
	int fd = program ? bpf_prog_get_fd_by_id(program) : 0, left;

	if (!program || fd < 0)
		return fd;
	left = is_leftover(fd, run);
	close(fd);
	return left;
}

/* The id of the program of a filter of ours; 0: there is none. */
static __u32 filter_program(unsigned int ifindex, enum bpf_tc_attach_point point, __u32 handle)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = handle, .priority = FILTER_PRIORITY);

	return bpf_tc_query(&hook, &filter) ? 0 : filter.prog_id;
}

unsigned int leftover_filter(unsigned int ifindex, bool egress, unsigned int reports_id)
{
	for (__u32 handle = 1; handle <= FILTER_HANDLE_MAX; handle++) {
		__u32 program = filter_program(ifindex, egress ? BPF_TC_EGRESS : BPF_TC_INGRESS, handle);
		int found = is_leftover_id(program, reports_id);

		if (found == 1 || found == -EPERM)
			return handle;
	}
	return 0;
}

bool leftover_made_qdisc(unsigned int ifindex)
{
	for (__u32 handle = FILTER_HANDLES + 1; handle <= FILTER_HANDLE_MAX; handle++)
		if (filter_program(ifindex, BPF_TC_INGRESS, handle) || filter_program(ifindex, BPF_TC_EGRESS, handle))
			return true;
	return false;
}

static bool detach_filter(unsigned int ifindex, enum bpf_tc_attach_point point, __u32 handle)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = handle, .priority = FILTER_PRIORITY);

	return !bpf_tc_detach(&hook, &filter);
}

/* 1 if it is of that run, as is_leftover, and was removed. */
static int remove_filter(unsigned int ifindex, enum bpf_tc_attach_point point, __u32 handle, __u32 run)
{
	return is_leftover_id(filter_program(ifindex, point, handle), run) == 1 &&
	       detach_filter(ifindex, point, handle);
}

/* Does a clsact hook hold any filter? Also true if the kernel does not say. */
static bool has_filters(int netlink, unsigned int ifindex, __u32 parent)
{
	struct {
		struct nlmsghdr header;
		struct tcmsg body;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETTFILTER,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .tcm_family = AF_UNSPEC, .tcm_ifindex = (int)ifindex, .tcm_parent = parent },
	};
	char reply[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *first = (const void *)reply;
	ssize_t len;

	if (send(netlink, &request, sizeof(request), 0) != (ssize_t)sizeof(request))
		return true;
	len = recv(netlink, reply, sizeof(reply), 0);
	return len < (ssize_t)sizeof(*first) || first->nlmsg_type != NLMSG_DONE;
}

/* The same of both hooks. Nearly always no: a clsact qdisc is seldom there. */
static bool has_any_filter(unsigned int ifindex)
{
	const __u32 parents[] = { TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS) };
	bool used = false;

	for (int i = 0; i < 2 && !used; i++) {
		int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

		used = netlink < 0 || has_filters(netlink, ifindex, parents[i]);
		if (netlink >= 0)
			close(netlink);
	}
	return used;
}

void leftover_remove_qdisc(unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (!has_any_filter(ifindex))
		bpf_tc_hook_destroy(&hook);
}

int leftover_remove_run(unsigned int ifindex, unsigned int reports_id)
{
	int programs = 0, filters = 0, made = 0;

	while (programs < PROGRAMS_MAX && remove_one_xdp(ifindex, reports_id))
		programs++;
	if (!has_any_filter(ifindex))
		return programs;
	for (__u32 handle = 1; handle <= FILTER_HANDLE_MAX; handle++) {
		int removed = remove_filter(ifindex, BPF_TC_INGRESS, handle, reports_id) +
			      remove_filter(ifindex, BPF_TC_EGRESS, handle, reports_id);

		filters += removed;
		made += handle > FILTER_HANDLES ? removed : 0;
	}
	if (made)
		leftover_remove_qdisc(ifindex);
	return programs + filters;
}

int leftover_remove(unsigned int ifindex) { return leftover_remove_run(ifindex, 0); }

/* As remove_filter, of this very program. */
static int remove_own_filter(unsigned int ifindex, enum bpf_tc_attach_point point, __u32 handle, __u32 program)
{
	return program && filter_program(ifindex, point, handle) == program && detach_filter(ifindex, point, handle);
}

void leftover_remove_own(unsigned int ifindex, const struct leftover_programs *own)
{
	__u32 attached = 0;
	int made = 0;

	if (own->xdp && !bpf_xdp_query_id((int)ifindex, 0, &attached) && attached == own->xdp)
		bpf_xdp_detach((int)ifindex, 0, NULL);
	for (__u32 handle = 1; handle <= FILTER_HANDLE_MAX; handle++) {
		int removed = remove_own_filter(ifindex, BPF_TC_INGRESS, handle, own->tc[0]) +
			      remove_own_filter(ifindex, BPF_TC_EGRESS, handle, own->tc[1]);

		made += handle > FILTER_HANDLES ? removed : 0;
	}
	if (made)
		leftover_remove_qdisc(ifindex);
}
