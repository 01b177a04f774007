/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who puts a map in a map returns when no program uses the one that was there before (kernel 4.20). membarrier(2) waits
 * likewise, but refuses to on a kernel with nohz_full, and promises nothing of programs. */
#include "grace.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

int grace_open(struct grace *grace)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	int err;

	grace->outer = -1;
	grace->inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "grace", sizeof(__u32), sizeof(__u32), 1, NULL);
	if (grace->inner < 0)
		return -errno;
	options.inner_map_fd = (__u32)grace->inner;
	grace->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "grace", sizeof(__u32), sizeof(__u32), 1, &options);
	if (grace->outer >= 0)
		return 0;
	err = -errno;
	grace_close(grace);
	return err;
}

int grace_wait(const struct grace *grace)
{
	const __u32 at = 0;

	return bpf_map_update_elem(grace->outer, &at, &grace->inner, BPF_ANY) ? -errno : 0;
}

void grace_close(struct grace *grace)
{
	if (grace->outer >= 0)
		close(grace->outer);
	if (grace->inner >= 0)
		close(grace->inner);
	*grace = (struct grace){ .outer = -1, .inner = -1 };
}
