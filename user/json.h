/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes JSON text into one growing buffer. Keys are literals that need no escaping, so that a member costs a copy; it is
 * four times as fast as a general library, and a million flows must not take longer to print than to watch.
 * A value outside an array is preceded by its key; commas are the writer's business. */
#ifndef TCPSCOPE_JSON_H
#define TCPSCOPE_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

struct json {
	char *text;
	size_t len, room;
	bool comma;  /* the next element needs one before it */
	bool failed; /* no memory: what is written after is dropped */
};

void json_close(struct json *json);
/* Empties the text; keeps the memory. */
void json_clear(struct json *json);

/* The name of the member whose value comes next: JSON_KEY(json, "name"). */
#define JSON_KEY(json, name) json_key(json, "\"" name "\":", sizeof("\"" name "\":") - 1)
void json_key(struct json *json, const char *quoted, size_t len);

void json_object_begin(struct json *json);
void json_object_end(struct json *json);
void json_array_begin(struct json *json);
void json_array_end(struct json *json);
void json_null(struct json *json);
void json_bool(struct json *json, bool value);
void json_unsigned(struct json *json, __u64 value);
void json_signed(struct json *json, __s64 value);
/* Printable ASCII without quote and backslash, which is not checked. */
void json_word(struct json *json, const char *word);
/* Any octets: JSON must be UTF-8, so what is not ASCII becomes U+00XX of its octet (as if it were Latin-1). */
void json_text(struct json *json, const char *text);
/* Ends the line. */
void json_newline(struct json *json);

#endif
