/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "interfaces.h"

#include <ctype.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"

/* What stands for the kernel's "no header" and for tunnels whose frames begin with IP. */
static const unsigned short headerless[] = { ARPHRD_NONE,    ARPHRD_RAWIP, ARPHRD_PPP,	 ARPHRD_TUNNEL,
					     ARPHRD_TUNNEL6, ARPHRD_SIT,   ARPHRD_IPGRE, ARPHRD_IP6GRE };

/* On a bus, but a neighbour in the same machine: XDP has to copy there, or is emulated. */
static const char *const paravirtual[] = { "virtio_net", "hv_netvsc", "vif", "xen_netfront", "vmxnet3" };

static bool is_headerless(unsigned short type)
{
	for (size_t i = 0; i < sizeof(headerless) / sizeof(headerless[0]); i++)
		if (headerless[i] == type)
			return true;
	return false;
}

static bool is_paravirtual(const char *driver)
{
	for (size_t i = 0; i < sizeof(paravirtual) / sizeof(paravirtual[0]); i++)
		if (!strcmp(paravirtual[i], driver))
			return true;
	return false;
}

/* Software devices name no bus, or a word ("tap", "N/A"); a bus address has digits. */
static bool is_bus_address(const char *bus)
{
	for (; *bus; bus++)
		if (isdigit((unsigned char)*bus))
			return true;
	return false;
}

static void read_driver(struct watched *watched, int fd)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (char *)&info };

	memcpy(request.ifr_name, watched->name, IF_NAMESIZE);
	if (ioctl(fd, SIOCETHTOOL, &request))
		return; /* a device without a driver's name is software */
	snprintf(watched->driver, sizeof(watched->driver), "%.31s", info.driver);
	watched->physical = is_bus_address(info.bus_info) && !is_paravirtual(watched->driver);
}

static int read_kind(struct watched *watched)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;
	unsigned short type;

	if (fd < 0)
		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	memcpy(request.ifr_name, watched->name, IF_NAMESIZE);
	if (ioctl(fd, SIOCGIFHWADDR, &request)) {
		err = -errno;
		goto out;
	}
	type = request.ifr_hwaddr.sa_family;
	watched->loopback = type == ARPHRD_LOOPBACK;
	watched->ethernet = type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK;
	if (!watched->ethernet && !is_headerless(type)) {
		message_put("%s: its frames are of link type %u, which is not understood; "
			    "try the interface it carries",
			    watched->name, type);
		err = -EPFNOSUPPORT;
		goto out;
	}
	if (!ioctl(fd, SIOCGIFFLAGS, &request))
		watched->down = !(request.ifr_flags & IFF_UP);
	read_driver(watched, fd);
out:
	close(fd);
	return err;
}

/* The kernel's map of interfaces is direct-mapped by the low bits of the index. */
static const struct watched *shares_entry(const struct interfaces *interfaces, unsigned int ifindex)
{
	for (unsigned int i = 0; i < interfaces->count; i++)
		if ((interfaces->watched[i].ifindex ^ ifindex) % INTERFACE_INDEXES == 0)
			return &interfaces->watched[i];
	return NULL;
}

static int add(struct interfaces *interfaces, const char *name)
{
	struct watched *watched = &interfaces->watched[interfaces->count];
	/* The kernel would not mind what comes after a colon, which is in no name: it once named an alias. */
	unsigned int ifindex = strchr(name, ':') ? 0 : if_nametoindex(name);
	const struct watched *other;
	int err;

	if (!ifindex) {
		message_put("%s: no such interface; `ip link` lists those there are", name);
		return -ENODEV;
	}
	if (interfaces_by_index(interfaces, ifindex))
		return 0;
	other = shares_entry(interfaces, ifindex);
	if (other) {
		message_put("%s and %s: their interface indexes differ by a multiple of %d, "
			    "so one tcpscope cannot watch both; start one for each",
			    name, other->name, INTERFACE_INDEXES);
		return -EINVAL;
	}
	*watched = (struct watched){ .ifindex = ifindex };
	if (!if_indextoname(ifindex, watched->name)) /* `name` may be another that it goes by */
		return -errno;
	err = read_kind(watched);
	if (err && err != -EPFNOSUPPORT)
		message_put("%s: cannot ask for its kind: %s", name, strerror(-err));
	if (!err && watched->down)
		message_put("%s is down: nothing is seen until it is up", name);
	interfaces->count += !err;
	return err;
}

