# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a test prints: a line per check, `ok NAME`, `not ok NAME - why` or `skip NAME - why`; and its exit status."""

import os
import sys
import traceback

failed = 0


def check(name, good, why=""):
    global failed
    if good:
        print(f"ok {name}", flush=True)
    else:
        failed += 1
        print(f"not ok {name} - {one_line(why)}", flush=True)
    return bool(good)


def equal(name, got, want):
    return check(name, got == want, f"got {got}, want {want}")


def differences(got, want):
    """Of two dictionaries, the entries of `want` that `got` has otherwise, as text; empty if none."""
    return "; ".join(f"{field}: got {got.get(field)!r}, want {value!r}"
                     for field, value in want.items() if got.get(field) != value)


def same(name, got, want):
    text = differences(got, want)
    return check(name, not text, text)


def skip(name, why):
    print(f"skip {name} - {one_line(why)}", flush=True)


def one_line(text):
    return " ".join(str(text).split())


def run(main):
    """Calls main; what it could not go on without is a failed check, too. Ends the program, threads or not."""
    try:
        main()
    except Exception as error:  # of any kind: the suite must go on
        check(os.path.basename(sys.argv[0]), False, "".join(traceback.format_exception(error)))
    sys.stdout.flush()
    os._exit(1 if failed else 0)
