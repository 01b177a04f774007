/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "watch.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "leftover.h"
#include "message.h"

int watch_open(void)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE), err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int watch_attached(int fd)
{
	const int group = RTNLGRP_TC;

	return setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) ? -errno : 0;
}

static void mark_gone(struct watched *watched)
{
	if (watched->gone)
		return;
	watched->gone = true;
	message_put("%s: the interface is gone; its flows end here", watched->name);
}

/* A filter where ours was is somebody else's: ours came before the watch listened. */
static bool takes_away(const struct nlmsghdr *header, __u32 parent, __u32 handle)
{
	const struct tcmsg *about = NLMSG_DATA(header);
	bool every = header->nlmsg_type == RTM_DELTFILTER && !about->tcm_handle;

	if (header->nlmsg_type == RTM_DELQDISC)
		return about->tcm_parent == TC_H_CLSACT;
	return about->tcm_parent == parent && TC_H_MAJ(about->tcm_info) >> 16 == FILTER_PRIORITY &&
	       (every || about->tcm_handle == handle);
}

/* A qdisc went with all its filters, all filters of one direction, or one; or one was replaced. */
static void read_traffic_control(const struct nlmsghdr *header, struct watched *watched,
				 const struct attachment *attachment)
{
	static const __u32 parents[DIRECTIONS] = {
		[DIRECTION_INGRESS] = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
		[DIRECTION_EGRESS] = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
	};

	for (int direction = 0; direction < DIRECTIONS; direction++) {
		__u32 handle = attachment->filter[direction];

		if (handle && takes_away(header, parents[direction], handle))
			interfaces_mark_off(watched, (enum interface_direction)direction);
	}
}

static const struct rtattr *attribute(const struct rtattr *first, size_t len, unsigned short type)
{
	for (const struct rtattr *at = first; RTA_OK(at, len); at = RTA_NEXT(at, len))
		if ((at->rta_type & NLA_TYPE_MASK) == type)
			return at;
	return NULL;
}

/* Notes whether it has an XDP program, whosever: the last message tells. */
static void read_xdp(const struct nlmsghdr *header, struct watched *watched)
{
	const struct ifinfomsg *link = NLMSG_DATA(header);
	const struct rtattr *xdp = attribute(IFLA_RTA(link), IFLA_PAYLOAD(header), IFLA_XDP);
	const struct rtattr *how = xdp ? attribute(RTA_DATA(xdp), RTA_PAYLOAD(xdp), IFLA_XDP_ATTACHED) : NULL;

	if (how)
		watched->no_xdp = *(const __u8 *)RTA_DATA(how) == XDP_ATTACHED_NONE;
}

static void read_link(const struct nlmsghdr *header, struct watched *watched)
{
	const struct ifinfomsg *link = NLMSG_DATA(header);

	if (link->ifi_family != AF_UNSPEC) /* a bridge sends DELLINK for a port that leaves it, with its own family */
		return;
	if (header->nlmsg_type == RTM_DELLINK)
		mark_gone(watched);
	else
		read_xdp(header, watched);
}

static void read_message(const char *message, size_t len, struct interfaces *interfaces, const struct attach *attach)
{
	const struct nlmsghdr *header = (const void *)message;

	for (; NLMSG_OK(header, len); header = NLMSG_NEXT(header, len)) {
		bool is_link = header->nlmsg_type == RTM_DELLINK || header->nlmsg_type == RTM_NEWLINK;
		bool is_tc = header->nlmsg_type == RTM_DELQDISC || header->nlmsg_type == RTM_DELTFILTER ||
			     header->nlmsg_type == RTM_NEWTFILTER;
		struct watched *watched;
		int ifindex = 0;

		if (is_link)
			ifindex = ((const struct ifinfomsg *)NLMSG_DATA(header))->ifi_index;
		else if (is_tc)
			ifindex = ((const struct tcmsg *)NLMSG_DATA(header))->tcm_ifindex;
		watched = interfaces_by_index(interfaces, (unsigned int)ifindex);
		if (watched && is_link)
			read_link(header, watched);
		else if (watched)
			read_traffic_control(header, watched, &attach->of[watched - interfaces->watched]);
	}
}

/* Messages were lost: ask for each. */
static void ask_all(struct interfaces *interfaces)
{
	char name[IF_NAMESIZE];

	for (unsigned int i = 0; i < interfaces->count; i++)
		if (!if_indextoname(interfaces->watched[i].ifindex, name))
			mark_gone(&interfaces->watched[i]);
}

void watch_read(int fd, struct interfaces *interfaces, const struct attach *attach)
{
	char message[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t len;

	while ((len = recv(fd, message, sizeof(message), 0)) > 0)
		read_message(message, (size_t)len, interfaces, attach);
	if (len < 0 && errno == ENOBUFS)
		ask_all(interfaces);
	for (unsigned int i = 0; i < interfaces->count; i++)
		if (interfaces->watched[i].no_xdp && attach->of[i].xdp && attach->of[i].xdp_link < 0)
			interfaces_mark_off(&interfaces->watched[i], DIRECTION_INGRESS);
}
