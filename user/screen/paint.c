/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1

#include "paint.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

enum { ESCAPE_WAIT_MS = 50, TEXT = 512 };

static SCREEN *terminal;
static bool blocks; /* the terminal shows block elements */
static attr_t attributes[PAINTS];

static const attr_t plain_attributes[PAINTS] = {
	[PAINT_PLAIN] = A_NORMAL,    [PAINT_BOLD] = A_BOLD, [PAINT_DIM] = A_NORMAL, [PAINT_HEAD] = A_REVERSE,
	[PAINT_PICKED] = A_STANDOUT, [PAINT_GOOD] = A_BOLD, [PAINT_ODD] = A_BOLD,   [PAINT_BAD] = A_BOLD | A_UNDERLINE,
};

bool paint_can(void)
{
	const char *kind = getenv("TERM");
	int err;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !kind || !*kind || !strcmp(kind, "dumb"))
		return false;
	return setupterm(NULL, STDOUT_FILENO, &err) == OK && tigetstr("cup") && tigetstr("cup") != (char *)-1;
}

/* For tputs, which hands on an octet at a time and no context. */
static char *leave_to;
static size_t leave_length;

static int leave_put(int octet)
{
	if (leave_length < PAINT_LEAVE - 1)
		leave_to[leave_length++] = (char)octet;
	return octet;
}

void paint_leave(char leave[PAINT_LEAVE])
{
	/* Attributes off, keypad as it was, cursor shown, off the alternate screen. */
	static const char *const names[] = { "sgr0", "rmkx", "cnorm", "rmcup" };

	leave_to = leave;
	leave_length = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *sequence = tigetstr(names[i]);

		if (sequence && sequence != (char *)-1)
			tputs(sequence, 1, leave_put);
	}
	leave[leave_length] = '\0';
}

static void choose_colours(bool colour)
{
	static const struct {
		enum paint paint;
		short colour;
		attr_t with;
	} colours[] = { { PAINT_DIM, COLOR_CYAN, 0 },
			{ PAINT_GOOD, COLOR_GREEN, 0 },
			{ PAINT_ODD, COLOR_YELLOW, 0 },
			{ PAINT_BAD, COLOR_RED, A_BOLD } };

	memcpy(attributes, plain_attributes, sizeof(attributes));
	if (!colour || !has_colors() || start_color() == ERR || use_default_colors() == ERR)
		return;
	for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
		init_pair((short)(i + 1), colours[i].colour, -1);
		attributes[colours[i].paint] = (attr_t)COLOR_PAIR(i + 1) | colours[i].with;
	}
}

int paint_open(bool colour)
{
	setlocale(LC_CTYPE, "");
	blocks = !strcmp(nl_langinfo(CODESET), "UTF-8");
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return -ENOTTY;
	set_term(terminal);
	set_escdelay(ESCAPE_WAIT_MS);
	choose_colours(colour);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, TRUE);
	curs_set(0);
	return 0;
}

void paint_close(void)
{
	if (!terminal)
		return;
	endwin();
	delscreen(terminal);
	terminal = NULL;
}

void paint_size(int *height, int *width)
{
	*height = getmaxy(stdscr);
	*width = getmaxx(stdscr);
}

void paint_begin(void) { werase(stdscr); }

void paint_end(void) { wrefresh(stdscr); }

static int room_at(int row, int column)
{
	return row < 0 || row >= getmaxy(stdscr) || column < 0 ? 0 : getmaxx(stdscr) - column;
}

int paint_text(int row, int column, int width, enum paint paint, const char *text)
{
	int room = room_at(row, column), length = (int)strlen(text);

	if (width < 0)
		width = length;
	width = width < room ? width : room;
	length = length < width ? length : width;
	if (width <= 0)
		return column;
	wattrset(stdscr, (int)attributes[paint]);
	mvwaddnstr(stdscr, row, column, text, length);
	for (int i = length; i < width; i++)
		mvwaddnstr(stdscr, row, column + i, " ", 1);
	wattrset(stdscr, A_NORMAL);
	return column + width;
}

int paint_format(int row, int column, enum paint paint, const char *format, ...)
{
	char text[TEXT];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	return paint_text(row, column, -1, paint, text);
}

static void put_block(int row, int column, wchar_t block, enum paint paint)
{
	const wchar_t text[] = { block, 0 };

	if (room_at(row, column) <= 0)
		return;
	wattrset(stdscr, (int)attributes[paint]);
	mvwaddnwstr(stdscr, row, column, text, 1);
	wattrset(stdscr, A_NORMAL);
}

void paint_bar(int row, int column, unsigned int eighths, enum paint paint)
{
	for (; eighths >= 8; eighths -= 8)
		put_block(row, column++, blocks ? 0x2588 : L'#', paint);
	if (eighths)
		put_block(row, column, blocks ? (wchar_t)(0x2590 - (int)eighths) : L'#', paint);
}

void paint_level(int row, int column, unsigned int eighths, enum paint paint)
{
	static const char marks[] = " _.-=+*#@";

	eighths = eighths < 8 ? eighths : 8;
	if (eighths)
		put_block(row, column, blocks ? (wchar_t)(0x2580 + (int)eighths) : (wchar_t)marks[eighths], paint);
}

int paint_key(void)
{
	static const struct {
		int code, key;
	} keys[] = { { KEY_UP, PAINT_UP },	 { KEY_DOWN, PAINT_DOWN },     { KEY_LEFT, PAINT_LEFT },
		     { KEY_RIGHT, PAINT_RIGHT }, { KEY_PPAGE, PAINT_PAGE_UP }, { KEY_NPAGE, PAINT_PAGE_DOWN },
		     { KEY_HOME, PAINT_HOME },	 { KEY_END, PAINT_END },       { KEY_BACKSPACE, PAINT_BACKSPACE },
		     { 127, PAINT_BACKSPACE },	 { 8, PAINT_BACKSPACE },       { KEY_ENTER, PAINT_ENTER },
		     { '\r', PAINT_ENTER },	 { KEY_RESIZE, PAINT_RESIZE }, { ERR, PAINT_NO_KEY } };
	int code = wgetch(stdscr);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].code == code)
			return keys[i].key;
	return code > 0 && code < 127 ? code : PAINT_OTHER;
}
