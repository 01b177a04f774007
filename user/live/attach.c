/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "attach.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "leftover.h"
#include "message.h"

/* Kernel 6.6's numbers of enum bpf_attach_type, which older headers lack. */
static const enum bpf_attach_type tcx[DIRECTIONS] = {
	[DIRECTION_INGRESS] = (enum bpf_attach_type)46, [DIRECTION_EGRESS] = (enum bpf_attach_type)47
};
static const enum bpf_tc_attach_point clsact[DIRECTIONS] = {
	[DIRECTION_INGRESS] = BPF_TC_INGRESS, [DIRECTION_EGRESS] = BPF_TC_EGRESS
};
static const char *const program[DIRECTIONS] = { [DIRECTION_INGRESS] = "tc_ingress", [DIRECTION_EGRESS] = "tc_egress" };

void attach_open(struct attach *attach, struct loader *loader, const struct options *options)
{
	*attach = (struct attach){ .loader = loader, .choice = options->hook, .stats = options->stats };
	for (int i = 0; i < OPTIONS_INTERFACES; i++)
		attach->of[i].link[DIRECTION_INGRESS] = attach->of[i].link[DIRECTION_EGRESS] = attach->of[i].xdp_link =
			-1;
}

/* ---- XDP ---- */

/* No other hook will do, and generic XDP will. */
static bool must_xdp(const struct attach *attach) { return attach->choice == HOOK_XDP || attach->choice == HOOK_TAP; }

static bool wants_xdp(const struct attach *attach, const struct watched *watched)
{
	if (!watched->ethernet || attach->choice == HOOK_TC)
		return false;
	return must_xdp(attach) || watched->physical;
}

/* Why XDP is not in use, in words that follow "because". */
static void explain_no_xdp(const struct attach *attach, const struct watched *watched, int err, char *why, size_t size)
{
	if (attach->choice == HOOK_TC)
		snprintf(why, size, "--hook tc");
	else if (!watched->ethernet)
		snprintf(why, size, "its frames have no Ethernet header");
	else if (!err)
		snprintf(why, size, "%s is not a physical NIC", watched->driver[0] ? watched->driver : watched->name);
	else if ((err == -EBUSY || err == -EEXIST) && leftover_xdp_in_use(watched->ifindex))
		snprintf(why, size, "another tcpscope holds its XDP hook, which this kernel cannot share");
	else if (err == -EBUSY || err == -EEXIST)
		snprintf(why, size, "another program holds its XDP hook, without libxdp's dispatcher");
	else
		snprintf(why, size, "driver %s refused native XDP: %s", watched->driver, strerror(-err));
}

static void note_xdp(struct attachment *attachment, const char *mode, const char *why)
{
	snprintf(attachment->how[DIRECTION_INGRESS], ATTACH_WORDS, "by XDP, %s, because %s", mode, why);
}

/* Did libxdp attach the program itself, without its dispatcher? */
static bool is_alone(unsigned int ifindex)
{
	struct xdp_multiprog *attached = xdp_multiprog__get_from_ifindex((int)ifindex);
	bool alone = attached && !libxdp_get_error(attached) && xdp_multiprog__is_legacy(attached);

	if (attached && !libxdp_get_error(attached))
		xdp_multiprog__close(attached);
	return alone;
}

/* What hangs there alone had better hang by a link (kernel 5.9): that goes with the program, also from an interface
 * that was moved to another namespace, where netlink does not reach it. Returns 0 or -errno, then nothing is
 * attached. */
static int hold_by_link(struct attach *attach, const struct watched *watched, enum xdp_attach_mode mode, int *link)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = mode == XDP_MODE_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	int err;

	if (!is_alone(watched->ifindex))
		return 0;
	err = xdp_program__detach(attach->xdp, (int)watched->ifindex, mode, 0);
	if (err)
		return err;
	*link = bpf_link_create(xdp_program__fd(attach->xdp), (int)watched->ifindex, BPF_XDP, &options);
	if (*link >= 0)
		return 0;
	*link = -1;
	return xdp_program__attach(attach->xdp, (int)watched->ifindex, mode, 0);
}

static int attach_xdp_as(struct attach *attach, const struct watched *watched, enum xdp_attach_mode mode, int *link)
{
	int err = xdp_program__attach(attach->xdp, (int)watched->ifindex, mode, 0);

	return err ? err : hold_by_link(attach, watched, mode, link);
}

static int attach_xdp(struct attach *attach, const struct watched *watched, unsigned int number)
{
	const char *why = must_xdp(attach) ? options_hook_name(attach->choice) : "it is a physical NIC with native XDP";
	char also[80];
	int *link = &attach->of[number].xdp_link, err = attach_xdp_as(attach, watched, XDP_MODE_NATIVE, link);

	if (!err) {
		note_xdp(&attach->of[number], "native", why);
	} else if (must_xdp(attach) && err != -EBUSY && err != -EEXIST &&
		   !attach_xdp_as(attach, watched, XDP_MODE_SKB, link)) { /* the first error says more */
		err = 0;
		snprintf(also, sizeof(also), "%s, and its driver has no native XDP", why);
		note_xdp(&attach->of[number], "generic (slower)", also);
	}
	attach->of[number].xdp = !err;
	return err;
}

