/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "watch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void mark_gone(struct watched *watched)
{
	if (watched->gone)
		return;
	watched->gone = true;
	message_put("%s: the interface is gone; its flows end here", watched->name);
}

static void read_message(const char *message, size_t len, struct interfaces *interfaces)
{
	const struct nlmsghdr *header = (const void *)message;

	for (; NLMSG_OK(header, len); header = NLMSG_NEXT(header, len)) {
		const struct ifinfomsg *link = NLMSG_DATA(header);
		struct watched *watched;

		/* A bridge sends DELLINK for a port that leaves it, with its own family. */
		if (header->nlmsg_type != RTM_DELLINK || link->ifi_family != AF_UNSPEC)
			continue;
		watched = interfaces_by_index(interfaces, (unsigned int)link->ifi_index);
		if (watched)
			mark_gone(watched);
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

unsigned int watch_read(int fd, struct interfaces *interfaces)
{
	char message[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	unsigned int left = 0;
	ssize_t len;

	while ((len = recv(fd, message, sizeof(message), 0)) > 0)
		read_message(message, (size_t)len, interfaces);
	if (len < 0 && errno == ENOBUFS)
		ask_all(interfaces);
	for (unsigned int i = 0; i < interfaces->count; i++)
		left += !interfaces->watched[i].gone;
	return left;
}
