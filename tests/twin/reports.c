/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "reports.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_SHOWN = 4 };

void reports_add(void *context, const struct report *report)
{
	struct reports *reports = context;
	size_t room = reports->room ? reports->room * 2 : 64;
	struct report *more;

	if (reports->count == reports->room) {
		more = realloc(reports->report, room * sizeof(*more));
		if (!more) {
			reports->failed = true;
			return;
		}
		reports->report = more;
		reports->room = room;
	}
	memcpy(&reports->report[reports->count++], report, sizeof(*report)); /* padding too */
}

int reports_add_sample(void *context, void *sample, size_t size)
{
	struct reports *reports = context;

	if (size == sizeof(struct report))
		reports_add(context, sample);
	else
		reports->failed = true;
	return 0;
}

void reports_take(struct reports *reports, struct handover *handover, struct flow_bucket *flows,
		  struct facts_bucket *facts, struct service_set *services)
{
	struct report report = {};

	while (handover_take(handover, flows, facts, &report)) {
		reports_add(reports, &report);
		handover_taken(handover, flows, facts, services, &report);
	}
}

void reports_close(struct reports *reports)
{
	free(reports->report);
	*reports = (struct reports){};
}

__attribute__((format(printf, 2, 3))) static void tell(struct difference *difference, const char *format, ...)
{
	size_t used = strlen(difference->text);
	va_list values;

	va_start(values, format);
	vsnprintf(difference->text + used, sizeof(difference->text) - used, format, values);
	va_end(values);
}

/* A scalar within a struct: where, how long, and its name. */
struct field {
	size_t offset, size;
	char name[96];
};

static void field_append(struct field *field, const char *format, const char *name, size_t index)
{
	size_t used = strlen(field->name);

	if (name)
		snprintf(field->name + used, sizeof(field->name) - used, format, name);
	else
		snprintf(field->name + used, sizeof(field->name) - used, "[%zu]", index);
}

/* The member of a struct that holds the octet at `offset`; NULL: padding. */
static const struct btf_member *member_at(const struct btf *btf, const struct btf_type *type, size_t offset)
{
	const struct btf_member *member = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++) {
		size_t from = btf_member_bit_offset(type, (__u32)i) / 8;

		if (offset >= from && offset < from + (size_t)btf__resolve_size(btf, member[i].type))
			return &member[i];
	}
	return NULL;
}

/* Finds the scalar of type `id` that holds the octet at `offset`; false: padding. */
static bool field_find(const struct btf *btf, int id, size_t offset, struct field *field)
{
	for (int depth = 0; depth < 16; depth++) {
		const struct btf_type *type = btf__type_by_id(btf, (__u32)(id = btf__resolve_type(btf, (__u32)id)));

		if (btf_is_array(type)) {
			size_t size = (size_t)btf__resolve_size(btf, btf_array(type)->type);

			id = (int)btf_array(type)->type;
			field_append(field, NULL, NULL, offset / size);
			field->offset += offset / size * size;
			offset %= size;
		} else if (btf_is_composite(type)) {
			const struct btf_member *member = member_at(btf, type, offset);

			if (!member)
				return false;
			field_append(field, ".%s", btf__name_by_offset(btf, member->name_off), 0);
			field->offset += member->offset / 8;
			offset -= member->offset / 8;
			id = (int)member->type;
		} else {
			field->size = (size_t)btf__resolve_size(btf, (__u32)id);
			return true;
		}
	}
	return false;
}

static __u64 field_value(const void *bytes, const struct field *field)
{
	__u64 value = 0;

	memcpy(&value, (const char *)bytes + field->offset, field->size);
	return value;
}

/* Names the scalars of one struct that differ. */
static void tell_fields(struct difference *difference, const struct btf *btf, const char *type, const void *kernel,
			const void *native)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT), shown = 0;
	size_t size = id > 0 ? (size_t)btf__resolve_size(btf, (__u32)id) : 0;

	for (size_t at = 0; at < size && shown < FIELDS_SHOWN; at++) {
		struct field field = {};

		if (((const char *)kernel)[at] == ((const char *)native)[at])
			continue;
		shown++;
		if (!field_find(btf, id, at, &field)) {
			tell(difference, " %s padding at %zu;", type, at);
			continue;
		}
		tell(difference, " %s%s: kernel %llu, native %llu;", type, field.name, field_value(kernel, &field),
		     field_value(native, &field));
		at = field.offset + field.size - 1;
	}
}

bool reports_same(const struct reports *kernel, const struct reports *native, const struct btf *btf,
		  struct difference *difference)
{
	if (kernel->failed || native->failed) {
		tell(difference, "a report was lost in the test");
		return false;
	}
	for (size_t i = 0; i < kernel->count && i < native->count; i++) {
		const struct report *x = &kernel->report[i], *y = &native->report[i];

		if (!memcmp(x, y, sizeof(*x)))
			continue;
		tell(difference, "report %zu of %zu (ports %u, %u):", i + 1, kernel->count, x->facts.key.port[0],
		     x->facts.key.port[1]);
		tell_fields(difference, btf, "flow", &x->flow, &y->flow);
		tell_fields(difference, btf, "facts", &x->facts, &y->facts);
		if (x->reason != y->reason)
			tell(difference, " reason: kernel %u, native %u", x->reason, y->reason);
		return false;
	}
	if (kernel->count != native->count) {
		tell(difference, "reports: kernel %zu, native %zu", kernel->count, native->count);
		return false;
	}
	return true;
}

bool ledgers_same(const struct ledger *kernel, const struct ledger *native, struct difference *difference)
{
#define LEDGER_ROW(NAME, name, meaning) { #name, offsetof(struct ledger, counter[LEDGER_##NAME]) },
#define OTHER_ROW(name) { #name, offsetof(struct ledger, name) }
	static const struct {
		const char *name;
		size_t offset;
	} rows[] = { LEDGER_COUNTERS(LEDGER_ROW) OTHER_ROW(seen),
		     OTHER_ROW(frames),
		     OTHER_ROW(births),
		     OTHER_ROW(evicted),
		     OTHER_ROW(summarised),
		     OTHER_ROW(lost_records),
		     OTHER_ROW(collisions) };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		__u64 x = *(const __u64 *)((const char *)kernel + rows[i].offset);
		__u64 y = *(const __u64 *)((const char *)native + rows[i].offset);

		if (x != y)
			tell(difference, " ledger %s: kernel %llu, native %llu;", rows[i].name, x, y);
	}
	return !memcmp(kernel, native, sizeof(*kernel));
}