/* A line of /proc/net/route: to 0.0.0.0/0? */
static bool is_default_ipv4(const char *line, char name[IF_NAMESIZE])
{
	char destination[33], mask[33];

	return sscanf(line, "%15s %32s %*s %*s %*s %*s %*s %32s", name, destination, mask) == 3 &&
	       !strcmp(destination, "00000000") && !strcmp(mask, "00000000");
}

/* A line of /proc/net/ipv6_route: to ::/0? */
static bool is_default_ipv6(const char *line, char name[IF_NAMESIZE])
{
	unsigned int prefix_len;
	char destination[33];

	return sscanf(line, "%32s %x %*s %*s %*s %*s %*s %*s %*s %15s", destination, &prefix_len, name) == 3 &&
	       !prefix_len && strspn(destination, "0") == 32 && strcmp(name, "lo") != 0;
}

/* The first default route of a file, by the interface `only` (NULL: any). */
static bool find_route(const char *path, bool (*is_default)(const char *line, char name[IF_NAMESIZE]), const char *only,
		       char name[IF_NAMESIZE])
{
	FILE *routes = fopen(path, "re");
	char line[256];
	bool found = false;

	while (routes && !found && fgets(line, sizeof(line), routes))
		found = is_default(line, name) && (!only || !strcmp(name, only));
	if (routes)
		fclose(routes);
	return found;
}

/* Of IPv4, or else of IPv6. */
static bool default_route(const char *only, char name[IF_NAMESIZE])
{
	return find_route("/proc/net/route", is_default_ipv4, only, name) ||
	       find_route("/proc/net/ipv6_route", is_default_ipv6, only, name);
}

/* --tap takes from the host all that arrives: not where its own traffic does. */
static int check_tap(const struct interfaces *interfaces)
{
	char name[IF_NAMESIZE];

	for (unsigned int i = 0; i < interfaces->count; i++) {
		const struct watched *watched = &interfaces->watched[i];

		if (watched->ethernet && !watched->loopback && !default_route(watched->name, name))
			continue;
		message_put("%s: %s; --tap drops all that arrives: name a mirror port", watched->name,
			    watched->loopback	? "this host's own traffic goes through it"
			    : watched->ethernet ? "a default route leads there"
						: "its frames have no Ethernet header, so XDP does not see them");
		return -EINVAL;
	}
	return 0;
}

int interfaces_find(struct interfaces *interfaces, const struct options *options)
{
	char name[IF_NAMESIZE];
	int err = 0;

	interfaces->count = 0;
	for (unsigned int i = 0; i < options->interfaces && !err; i++)
		err = add(interfaces, options->interface[i]);
	if (options->interfaces)
		return err || options->hook != HOOK_TAP ? err : check_tap(interfaces);
	if (!default_route(NULL, name)) {
		message_put("no interface named and no default route to take one from; use -i NAME");
		return -ENODEV;
	}
	return add(interfaces, name);
}

struct watched *interfaces_by_index(struct interfaces *interfaces, unsigned int ifindex)
{
	for (unsigned int i = 0; i < interfaces->count; i++)
		if (interfaces->watched[i].ifindex == ifindex)
			return &interfaces->watched[i];
	return NULL;
}

void interfaces_mark_off(struct watched *watched, enum interface_direction direction)
{
	if (watched->gone || watched->off[direction])
		return;
	watched->off[direction] = true;
	message_put(
		"%s: somebody else has taken its %s program off: what passes there is not seen any more; a new start "
		"attaches it again",
		watched->name, direction == DIRECTION_INGRESS ? "ingress" : "egress");
}

bool interfaces_any_off(const struct interfaces *interfaces)
{
	for (unsigned int i = 0; i < interfaces->count; i++)
		for (int direction = 0; direction < DIRECTIONS && !interfaces->watched[i].gone; direction++)
			if (interfaces->watched[i].off[direction])
				return true;
	return false;
}
