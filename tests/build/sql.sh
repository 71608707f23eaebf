# SQL texts get into C byte for byte, whatever they contain, without the
# comments at the beginning of each file and text. The next build notices a file
# that was edited, added or removed. Holes are filled and variants made, as
# cmake/sql.cmake says; and a file that does not consist of texts is refused.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
awk 'is_name && /^-- variants: / { next }
  FNR == 1 || is_name { if (!/^-- [A-Z]/) print FILENAME ": what is it for? " $0 }
  { is_name = /^-- (name|hole): / }' "$KV_SOURCE"/sql/*.sql > "$folder/silent"
[ ! -s "$folder/silent" ] || { cat "$folder/silent"; exit 1; }
cd "$folder"
mkdir sql

cat > CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.16)
project(embed LANGUAGES C)
include("$KV_SOURCE/cmake/sql.cmake")
kv_embed_sql("\${PROJECT_SOURCE_DIR}/sql" "\${PROJECT_BINARY_DIR}")
add_executable(embed main.c "\${PROJECT_BINARY_DIR}/kv_sql.c")
target_include_directories(embed PRIVATE "\${PROJECT_BINARY_DIR}")
set_target_properties(embed PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF)
END
cat > main.c <<'END'
#include <stdio.h>
#include "kv_sql.h"
int main(void) {
  int i;
  for (i = 0; i < KV_SQL_COUNT; i++) {
    printf("-- name: %s\n%s\n", kv_sql_name((kv_sql)i), kv_sql_text((kv_sql)i));
  }
  return 0;
}
END

check() { # WHAT: build, and compare with standard input
  cat > expected
  cmake --build b > log 2>&1 || { cat log; exit 1; }
  b/embed > got
  diff -u expected got || { echo "$1"; exit 1; }
  diff -u expected b/kv_sql.sql || { echo "$1: kv_sql.sql"; exit 1; }
}

refuse() { # MESSAGE: standard input is no file of texts
  cat > sql/bad.sql
  if cmake -S . -B b > log 2>&1; then echo "is not refused: $1"; exit 1; fi
  tr -s '\n ' '  ' < log | grep -qF "$1" || { cat log; echo "no: $1"; exit 1; }
  rm sql/bad.sql
}

cat > texts <<'END'
-- name: first_1
SELECT 1;
-- name: nasty
SELECT "q" 'q' [a;b] $v ${v} $ENV{HOME} @KV_SQL_ENTRIES@ @v \ \n \; ??/ ??= %d é;

SELECT "a", [b;c], '\', '', ';;', '[', ']]', '$<1:x>', '#{', "/*";
	-- the end\
END
cat > sql/nasty.sql <<'END'
-- A file; [begins] ${so}.

-- name: nasty
-- A comment; "q" [a;b] ${v}
-- of two lines.
SELECT "q" 'q' [a;b] $v ${v} $ENV{HOME} @KV_SQL_ENTRIES@ @v \ \n \; ??/ ??= %d é;

SELECT "a", [b;c], '\', '', ';;', '[', ']]', '$<1:x>', '#{', "/*";
	-- the end\

-- name: first_1
SELECT 1;
END
printf -- '-- name: other_2\r\n-- Of Windows.\r\nSELECT 1,\r\n 2;\r\n' > sql/other.sql
cmake -S . -B b > log 2>&1 || { cat log; exit 1; }
{ cat texts; printf -- '-- name: other_2\nSELECT 1,\n 2;\n'; } |
  check "as configured"
sleep 1
printf -- '-- name: other_2\nSELECT 2;\n' > sql/other.sql
{ cat texts; printf -- '-- name: other_2\nSELECT 2;\n'; } |
  check "a file was edited"
printf -- '-- name: added\nSELECT 3;\n' > sql/added.sql
{ cat sql/added.sql texts sql/other.sql; } | check "a file was added"
rm sql/nasty.sql
cat sql/added.sql sql/other.sql | check "a file was removed"

# A hole may have holes, in whichever order they are defined.
cat > sql/holes.sql <<'END'
-- hole: last {c}
-- No later one.
NOT EXISTS(
  SELECT 1 FROM {cache} AS n
  WHERE {row n of {c}})

-- hole: row {n} of {c}
-- The row.
{n}.key = {c}.key AND '\1;[' <> {n}.value

-- name: filled
-- Variants are in the order of their names, too.
-- variants: is only such a line below the name.
SELECT {last c}, {row a of b}, {old.last d}, {lasts c}, {last}, {last c d}, {old.cache};
END
cat > sql/added.sql <<'END'
-- name: scan
-- variants: _to _desc _to_desc
-- Forwards or backwards.
SELECT '{last x}' WHERE k >= :low {to: AND k <= :high; [} AND t
ORDER BY k {asc}, t {desc};
END
check "holes and variants" <<'END'
-- name: filled
SELECT NOT EXISTS(
  SELECT 1 FROM {cache} AS n
  WHERE n.key = c.key AND '\1;[' <> n.value), a.key = b.key AND '\1;[' <> a.value, NOT EXISTS(
  SELECT 1 FROM {old.cache} AS n
  WHERE n.key = d.key AND '\1;[' <> n.value), {lasts c}, {last}, {last c d}, {old.cache};
-- name: other_2
SELECT 2;
-- name: scan
SELECT 'NOT EXISTS(
  SELECT 1 FROM {cache} AS n
  WHERE n.key = x.key AND '\1;[' <> n.value)' WHERE k >= :low AND t
ORDER BY k, t DESC;
-- name: scan_desc
SELECT 'NOT EXISTS(
  SELECT 1 FROM {cache} AS n
  WHERE n.key = x.key AND '\1;[' <> n.value)' WHERE k >= :low AND t
ORDER BY k DESC, t;
-- name: scan_to
SELECT 'NOT EXISTS(
  SELECT 1 FROM {cache} AS n
  WHERE n.key = x.key AND '\1;[' <> n.value)' WHERE k >= :low AND k <= :high; [ AND t
ORDER BY k, t DESC;
-- name: scan_to_desc
SELECT 'NOT EXISTS(
  SELECT 1 FROM {cache} AS n
  WHERE n.key = x.key AND '\1;[' <> n.value)' WHERE k >= :low AND k <= :high; [ AND t
ORDER BY k DESC, t;
END

printf 'SELECT 1;\n' |
  refuse 'bad.sql: a statement before the first `-- name: `'
printf -- '-- name: scan_to\nSELECT 1;\n' |
  refuse 'bad.sql: there is another text named scan_to'
printf -- '-- name: a\n-- variants: _to _back\nSELECT 1;\n' |
  refuse 'bad.sql: a cannot have variant _back'
printf -- '-- hole: twice {c}\n0 {twice {c}}\n\n-- name: ever\n{twice c};\n' |
  refuse 'ever: a hole has itself'
printf -- '-- hole: Value of c\nSELECT 1;\n' |
  refuse 'bad.sql: `hole: Value of c` is to be a name'
printf -- '-- name: empty\n-- Nothing.\n\n-- name: full\nSELECT 1;\n' |
  refuse 'bad.sql: empty has no text'
printf -- '-- name: Two words\nSELECT 1;\n' |
  refuse 'bad.sql: `Two words` is to be a name of a-z, 0-9 and _, as in C'
