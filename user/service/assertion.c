/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A parser that evaluates as it descends: a check is an evaluation of nothing observed, since all that can be wrong
 * with a text is wrong before anything is measured. */
#include "assertion.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

enum { DEPTH_MAX = 32, DIGITS_MAX = 18 };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS "0123456789"

struct value {
	double number; /* spans in ns */
	int time;      /* exponent of the unit: 1 a span, 0 a number */
	bool known;
	bool zero; /* the literal 0, which has any unit */
	bool percent;
};

struct parser {
	const char *text, *at;
	struct measured from;
	struct assertion_error *error; /* an empty message: none yet */
	int depth;
};

static struct value parse_sum(struct parser *parser);

static bool failed(const struct parser *parser) { return parser->error->message[0]; }

/* The first counts: what follows it is noise. */
static __attribute__((format(printf, 3, 4))) void fail(struct parser *parser, const char *at, const char *format, ...)
{
	va_list values;

	if (failed(parser))
		return;
	parser->error->at = (size_t)(at - parser->text);
	va_start(values, format);
	vsnprintf(parser->error->message, sizeof(parser->error->message), format, values);
	va_end(values);
}

static void skip_blanks(struct parser *parser) { parser->at += strspn(parser->at, " \t"); }

static bool take(struct parser *parser, const char *token)
{
	skip_blanks(parser);
	if (strncmp(parser->at, token, strlen(token)) != 0)
		return false;
	parser->at += strlen(token);
	return true;
}

/* Letters, then digits and the point of p99.9 too. 0: no word. */
static size_t word_length(const char *at) { return strspn(at, LETTERS) ? strspn(at, LETTERS DIGITS ".") : 0; }

static struct value parse_unit(struct parser *parser, double number)
{
	static const struct {
		const char *suffix;
		double scale;
		int time;
	} units[] = { { "", 1, 0 },	{ "%", 0.01, 0 }, { "ns", 1, 1 },
		      { "us", 1e3, 1 }, { "ms", 1e6, 1 }, { "s", 1e9, 1 } };
	size_t length = *parser->at == '%' ? 1 : word_length(parser->at);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].suffix) != length || memcmp(parser->at, units[i].suffix, length) != 0)
			continue;
		parser->at += length;
		return (struct value){ .number = number * units[i].scale,
				       .time = units[i].time,
				       .known = true,
				       .zero = number == 0 && !length,
				       .percent = units[i].suffix[0] == '%' };
	}
	fail(parser, parser->at, "'%.*s' is no unit; ns, us, ms, s and %% are", (int)(length < 20 ? length : 20),
	     parser->at);
	return (struct value){ 0 };
}

static struct value parse_number(struct parser *parser)
{
	size_t length = strspn(parser->at, DIGITS);
	char number[DIGITS_MAX + 1];

	if (parser->at[length] == '.' && strspn(parser->at + length + 1, DIGITS))
		length += 1 + strspn(parser->at + length + 1, DIGITS);
	if (length > DIGITS_MAX) {
		fail(parser, parser->at, "a number of more than %d digits", DIGITS_MAX);
		return (struct value){ 0 };
	}
	memcpy(number, parser->at, length);
	number[length] = '\0';
	parser->at += length;
	return parse_unit(parser, strtod(number, NULL));
}

/* FUNCTION(span), `length` octets of the function at `name`; the parser is behind the "(". */
static void parse_function(struct parser *parser, const char *name, size_t length, struct measurement *measurement)
{
	enum service_span span;
	size_t span_length;

	skip_blanks(parser);
	span_length = word_length(parser->at);
	if (!measure_span_named(parser->at, span_length, &span)) {
		fail(parser, parser->at, "a time is wanted here: connect, server or client");
		return;
	}
	if (measure_span(&parser->from, name, length, span, measurement) != MEASURE_FINE)
		fail(parser, name, "'%.*s' is no function; p50, p99, p99.9 and so on, mean, max and count are",
		     (int)(length < 20 ? length : 20), name);
	parser->at += span_length;
	if (!take(parser, ")"))
		fail(parser, parser->at, "')' is missing");
}

