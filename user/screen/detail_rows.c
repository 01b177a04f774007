/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "detail_rows.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "output/fields.h"
#include "text/text.h"
#include "text/units.h"

/* Of a name without its unit, which the value has. */
static size_t stem_length(const char *name)
{
	size_t length = strlen(name);

	return length > 3 && !strcmp(name + length - 3, "_ns") ? length - 3 : length;
}

static struct detail_row *row_for(struct detail_rows *rows, const char *name)
{
	struct detail_row *row;

	if (rows->side == 1 && rows->at < rows->count)
		return &rows->row[rows->at++];
	if (rows->count == DETAIL_ROWS)
		return NULL;
	row = &rows->row[rows->count++];
	*row = (struct detail_row){ .both = rows->side >= 0 };
	snprintf(row->name, sizeof(row->name), "%s%s", rows->path, name);
	row->name[stem_length(row->name)] = '\0';
	return row;
}

static void put(void *to, struct field_name name, const char *value)
{
	struct detail_rows *rows = to;
	struct detail_row *row;
	size_t used;

	if (rows->in_list) { /* behind the values before it */
		row = rows->count ? &rows->row[rows->count - 1] : NULL;
		used = row ? strlen(row->value[0]) : 0;
		if (row)
			snprintf(row->value[0] + used, DETAIL_VALUE - used, "%s%s", used ? " " : "", value);
		return;
	}
	row = row_for(rows, name.text);
	if (row)
		snprintf(row->value[rows->side == 1], DETAIL_VALUE, "%s", value);
}

static bool object_begin(void *to, struct field_name name, bool known)
{
	struct detail_rows *rows = to;

	if (!name.text || !known) /* attempts are told in words */
		return false;
	if (!rows->path[0] && (!strcmp(name.text, "client") || !strcmp(name.text, "server"))) {
		rows->side = name.text[0] == 's';
		if (!rows->side)
			rows->base = rows->count;
		rows->at = rows->base;
		return true;
	}
	snprintf(rows->path + strlen(rows->path), sizeof(rows->path) - strlen(rows->path), "%s.", name.text);
	return true;
}

static void object_end(void *to)
{
	struct detail_rows *rows = to;
	char *dot;

	if (!rows->path[0]) {
		rows->side = -1;
		return;
	}
	rows->path[strlen(rows->path) - 1] = '\0';
	dot = strrchr(rows->path, '.');
	rows->path[dot ? dot - rows->path + 1 : 0] = '\0';
}

static void list_begin(void *to, struct field_name name)
{
	struct detail_rows *rows = to;

	if (!strcmp(name.text, "attempts")) /* its items are passed over */
		return;
	rows->in_list = row_for(rows, name.text);
}

static void list_end(void *to)
{
	struct detail_rows *rows = to;
	char *value = rows->in_list ? rows->row[rows->count - 1].value[0] : NULL;

	if (value && !*value)
		strcpy(value, "-");
	rows->in_list = false;
}

static void put_unknown(void *to, struct field_name name) { put(to, name, "-"); }

/* Local, as the clock of the screen is, and exact. */
static void instant_text(char text[DETAIL_VALUE], __s64 ns)
{
	time_t seconds = ns / (__s64)NS_PER_SEC;
	struct tm parts;
	size_t at = localtime_r(&seconds, &parts) ? strftime(text, DETAIL_VALUE, "%F %T", &parts) : 0;

	if (at)
		snprintf(text + at, DETAIL_VALUE - at, ".%09lld", ns % (__s64)NS_PER_SEC);
	else
		snprintf(text, DETAIL_VALUE, "%lld", ns);
}

/* Spans and instants as people read them; counts exactly, and no commas in what counts nothing. */
static void put_signed(void *to, struct field_name name, __s64 value)
{
	const char *called = name.text ? name.text : "";
	bool time = stem_length(called) < strlen(called);
	char text[DETAIL_VALUE];

	if (time && value < 1000000 * (__s64)NS_PER_SEC)
		units_format(text, units_span_ns, value);
	else if (time)
		instant_text(text, value);
	else if (!*called || !strcmp(called, "port") || !strcmp(called, "isn"))
		snprintf(text, sizeof(text), "%lld", value);
	else
		units_exact(text, value);
	put(to, name, text);
}

static void put_unsigned(void *to, struct field_name name, __u64 value) { put_signed(to, name, (__s64)value); }

static void put_bool(void *to, struct field_name name, bool value) { put(to, name, value ? "yes" : "no"); }

static void put_text(void *to, struct field_name name, const char *text)
{
	char escaped[DETAIL_VALUE];

	text_escape(escaped, sizeof(escaped), text);
	put(to, name, escaped);
}

static const struct emitter emitter = {
	.object_begin = object_begin,
	.object_end = object_end,
	.list_begin = list_begin,
	.list_end = list_end,
	.put_unknown = put_unknown,
	.put_unsigned = put_unsigned,
	.put_signed = put_signed,
	.put_bool = put_bool,
	.put_word = put,
	.put_text = put_text,
};

int detail_row_rank(const struct detail_row *row)
{
	if (!row->both)
		return 1;
	for (int side = 0; side < 2; side++)
		if (strcmp(row->value[side], "0") != 0 && strcmp(row->value[side], "-") != 0)
			return 0;
	return 2;
}

void detail_rows_fill(struct detail_rows *rows, const struct record *record)
{
	*rows = (struct detail_rows){ .side = -1 };
	fields_walk(record, &emitter, rows);
}
