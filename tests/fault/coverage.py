"""What no test ran, from gcov's JSON: called by coverage.sh.

    coverage.py SOURCE GCOV LIST

Prints the lines of ext/ that nothing ran, and the error branches that nothing
took and for which LIST gives no reason; then branches in LIST that were taken
after all. Exits with 1 if it printed any.

An error branch is a line that was not run, or a condition that asks for an
error and never found it: rc != SQLITE_OK, !pointer, an error code. A chain on
rc that skips the rest after an error is not one: there is no code to run.
"""

import collections
import json
import os
import re
import sys

ERROR = re.compile(
    r"!= SQLITE_OK|[=!]= SQLITE_(?!OK|ROW|DONE|INTEGER|FLOAT|TEXT|BLOB|NULL)[A-Z]"
    r"|(\(|&& |\|\| )!\w|is_unread|is_our_fault|is_disk")
OTHERWISE = re.compile(r": (SQLITE_[A-Z]+|KV_FILE_UNKNOWN);")


def read(source, path):
    """(file, line) -> runs, (file, line) -> [runs of a branch], -> function,
    added up over all objects: of the unit tests and of the module."""
    lines = collections.Counter()
    branches = {}
    functions = {}
    with open(path) as documents:
        for document in documents:
            for file in json.loads(document)["files"]:
                name = os.path.relpath(os.path.join(source, file["file"]), source)
                if not name.startswith("ext/"):
                    continue
                for line in file["lines"]:
                    at = (name, line["line_number"])
                    lines[at] += line["count"]
                    functions[at] = line.get("function_name", "")
                    counts = [b["count"] for b in line["branches"]]
                    had = branches.get(at, [0] * len(counts))
                    branches[at] = [a + b for a, b in zip(had, counts)]
    return lines, branches, functions


def is_error(text, counts):
    """True outcomes of a condition are the even branches, false the odd."""
    if text.startswith("assert("):
        return False
    if ERROR.search(text) and 0 in counts[::2]:
        return True
    return bool(OTHERWISE.search(text)) and 0 in counts[1::2]


def read_list(path):
    """The branches that have a reason, as "file function text"."""
    known = set()
    place = ""
    with open(path) as f:
        for line in f:
            if line.startswith("ext/"):
                place = line.strip()
            elif line.startswith("    "):
                known.add("%s %s" % (place, line.strip()))
    return known


def main():
    source, gcov, reasons = sys.argv[1:]
    lines, branches, functions = read(source, gcov)
    known = read_list(reasons)
    found = collections.OrderedDict()
    texts = {}
    unrun = 0
    for at in sorted(lines):
        name, number = at
        if name not in texts:
            with open(os.path.join(source, name)) as f:
                texts[name] = [line.strip() for line in f]
        text = texts[name][number - 1]
        unrun += lines[at] == 0
        if lines[at] == 0 or is_error(text, branches[at]):
            # Of several lines of one function that nothing ran, show the first.
            if lines[at] == 0 and lines.get((name, number - 1), 1) == 0 and \
                    functions[at] == functions.get((name, number - 1)):
                continue
            found["%s %s %s" % (name, functions[at], text)] = number
    surprises = 0
    for key, number in found.items():
        if key not in known:
            name, function, text = key.split(" ", 2)
            print("%s:%d %s\n    %s" % (name, number, function, text))
            surprises += 1
    for key in sorted(known - set(found)):
        print("taken, though the list says that it is not: " + key)
        surprises += 1
    taken = [n for counts in branches.values() for n in counts]
    print("%d of %d lines were run, %d of %d branches taken; "
          "%d error branches were not, %d of them not in the list" % (
              len(lines) - unrun, len(lines), sum(1 for n in taken if n), len(taken),
              len(found), sum(1 for k in found if k not in known)))
    sys.exit(1 if surprises else 0)


main()
