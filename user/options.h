/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the user asked for on the command line. Knows nothing of the sources and views that act on it. */
#ifndef TCPSCOPE_USER_OPTIONS_H
#define TCPSCOPE_USER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct names;
struct output;

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_STRICT = 3 };

enum { OPTIONS_INTERFACES = 64 };

enum color_choice { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* HOOK_TAP: XDP, which drops what it has counted. */
enum hook_choice { HOOK_AUTO, HOOK_XDP, HOOK_TC, HOOK_TAP };

struct options {
	const char *interface[OPTIONS_INTERFACES];
	unsigned int interfaces;     /* 0: that of the default route */
	const char *capture;	     /* file to read, "-" for standard input; NULL: live */
	const struct output *output; /* main opens and closes it; sources call its flow and ledger */
	bool output_chosen;	     /* by --output */
	bool screen;		     /* main's word: a live source shows itself on the terminal */
	int columns;		     /* of the terminal that standard output is; 0: none */
	enum color_choice color;
	bool resolve;	      /* names of hosts in place of addresses */
	struct names *names;  /* main's word: who knows them; NULL: addresses are shown */
	uint64_t active_ns;   /* between interim records of a flow; 0: none */
	uint64_t idle_ns;     /* of silence until a flow is reported and forgotten; 0: as is usual (patience.h) */
	bool merge;	      /* one record of what several interfaces saw */
	uint64_t duration_ns; /* 0: until interrupted */
	enum hook_choice hook;
	uint32_t flows;		/* room for so many in the table */
	bool stats;		/* print the ledger in full */
	bool strict;		/* a residue in the ledger, or anything lost: EXIT_STRICT */
	bool report;		/* the services at the end, and every interval_ns */
	uint64_t interval_ns;	/* 0: only at the end */
	bool per_interval;	/* then only what is new */
	const char **assertion; /* as given */
	size_t assertions;
	const char *ladder; /* tcpdump expression: whose packets are shown; NULL: none */
	const char *junit;  /* file for their verdicts; NULL: none */
	const char *pin;    /* name under which the watch outlives the program; NULL: none */
	const char *unpin;  /* the watch to end; NULL: none */
	const char *user;   /* to go on as once attached, or once a capture is open; NULL: nobody */
	char *filter;	    /* tcpdump expression; NULL: none */
};

/* Fills `options` from the command line. Prints help, version and usage errors itself, and then exits. */
void options_read(struct options *options, int argc, char **argv);
/* "--hook auto", and so on to "--tap". */
const char *options_hook_name(enum hook_choice hook);
/* What --color comes to, with the environment and the terminal. */
bool options_colour(const struct options *options);
void options_free(struct options *options);

#endif
