# The format on other machines: sh tests/portable/machines.sh [MACHINE ...]
#
# Cross-compiles SQLite, the extension and the unit tests for s390x (big-endian,
# 64 bits) and i386 (32 bits), and runs them under qemu-user: the unit tests,
# the kept logs of tests/golden_logs/, a session of two devices, the life of a log
# (sealed files, a compaction, a copy of a retired log). Then this machine reads the
# logs that were written there, and finds the same rows; and a folder goes on from the
# one machine to the other, both ways (life_on.sql).
# .ci/run calls it.
#
#   SQLITE      debian: what Debian has for these machines; or as in fetch.sh
#   BUILD       the build folder (build/portable/machines)
#   KV_MODULE   the module of this machine (build/kv)
#   Debian      gcc-s390x-linux-gnu libc6-dev-s390x-cross gcc-i686-linux-gnu
#               libc6-dev-i386-cross qemu-user cmake make libxxhash-dev sqlite3;
#               npm for an SQLite that is fetched
#
# cmocka and SQLite for these machines are taken out of Debian's packages
# without installing them. Exits with 3 if they are not available: nothing was
# tried. A machine whose compiler or emulator is not installed is skipped with a
# message, or fails if KV_REQUIRE_ALL is set.
set -u
cd "$(dirname "$0")/../.." || exit 2
source=$PWD
[ $# -gt 0 ] || set -- s390x i386
build=${BUILD:-build/portable/machines}
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 2
here=${KV_MODULE:-build/kv}
case $here in /*) ;; *) here=$source/$here ;; esac
failures=0

say() {
  printf 'machines: %s\n' "$*"
}

fail() {
  say "FAILED: $*"
  failures=$((failures + 1))
}

sqlite=${SQLITE:-debian}
number=Debian\'s
if [ "$sqlite" != debian ]; then
  number=$(sh tests/portable/fetch.sh "$sqlite" "$build/sqlite") || exit 2
fi
mkdir -p "$build/include"
cp /usr/include/xxhash.h "$build/include/" || exit 2

# Unpack what Debian has for $machine below $work/root.
unpack() {
  [ -f "$work/unpacked" ] && return
  mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
  (
    cd "$work/apt" || exit 1
    set -- -qq -o "APT::Architecture=$machine" -o "APT::Architectures=$machine" \
      -o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache" \
      -o APT::Sandbox::User=root
    apt-get "$@" update
    apt-get "$@" download libcmocka0 libcmocka-dev libsqlite3-dev || exit 1
    for package in *.deb; do dpkg -x "$package" "$work/root" || exit 1; done
    touch "$work/unpacked"
  ) > "$work/apt.log" 2>&1
}

# SQLite as a library and as run_sql, kv.so, the unit tests.
compile() {
  if [ "$sqlite" = debian ]; then
    header=$work/root/usr/include
    library=$(find "$work/root" -name libsqlite3.a)
  else
    header=$build/sqlite
    library=$work/libsqlite3.a
    [ -f "$library" ] || {
      "$cc" -O1 -g -fPIC -DSQLITE_THREADSAFE=1 -c \
        -o "$work/sqlite3.o" "$header/sqlite3.c" &&
        ar rc "$library" "$work/sqlite3.o" || return 1
    }
  fi
  "$cc" -O1 -g -I"$header" -o "$work/run_sql" tests/portable/run_sql.c \
    "$library" -lm -ldl -lpthread || return 1
  cmocka=$(find "$work/root" -name 'libcmocka.so')
  cmake -S . -B "$work/kv" -DCMAKE_SYSTEM_NAME=Linux \
    -DCMAKE_SYSTEM_PROCESSOR="$machine" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_CROSSCOMPILING_EMULATOR="$qemu;-L;$sysroot" \
    -DKV_SQLITE3_INCLUDE_DIR="$header" \
    -DKV_SQLITE3_LIBRARY="$library" -DCMAKE_C_STANDARD_LIBRARIES=-lm \
    -DKV_XXHASH_INCLUDE_DIR="$build/include" -DKV_BUILD_TESTS=ON \
    -DKV_CMOCKA_INCLUDE_DIR="$work/root/usr/include" \
    -DKV_CMOCKA_LIBRARY="$cmocka" &&
    cmake --build "$work/kv" --parallel 2
}

run() { # DATABASE MODULE < SCRIPT, there
  "$qemu" -L "$sysroot" "$work/run_sql" "$1" "$2"
}

there() { # < SCRIPT
  run :memory: "$work/kv/kv"
}

here() { # < SCRIPT
  { echo ".load $here"; cat; } | sqlite3 -batch -init /dev/null
}

# All rows of all logs in life.kv, and of the copy.
dump_life() {
  for log in laptop phone tablet laptop/of/tablet.db; do
    [ -e "life.kv/devices/$log" ] || continue
    echo "SELECT seq, txn, ts, op, bucket, typeof(key), quote(key),
      typeof(value), quote(value), parent_ts, valid
      FROM kv_foreign('life.kv/devices/$log');"
  done
}

# The life of a log begins by $1 and goes on by $2, which has only a copy of one log;
# both read the same.
live() { # there or here
  rm -rf life.kv
  "$1" < "$source/tests/portable/life.sql" > life.out
  diff -u "$source/tests/portable/life.out" life.out || return 1
  dump_life | there > there.out
  dump_life | here > here.out
  [ -s here.out ] && diff -u there.out here.out || return 1
  rm -r life.kv/devices/tablet
  "$2" < "$source/tests/portable/life_on.sql" > life_on.out
  diff -u "$source/tests/portable/life_on.out" life_on.out || return 1
  dump_life | there > there.out
  dump_life | here > here.out
  diff -u there.out here.out && ! grep -q '|0$' here.out
}

# All rows of both logs of a session, except random columns.
dump() {
  for name in laptop phone; do
    echo "SELECT seq, txn, ts, op, bucket, typeof(key), quote(key),
      typeof(value), quote(value), valid, iif(op = 'seen', '', parent_ts)
      FROM kv_foreign('notes.kv/devices/$name/log.db') WHERE key IS NOT 'now';"
  done
}

for machine in "$@"; do
  case $machine in
    s390x) cc=s390x-linux-gnu-gcc qemu=qemu-s390x sysroot=/usr/s390x-linux-gnu
      packages='gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user' ;;
    i386) cc=i686-linux-gnu-gcc qemu=qemu-i386 sysroot=/usr/i686-linux-gnu
      packages='gcc-i686-linux-gnu libc6-dev-i386-cross qemu-user' ;;
    *) say "no such machine: $machine" && exit 2 ;;
  esac
  if ! command -v "$cc" > /dev/null || ! command -v "$qemu" > /dev/null; then
    word="$machine: $cc or $qemu is not here: apt-get install $packages"
    if [ -n "${KV_REQUIRE_ALL-}" ]; then
      fail "$word"
    else
      say "skipped: $word"
    fi
    continue
  fi
  work=$build/$machine
  mkdir -p "$work"
  unpack || {
    say "$machine: cannot get its packages, nothing was tried: $work/apt.log"
    [ "$failures" = 0 ] && exit 3
    exit 1
  }
  compile > "$work/compile.log" 2>&1 || {
    tail -n 20 "$work/compile.log"
    fail "$machine: does not compile"
    continue
  }
  # unit_snapshots takes minutes there, and is about moments, not machines.
  if ctest --test-dir "$work/kv" -L unit -E snapshots --parallel 2 \
    --output-on-failure > "$work/unit.log" 2>&1; then
    say "ok: $machine: unit tests, $(grep 'tests passed' "$work/unit.log")"
  else
    grep -E 'ERROR|LINE|Failed|Timeout|Exception|tests passed' "$work/unit.log"
    fail "$machine: unit tests, see $work/unit.log"
  fi

  rm -rf "$work/run" && mkdir "$work/run" && cd "$work/run" || exit 2
  cp -r "$source/tests/golden_logs/version_2.kv" .
  run :memory: "$work/kv/kv" < "$source/tests/golden_logs/version_2.sql" \
    2>&1 | sed "s|$(pwd -P)/||g" > version_2.out
  if diff -u "$source/tests/golden_logs/version_2.out" version_2.out; then
    say "ok: $machine: the kept logs are read the same"
  else
    fail "$machine: the kept logs"
  fi
  run host.db "$work/kv/kv" < "$source/tests/portable/windows.sql" > session.out
  if diff -u "$source/tests/portable/windows.out" session.out; then
    say "ok: $machine: a session of two devices"
  else
    fail "$machine: a session of two devices"
  fi
  dump | run :memory: "$work/kv/kv" > there.out
  { echo ".load $here"; dump; } | sqlite3 -batch -init /dev/null > here.out
  if [ -s here.out ] && diff -u there.out here.out; then
    say "ok: $machine: its logs are read the same here, $(wc -l < here.out) rows"
  else
    fail "$machine: its logs read here"
  fi
  if live there here && live here there; then
    say "ok: $machine: the life of a log, from there to here and back"
  else
    fail "$machine: the life of a log"
  fi
  cd "$source" || exit 2
done
say "$failures failures with $number SQLite on $*"
[ "$failures" = 0 ]
