/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Chooses columns by width and sets rows in them. What a cell says is column.c's business. A text that is too wide
 * pushes its right neighbours on until free space takes up the slack; endpoints, which are kept whole on paper, take a
 * line of their own instead. Called by output_table.c. */
#include "layout.h"

#include <string.h>

#include "text/text.h"

enum {
	ONE_LINE_MIN = 160,  /* below, a record takes two lines rather than lose columns */
	PRIORITY_FIRST = 10, /* beyond any that a column has */
};

static const char *const tone_begin[] = { [TONE_PLAIN] = "", [TONE_ODD] = "\033[33m", [TONE_BAD] = "\033[31m" };
static const char bold_begin[] = "\033[1m", colour_end[] = "\033[0m";

struct line {
	const struct paper *paper;
	int at;	  /* where the next character goes */
	int edge; /* where the next field begins */
};

static int layout_priority(const struct layout *layout, const struct column *column, enum part part)
{
	int priority = (layout->lines > 1 ? column->priority : column->wide)[part == PART_SECOND];

	if (!layout->several)
		return priority;
	if (column == &columns[COLUMN_START] && part != PART_FIRST) /* the interface is its second part */
		return 1;
	if (column == &columns[COLUMN_MSS] || column == &columns[COLUMN_WINDOW_SCALE])
		return PRIORITY_FIRST + priority;
	return priority;
}

static void layout_add(struct layout *layout, const struct column *column, enum part part, int width)
{
	int priority = layout_priority(layout, column, part);

	layout->field[layout->count++] = (struct field){ column, priority, width, part };
}

static void layout_add_column(struct layout *layout, const struct column *column)
{
	int more = layout->named && column->kind & COLUMN_GROW ? COLUMN_NAMED : 0;
	int first = column->width[0] + more, second = column->width[1] + more;

	if (layout->lines > 1) {
		layout_add(layout, column, PART_BOTH, column->joint || first > second ? first : second);
	} else if (column->joint) {
		layout_add(layout, column, PART_BOTH, first + (second ? (int)strlen(column->joint) + second : 0));
	} else {
		layout_add(layout, column, PART_FIRST, first);
		layout_add(layout, column, PART_SECOND, second);
	}
}

static int layout_width(const struct layout *layout)
{
	int width = (int)layout->count - 1;

	for (size_t i = 0; i < layout->count; i++)
		width += layout->field[i].width;
	return width;
}

/* Takes out the field of the greatest priority; false if none may go. */
static bool layout_drop(struct layout *layout)
{
	size_t last = 0;

	for (size_t i = 1; i < layout->count; i++)
		if (layout->field[i].priority > layout->field[last].priority)
			last = i;
	if (layout->field[last].priority == 0)
		return false;
	layout->count--;
	memmove(&layout->field[last], &layout->field[last + 1], (layout->count - last) * sizeof(struct field));
	return true;
}

/* Gives what is left to the columns that can use it, one by one. */
static void layout_grow(struct layout *layout, int spare)
{
	bool grew = true;

	while (spare > 0 && grew) {
		grew = false;
		for (size_t i = 0; i < layout->count && spare > 0; i++) {
			struct field *field = &layout->field[i];

			if (!(field->column->kind & COLUMN_GROW) || field->width >= field->column->grown)
				continue;
			field->width++;
			spare--;
			grew = true;
		}
	}
}

void layout_choose(struct layout *layout, int columns_there, bool several, bool named)
{
	layout->count = 0;
	layout->several = several;
	layout->named = named && columns_there >= COLUMN_NAMED_FROM;
	layout->lines = columns_there < ONE_LINE_MIN ? 2 : 1;
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		layout_add_column(layout, &columns[i]);
	while (layout_width(layout) > columns_there && layout_drop(layout))
		;
	layout_grow(layout, columns_there - layout_width(layout));
}

static void line_put(struct line *line, const char *text, const char *begin)
{
	const struct paper *paper = line->paper;
	int length = (int)strlen(text);
	bool colour = paper->colour && *begin;

	if (paper->limit && line->at + length > paper->limit)
		length = paper->limit > line->at ? paper->limit - line->at : 0;
	fprintf(paper->to, "%s%.*s%s", colour ? begin : "", length, text, colour ? colour_end : "");
	line->at += length;
}

/* Moves to `column`, but at least one space on. */
static void line_move(struct line *line, int column)
{
	int gap = column - line->at;

	if (line->at > 0 && gap < 1)
		gap = 1;
	if (line->paper->limit && line->at + gap > line->paper->limit)
		gap = line->paper->limit - line->at;
	if (gap > 0) {
		fprintf(line->paper->to, "%*s", gap, "");
		line->at += gap;
	}
}

