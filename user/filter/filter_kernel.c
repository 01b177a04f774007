/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "filter_kernel.h"

#include <errno.h>
#include <stdio.h>

#include "../../include/link.h"
#include "filter_program.h"
#include "message.h"

/* Returns 0, or -EINVAL with the reason in `why`. */
static int copy_code(struct classic_code *code, const struct bpf_program *program, char why[FILTER_WHY])
{
	if (program->bf_len > CLASSIC_ROOM) {
		snprintf(why, FILTER_WHY, "%u instructions are too many for the kernel, which takes %d",
			 program->bf_len, CLASSIC_ROOM);
		return -EINVAL;
	}
	for (code->count = 0; code->count < program->bf_len; code->count++) {
		const struct bpf_insn *insn = &program->bf_insns[code->count];

		code->step[code->count] = (struct classic_step){ insn->code, insn->jt, insn->jf, insn->k };
	}
	return 0;
}

static int compile(struct classic_code *code, int dlt, const char *expression, char why[FILTER_WHY])
{
	struct bpf_program program;
	int err = filter_program(&program, dlt, expression, why);

	*code = (struct classic_code){ .count = 0 };
	if (!err) {
		err = copy_code(code, &program, why);
		pcap_freecode(&program);
	}
	return err;
}

int filter_kernel(struct classic_code code[LADDER_LINKS], const char *expression)
{
	char of_ethernet[FILTER_WHY], of_ip[FILTER_WHY];
	int err = compile(&code[LINK_ETHERNET], DLT_EN10MB, expression, of_ethernet);

	if (!compile(&code[LINK_IP], DLT_RAW, expression, of_ip) || !err)
		return 0;
	message_put("filter '%s': %s", expression, of_ethernet);
	return err;
}