static void parse_counter(struct parser *parser, const char *name, size_t length, struct measurement *measurement)
{
	int shown = (int)(length < 32 ? length : 32);

	switch (measure_counter(&parser->from, name, length, measurement)) {
	case MEASURE_FINE: break;
	case MEASURE_NO_SUCH_NAME:
		fail(parser, name, "there is no counter '%.*s'; attempts, refused, syn_retries, lost_records are some",
		     shown, name);
		break;
	case MEASURE_NOT_OF_A_SERVICE:
		fail(parser, name, "'%.*s' is of all that was watched, not of one service", shown, name);
	}
}

static struct value parse_name(struct parser *parser)
{
	const char *name = parser->at;
	size_t length = word_length(name);
	struct measurement measurement = { 0 };

	parser->at += length;
	if (take(parser, "("))
		parse_function(parser, name, length, &measurement);
	else
		parse_counter(parser, name, length, &measurement);
	return (struct value){ .number = measurement.number, .time = measurement.time, .known = measurement.known };
}

static struct value parse_value(struct parser *parser)
{
	struct value value = { 0 };

	skip_blanks(parser);
	if (strspn(parser->at, DIGITS))
		return parse_number(parser);
	if (word_length(parser->at))
		return parse_name(parser);
	if (*parser->at != '(' || parser->depth == DEPTH_MAX) {
		fail(parser, parser->at, "%s",
		     *parser->at == '(' ? "too many '(' within each other" : "a number or a name is wanted here");
		return value;
	}
	parser->at++;
	parser->depth++;
	value = parse_sum(parser);
	parser->depth--;
	if (!take(parser, ")"))
		fail(parser, parser->at, "')' is missing");
	value.zero = false;
	return value;
}

static struct value parse_product(struct parser *parser)
{
	struct value left = parse_value(parser), right;

	while (!failed(parser)) {
		bool times = take(parser, "*");

		if (!times && !take(parser, "/"))
			break;
		right = parse_value(parser);
		left.zero = false;
		left.percent |= right.percent;
		left.time += times ? right.time : -right.time;
		left.known = left.known && right.known && (times || right.number != 0);
		if (left.known)
			left.number = times ? left.number * right.number : left.number / right.number;
	}
	return left;
}

/* Do both have one unit? If not, says so at `at`. */
static void agree(struct parser *parser, const char *at, const struct value *left, const struct value *right)
{
	const struct value *number = left->time ? right : left;

	if (left->time == right->time || left->zero || right->zero)
		return;
	fail(parser, at,
	     number->time ? "the two sides differ in unit"
			  : "a time and a number without unit; 5 milliseconds are written 5ms");
}

static struct value parse_sum(struct parser *parser)
{
	struct value left = parse_product(parser), right;

	while (!failed(parser)) {
		const char *at;
		bool plus;

		skip_blanks(parser);
		at = parser->at;
		plus = take(parser, "+");
		if (!plus && !take(parser, "-"))
			break;
		right = parse_product(parser);
		agree(parser, at, &left, &right);
		left.time = left.zero ? right.time : left.time;
		left.zero = false;
		left.percent |= right.percent;
		left.known &= right.known;
		left.number += plus ? right.number : -right.number;
	}
	return left;
}

enum comparison { LESS_EQUAL, GREATER_EQUAL, EQUAL, NOT_EQUAL, LESS, GREATER, COMPARISONS };

/* The longer ones first. COMPARISONS: none. */
static enum comparison parse_comparison(struct parser *parser)
{
	static const char *const tokens[COMPARISONS] = { "<=", ">=", "==", "!=", "<", ">" };
	int i = 0;

	while (i < COMPARISONS && !take(parser, tokens[i]))
		i++;
	if (i == COMPARISONS)
		fail(parser, parser->at, "a comparison is wanted here: < <= > >= == !=");
	return (enum comparison)i;
}

