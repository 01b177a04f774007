/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>

enum { DIGITS_MAX = 21 }; /* of 64 bits, with a sign */

static void json_note(struct json *json, yajl_gen_status status) { json->failed |= status != yajl_gen_status_ok; }

int json_open(struct json *json)
{
	*json = (struct json){ .gen = yajl_gen_alloc(NULL) };
	return json->gen ? 0 : -ENOMEM;
}

void json_close(struct json *json)
{
	if (json->gen)
		yajl_gen_free(json->gen);
	*json = (struct json){ .gen = NULL };
}

void json_clear(struct json *json)
{
	yajl_gen_clear(json->gen);
	json->failed = false;
}

const char *json_get(struct json *json, size_t *len)
{
	const unsigned char *text = NULL;

	*len = 0;
	json_note(json, yajl_gen_get_buf(json->gen, &text, len));
	return (const char *)text;
}

void json_key(struct json *json, const char *name, size_t len)
{
	json_note(json, yajl_gen_string(json->gen, (const unsigned char *)name, len));
}

void json_object_begin(struct json *json) { json_note(json, yajl_gen_map_open(json->gen)); }
void json_object_end(struct json *json) { json_note(json, yajl_gen_map_close(json->gen)); }
void json_array_begin(struct json *json) { json_note(json, yajl_gen_array_open(json->gen)); }
void json_array_end(struct json *json) { json_note(json, yajl_gen_array_close(json->gen)); }
void json_null(struct json *json) { json_note(json, yajl_gen_null(json->gen)); }
void json_bool(struct json *json, bool value) { json_note(json, yajl_gen_bool(json->gen, value)); }

/* Digits of our own: yajl_gen_integer goes through printf, ten times as slow, and has no unsigned 64 bits. */
static void json_number(struct json *json, __u64 magnitude, bool negative)
{
	char digits[DIGITS_MAX], *at = digits + sizeof(digits);

	do {
		*--at = (char)('0' + magnitude % 10);
		magnitude /= 10;
	} while (magnitude);
	if (negative)
		*--at = '-';
	json_note(json, yajl_gen_number(json->gen, at, (size_t)(digits + sizeof(digits) - at)));
}

void json_unsigned(struct json *json, __u64 value) { json_number(json, value, false); }

void json_signed(struct json *json, __s64 value)
{
	json_number(json, value < 0 ? 0 - (__u64)value : (__u64)value, value < 0);
}

void json_word(struct json *json, const char *word) { json_key(json, word, strlen(word)); }

/* One octet as UTF-8; returns where the next goes. */
static char *json_utf8(char *to, unsigned char octet)
{
	if (octet < 0x7f) {
		*to++ = (char)octet;
	} else if (octet < 0xa0) { /* DEL and the C1 controls, which a terminal may obey */
		memcpy(to, "\xef\xbf\xbd", 3);
		to += 3;
	} else {
		*to++ = (char)(0xc0 | octet >> 6);
		*to++ = (char)(0x80 | (octet & 0x3f));
	}
	return to;
}

void json_text(struct json *json, const char *text)
{
	char *utf8 = malloc(3 * strlen(text) + 1), *to = utf8;

	if (!utf8) {
		json->failed = true;
		return;
	}
	for (; *text; text++)
		to = json_utf8(to, (unsigned char)*text);
	json_key(json, utf8, (size_t)(to - utf8));
	free(utf8);
}

void json_newline(struct json *json) { yajl_gen_reset(json->gen, "\n"); }
