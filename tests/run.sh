#!/bin/sh
# Build and run all tests: sh tests/run.sh [options for cmake ...]
#
#   sh tests/run.sh -DKV_SANITIZE=address,undefined
#
# Installs what is missing where there is apt-get, elsewhere says what it is.
# BUILD is the build folder (build), CC the compiler (cc), JOBS how many jobs
# at once (2). The result is that of ctest, whose lines are the last.
set -u
cd "$(dirname "$0")/.." || exit 2

build=${BUILD:-build}
jobs=${JOBS:-2}

has_command() {
  command -v "$1" > /dev/null 2>&1
}

has_header() {
  echo "#include <$1>" | "${CC:-cc}" -E - > /dev/null 2>&1
}

has_cmocka() {
  printf '%s\n' '#include <stdarg.h>' '#include <stddef.h>' \
    '#include <setjmp.h>' '#include <stdint.h>' '#include <cmocka.h>' |
    "${CC:-cc}" -E - > /dev/null 2>&1
}

# The names of Debian's packages that are missing.
missing_packages() {
  compiler=${CC:-cc}
  case ${compiler##*/} in
    clang*) compiler_package=clang ;;
    *) compiler_package=gcc ;;
  esac
  has_command "${CC:-cc}" || echo "$compiler_package libc6-dev"
  has_command cmake || echo cmake
  has_command make || has_command ninja || echo make
  has_command rsync || echo rsync
  has_command sqlite3 || echo sqlite3
  has_command python3 || echo python3
  has_command chromium || has_command chromium-browser ||
    has_command google-chrome || echo chromium
  has_header sqlite3ext.h || echo libsqlite3-dev
  has_header xxhash.h || echo libxxhash-dev
  has_cmocka || echo libcmocka-dev
}

install_packages() { # NAMES
  root=
  if [ "$(id -u)" != 0 ]; then root="sudo"; fi
  apt="$root env DEBIAN_FRONTEND=noninteractive apt-get"
  $apt install -y --no-install-recommends "$@" < /dev/null ||
    { $apt update && $apt install -y --no-install-recommends "$@"; } < /dev/null
}

missing=$(missing_packages)
if [ -n "$missing" ] && has_command apt-get; then
  # shellcheck disable=SC2086 # one name a word
  install_packages $missing || exit 2
  missing=$(missing_packages)
fi
if [ -n "$missing" ]; then
  echo "These are missing (by the names of their Debian packages):" >&2
  echo "$missing" >&2
  echo "Fedora: gcc cmake make sqlite sqlite-devel xxhash-devel" \
    "libcmocka-devel python3 rsync chromium;" \
    "Homebrew: cmake sqlite xxhash cmocka python chromium" >&2
  # Headers may lie where only CMake finds them.
  for command in cmake sqlite3 python3 "${CC:-cc}"; do
    has_command "$command" || exit 2
  done
fi

# The quickstart may have configured the same folder, without tests.
cmake -S . -B "$build" -DKV_BUILD_TESTS=ON "$@" || exit 2
cmake --build "$build" --parallel "$jobs" || exit 2
cd "$build" || exit 2
exec ctest --no-tests=error --output-on-failure --parallel "$jobs"
