# Threads under ThreadSanitizer: sh tests/fault/threads.sh [COMMITS]
#
# Builds SQLite out of an amalgamation and threads.c, both with
# -fsanitize=thread, and runs it. Called by hand.
#
#   COMMITS   of each thread (200)
#   SQLITE    the SQLite, as in tests/portable/fetch.sh (newest)
#   BUILD     the build folder (build/threads)
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${BUILD:-build/threads}
cc=${CC:-cc}
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 2
number=$(sh tests/portable/fetch.sh "${SQLITE:-newest}" "$build/sqlite") ||
  exit 2
if [ ! -f "$build/libsqlite3.a" ]; then
  "$cc" -O1 -g -fPIC -fsanitize=thread -DSQLITE_THREADSAFE=1 -DHAVE_USLEEP=1 \
    -c -o "$build/sqlite3.o" "$build/sqlite/sqlite3.c" &&
    ar rc "$build/libsqlite3.a" "$build/sqlite3.o" || exit 2
fi
cmake -S . -B "$build/kv" -DKV_SANITIZE=thread -DCMAKE_C_COMPILER="$cc" \
  -DKV_SQLITE3_INCLUDE_DIR="$build/sqlite" \
  -DKV_SQLITE3_LIBRARY="$build/libsqlite3.a" \
  -DCMAKE_C_STANDARD_LIBRARIES=-lm > "$build/cmake.log" 2>&1 &&
  cmake --build "$build/kv" --target fault_threads --parallel 2 \
    >> "$build/cmake.log" 2>&1 || {
  tail -n 20 "$build/cmake.log"
  exit 1
}
echo "threads: SQLite $number, ThreadSanitizer"
# SQLite's own: unixOpen() compares the process id that unixRandomness() wrote,
# without the mutex. Nothing else is left out.
echo 'race_top:unixOpen' > "$build/suppressions"
TSAN_OPTIONS="halt_on_error=0 second_deadlock_stack=1 ${TSAN_OPTIONS:-}"
TSAN_OPTIONS="$TSAN_OPTIONS suppressions=$build/suppressions"
export TSAN_OPTIONS
"$build/kv/fault_threads" "${1:-200}"
