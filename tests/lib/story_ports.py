# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which story happens on which port of the server: the port names the story in the records."""

HELLO = 13200
ECHO = 20000
CLOSED = 20001
DOWN = 20002
DROPPED = 20003
REJECTED = 20004
LAZY = 20005
RESET = 20006
SCAN_OPEN = 20010
SCAN_CLOSED = 20011
SCAN_DROPPED = 20012

LISTENING = (HELLO, ECHO, LAZY, RESET, SCAN_OPEN)
