# What no test reaches: sh tests/fault/coverage.sh [BUILD]
#
# Builds with --coverage, runs all tests but the format check, and lists the
# lines of ext/ that nothing ran, by file and function, and how many lines and
# branches were taken. README.md says why those that are left are left. Called by
# hand: ten minutes.
#
#   BUILD       the build folder (build/coverage)
#   TESTS       options for ctest, such as "-L unit" (all tests)
#   SKIP_RUN    not empty: list what the last run left
#   Debian      gcc gcov cmake python3
set -u
cd "$(dirname "$0")/../.." || exit 2
source=$PWD
build=${1:-build/coverage}
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 2

if [ -z "${SKIP_RUN:-}" ]; then
  cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=gcc \
    -DCMAKE_C_FLAGS="--coverage -fprofile-update=atomic" \
    -DCMAKE_EXE_LINKER_FLAGS=--coverage \
    -DCMAKE_MODULE_LINKER_FLAGS=--coverage > "$build/cmake.log" 2>&1 &&
    cmake --build "$build" --parallel 2 >> "$build/cmake.log" 2>&1 || {
    tail -n 20 "$build/cmake.log"
    exit 1
  }
  find "$build" -name '*.gcda' -delete
  # shellcheck disable=SC2086 # options
  (cd "$build" && ctest --parallel 2 -E 'format_check|exports|embed|install' \
    ${TESTS:-} > "$build/ctest.log" 2>&1)
  tail -n 15 "$build/ctest.log"
fi

find "$build" -name '*.gcda' -path '*/ext/*' | LC_ALL=C sort > "$build/gcda"
mkdir -p "$build/gcov" && cd "$build/gcov" || exit 2
xargs gcov --branch-probabilities --json-format --stdout < "$build/gcda" \
  2> /dev/null > all.json
python3 - "$source" all.json << 'END'
"""Adds up the runs of each line over all objects (unit tests, the module)."""
import collections, json, os, sys

source, path = sys.argv[1:]
lines = collections.defaultdict(int)      # (file, line) -> runs
branches = collections.defaultdict(int)   # (file, line, n) -> runs
functions = {}                            # (file, line) -> function
for document in open(path):
    for file in json.loads(document)["files"]:
        name = os.path.relpath(os.path.join(source, file["file"]), source)
        if not name.startswith("ext/"):
            continue
        for line in file["lines"]:
            at = (name, line["line_number"])
            lines[at] += line["count"]
            functions[at] = line.get("function_name", "")
            for n, branch in enumerate(line["branches"]):
                branches[at + (n,)] += branch["count"]
missed = sorted(at for at, n in lines.items() if n == 0)
for name in sorted({at[0] for at in missed}):
    print(name)
    text = open(os.path.join(source, name)).read().split("\n")
    for at in missed:
        if at[0] == name:
            print("  %4d %-28s %s" % (at[1], functions[at], text[at[1] - 1].strip()))
print("%d of %d lines were run, %d of %d branches taken" % (
    len(lines) - len(missed), len(lines),
    sum(1 for n in branches.values() if n), len(branches)))
END
