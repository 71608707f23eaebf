#!/bin/sh
# Build and run all tests: sh tests/run.sh [--install] [options for cmake ...]
#
#   sh tests/run.sh -DKV_SANITIZE=address,undefined
#
# What this takes and is missing is installed where there is apt-get, if you are
# root, as on a fresh machine, or ask for it with --install (-y). Else the script
# names it and how to install it, and stops. What a few tests take and is large
# or rare (a browser, clang-format-14) is not installed: those are skipped and
# named in the last lines, and -DKV_REQUIRE_ALL=ON makes them fail.
#
# BUILD is the build folder (build), CC the compiler (cc), JOBS how many jobs
# at once (2). The result is that of ctest, whose lines are the last.
set -u
cd "$(dirname "$0")/.." || exit 2

build=${BUILD:-build}
jobs=${JOBS:-2}
install=no
if [ "$(id -u)" = 0 ]; then install=yes; fi
case ${1-} in
  --install | -y) install=yes && shift ;;
esac

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
  has_header sqlite3ext.h || echo libsqlite3-dev
  has_header xxhash.h || echo libxxhash-dev
  has_cmocka || echo libcmocka-dev
}

missing=$(missing_packages | tr '\n' ' ')
if [ -n "$missing" ] && has_command apt-get; then
  apt='env DEBIAN_FRONTEND=noninteractive apt-get'
  if [ "$(id -u)" != 0 ]; then apt="sudo $apt"; fi
  command="$apt install -y --no-install-recommends $missing"
  if [ $install = no ]; then
    echo "These packages are missing: $missing" >&2
    echo "Install them with sh tests/run.sh --install, or with" >&2
    echo "  sudo apt-get install $missing" >&2
    exit 2
  fi
  $command < /dev/null || { $apt update && $command; } < /dev/null || exit 2
elif [ -n "$missing" ]; then
  echo "These may be missing, by the names of Debian: $missing" >&2
  echo "Fedora: gcc cmake make sqlite sqlite-devel xxhash-devel" \
    "libcmocka-devel python3 rsync;" \
    "Homebrew: cmake sqlite xxhash cmocka python" >&2
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
