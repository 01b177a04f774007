/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* CSV (RFC 4180): a header, then a line for each flow, every field of the record in a column of its own, an unknown one
 * empty. Fields of an object are joined to its name by a dot. A list is one column: items with a space between, the
 * values of an item that is an object with a colon between. */
#include <string.h>

#include "fields.h"
#include "output.h"
#include "text/text.h"

#define LINE_END "\r\n"

enum { PATH_ROOM = 64, DEPTH_MAX = 8, TEXT_ROOM = 4 * 4096 };

static FILE *out;
static bool stats;

static struct line {
	bool begun;		       /* a column has been written */
	unsigned int objects, unknown; /* open; of them, known to hold nothing: the outermost's number */
	bool in_list;		       /* within a column that is a list */
	unsigned int list_objects;     /* open within it */
	char between;		       /* before the next value of the list; 0: nothing */
} line;

static struct path {
	char text[PATH_ROOM];
	size_t len, before[DEPTH_MAX]; /* length without the innermost objects */
	unsigned int depth;
} path;

/* Sets what stands before a value. False: there is no value, only its column. */
static bool value_begin(void)
{
	if (line.in_list) {
		if (line.between)
			putc_unlocked(line.between, out);
		line.between = line.list_objects ? ':' : ' ';
	} else {
		if (line.begun)
			putc_unlocked(',', out);
		line.begun = true;
	}
	return !line.unknown;
}

static bool csv_object_begin(void *to, struct field_name name, bool known)
{
	(void)to;
	(void)name;
	line.objects++;
	line.list_objects += line.in_list;
	if (!known && !line.unknown)
		line.unknown = line.objects;
	return true;
}

static void csv_object_end(void *to)
{
	(void)to;
	if (line.unknown == line.objects)
		line.unknown = 0;
	line.objects--;
	if (line.in_list && !--line.list_objects)
		line.between = ' ';
}

static void csv_list_begin(void *to, struct field_name name)
{
	(void)to;
	(void)name;
	value_begin();
	line.in_list = true;
	line.between = 0;
}

static void csv_list_end(void *to)
{
	(void)to;
	line.in_list = false;
}

static void csv_unknown(void *to, struct field_name name)
{
	(void)to;
	(void)name;
	value_begin();
}

static void csv_unsigned(void *to, struct field_name name, __u64 value)
{
	char digits[TEXT_DIGITS];

	(void)to;
	(void)name;
	if (value_begin())
		fwrite_unlocked(digits, 1, text_unsigned(digits, value), out);
}

static void csv_signed(void *to, struct field_name name, __s64 value)
{
	char digits[TEXT_DIGITS];

	(void)to;
	(void)name;
	if (value_begin())
		fwrite_unlocked(digits, 1, text_signed(digits, value), out);
}

/* RFC 4180, 2.6 and 2.7. An empty text that is known is told from an unknown one by its quotes. */
static void put_quoted(const char *text)
{
	bool plain = *text && !strpbrk(text, ",\"\r\n");

	if (plain) {
		fwrite_unlocked(text, 1, strlen(text), out);
		return;
	}
	putc_unlocked('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc_unlocked('"', out);
		putc_unlocked(*text, out);
	}
	putc_unlocked('"', out);
}

/* In a list also what parts its items and values as \xNN. */
static void put_in_list(const char *text)
{
	for (; *text; text++) {
		if (strchr(" :,\"", *text))
			fprintf(out, "\\x%02x", (unsigned char)*text);
		else
			putc_unlocked(*text, out);
	}
}

static void csv_word(void *to, struct field_name name, const char *word)
{
	(void)to;
	(void)name;
	if (!value_begin())
		return;
	if (line.in_list)
		put_in_list(word);
	else
		put_quoted(word);
}

static void csv_bool(void *to, struct field_name name, bool value) { csv_word(to, name, value ? "true" : "false"); }

static void csv_text(void *to, struct field_name name, const char *text)
{
	static char escaped[TEXT_ROOM]; /* one thread; a path is at most a quarter of it */

	text_escape(escaped, sizeof(escaped), text);
	csv_word(to, name, escaped);
}

static const struct emitter values = {
	.object_begin = csv_object_begin,
	.object_end = csv_object_end,
	.list_begin = csv_list_begin,
	.list_end = csv_list_end,
	.put_unknown = csv_unknown,
	.put_unsigned = csv_unsigned,
	.put_signed = csv_signed,
	.put_bool = csv_bool,
	.put_word = csv_word,
	.put_text = csv_text,
};

/* The same walk over an empty record, whose lists have no items, gives the header. */
static bool name_object_begin(void *to, struct field_name name, bool known)
{
	(void)to;
	(void)known;
	if (path.depth == DEPTH_MAX || path.len + name.len + 2 > sizeof(path.text))
		return false;
	path.before[path.depth++] = path.len;
	memcpy(path.text + path.len, name.text, name.len);
	path.len += name.len;
	path.text[path.len++] = '.';
	return true;
}

static void name_object_end(void *to)
{
	(void)to;
	path.len = path.before[--path.depth];
}

static void put_name(void *to, struct field_name name)
{
	(void)to;
	value_begin();
	fwrite_unlocked(path.text, 1, path.len, out);
	fwrite_unlocked(name.text, 1, name.len, out);
}

static void name_list_end(void *to) { (void)to; }
static void name_unsigned(void *to, struct field_name name, __u64 value) { (void)value, put_name(to, name); }
static void name_signed(void *to, struct field_name name, __s64 value) { (void)value, put_name(to, name); }
static void name_bool(void *to, struct field_name name, bool value) { (void)value, put_name(to, name); }
static void name_text(void *to, struct field_name name, const char *text) { (void)text, put_name(to, name); }

static const struct emitter names = {
	.object_begin = name_object_begin,
	.object_end = name_object_end,
	.list_begin = put_name,
	.list_end = name_list_end,
	.put_unknown = put_name,
	.put_unsigned = name_unsigned,
	.put_signed = name_signed,
	.put_bool = name_bool,
	.put_word = name_text,
	.put_text = name_text,
};

static int put_line(const struct record *record, const struct emitter *emitter)
{
	line = (struct line){ .begun = false };
	fields_walk(record, emitter, NULL);
	fwrite_unlocked(LINE_END, 1, sizeof(LINE_END) - 1, out);
	return output_check(out);
}

static int csv_open(const struct output_options *options)
{
	static const struct record nothing;

	out = options->to;
	stats = options->stats;
	return put_line(&nothing, &names);
}

static int csv_flow(const struct record *record) { return put_line(record, &values); }

/* A reader of CSV counts on one shape of line: with --stats the ledger goes to standard error. */
static int csv_ledger(const struct ledger_record *record)
{
	if (stats)
		output_put_ledger(stderr, record);
	return 0;
}

static int csv_program(const struct program_record *record)
{
	output_put_program(stderr, record);
	return 0;
}

static int csv_close(void) { return output_flush(out); }

const struct output output_csv = {
	.name = "csv",
	.for_programs = true,
	.open = csv_open,
	.flow = csv_flow,
	.ledger = csv_ledger,
	.program = csv_program,
	.close = csv_close,
};