static bool comparison_holds(enum comparison comparison, double left, double right)
{
	switch (comparison) {
	case LESS: return left < right;
	case LESS_EQUAL: return left <= right;
	case GREATER: return left > right;
	case GREATER_EQUAL: return left >= right;
	case EQUAL: return left == right;
	case NOT_EQUAL: return left != right;
	case COMPARISONS: break;
	}
	return false;
}

/* "service ADDRESS:PORT", if it is there. False: everything is meant. */
static bool parse_service(struct parser *parser, struct service_key *key)
{
	size_t length;

	skip_blanks(parser);
	if (word_length(parser->at) != strlen("service") || !take(parser, "service"))
		return false;
	skip_blanks(parser);
	length = strcspn(parser->at, " \t");
	if (!measure_endpoint(parser->at, length, key))
		fail(parser, parser->at, "an address and port are wanted here, as 10.0.0.2:443 or [2001:db8::1]:443");
	parser->at += length;
	return true;
}

static void write_value(char text[UNITS_TEXT], const struct value *value, bool percent)
{
	if (!value->known)
		snprintf(text, UNITS_TEXT, "nothing");
	else if (value->time == 1 && value->number >= 0 && value->number < 9e18)
		units_format(text, units_span_ns, (__s64)(value->number + 0.5));
	else if (percent && value->time == 0)
		snprintf(text, UNITS_TEXT, "%.6g%%", value->number * 100);
	else
		snprintf(text, UNITS_TEXT, "%.15g%s", value->number, value->time ? " (ns)" : "");
}

static void parse_assertion(struct parser *parser, struct verdict *verdict)
{
	struct value left = parse_sum(parser), right;
	const char *at;
	enum comparison comparison;

	skip_blanks(parser);
	at = parser->at;
	comparison = parse_comparison(parser);
	if (failed(parser))
		return;
	right = parse_sum(parser);
	agree(parser, at, &left, &right);
	skip_blanks(parser);
	if (*parser->at)
		fail(parser, parser->at, "this is beyond the end of the assertion");
	left.time = left.zero ? right.time : left.time;
	right.time = left.time;
	verdict->known = left.known && right.known;
	verdict->holds = verdict->known && comparison_holds(comparison, left.number, right.number);
	verdict->measured_value = left.number;
	verdict->limit_value = right.number;
	write_value(verdict->measured, &left, left.percent || right.percent);
	write_value(verdict->limit, &right, left.percent || right.percent);
}

int assertion_check(const char *text, struct assertion_error *error)
{
	static const struct service nothing;
	static const struct ledger no_packets;
	struct parser parser = { .text = text, .at = text, .error = error, .from = { &nothing, &no_packets } };
	struct verdict verdict;
	struct service_key key = { 0 };

	error->message[0] = '\0';
	if (parse_service(&parser, &key))
		parser.from.ledger = NULL;
	parse_assertion(&parser, &verdict);
	return failed(&parser) ? -EINVAL : 0;
}

void assertion_measure(const char *text, const struct statistics *statistics, struct verdict *verdict)
{
	static struct service all;
	static const struct service nothing;
	struct assertion_error error = { 0 };
	struct parser parser = { .text = text, .at = text, .error = &error, .from = { &all, &statistics->ledger } };
	struct service_key key = { 0 };

	*verdict = (struct verdict){ .expression = text };
	statistics_sum(statistics, &all);
	if (parse_service(&parser, &key)) {
		parser.from.service = statistics_find(statistics, &key);
		verdict->unseen = !parser.from.service && !statistics_has_other(statistics);
		if (verdict->unseen)
			parser.from.service = &nothing;
		parser.from.ledger = NULL;
	}
	parse_assertion(&parser, verdict);
}

int verdict_print(FILE *to, const struct verdict *verdict)
{
	return fprintf(to, "%-6s %s: measured %s%s%s%s\n", verdict->holds ? "holds" : "FAILS", verdict->expression,
		       verdict->measured, verdict->known ? "" : ", limit ", verdict->known ? "" : verdict->limit,
		       verdict->unseen ? "; nobody was seen to connect to it" : "");
}
