# SQL texts are in C byte for byte, whatever is in them, without the comment that
# each file of ours begins with; and a file edited, added or removed is noticed by
# the next build.
set -e
for file in "$KV_SOURCE"/sql/*.sql; do
  head -n 1 "$file" | grep -q '^-- [A-Z]' || { echo "$file: what for?"; exit 1; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
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
    printf("[%s]\n%s\n", kv_sql_name((kv_sql)i), kv_sql_text((kv_sql)i));
  }
  return 0;
}
END

check() { # WHAT: build, and compare with the files
  cmake --build b > log 2>&1 || { cat log; exit 1; }
  for file in sql/*.sql; do
    name=${file#sql/}
    echo "[${name%.sql}]"
    sed '1,/^[^-]/{/^--/d;}' "$file"
  done > expected
  b/embed > got
  diff -u expected got || { echo "$1"; exit 1; }
}

cat > sql/nasty.sql <<'END'
-- A comment; "q" [a;b] ${v}
-- of two lines.
SELECT "q" 'q' [a;b] $v ${v} $ENV{HOME} @KV_SQL_ENTRIES@ @v \ \n \; ??/ ??= %d é;

SELECT "a", [b;c], '\', '', ';;', '[', ']]', '$<1:x>', '#{', "/*";
	-- the end\
END
printf 'SELECT 1;\n' > sql/other_2.sql
cmake -S . -B b > log 2>&1 || { cat log; exit 1; }
check "as configured"
sleep 1
printf 'SELECT 2;\n' > sql/other_2.sql
check "a file was edited"
printf 'SELECT 3;\n' > sql/added.sql
check "a file was added"
rm sql/nasty.sql
check "a file was removed"
