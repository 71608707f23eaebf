#!/bin/sh
# Run golden cases and compare their transcripts with what is expected.
#
#   run.sh [--update] MODULE CASE.sql|CASE.sh ...
#
# Each case runs in a fresh folder with the module as ./kv, so that nothing it
# prints names a place on this machine. CASE.sql is fed to the stock shell;
# CASE.sh, for what takes several shells, is run by sh with $SQLITE as the
# shell's command line, $KV as the folder and $KV_BUILD as that of the module.
# Everything that they print, and an exit status other than 0 and 1, is the
# transcript; it must equal CASE.out beside the case. --update writes that
# instead.
#
# SQLITE3: the shell. KV_PRELOAD: a library loaded before it (a sanitizer's).
set -u
export LC_ALL=C TZ=UTC

update=no
if [ "${1-}" = --update ]; then update=yes; shift; fi
if [ $# -lt 2 ]; then
  echo "usage: run.sh [--update] MODULE CASE.sql|CASE.sh ..." >&2
  exit 2
fi
module=$1
shift

SQLITE="${SQLITE3:-sqlite3} -batch -init /dev/null"
if [ -n "${KV_PRELOAD-}" ]; then
  SQLITE="env LD_PRELOAD=$KV_PRELOAD $SQLITE"
fi
KV_BUILD=$(cd "$(dirname "$module")" && pwd)
export SQLITE KV_BUILD

folder=$(mktemp -d "${TMPDIR:-/tmp}/kv-golden.XXXXXX") || exit 2
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM

run_case() { # CASE, in a folder of its own
  case $1 in
    *.sh) sh "$1" ;;
    *) $SQLITE :memory: < "$1" ;;
  esac
  status=$?
  if [ $status -gt 1 ]; then echo "(exit status $status)"; fi
}

failed=0
for given in "$@"; do
  case=$(cd "$(dirname "$given")" && pwd)/$(basename "$given")
  expected=${case%.*}.out
  KV=$folder/case
  export KV
  rm -rf "$KV"
  mkdir "$KV" && cp "$module" "$KV" || exit 2
  (cd "$KV" && run_case "$case") > "$folder/transcript" 2>&1 < /dev/null
  if [ $update = yes ]; then
    cp "$folder/transcript" "$expected"
  elif ! diff -u "$expected" "$folder/transcript"; then
    echo "$given: the transcript differs; run.sh --update accepts it" >&2
    failed=1
  fi
done
exit $failed
