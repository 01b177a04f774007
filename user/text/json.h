/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON text, one value a line, in a buffer that is kept from line to line: the few calls that the records need. The
 * caller nests them rightly; commas and escapes are set here. */
#ifndef TCPSCOPE_USER_JSON_H
#define TCPSCOPE_USER_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

struct json {
	char *text;
	size_t used, room;
	const char *key; /* that waits for its value; NULL: none does */
	size_t key_len;
	bool failed; /* no memory: what is written after is dropped */
};

/* Returns 0 or -ENOMEM. */
int json_open(struct json *json);
void json_close(struct json *json);
/* Empties the text; keeps the memory. */
void json_clear(struct json *json);
/* What was written since json_clear; valid until the next call. */
const char *json_get(struct json *json, size_t *len);

/* The name of the member whose value comes next, ASCII that needs no escape: JSON_KEY(json, "name"). It must stay until
 * then: key and value are written in one go. */
#define JSON_KEY(json, name) json_key(json, name, sizeof(name) - 1)
static inline void json_key(struct json *json, const char *name, size_t len)
{
	json->key = name;
	json->key_len = len;
}

void json_object_begin(struct json *json);
void json_object_end(struct json *json);
void json_array_begin(struct json *json);
void json_array_end(struct json *json);
void json_null(struct json *json);
void json_bool(struct json *json, bool value);
void json_unsigned(struct json *json, __u64 value);
void json_signed(struct json *json, __s64 value);
/* With 15 digits; null if it is not finite. */
void json_number(struct json *json, double value);
/* ASCII of ours that needs no escape. */
void json_word(struct json *json, const char *word);
/* Any octets: JSON must be UTF-8, so what is not ASCII is read as Latin-1; of it, controls become U+FFFD. */
void json_text(struct json *json, const char *text);
/* Ends the line. */
void json_newline(struct json *json);

#endif
