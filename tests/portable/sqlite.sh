# The tests against another SQLite: sh tests/portable/sqlite.sh [VERSION]
#
# Builds libsqlite3.so out of an amalgamation, with SQLITE_DEBUG (its own
# assertions) and the address sanitizer, builds kv.so against its header, puts
# that library before the system's for python3, and runs the tests of the module,
# a part of the simulation, and random SQL (tests/fault/random_sql.c). With
# `too-old` it runs nothing but the refusal. .ci/run calls it for a short while.
#
#   VERSION     as in fetch.sh (oldest)
#   BUILD       the build folder (build/portable/VERSION)
#   SANITIZE    sanitizers, such as address,undefined; none if empty (address)
#   OPTIONS     more options to compile SQLite with, -DSQLITE_DEFAULT_AUTOVACUUM=1
#               or -DSQLITE_THREADSAFE=0, which omits routines
#   LEVEL       how SQLite is optimized (-O1); -O0 compiles in a third of the time
#   SCHEDULES   how much of the simulation (200)
#   SQL         how many seconds of random SQL (60); none if 0, where cmocka is not
#   TESTS       names of tests ("transactions publish recovery ...")
#   PYTHON      a python3 linked to a shared SQLite (/usr/bin/python3)
#   Debian      gcc cmake make npm libxxhash-dev python3
#
# Where the sanitizer does not work, the script runs without it and says so.
# Exits with 3 if that SQLite is not available: nothing was tried.
set -u
cd "$(dirname "$0")/../.." || exit 2
version=${1:-oldest}
case $version in
  */*) build=${BUILD:-build/portable/given} ;;
  *) build=${BUILD:-build/portable/$version} ;;
esac
sanitize=${SANITIZE-address}
options=${OPTIONS:-}
level=${LEVEL:--O1}
schedules=${SCHEDULES:-200}
sql=${SQL:-60}
tests=${TESTS:-transactions publish recovery sync format queries busy clock}
python=${PYTHON:-/usr/bin/python3}
cc=${CC:-cc}
failures=0

say() {
  printf 'sqlite: %s\n' "$*"
}

fail() {
  say "FAILED: $*"
  failures=$((failures + 1))
}

mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 2
sqlite=$build/sqlite
number=$(sh tests/portable/fetch.sh "$version" "$sqlite") || exit 3

if [ -n "$sanitize" ]; then
  echo 'int main(void) { return 0; }' > "$build/probe.c"
  "$cc" "-fsanitize=$sanitize" -o "$build/probe" "$build/probe.c" \
    2> /dev/null && "$build/probe" || {
    say "-fsanitize=$sanitize does not work here: running without it"
    sanitize=
  }
fi

# The options are those that python3 calls, and SQLite's own assertions.
library=$build/lib/libsqlite3.so.0
if [ ! -f "$library" ] || [ "$(cat "$build/lib/as" 2> /dev/null)" != \
  "$number $sanitize $level $options" ]; then
  # shellcheck disable=SC2086 # one option a word
  mkdir -p "$build/lib" &&
    "$cc" -shared -fPIC "$level" -g -fno-omit-frame-pointer \
      ${sanitize:+"-fsanitize=$sanitize"} -DSQLITE_DEBUG \
      -DSQLITE_ENABLE_DESERIALIZE -DSQLITE_ENABLE_COLUMN_METADATA \
      -DSQLITE_ENABLE_JSON1 -DHAVE_USLEEP=1 $options -Wl,-soname,libsqlite3.so.0 \
      -o "$library" "$sqlite/sqlite3.c" -lm -ldl -lpthread \
      2> "$build/sqlite.log" || {
    cat "$build/sqlite.log"
    exit 2
  }
  echo "$number $sanitize $level $options" > "$build/lib/as"
fi

# An SQLite that is too old has no header to build against: any will do.
header=$sqlite
if [ "$version" = too-old ]; then
  header=$build/oldest
  sh tests/portable/fetch.sh oldest "$header" > /dev/null || exit 2
fi
targets=kv
[ "$version" = too-old ] && sql=0
[ "$sql" = 0 ] || targets='kv fault_random_sql'
# shellcheck disable=SC2086 # one target a word
cmake -S . -B "$build/kv" -DKV_SQLITE3_INCLUDE_DIR="$header" \
  -DKV_SQLITE3_LIBRARY="$library" -DKV_SANITIZE="$sanitize" -DKV_WERROR=ON \
  -DKV_BUILD_TESTS=ON -DCMAKE_C_COMPILER="$cc" > "$build/cmake.log" 2>&1 &&
  cmake --build "$build/kv" --parallel 2 --target $targets \
    >> "$build/cmake.log" 2>&1 || {
  cat "$build/cmake.log"
  exit 1
}

KV_MODULE=$build/kv/kv
PYTHONDONTWRITEBYTECODE=1
ASAN_OPTIONS=detect_leaks=0
export KV_MODULE PYTHONDONTWRITEBYTECODE ASAN_OPTIONS
preload=
case $sanitize in *address*) preload=$("$cc" -print-file-name=libasan.so) ;; esac

run() { # ARGUMENTS of python3
  LD_LIBRARY_PATH=$build/lib LD_PRELOAD=$preload "$python" "$@"
}

found=$(run -c 'import sqlite3; print(sqlite3.sqlite_version)')
if [ "$found" != "$number" ]; then
  say "$python runs SQLite ${found:-of its own}, not $number:" \
    "give PYTHON, one that is linked to a shared library"
  exit 2
fi
say "SQLite $number, SQLITE_DEBUG, sanitizers: ${sanitize:-none}"

if [ "$version" = too-old ]; then
  message=$(run - << 'END'
import os, sqlite3
con = sqlite3.connect(":memory:")
con.enable_load_extension(True)
try:
    con.load_extension(os.environ["KV_MODULE"])
    print("loaded")
except sqlite3.OperationalError as e:
    print(e)
END
  )
  case $message in
    *"kv: SQLite $number is too old: 3.31 or newer is needed"*)
      say "ok: $message" ;;
    *) fail "$message" ;;
  esac
else
  for name in $tests; do
    if run "tests/python/test_$name.py" > "$build/$name.log" 2>&1; then
      say "ok: $name, $(sed -n 's/^Ran //p' "$build/$name.log")"
    else
      fail "$name, see $build/$name.log"
      grep -E '^(FAIL|ERROR):|[Aa]ssert(ion)? .*failed|ERROR: AddressS' \
        "$build/$name.log"
    fi
  done
  if [ "$schedules" = 0 ]; then
    say "no simulation"
  elif run tests/python/simulation.py --schedules "$schedules" \
    > "$build/simulation.log" 2>&1; then
    say "ok: simulation, $schedules schedules"
  else
    fail "simulation, see $build/simulation.log"
    tail -n 5 "$build/simulation.log"
  fi
  if [ "$sql" = 0 ]; then
    say "no random SQL"
  elif ASAN_OPTIONS=detect_leaks=1 "$build/kv/fault_random_sql" 1 1000000 "$sql" \
    > "$build/random_sql.log" 2>&1; then
    say "ok: random SQL, $(sed -n 's/^random_sql: //p' "$build/random_sql.log")"
  else
    fail "random SQL, see $build/random_sql.log"
    grep -E '^in random_sql|[Aa]ssert(ion)? .*failed|ERROR: AddressS' \
      "$build/random_sql.log"
  fi
fi
say "$failures failures with SQLite $number"
[ "$failures" = 0 ]
