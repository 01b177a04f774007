/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a pinned watch says of itself, and the way there and back. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leftover.h"
#include "message.h"
#include "pin.h"

static const char *const link_names[DIRECTIONS] = { [DIRECTION_INGRESS] = "ingress", [DIRECTION_EGRESS] = "egress" };

/* What this build would say, but for the interfaces. */
static void describe(struct pin_state *state)
{
	struct stat about = { 0 };

	*state = (struct pin_state){ 0 };
	snprintf(state->version, sizeof(state->version), "%s", TCPSCOPE_VERSION);
	loader_digest(state->digest);
	stat("/proc/self/ns/net", &about);
	state->namespace_device = about.st_dev;
	state->namespace_inode = about.st_ino;
}

bool pin_is_readable(const struct pin *pin)
{
	struct pin_state own;

	describe(&own);
	return pin->found && !strncmp(pin->state.version, own.version, sizeof(own.version)) &&
	       !memcmp(pin->state.digest, own.digest, sizeof(own.digest));
}

static bool is_of_namespace(const struct pin *pin)
{
	struct pin_state own;

	describe(&own);
	return pin->state.namespace_device == own.namespace_device && pin->state.namespace_inode == own.namespace_inode;
}

/* Does a link hold still? The kernel lets it go when its interface goes, or somebody else detaches it. */
static bool link_holds(const char *path, unsigned int ifindex)
{
	int fd = bpf_obj_get(path), at;

	if (fd < 0)
		return false;
	at = attach_link_ifindex(fd);
	close(fd);
	return at == (int)ifindex;
}

static bool is_by_xdp(const struct pin_interface *interface, int direction)
{
	return direction == DIRECTION_INGRESS && interface->xdp;
}

/* Is a direction watched there that was? */
static bool is_attached(const struct pin *pin, const struct pin_interface *interface, int direction)
{
	bool xdp = is_by_xdp(interface, direction);
	char path[PIN_PATH];

	pin_link_path(pin, interface->ifindex, xdp ? "xdp" : link_names[direction], path);
	if (!access(path, F_OK))
		return link_holds(path, interface->ifindex);
	/* Without a link libxdp's dispatcher holds it, or clsact. */
	return xdp ? leftover_has_xdp(interface->ifindex, pin_run(pin))
		   : leftover_filter(interface->ifindex, direction == DIRECTION_EGRESS, pin_run(pin));
}

static bool was_watched(const struct pin *pin, const struct pin_interface *interface, int direction)
{
	return attach_choice_watches((enum hook_choice)pin->state.hook, interface->loopback,
				     (enum interface_direction)direction);
}

static bool all_attached(const struct pin *pin, const struct pin_interface *interface)
{
	bool all = true;

	for (int direction = 0; direction < DIRECTIONS; direction++)
		all &= !was_watched(pin, interface, direction) || is_attached(pin, interface, direction);
	return all;
}

static const struct watched *watched_of(const struct interfaces *interfaces, const struct pin_interface *interface)
{
	for (unsigned int i = 0; i < interfaces->count; i++)
		if (interfaces->watched[i].ifindex == interface->ifindex)
			return &interfaces->watched[i];
	return NULL;
}

static void list(char *names, size_t size, const struct pin *pin)
{
	size_t len = 0;

	names[0] = 0;
	for (__u32 i = 0; i < pin->state.interfaces && len < size; i++)
		len += (size_t)snprintf(names + len, size - len, " -i %.*s", IF_NAMESIZE, pin->state.interface[i].name);
}

static int __attribute__((format(printf, 2, 3))) refuse(const struct pin *pin, const char *format, ...)
{
	char why[2 * OPTIONS_INTERFACES * (IF_NAMESIZE + 4)];
	va_list words;

	va_start(words, format);
	vsnprintf(why, sizeof(why), format, words);
	message_put("'%s' %s; `tcpscope --unpin %s` ends that watch", pin->name, why, pin->name);
	va_end(words);
	return -EEXIST;
}

/* The same ones; in the order in which the table has them. */
static int interfaces_fit(const struct pin *pin, struct interfaces *interfaces)
{
	struct interfaces sorted = { .count = interfaces->count };
	char names[OPTIONS_INTERFACES * (IF_NAMESIZE + 4) + 1];

	list(names, sizeof(names), pin);
	for (__u32 i = 0; i < pin->state.interfaces; i++) {
		const struct watched *watched = watched_of(interfaces, &pin->state.interface[i]);

		if (!watched || interfaces->count != pin->state.interfaces)
			return refuse(pin, "watches other interfaces, those that were then%s", names);
		if (!all_attached(pin, &pin->state.interface[i]))
			return refuse(pin, "is no longer attached to %s", watched->name);
		sorted.watched[i] = *watched;
	}
	*interfaces = sorted;
	return 0;
}

int pin_fits(const struct pin *pin, const struct options *options, struct interfaces *interfaces)
{
	const struct pin_state *state = &pin->state;

	if (strncmp(state->version, TCPSCOPE_VERSION, sizeof(state->version)))
		return refuse(pin, "was pinned by version %.*s of tcpscope, this is " TCPSCOPE_VERSION, PIN_VERSION,
			      state->version);
	if (!pin_is_readable(pin))
		return refuse(pin, "was pinned by another build of tcpscope " TCPSCOPE_VERSION);
	if (!is_of_namespace(pin))
		return refuse(pin, "watches interfaces of another network namespace");
	if (state->flows != options->flows)
		return refuse(pin, "has room for %u flows, not for %u: give --flows %u to go on with it", state->flows,
			      options->flows, state->flows);
	if (state->hook != (__u32)options->hook)
		return refuse(pin, "was pinned with %s, not %s", options_hook_name((enum hook_choice)state->hook),
			      options_hook_name(options->hook));
	return interfaces_fit(pin, interfaces);
}

