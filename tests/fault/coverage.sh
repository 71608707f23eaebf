# What no test reaches: sh tests/fault/coverage.sh [BUILD]
#
# Builds with --coverage, runs all tests except the format check, including
# every allocation and step of the out-of-memory tests, and lists the code of
# ext/ that nothing ran (coverage.py), unless unreached.txt gives a reason. Run
# it by hand: it takes three quarters of an hour on two processors.
#
#   BUILD          the build folder (build/coverage)
#   TESTS          options for ctest, such as "-L unit" (all tests)
#   KV_NOMEM_STEP  which allocations fail (1: each; the list is made for that)
#   SKIP_RUN       not empty: list what the last run left
#   Debian         gcc gcov cmake python3
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
  KV_NOMEM_STEP=${KV_NOMEM_STEP:-1}
  export KV_NOMEM_STEP
  # Outside ctest, whose timeout is too short for it.
  left_out='format_check|exports|embed|install|quickstart'
  [ -n "${TESTS:-}" ] || left_out="$left_out|nomem_statements"
  [ -n "${TESTS:-}" ] || (cd "$build" &&
    ./fault_nomem_statements > "$build/nomem.log" 2>&1 ||
    echo "fault_nomem_statements failed: $build/nomem.log") &
  # shellcheck disable=SC2086 # options
  (cd "$build" && ctest --parallel 2 \
    -E "$left_out" \
    ${TESTS:-} > "$build/ctest.log" 2>&1)
  wait
  tail -n 15 "$build/ctest.log"
fi

# kv_bench is optimized: its lines are not those of the others.
find "$build" -name '*.gcda' -path '*/ext/*' -not -path '*/kv_bench.dir/*' |
  LC_ALL=C sort > "$build/gcda"
mkdir -p "$build/gcov" && cd "$build/gcov" || exit 2
xargs gcov --branch-probabilities --json-format --stdout < "$build/gcda" \
  2> /dev/null > all.json
python3 "$source/tests/fault/coverage.py" "$source" all.json \
  "$source/tests/fault/unreached.txt"
