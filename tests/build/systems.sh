# What belongs to an operating system is in ext/folder/. Elsewhere only headers of
# C11, SQLite and xxHash are included, so nothing else can be called, and nothing
# is said about a system but what SQLite does differently there. Without Linux's
# own part (inotify), ext/folder/ compiles as on another Unix.
set -u
cd "$KV_SOURCE" || exit 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

fail() {
  echo "$*"
  failed=1
}

grep -rnE '^ *# *include *<' ext | grep -v '^ext/folder/' |
  grep -vE '<(assert|errno|float|inttypes|limits|math|stdarg|stdbool|stddef|stdint|stdio|stdlib|string|time)\.h>' |
  grep -vE '<(sqlite3|sqlite3ext|xxhash)\.h>' > "$folder/includes"
[ ! -s "$folder/includes" ] ||
  fail "not of C11, and not in ext/folder/: $(cat "$folder/includes")"
grep -rnE '__(linux|gnu_linux|unix|FreeBSD|NetBSD|OpenBSD)|"/(proc|sys|dev|etc)/' \
  ext | grep -v '^ext/folder/' > "$folder/systems"
[ ! -s "$folder/systems" ] ||
  fail "of one system, and not in ext/folder/: $(cat "$folder/systems")"

for file in ext/folder/*.c; do
  # shellcheck disable=SC2086 # several options
  "$CC" -std=c11 -U__linux__ -U__linux -D_DEFAULT_SOURCE -Wall -Wextra -Werror \
    -fsyntax-only -Iext -I"$KV_BUILD/generated" $KV_INCLUDES "$file" \
    2> "$folder/log" || fail "$file, not on Linux: $(cat "$folder/log")"
done
exit $failed
