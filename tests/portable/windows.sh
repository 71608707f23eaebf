# The extension on Windows, from a Unix: sh tests/portable/windows.sh
#
# Cross-compiles SQLite, the extension in one file and the unit tests with mingw-w64,
# all warnings being errors, looks at what kv.dll exports and needs, and runs in Wine
# the unit tests, a session of two devices (windows.sql), the life of a log (life.sql)
# on a drive, on a share of a server and below a path of over 260 characters, one
# folder by many names, logs that are damaged or away, two processes at once, and
# two devices of which one is on this machine, outside of Wine. .ci/run calls it.
#
#   SQLITE      debian: the sources of Debian's; or as in fetch.sh
#   BUILD       the build folder (build/portable/windows)
#   KV_MODULE   the module of this machine (build/kv), for the device outside of Wine
#   SNAPSHOTS   1: unit_snapshots, too, which takes minutes when others work here
#   Debian      gcc-mingw-w64-x86-64 cmake make libxxhash-dev sqlite3 tcl wine wine64
#
# SQLite and cmocka are compiled from Debian's sources. Exits with 3 if these or
# Wine cannot be had: what was not tried is said. A compiler or a Wine that is not
# installed skips what needs it with a message, or fails if KV_REQUIRE_ALL is set.
#
# Not tried here: links, which Wine shows as what they lead to, and junctions. Wine
# has no limit of 260 characters for a path: run_sql.c brings it.
# Unit tests of what Windows has not are skipped by name: their log says why.
set -u
cd "$(dirname "$0")/../.." || exit 2
source=$PWD
build=${BUILD:-build/portable/windows}
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 2
here_module=${KV_MODULE:-build/kv}
case $here_module in /*) ;; *) here_module=$source/$here_module ;; esac
failures=0

say() {
  printf 'windows: %s\n' "$*"
}

fail() {
  say "FAILED: $*"
  failures=$((failures + 1))
}

skip() { # WHY: the rest needs what is not here
  if [ -n "${KV_REQUIRE_ALL-}" ]; then fail "$*"; else say "skipped: $*"; fi
  [ "$failures" = 0 ]
  exit
}

cc=x86_64-w64-mingw32-gcc
command -v "$cc" > /dev/null ||
  skip "$cc is not here: apt-get install gcc-mingw-w64-x86-64"

sqlite=$build/sqlite
number=$(sh tests/portable/fetch.sh "${SQLITE:-debian}" "$sqlite") || {
  say "SQLite cannot be had, nothing was tried"
  exit 3
}
cmocka=$(sh tests/portable/source.sh cmocka "$build/cmocka") || {
  say "cmocka cannot be had, nothing was tried"
  exit 3
}

# xxhash.h alone: the other headers of its folder are not those of Windows.
xxhash=
for folder in "${KV_XXHASH_INCLUDE_DIR:-}" /usr/include /usr/local/include \
  /opt/homebrew/include; do
  if [ -f "$folder/xxhash.h" ]; then xxhash=$folder && break; fi
done
mkdir -p "$build/include"
cp "$xxhash/xxhash.h" "$build/include/" || exit 2

# SQLite and cmocka as libraries, kv.dll, the unit tests, run_sql.
compile() {
  if [ ! -f "$build/libsqlite3.a" ]; then
    "$cc" -O1 -DSQLITE_THREADSAFE=1 -DSQLITE_ENABLE_DESERIALIZE \
      -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_FTS4 -c -o "$build/sqlite3.o" "$sqlite/sqlite3.c" &&
      x86_64-w64-mingw32-ar rc "$build/libsqlite3.a" "$build/sqlite3.o" || return 1
  fi
  if [ ! -f "$build/libcmocka.a" ]; then
    : > "$build/include/config.h"
    "$cc" -O1 -DHAVE_CONFIG_H -DHAVE_STRUCT_TIMESPEC -I"$build/include" \
      -I"$cmocka/include" -c -o "$build/cmocka.o" "$cmocka/src/cmocka.c" &&
      x86_64-w64-mingw32-ar rc "$build/libcmocka.a" "$build/cmocka.o" || return 1
  fi
  cmake -S . -B "$build/kv" -DCMAKE_TOOLCHAIN_FILE=cmake/mingw.cmake \
    -DCMAKE_CROSSCOMPILING_EMULATOR=wine \
    -DKV_SQLITE3_INCLUDE_DIR="$sqlite" -DKV_XXHASH_INCLUDE_DIR="$build/include" \
    -DKV_SQLITE3_LIBRARY="$build/libsqlite3.a" \
    -DKV_CMOCKA_INCLUDE_DIR="$cmocka/include" \
    -DKV_CMOCKA_LIBRARY="$build/libcmocka.a" \
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0 -DKV_AMALGAMATION=ON \
    -DKV_PYTHON= -DKV_BUILD_TESTS=ON -DKV_WERROR=ON &&
    cmake --build "$build/kv" --parallel 2 --target kv unit_tests &&
    "$cc" -municode -O0 -I"$sqlite" -o "$exe" tests/portable/run_sql.c \
      "$build/libsqlite3.a"
}

exe=$build/run_sql.exe
compile > "$build/compile.log" 2>&1 || {
  tail -n 20 "$build/compile.log"
  fail "it does not compile, see $build/compile.log"
  exit 1
}
dll=$build/kv/kv.dll
x86_64-w64-mingw32-objdump -p "$dll" > "$build/kv.dll.txt"
shown=$(sed -n '/Name Pointer..*Table/,/^$/s/^.*\] .*\(sqlite3_.*\)$/\1/p' \
  "$build/kv.dll.txt" | tr '\n' ' ')
[ "$shown" = "sqlite3_extension_init sqlite3_kv_init " ] ||
  fail "kv.dll exports $shown"
needed=$(sed -n 's/^.*DLL Name: //p' "$build/kv.dll.txt" |
  grep -viE '^(kernel32|advapi32|msvcrt|ucrtbase|api-ms-win-.*)\.dll$')
[ -z "$needed" ] || fail "kv.dll needs $needed"
say "kv.dll compiles with SQLite $number"

# Run.
command -v wine > /dev/null ||
  skip "wine is not here, compiled only: apt-get install wine wine64"
WINEPREFIX=${WINEPREFIX:-$build/wine}
WINEDEBUG=${WINEDEBUG:--all}
export WINEPREFIX WINEDEBUG
mkdir -p "$WINEPREFIX"
wine cmd /c ver > "$build/wine.log" 2>&1 || {
  say "Wine does not start here, compiled only: $(tail -n 1 "$build/wine.log")"
  [ "$failures" = 0 ] && exit 3
  exit 1
}
# Where Wine finds the share \\kv\share.
rm -rf "$build/share"
mkdir -p "$build/share" "$WINEPREFIX/dosdevices/unc/kv"
ln -sfn "$build/share" "$WINEPREFIX/dosdevices/unc/kv/share"

# Where the unit tests have their files: in memory, as they have elsewhere.
temp=
if [ -w /dev/shm ]; then
  temp=$(mktemp -d /dev/shm/kv-windows.XXXXXX) || exit 2
  trap 'rm -rf "$temp"' EXIT
  ln -sfn "$temp" "$WINEPREFIX/dosdevices/t:"
  for name in TEMP TMP; do
    wine reg add 'HKCU\Environment' /f /v "$name" /d 'T:\' >> "$build/wine.log" 2>&1
  done
fi

without=snapshots
[ "${SNAPSHOTS-}" != 1 ] || without=no_test
if KV_TEST_SHARE=//kv/share ctest --test-dir "$build/kv" -L unit -E "$without" \
  --parallel 2 --output-on-failure > "$build/unit.log" 2>&1; then
  say "ok: unit tests, $(grep 'tests passed' "$build/unit.log")"
  sed -n 's/^.*not on Windows: \(.*\)$/\1/p' \
    "$build/kv/Testing/Temporary/LastTest.log" | tr -d '\r' | sort | uniq -c |
    while read -r n why; do say "skipped: $n of their cases: $why"; done
else
  grep -E 'ERROR|LINE|Failed|Timeout|Exception|tests passed' "$build/unit.log"
  fail "unit tests, see $build/unit.log"
fi

work=$build/work
rm -rf "$work"
mkdir -p "$work/Größe 東" && cd "$work" || exit 2

run() { # DATABASE < SCRIPT, without what differs from run to run
  wine "$exe" "$1" "$dll" 2>> "$build/stderr.log" | tr -d '\r' |
    sed "s|Z:$(printf %s "$work")|WORK|g"
}

expect() { # WHAT EXPECTED CAME
  if [ "$2" = "$3" ]; then
    say "ok: $1"
  else
    fail "$1: $2 expected, not $3"
  fi
}

ask() { # SQL
  printf '%s\n' "$1" | run "Größe 東/host.db"
}

# Two devices, a file of a cache in a folder whose name is not ASCII.
: > "$build/stderr.log"
run "Größe 東/host.db" < "$source/tests/portable/windows.sql" > session.out
if diff -u "$source/tests/portable/windows.out" session.out; then
  say "ok: a session of two devices"
else
  fail "a session of two devices"
fi
(cd "Größe 東/notes.kv/devices" && find . -type f | LC_ALL=C sort) > found
expect "the folder lies beside the database" "./laptop/log.db ./phone/log.db" \
  "$(tr '\n' ' ' < found | sed 's/ $//')"

# The life of a log: sealed files, typed rows, a retired device, a compaction, a
# device that waits. Then a device of this machine goes on in the same folder.
live() { # WHAT FOLDER PATH: the folder as Wine names it, and as this machine does
  sed "s|'life.kv'|'$2'|" "$source/tests/portable/life.sql" | run :memory: > life.out
  if diff -u "$source/tests/portable/life.out" life.out; then
    say "ok: the life of a log $1"
  else
    fail "the life of a log $1"
  fi
  expect "its files are sealed" 1 "$(($(find "$3/devices/laptop" -name 'log-*' |
    wc -l) > 0))"
  rm -r "$3/devices/tablet"
  printf "SELECT kv_open('%s', NULL);
SELECT value FROM kv WHERE key = 'by tablet'; SELECT state FROM kv_devices
WHERE device = 'tablet';" "$2" | run :memory: > gone.out
  expect "and nothing is lacking without the folder of the retired device" "1 retired" \
    "$(tail -n 2 gone.out | tr '\n' ' ' | sed 's/ $//')"
}
long=$work/$(printf '%0100d/%0100d' 0 0 | sed 's/0/ö/g')
mkdir -p "$long"
live "on a drive" "Z:$work/life.kv" "$work/life.kv"
live "on a share" "//kv/share/life.kv" "$build/share/life.kv"
live "by a long path that is not ASCII" "Z:$long/life.kv" "$long/life.kv"

items="CREATE VIRTUAL TABLE temp.items USING kv_table(id TEXT PRIMARY KEY, name TEXT,
pieces INTEGER NOT NULL DEFAULT 1, tags TEXT, MERGE (pieces counter, tags set));"
if [ -f "$here_module.so" ] && command -v sqlite3 > /dev/null; then
  printf ".load %s\nSELECT kv_open('%s', 'here', 'segment=1'); %s
UPDATE items SET pieces = pieces + 10 WHERE id = 'milk';
INSERT INTO kv VALUES('large here', hex(zeroblob(9000))); SELECT kv_sync();" \
    "$here_module" "$work/life.kv" "$items" |
    sqlite3 -batch -init /dev/null > here.out 2>&1
  printf "SELECT kv_open('Z:%s', 'there'); %s SELECT pieces FROM items;
UPDATE items SET name = 'Milk' WHERE id = 'milk';
SELECT length(value) FROM kv WHERE key = 'large here'; SELECT kv_sync();" \
    "$work/life.kv" "$items" | run :memory: > there.out
  expect "a device in Wine reads what one outside wrote" "there 14 18000 0" \
    "$(tr '\n' ' ' < there.out | sed 's/ $//')"
  printf ".load %s\nSELECT kv_open('%s', 'here'); %s SELECT name, pieces FROM items;
SELECT count(*) FROM kv_devices WHERE state NOT IN ('ok', 'retired');" \
    "$here_module" "$work/life.kv" "$items" |
    sqlite3 -batch -init /dev/null > here.out 2>&1
  expect "and the other way round" "here Milk|14 0" \
    "$(tr '\n' ' ' < here.out | sed 's/ $//')"
else
  say "skipped: a device outside of Wine: no sqlite3, or no $here_module.so"
fi

# One folder by many names is one store.
here="Z:$work/Größe 東"
for name in "$here/notes.kv" "$(printf %s "$here/notes.kv/" | tr / '\\')" \
  "$here/../größe 東/NOTES.KV" \
  "\\\\?\\$(printf %s "$here/notes.kv" | tr / '\\')"; do
  ask "SELECT count(*) FROM kv; SELECT kv_open('$name', 'laptop', 'name=k2');" \
    > names.out
  expect "$name is the same store" 1 \
    "$(grep -c 'this store is already open' names.out)"
done

# What is not a device is not read.
mkdir -p links/devices other
printf x > links/devices/file
ln -s "$work/other" links/devices/linked
ask "SELECT kv_open('Z:$work/links', 'me', 'name=l');
INSERT INTO l VALUES(1, 1); SELECT kv_sync('l');
SELECT file, state FROM kv_devices('l') WHERE device IS NULL;" > links.out
expect "a file is no device" 1 "$(grep -c 'devices/file|ignored' links.out)"

# Only the last part of a path is made.
ask "SELECT kv_open('Z:$work/a/b', 'me', 'name=m');" > made.out
expect "no path is made" 1 "$(grep -c 'only the last part of a path' made.out)"
[ ! -e a ] || fail "a folder was made on the way"
ask "SELECT kv_open('Z:$work/links/devices/file', 'me', 'name=m');" > made.out
expect "a file is no folder" 1 "$(grep -c 'is not a folder' made.out)"

# A damaged own log is renamed and rebuilt.
ask "SELECT kv_open('Z:$work/links', 'you', 'name=l');
INSERT INTO l VALUES(2, 2);" > damaged.out
log=links/devices/you/log.db
cp "$log" whole
printf 'SQLite format 4' > "$log" && tail -c +16 whole >> "$log"
ask "SELECT kv_open('Z:$work/links', 'you', 'name=l');
INSERT INTO l VALUES(4, 4); SELECT kv_sync('l');" >> damaged.out
expect "a damaged log is set aside" "log.db log.db.aside-1" \
  "$(cd links/devices/you && echo *)"

# A journal that lies beside a whole log is deleted, not rolled back.
head -c 4096 links/devices/me/log.db > links/devices/me/log.db-journal
ask "SELECT kv_open('Z:$work/links', 'me', 'name=l');
INSERT INTO l VALUES(5, 5); SELECT count(*) FROM l WHERE key IN (1, 5);" \
  > journal.out
expect "a stale journal does no harm" 2 "$(tail -n 1 journal.out)"
expect "and is deleted" log.db "$(cd links/devices/me && echo *)"

# Two processes that write and sync at once.
for name in one two; do
  {
    echo "PRAGMA busy_timeout = 20000;"
    echo "SELECT kv_open('Z:$work/busy', '$name', 'name=b');"
    i=0
    while [ "$i" -lt 60 ]; do
      echo "INSERT INTO b VALUES('$name $i', $i); SELECT kv_sync('b');"
      i=$((i + 1))
    done
  } > "busy-$name.sql"
done
mkdir -p busy
run :memory: < busy-one.sql > busy-one.out &
run :memory: < busy-two.sql > busy-two.out
wait
expect "two processes write at once, without an error" "" \
  "$(cat busy-one.out busy-two.out | grep error)"
ask "SELECT kv_open('Z:$work/busy', 'one', 'name=b');
SELECT count(*), sum(value) FROM b;
SELECT count(*) FROM kv_devices('b') WHERE state <> 'ok';" > busy.out
expect "and nothing is lost" "one 120|3540 0" \
  "$(tr '\n' ' ' < busy.out | sed 's/ $//')"

# The same as one device, which takes turns.
sed 's/two/one/' busy-two.sql > busy-three.sql
run :memory: < busy-one.sql > busy-one.out &
run :memory: < busy-three.sql > busy-three.out
wait
expect "two processes write as one device" "" \
  "$(cat busy-one.out busy-three.out | grep error)"

# One process waits for another.
echo "SELECT kv_open('Z:$work/busy', 'one', 'name=b');
SELECT kv_wait(30000, 'b') + kv_sync('b'), kv_get('late', 0, 'b');" |
  run :memory: > wait.out &
sleep 2
ask "SELECT kv_open('Z:$work/busy', 'two', 'name=b');
INSERT INTO b VALUES('late', 'came'); SELECT kv_sync('b');" > late.out
wait
expect "a process that waits is told of another's rows" "one 2|came" \
  "$(tr '\n' ' ' < wait.out | sed 's/ $//')"

# A folder that is away.
mv "Größe 東/notes.kv" away
ask "INSERT INTO kv VALUES('waits', 1);
SELECT unpublished FROM kv_devices WHERE is_self;" > away.out
expect "rows wait for a folder that is away" 1 "$(tail -n 1 away.out)"
mv away "Größe 東/notes.kv"
ask "SELECT kv_sync(); SELECT unpublished FROM kv_devices WHERE is_self;" \
  > away.out
expect "and go there when it is back" 0 "$(tail -n 1 away.out)"

say "$failures failures with SQLite $number in $(wine cmd /c ver | tr -d '\r\n')"
[ "$failures" = 0 ]
