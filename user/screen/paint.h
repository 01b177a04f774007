/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The terminal as a sheet that is painted anew for each picture; ncurses sends what differs. Alone knows ncurses; knows
 * nothing of flows. Rows and columns count from 0; what does not fit is left out. */
#ifndef TCPSCOPE_USER_PAINT_H
#define TCPSCOPE_USER_PAINT_H

#include <stdbool.h>

enum { PAINT_LEAVE = 256 };

enum paint {
	PAINT_PLAIN,
	PAINT_BOLD,
	PAINT_DIM,
	PAINT_HEAD,   /* of a table */
	PAINT_PICKED, /* where the cursor is */
	PAINT_GOOD,
	PAINT_ODD,
	PAINT_BAD,
	PAINTS
};

/* Keys without a character. */
enum paint_key {
	PAINT_NO_KEY = 0,
	PAINT_ENTER = '\n',
	PAINT_ESCAPE = 27,
	PAINT_UP = 0x1000,
	PAINT_DOWN,
	PAINT_LEFT,
	PAINT_RIGHT,
	PAINT_PAGE_UP,
	PAINT_PAGE_DOWN,
	PAINT_HOME,
	PAINT_END,
	PAINT_BACKSPACE,
	PAINT_RESIZE, /* the terminal has another size now */
	PAINT_OTHER,  /* something else */
};

/* Would paint_open work, as far as can be told: are both ends a terminal, of a kind that is known? */
bool paint_can(void);
/* What tells the terminal that the sheet is over, for who cannot call paint_close; after paint_can. */
void paint_leave(char leave[PAINT_LEAVE]);
/* Takes the terminal over; without colour if it has none, or none is wanted. Returns 0 or -ENOTTY. */
int paint_open(bool colour);
/* Gives it back as it was. Legal if it was not opened. */
void paint_close(void);
void paint_size(int *height, int *width);

/* A picture: begun with an empty sheet, shown at the end. */
void paint_begin(void);
void paint_end(void);
/* Printable ASCII, cut at `width`, filled up with blanks to it; width < 0: as long as it is. Returns the column
 * behind. */
int paint_text(int row, int column, int width, enum paint paint, const char *text);
__attribute__((format(printf, 4, 5))) int paint_format(int row, int column, enum paint paint, const char *format, ...);
/* A bar of eighths of a column where the terminal's characters allow. */
void paint_bar(int row, int column, unsigned int eighths, enum paint paint);
/* A column of up to eight eighths of a row's height. */
void paint_level(int row, int column, unsigned int eighths, enum paint paint);

/* The next key that waits. */
int paint_key(void);

#endif
