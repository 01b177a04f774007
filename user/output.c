/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The list of outputs. */
#include "output.h"

#include <string.h>

static const struct output *const outputs[] = { &output_table, &output_json, &output_zeek };

const struct output *output_named(const char *name)
{
	for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		if (!strcmp(outputs[i]->name, name))
			return outputs[i];
	}
	return NULL;
}
