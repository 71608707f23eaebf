#!/bin/sh
# Runs the programs of this folder: sh examples/hosts/run.sh [--install] [HOST ...]
#
# Each plays the same scene in its language, and fails if it comes out in another
# way: the laptop writes in a transaction, the phone reads and writes, the laptop
# syncs and shows the history. Those with -typed play another one, with typed
# tables: both change different columns of a row. Then an observer in the sqlite3
# shell looks at what the host has stored. The result is a table; a host that is
# not here is named, with what brings it, and with --install (-y) that is
# installed: Debian's packages, and those of npm in BUILD.
#
#   KV_MODULE       the module without its suffix (build/kv); for c-linked,
#                   libkv_static.a lies beside it (-DKV_STATIC=ON)
#   BUILD           a folder for what npm brings (build/hosts)
#   KV_REQUIRE_ALL  if set, a host that is not here is a failure
set -u
cd "$(dirname "$0")/../.." || exit 2
source=$PWD
programs=$source/examples/hosts
module=${KV_MODULE:-build/kv}
case $module in /*) ;; *) module=$source/$module ;; esac
for file in "$module.so" "$module.dylib"; do
  if [ -f "$file" ]; then module=$file; fi
done
build=${BUILD:-build/hosts}
case $build in /*) ;; *) build=$source/$build ;; esac
jdbc=/usr/share/java/sqlite-jdbc.jar

install=no
case ${1-} in --install | -y) install=yes && shift ;; esac
all='c c-linked c++ python apsw sqlalchemy alembic django node better-sqlite3
  drizzle libsql bun deno php php-pdo ruby activerecord perl tcl r java go rust lua
  shell sqlalchemy-typed django-typed node-typed drizzle-typed'
# shellcheck disable=SC2086 # a word for each host
[ $# -gt 0 ] || set -- $all

python=python3
loads='import sqlite3; sqlite3.connect(":memory:").enable_load_extension(True)'
for found in /usr/bin/python3 python3; do
  if "$found" -c "$loads" 2> /dev/null; then python=$found && break; fi
done

# Debian's packages and, behind npm:, those of npm that bring a host.
brings() {
  case $1 in
    c | c-linked) echo gcc libc6-dev libsqlite3-dev ;;
    c++) echo g++ libsqlite3-dev ;;
    python) echo python3 ;;
    apsw | sqlalchemy | alembic | django) echo "python3-$1" ;;
    sqlalchemy-typed) echo python3-sqlalchemy python3-alembic ;;
    *-typed) brings "${1%-typed}" ;;
    node) echo npm:node@24 ;;
    better-sqlite3) echo g++ make python3 npm:better-sqlite3@12 ;;
    drizzle) brings better-sqlite3 && echo npm:drizzle-orm ;;
    libsql | bun | deno) echo "npm:$1" ;;
    php | php-pdo) echo php-cli php-sqlite3 ;;
    ruby) echo ruby ruby-sqlite3 ;;
    activerecord) echo ruby-sqlite3 ruby-activerecord ;;
    perl) echo perl libdbd-sqlite3-perl ;;
    tcl) echo tcl libsqlite3-tcl ;;
    r) echo r-base-core r-cran-rsqlite ;;
    java) echo default-jdk-headless libxerial-sqlite-jdbc-java ;;
    go) echo gcc golang-go golang-github-mattn-go-sqlite3-dev libsqlite3-dev ;;
    rust) echo cargo librust-rusqlite-dev ;;
    lua) echo lua5.4 lua-sql-sqlite3 ;;
    shell) echo sqlite3 ;;
    *) echo "hosts: there is no $1" >&2 && exit 2 ;;
  esac
  case $1 in php-pdo | lua) echo gcc libc6-dev libsqlite3-dev ;; esac
}

has() { # HOST
  case $1 in
    c | c-linked | php-pdo | lua)
      echo '#include <sqlite3.h>' | cc -E - || return
      ;;
  esac
  case $1 in
    c) ;;
    c-linked) [ -f "${module%/*}/libkv_static.a" ] ;;
    c++) echo '#include <sqlite3.h>' | c++ -E - ;;
    python) "$python" -c "$loads" ;;
    apsw | sqlalchemy | alembic | django) "$python" -c "$loads; import $1" ;;
    sqlalchemy-typed) has sqlalchemy && has alembic ;;
    *-typed) has "${1%-typed}" ;;
    node) "$(node_with_sqlite)" -e "require('node:sqlite')" ;;
    better-sqlite3 | libsql)
      (cd "$build" && node -e "new (require('$1'))(':memory:')")
      ;;
    drizzle)
      has better-sqlite3 && [ -d "$build/node_modules/drizzle-orm" ]
      ;;
    bun | deno) PATH=$build/node_modules/.bin:$PATH command -v "$1" ;;
    php) php -r 'class_exists("SQLite3") || exit(1);' ;;
    php-pdo) php -r 'new PDO("sqlite::memory:");' ;;
    ruby) ruby -e 'require "sqlite3"' ;;
    activerecord) ruby -e 'require "sqlite3"; require "active_record"' ;;
    perl) perl -e 'use DBD::SQLite' ;;
    tcl) echo 'puts [package require sqlite3]' | tclsh | grep . ;;
    r) Rscript -e 'library(RSQLite)' ;;
    java) command -v javac && [ -f "$jdbc" ] ;;
    go) command -v go && [ -d /usr/share/gocode/src/github.com/mattn ] ;;
    rust)
      command -v cargo &&
        find /usr/share/cargo/registry -maxdepth 1 | grep '/rusqlite-'
      ;;
    lua) "$(lua_program)" -e 'require "luasql.sqlite3"' ;;
    shell) command -v sqlite3 ;;
  esac
}

# Node's own, if it has node:sqlite, or npm's.
node_with_sqlite() {
  for found in node "$build/node_modules/.bin/node"; do
    if "$found" -e "require('node:sqlite')" 2> /dev/null; then break; fi
  done
  echo "$found"
}

lua_program() {
  command -v lua5.4 || command -v lua5.3 || echo lua
}

preloaded() {
  cc -shared -fPIC preload.c -o preload.so -ldl -lsqlite3 &&
    KV_MODULE=$PWD/kv.so LD_PRELOAD=$PWD/preload.so "$@"
}

play() { # HOST, in a folder with kv.so and the programs
  case $1 in
    c) cc notes.c -o notes -lsqlite3 && ./notes ;;
    c-linked)
      cc -DLINKED -I"$source/ext" notes.c -o notes \
        "${module%/*}/libkv_static.a" -lsqlite3 && ./notes
      ;;
    c++) c++ -std=c++17 notes.cpp -o notes -lsqlite3 && ./notes ;;
    python) "$python" python.py ;;
    apsw | sqlalchemy | alembic | django) "$python" "python_$1.py" ;;
    sqlalchemy-typed) "$python" python_sqlalchemy_typed.py ;;
    django-typed) "$python" python_django_typed.py ;;
    node) "$(node_with_sqlite)" --no-warnings node.mjs ;;
    node-typed) "$(node_with_sqlite)" --no-warnings node_typed.mjs ;;
    drizzle-typed) node node_drizzle_typed.mjs ;;
    better-sqlite3 | drizzle | libsql) node "node_$1.mjs" ;;
    bun) PATH=$build/node_modules/.bin:$PATH bun bun.js ;;
    deno)
      PATH=$build/node_modules/.bin:$PATH deno run --quiet --allow-ffi \
        --allow-read=. --allow-write=. node.mjs
      ;;
    php) php -d sqlite3.extension_dir="$PWD" php.php ;;
    php-pdo) preloaded php php_pdo.php ;;
    ruby) ruby ruby.rb ;;
    activerecord) ruby ruby_activerecord.rb ;;
    perl) perl perl.pl ;;
    tcl) tclsh tcl.tcl ;;
    r) Rscript r.R ;;
    java) java -cp "$jdbc" Notes.java ;;
    go)
      GO111MODULE=off GOPATH=/usr/share/gocode go run -tags libsqlite3 notes.go
      ;;
    rust) cargo_project && cargo run --quiet --offline ;;
    lua) preloaded "$(lua_program)" lua.lua ;;
    shell) sh shell.sh ;;
  esac
}

# A package of cargo's around notes.rs, with what Debian has of the libraries.
cargo_project() {
  mkdir .cargo src && cp notes.rs src/main.rs && cat > Cargo.toml << 'END' &&
[package]
name = "notes"
version = "0.0.0"
edition = "2021"
[dependencies]
rusqlite = { version = "*", features = ["load_extension"] }
END
    cat > .cargo/config.toml << 'END'
[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "/usr/share/cargo/registry"
END
}

install_for() { # HOST ...
  debian='' npm=''
  for host; do
    if has "$host" > /dev/null 2>&1; then continue; fi
    for package in $(brings "$host"); do
      case $package in
        npm:*) npm="$npm ${package#npm:}" ;;
        *) debian="$debian $package" ;;
      esac
    done
  done
  if [ -n "$npm" ] && ! command -v npm > /dev/null; then
    debian="$debian npm"
  fi
  root=''
  if [ "$(id -u)" != 0 ]; then root=sudo; fi
  # shellcheck disable=SC2086 # words
  if [ -n "$debian" ]; then
    $root apt-get update -qq
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
      --no-install-recommends $debian > /dev/null < /dev/null
  fi
  # shellcheck disable=SC2086 # words
  if [ -n "$npm" ]; then
    mkdir -p "$build" && cd "$build" || exit 2
    # npm 11 runs what a package brings, such as a compilation, only if it may.
    [ -f package.json ] || cat > package.json << 'END'
{"allowScripts": {"better-sqlite3": true, "bun": true, "deno": true, "node": true}}
END
    npm install --loglevel=error $npm < /dev/null
    cd "$source" || exit 2
  fi
}

# What the log has to be after the scene, with the types of keys and values.
expected='laptop set title Hello text text
laptop set stars 5 text integer
phone set stars 6 text integer'

# The same for the scene with typed tables: the rows, and what was logged of them.
expected_typed='Anna Oslo 12 integer 2 payments
laptop {"":1,"balance":10,"name":"Ann"}
phone {"balance":{"add":-3},"name":"Anna"}
laptop {"balance":{"add":5},"city":"Oslo"}'

observe_typed() {
  sqlite3 -batch -bail -init /dev/null -separator ' ' << 'END'
.load ./kv
.once /dev/null
SELECT kv_open('bank.kv');
CREATE VIRTUAL TABLE temp.accounts USING kv_table(id TEXT PRIMARY KEY,
  name TEXT, city TEXT, balance INTEGER, MERGE (balance counter));
CREATE VIRTUAL TABLE temp.payments USING kv_table(id TEXT PRIMARY KEY,
  account_id TEXT REFERENCES accounts(id), amount INTEGER);
SELECT name, city, balance, typeof(balance), count(*), 'payments'
FROM accounts JOIN payments ON account_id = accounts.id GROUP BY accounts.id;
SELECT device, value FROM kv_log WHERE bucket = 'accounts'
ORDER BY ts, device, seq;
END
}

observe() {
  sqlite3 -batch -bail -init /dev/null -separator ' ' << 'END'
.load ./kv
.once /dev/null
SELECT kv_open('notes.kv');
SELECT device, op, key, value, typeof(key), typeof(value)
FROM kv_log ORDER BY ts, device, seq;
END
}

[ -f "$module" ] || { echo "hosts: build $module first" >&2 && exit 2; }
for host; do brings "$host" > /dev/null || exit 2; done
if [ $install = yes ]; then install_for "$@"; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
failed=0
row() {
  printf '%-16s %-8s %s\n' "$@"
}

row host SQLite result
for host; do
  version=- result=ok
  if ! has "$host" > /dev/null 2>&1; then
    result="not here: $(brings "$host" | tr '\n' ' ')"
    if [ "$host" = c-linked ]; then result='not here: -DKV_STATIC=ON'; fi
    if [ -n "${KV_REQUIRE_ALL-}" ]; then failed=1; fi
  else
    mkdir "$work/$host" && cd "$work/$host" || exit 2
    cp "$programs"/* "$module" . || exit 2
    ln -s "$build/node_modules" node_modules
    play "$host" > out 2>&1
    status=$?
    case $host in
      *-typed) log=$(observe_typed 2>&1) want=$expected_typed ;;
      *) log=$(observe 2>&1) want=$expected ;;
    esac
    if [ $status != 0 ] || [ "$log" != "$want" ]; then
      result=FAILED failed=1
      printf '== %s ended with %s ==\n%s\n-- its log --\n%s\n' \
        "$host" $status "$(cat out)" "$log"
    fi
    version=$(sed -n 's/^SQLite \([0-9.]*\).*/\1/p' out)
    cd "$source" && rm -rf "${work:?}/$host"
  fi
  row "$host" "${version:--}" "$result"
done
exit $failed
