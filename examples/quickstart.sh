#!/bin/sh
# A first session: sh examples/quickstart.sh [--install]
#
# Builds the extension and runs two devices with a folder each; rsync copies
# between the folders, as a sync tool would. On Debian the script installs
# missing packages if you are root or say --install (-y); otherwise it names
# them and stops. It leaves nothing behind except the build folder: build, or
# BUILD if that is set.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
install=no
if [ "$(id -u)" = 0 ]; then install=yes; fi
case ${1-} in
  --install | -y) install=yes ;;
esac

missing() { # the Debian packages that are missing
  command -v cc > /dev/null || echo gcc libc6-dev
  command -v cmake > /dev/null || echo cmake
  command -v make > /dev/null || command -v ninja > /dev/null || echo make
  command -v rsync > /dev/null || echo rsync
  command -v sqlite3 > /dev/null || echo sqlite3
  for header in sqlite3ext.h:libsqlite3-dev xxhash.h:libxxhash-dev; do
    echo "#include <${header%:*}>" | cc -E - > /dev/null 2>&1 ||
      echo "${header#*:}"
  done
}

packages=$(missing | tr "\n" " ")
# shellcheck disable=SC2086 # a word for each package
if [ -n "$packages" ] && command -v apt-get > /dev/null; then
  if [ $install = no ]; then
    echo "These packages are missing: $packages" >&2
    echo "Install them with sh examples/quickstart.sh --install, or with" >&2
    echo "  sudo apt-get install $packages" >&2
    exit 2
  fi
  root=
  if [ "$(id -u)" != 0 ]; then root=sudo; fi
  echo "Installing" $packages
  $root apt-get update -qq
  $root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends $packages > /dev/null
elif [ -n "$packages" ]; then
  echo "This may be missing, by the names of Debian:" $packages
fi

quietly() {
  log=$("$@" 2>&1) || { echo "$log"; exit 1; }
}

echo "Building into $build ..."
if [ ! -f "$build/CMakeCache.txt" ]; then
  quietly cmake -S . -B "$build" -DKV_BUILD_TESTS=OFF
fi
quietly cmake --build "$build" --target kv
for module in "$build"/kv.so "$build"/kv.dylib; do
  if [ -f "$module" ]; then break; fi
done
case $module in /*) ;; *) module=$PWD/$module ;; esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
cd "$folder"
mkdir laptop phone

on() { # DEVICE: run the SQL from standard input in its store, and show it
  printf '\n%s\n' "-- on the $1"
  {
    echo ".load '${module%.*}'"
    echo ".once '$folder/opened'"
    echo "SELECT kv_open('$1/notes.kv', '$1');"
    echo ".echo on"
    cat
  } | sqlite3 -batch -init /dev/null
}

carry() { # FROM TO: copy a log, as a sync tool would
  printf '\n%s\n' "-- rsync carries the log of the $1 to the $2"
  mkdir -p "$2/notes.kv/devices"
  # Compare bytes: a log may change twice within a second and keep its size.
  rsync -a --checksum "$1/notes.kv/devices/$1" "$2/notes.kv/devices/"
}

on laptop << 'END'
INSERT INTO kv VALUES('title', 'Hello'), ('stars', 5);
SELECT * FROM kv;
END
carry laptop phone

on phone << 'END'
SELECT key, value, device FROM kv;
UPDATE kv SET value = value + 1 WHERE key = 'stars';
INSERT INTO kv VALUES('color', 'green');
END
on laptop << 'END'
UPDATE kv SET value = 'Hello, world' WHERE key = 'title';
END
carry phone laptop
carry laptop phone

on laptop << 'END'
SELECT key, value, device FROM kv;
SELECT device, op, key, value FROM kv_log ORDER BY ts, seq;
SELECT device, state, n_rows FROM kv_devices;
END
on phone << 'END'
SELECT key, value, device FROM kv;
END

cat << END

Both devices show the same. Try it yourself:

  sqlite3
  .load ${module%.*}
  SELECT kv_open('notes.kv', 'me');
  INSERT INTO kv VALUES('first', 1);
  SELECT kv_get('first');

Next: recipes are in examples/README.md, all tables and functions in
ext/surface/README.md.
END