void pin_interfaces(const struct pin *pin, struct interfaces *interfaces)
{
	interfaces->count = pin->state.interfaces;
	for (__u32 i = 0; i < pin->state.interfaces; i++) {
		const struct pin_interface *from = &pin->state.interface[i];

		interfaces->watched[i] = (struct watched){ .ifindex = from->ifindex,
							   .ethernet = from->ethernet,
							   .loopback = from->loopback };
		snprintf(interfaces->watched[i].name, IF_NAMESIZE, "%.*s", IF_NAMESIZE - 1, from->name);
	}
}

static int adopt_links(const struct pin *pin, const struct pin_interface *interface, struct attachment *attachment)
{
	int *links[] = { &attachment->xdp_link, &attachment->link[DIRECTION_INGRESS],
			 &attachment->link[DIRECTION_EGRESS] };
	const char *names[] = { "xdp", link_names[DIRECTION_INGRESS], link_names[DIRECTION_EGRESS] };
	char path[PIN_PATH];

	attachment->xdp = interface->xdp;
	for (int i = 0; i < 3; i++) {
		pin_link_path(pin, interface->ifindex, names[i], path);
		*links[i] = bpf_obj_get(path);
		if (*links[i] < 0 && *links[i] != -ENOENT)
			return *links[i];
	}
	for (int direction = 0; direction < DIRECTIONS; direction++)
		if (attachment->link[direction] < 0 && !is_by_xdp(interface, direction) &&
		    was_watched(pin, interface, direction))
			attachment->filter[direction] = leftover_filter(interface->ifindex,
									direction == DIRECTION_EGRESS, pin_run(pin));
	return 0;
}

static const char *how_watched(const struct pin *pin, const struct pin_interface *interface, int direction)
{
	if (!was_watched(pin, interface, direction))
		return "not watched";
	if (!is_attached(pin, interface, direction))
		return "no longer attached";
	return is_by_xdp(interface, direction) ? "by XDP" : "by tc";
}

int pin_adopt(const struct pin *pin, struct loader *loader, struct attach *attach, bool last)
{
	char path[PIN_PATH];
	int err;

	pin_path(pin, "", path);
	err = loader_adopt(loader, path);
	for (__u32 i = 0; i < pin->state.interfaces && !err; i++) {
		const struct pin_interface *interface = &pin->state.interface[i];

		err = adopt_links(pin, interface, &attach->of[i]);
		if (!err)
			message_put("%.*s: taken over as '%s': ingress %s, egress %s", IF_NAMESIZE, interface->name,
				    pin->name, how_watched(pin, interface, DIRECTION_INGRESS),
				    how_watched(pin, interface, DIRECTION_EGRESS));
	}
	if (err == -EMFILE || err == -ENFILE || err == -ENOMEM) /* no reason to remove it */
		message_put("cannot take over '%s': %s%s", pin->name, strerror(-err), message_advice(err, ""));
	else if (err && last)
		message_put("cannot take over '%s', and removes it with the flows that it held: %s", pin->name,
			    strerror(-err));
	else if (err)
		message_put("cannot take over '%s': %s; `tcpscope --unpin %s` removes it", pin->name, strerror(-err),
			    pin->name);
	return err;
}

static int keep_link(const struct pin *pin, unsigned int ifindex, const char *hook, int link)
{
	char path[PIN_PATH];

	pin_link_path(pin, ifindex, hook, path);
	return link < 0 ? 0 : bpf_obj_pin(link, path);
}

static int keep_links(const struct pin *pin, unsigned int ifindex, const struct attachment *attachment)
{
	int err = keep_link(pin, ifindex, "xdp", attachment->xdp_link);

	for (int direction = 0; direction < DIRECTIONS && !err; direction++)
		err = keep_link(pin, ifindex, link_names[direction], attachment->link[direction]);
	return err;
}

static void describe_interface(struct pin_interface *interface, const struct watched *watched, bool xdp)
{
	interface->ifindex = watched->ifindex;
	interface->ethernet = watched->ethernet;
	interface->loopback = watched->loopback;
	interface->xdp = xdp;
	memcpy(interface->name, watched->name, IF_NAMESIZE);
}

static int keep_state(const struct pin *pin)
{
	char path[PIN_PATH];
	__u32 at = 0;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "state", sizeof(at), sizeof(pin->state), 1, NULL), err;

	if (fd < 0)
		return fd;
	pin_path(pin, "state", path);
	err = bpf_map_update_elem(fd, &at, &pin->state, BPF_ANY);
	if (!err)
		err = bpf_obj_pin(fd, path);
	close(fd);
	return err;
}

int pin_keep(struct pin *pin, struct loader *loader, const struct attach *attach, const struct interfaces *interfaces,
	     const struct options *options)
{
	char path[PIN_PATH];
	int err;

	describe(&pin->state);
	pin->state.flows = options->flows;
	pin->state.hook = (__u32)options->hook;
	pin->state.interfaces = interfaces->count;
	for (unsigned int i = 0; i < interfaces->count; i++)
		describe_interface(&pin->state.interface[i], &interfaces->watched[i], attach->of[i].xdp);
	pin_path(pin, "", path);
	err = loader_keep(loader, path);
	for (unsigned int i = 0; i < interfaces->count && !err; i++)
		err = keep_links(pin, interfaces->watched[i].ifindex, &attach->of[i]);
	if (!err)
		err = keep_state(pin);
	if (err)
		message_put("cannot pin '%s': %s%s", pin->name, strerror(-err), message_advice(err, ""));
	pin->found = !err;
	return err;
}