static int open_xdp(struct attach *attach)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, options, .obj = attach->loader->object, .prog_name = "xdp_ingress");
	struct xdp_program *xdp = xdp_program__create(&options);

	if (libxdp_get_error(xdp))
		return (int)libxdp_get_error(xdp);
	attach->xdp = xdp;
	return 0;
}

int attach_load(struct attach *attach, struct interfaces *interfaces)
{
	struct bpf_program *ingress = bpf_object__find_program_by_name(attach->loader->object, "xdp_ingress");
	struct watched first;
	int err = 0, refusal = 0;

	for (unsigned int i = 0; i < interfaces->count && !attach->loader->loaded && !err; i++) {
		if (!wants_xdp(attach, &interfaces->watched[i]))
			continue;
		if (!attach->xdp)
			err = open_xdp(attach);
		if (!err)
			refusal = attach_xdp(attach, &interfaces->watched[i], 0);
		if (err || refusal)
			continue; /* attach_interface tries again, and says what is the matter */
		attach->loader->loaded = true;
		first = interfaces->watched[i];
		interfaces->watched[i] = interfaces->watched[0];
		interfaces->watched[0] = first;
	}
	if (attach->loader->loaded || bpf_program__fd(ingress) >= 0) {
		attach->loader->loaded = true;
		return 0;
	}
	return loader_load(attach->loader, refusal, attach->stats);
}

/* ---- tc ---- */

static int attach_filter(struct attach *attach, const struct watched *watched, unsigned int number,
			 enum interface_direction direction)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)watched->ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct attachment *attachment = &attach->of[number];
	int err = bpf_tc_hook_create(&hook);
	__u32 first;

	if (err && err != -EEXIST)
		return err;
	attachment->made_qdisc = attachment->made_qdisc || !err || leftover_made_qdisc(watched->ifindex);
	first = attachment->made_qdisc ? FILTER_HANDLES + 1 : 1;
	hook.attach_point = clsact[direction];
	for (__u32 handle = first; handle < first + FILTER_HANDLES; handle++) {
		LIBBPF_OPTS(bpf_tc_opts, filter, .handle = handle, .priority = FILTER_PRIORITY,
			    .prog_fd = loader_program(attach->loader, program[direction]));

		err = bpf_tc_attach(&hook, &filter);
		if (!err)
			attachment->filter[direction] = handle;
		if (err != -EEXIST)
			return err;
	}
	return err;
}

/* Returns how it is attached, or NULL and the error. TCPSCOPE_CLSACT in the environment passes tcx over, for tests. */
static const char *attach_tc(struct attach *attach, const struct watched *watched, unsigned int number,
			     enum interface_direction direction, int *err)
{
	int fd = -EINVAL;

	if (!getenv("TCPSCOPE_CLSACT"))
		fd = bpf_link_create(loader_program(attach->loader, program[direction]), (int)watched->ifindex,
				     tcx[direction], NULL);
	if (fd >= 0) {
		attach->of[number].link[direction] = fd;
		return "tcx";
	}
	*err = fd == -EINVAL ? attach_filter(attach, watched, number, direction) : fd;
	return *err ? NULL : "clsact";
}

static int explain_tc(const struct watched *watched, enum interface_direction direction, int err)
{
	message_put("%s: cannot attach to tc %s: %s%s", watched->name,
		    direction == DIRECTION_INGRESS ? "ingress" : "egress", strerror(-err),
		    err == -EPERM ? "; run it as root, or with the capability NET_ADMIN"
				  : message_advice(err, "; does the kernel have CONFIG_NET_CLS_BPF and "
							"CONFIG_NET_SCH_INGRESS?"));
	return err;
}

static int attach_ingress(struct attach *attach, const struct watched *watched, unsigned int number)
{
	char why[160];
	const char *how;
	int err = 0;

	if (!attach->of[number].xdp && wants_xdp(attach, watched)) {
		err = attach->xdp ? 0 : open_xdp(attach);
		if (!err)
			err = attach_xdp(attach, watched, number);
	}
	if (attach->of[number].xdp)
		return 0;
	explain_no_xdp(attach, watched, err, why, sizeof(why));
	if (err && must_xdp(attach)) {
		message_put("%s: cannot attach to XDP: %s; %s", watched->name, why,
			    attach->choice == HOOK_TAP ? "--tap needs it" : "try --hook tc");
		return err;
	}
	how = attach_tc(attach, watched, number, DIRECTION_INGRESS, &err);
	if (!how)
		return explain_tc(watched, DIRECTION_INGRESS, err);
	snprintf(attach->of[number].how[DIRECTION_INGRESS], ATTACH_WORDS, "by tc (%s), because %s", how, why);
	return 0;
}

