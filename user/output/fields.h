/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow record by name: one walk over its fields, in the order of the record's description, that each emitter turns
 * into its own text. So no two of them differ in what they know of a flow. */
#ifndef TCPSCOPE_FIELDS_H
#define TCPSCOPE_FIELDS_H

#include "record.h"

enum { RECORD_VERSION = 1 };

struct field_name {
	const char *text; /* NULL: an item of a list */
	size_t len;
};

/* What an emitter does with each thing that the walk meets; `to` is its own. */
struct emitter {
	/* The object `name` begins; `known` false: nothing in it is. Returns whether the walk is to go into it, and so
	 * to end it; one that is not known and gone into has its fields, whose values mean nothing. */
	bool (*object_begin)(void *to, struct field_name name, bool known);
	void (*object_end)(void *to);
	void (*list_begin)(void *to, struct field_name name);
	void (*list_end)(void *to);
	void (*put_unknown)(void *to, struct field_name name);
	void (*put_unsigned)(void *to, struct field_name name, __u64 value);
	void (*put_signed)(void *to, struct field_name name, __s64 value);
	void (*put_bool)(void *to, struct field_name name, bool value);
	/* ASCII of ours. */
	void (*put_word)(void *to, struct field_name name, const char *word);
	/* Any octets. */
	void (*put_text)(void *to, struct field_name name, const char *text);
};

void fields_walk(const struct record *record, const struct emitter *emitter, void *to);

#endif