/* Sets `text` in its field and goes on to the next; nothing is set, nor space, for an empty one. */
static void line_set(struct line *line, const struct field *field, int width, const char *text, const char *begin)
{
	int indent = field->column->kind & COLUMN_LEFT ? 0 : width - (int)strlen(text);

	if (!*text)
		return;
	line_move(line, line->edge + (indent > 0 ? indent : 0));
	line_put(line, text, begin);
}

/* Both parts on one line: the first ends at the joint, so that the joints are one below the other. */
static void line_pair(struct line *line, const struct field *field, const struct cell cell[2])
{
	line_set(line, field, field->column->width[0], cell[0].text, tone_begin[cell[0].tone]);
	if (!*cell[1].text)
		return;
	line_put(line, field->column->joint, "");
	line_put(line, cell[1].text, tone_begin[cell[1].tone]);
}

static void line_field(struct line *line, const struct field *field, const struct record *record, enum part part)
{
	unsigned int kind = field->column->kind;
	struct cell cell[2] = {};

	for (int i = 0; i < 2; i++) {
		cell[i].names = line->paper->names;
		field->column->fill(&cell[i], record, i);
		if (kind & COLUMN_SHORTEN && !(kind & COLUMN_WHOLE && line->paper->whole))
			text_shorten(cell[i].text, (size_t)field->width);
	}
	if (part == PART_BOTH)
		line_pair(line, field, cell);
	else
		line_set(line, field, field->width, cell[part].text, tone_begin[cell[part].tone]);
}

static void line_head(struct line *line, const struct field *field, enum part part)
{
	const struct column *column = field->column;

	if (part != PART_BOTH) {
		line_set(line, field, field->width, column->head[part], bold_begin);
		return;
	}
	line_set(line, field, column->width[0], column->head[0], bold_begin);
	if (*column->joint == '/')
		line_put(line, " c/s", bold_begin);
}

/* Up to the endpoints a field says which flow it is; they are never left out. */
static bool field_leads(const struct field *field) { return field->column <= &columns[COLUMN_ENDPOINT]; }

static bool layout_overflows(const struct layout *layout, const struct paper *paper, const struct record *record)
{
	if (!paper->whole || (record->ip_version == 4 && !paper->names)) /* IPv4 always fits */
		return false;
	for (size_t i = 0; i < layout->count; i++) {
		const struct field *field = &layout->field[i];

		for (int second = 0; field->column == &columns[COLUMN_ENDPOINT] && second < 2; second++) {
			struct cell cell = { .names = paper->names };

			if (field->part != PART_BOTH && field->part != (enum part)second)
				continue;
			field->column->fill(&cell, record, second);
			if ((int)strlen(cell.text) > field->width)
				return true;
		}
	}
	return false;
}

/* Which flow it is, both endpoints on one line; the rest follows below, under its heads. */
static void layout_lead(const struct layout *layout, const struct paper *paper, const struct record *record)
{
	struct line line = { .paper = paper };

	for (size_t i = 0; i < layout->count; i++) {
		const struct field *field = &layout->field[i];
		bool both = field->part == PART_BOTH;

		if (!field_leads(field))
			break;
		line_field(&line, field, record, both ? PART_FIRST : field->part);
		if (both && field->column == &columns[COLUMN_ENDPOINT])
			line_field(&line, field, record, PART_SECOND);
		line.edge += field->width + 1;
	}
	fputc('\n', paper->to);
}

/* Was it said by layout_lead()? The place below the start was not, where a record takes two lines. */
static bool field_was_led(const struct field *field, int number)
{
	return field_leads(field) && (number == 0 || field->column == &columns[COLUMN_ENDPOINT]);
}

/* Without a record: the heads. `led`: without what layout_lead() says. */
static void layout_print(const struct layout *layout, const struct paper *paper, const struct record *record, bool led)
{
	for (int number = 0; number < layout->lines; number++) {
		struct line line = { .paper = paper };

		for (size_t i = 0; i < layout->count; i++) {
			const struct field *field = &layout->field[i];
			enum part part = layout->lines > 1 ? (enum part)number : field->part;

			if (!record)
				line_head(&line, field, part);
			else if (!led || !field_was_led(field, number))
				line_field(&line, field, record, part);
			line.edge += field->width + 1;
		}
		fputc('\n', paper->to);
	}
}

void layout_head(const struct layout *layout, const struct paper *paper) { layout_print(layout, paper, NULL, false); }

void layout_row(const struct layout *layout, const struct paper *paper, const struct record *record)
{
	bool led = layout_overflows(layout, paper, record);

	if (led)
		layout_lead(layout, paper, record);
	layout_print(layout, paper, record, led);
}