bool attach_choice_watches(enum hook_choice choice, bool loopback, enum interface_direction direction)
{
	return direction == DIRECTION_INGRESS || (!loopback && choice != HOOK_TAP);
}

bool attach_watches(const struct attach *attach, const struct watched *watched, enum interface_direction direction)
{
	return attach_choice_watches(attach->choice, watched->loopback, direction);
}

static int attach_egress(struct attach *attach, const struct watched *watched, unsigned int number)
{
	char *words = attach->of[number].how[DIRECTION_EGRESS];
	const char *how;
	int err = 0;

	if (!attach_watches(attach, watched, DIRECTION_EGRESS)) {
		snprintf(words, ATTACH_WORDS, "not watched, because %s",
			 watched->loopback ? "it receives what it sends"
					   : "--tap drops what arrives, and nothing is sent there");
		return 0;
	}
	how = attach_tc(attach, watched, number, DIRECTION_EGRESS, &err);
	if (!how)
		return explain_tc(watched, DIRECTION_EGRESS, err);
	snprintf(words, ATTACH_WORDS, "by tc (%s)", how);
	return 0;
}

int attach_interface(struct attach *attach, const struct watched *watched, unsigned int number)
{
	int err = attach_ingress(attach, watched, number);

	return err ? err : attach_egress(attach, watched, number);
}

void attach_announce(const struct attach *attach, const struct watched *watched, unsigned int number)
{
	const struct attachment *attachment = &attach->of[number];

	message_put("%s: ingress %s", watched->name, attachment->how[DIRECTION_INGRESS]);
	message_put("%s: egress %s", watched->name, attachment->how[DIRECTION_EGRESS]);
}

static void detach_tc(const struct watched *watched, struct attachment *attachment, enum interface_direction direction)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)watched->ifindex, .attach_point = clsact[direction]);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = attachment->filter[direction], .priority = FILTER_PRIORITY);
	int err = 0;

	if (attachment->link[direction] >= 0)
		close(attachment->link[direction]);
	attachment->link[direction] = -1;
	if (attachment->filter[direction] && !watched->gone)
		err = bpf_tc_detach(&hook, &filter);
	if (err && err != -ENOENT && err != -ENODEV && err != -EINVAL)
		message_put("%s: cannot remove its tc filter: %s", watched->name, strerror(-err));
	attachment->filter[direction] = 0;
}

void detach_interface(struct attach *attach, const struct watched *watched, unsigned int number)
{
	struct attachment *attachment = &attach->of[number];
	int err = 0;

	if (attachment->xdp_link >= 0)
		close(attachment->xdp_link);
	else if (attachment->xdp && !watched->gone)
		err = xdp_program__detach(attach->xdp, (int)watched->ifindex, XDP_MODE_UNSPEC, 0);
	if (err && err != -ENOENT && err != -ENODEV)
		message_put("%s: cannot detach from XDP: %s; `ip link set %s xdp off` does it", watched->name,
			    strerror(-err), watched->name);
	attachment->xdp = false;
	attachment->xdp_link = -1;
	detach_tc(watched, attachment, DIRECTION_INGRESS);
	detach_tc(watched, attachment, DIRECTION_EGRESS);
	if (attachment->made_qdisc && !watched->gone)
		leftover_remove_qdisc(watched->ifindex);
	attachment->made_qdisc = false;
}

int attach_link_ifindex(int link)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(link, &info, &len) ? -errno
							 : (int)info.xdp.ifindex; /* tcx has it in the same place */
}

/* A link that was detached has no interface any more; so has one whose interface goes, and then has no name. */
static bool link_is_off(int link, const struct watched *watched)
{
	char name[IF_NAMESIZE];

	return link >= 0 && !attach_link_ifindex(link) && if_indextoname(watched->ifindex, name);
}

void attach_look(const struct attach *attach, struct watched *watched, unsigned int number)
{
	const struct attachment *attachment = &attach->of[number];

	if (watched->gone)
		return;
	if (link_is_off(attachment->xdp_link, watched))
		interfaces_mark_off(watched, DIRECTION_INGRESS);
	for (int direction = 0; direction < DIRECTIONS; direction++)
		if (link_is_off(attachment->link[direction], watched))
			interfaces_mark_off(watched, (enum interface_direction)direction);
}

void attach_close_links(struct attach *attach, unsigned int number)
{
	if (attach->of[number].xdp_link >= 0)
		close(attach->of[number].xdp_link);
	attach->of[number].xdp_link = -1;
	for (int direction = 0; direction < DIRECTIONS; direction++) {
		if (attach->of[number].link[direction] >= 0)
			close(attach->of[number].link[direction]);
		attach->of[number].link[direction] = -1;
	}
}

void attach_close(struct attach *attach)
{
	xdp_program__close(attach->xdp);
	attach->xdp = NULL;
}
