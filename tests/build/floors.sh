# The folders of ext/ are floors: a file includes, calls and names in SQL only
# what is in its own folder or below. There is no circle of files, and no
# crowded folder.
set -u
export LC_ALL=C

# From the ground up; kv.c is the roof.
floors="core record fold db rows folder file log contest life cache replace store outgoing bucket declare tables change connection own visit retire sync parstore table typed history compact violations schema surface"

# Most lines of a folder, and of a file.
folder_most=2300
file_most=560

# What SQL texts name, and the floor that registers it; all else called kv_ is
# of surface/. A store also asks SQLite for its own table (table_reach), and a
# row of a twin is written as the user would (table_set, table_delete). A compaction
# says what to call.
names="kv_table=typed kv_rows=rows kv_missing=cache kv_swept=cache kv_kept=replace kv_batch=table kv_sync=core {table}=table"
exempt="table_reach table_set table_delete compaction"

cd "$KV_SOURCE/ext" || exit 2
objects=$KV_BUILD/CMakeFiles/kv.dir
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

fail() {
  echo "$*"
  failed=1
}

level() { # FOLDER: its height; nothing if it is no floor
  n=0
  for floor in $floors; do
    n=$((n + 1))
    if [ "$floor" = "$1" ]; then echo $n; fi
  done
}

value() { # KEY LIST DEFAULT
  for pair in $2; do
    if [ "${pair%=*}" = "$1" ]; then
      echo "${pair##*=}"
      return
    fi
  done
  echo "$3"
}

for file in */; do
  [ -n "$(level "${file%/}")" ] || fail "ext/$file: no floor, see \$floors"
done

# Includes.
for floor in $floors; do
  : > "$folder/edges"
  for file in "$floor"/*.[ch]; do
    room=${file##*/}
    room=${room%.*}
    echo "$room $room" >> "$folder/edges"
    sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$file" > "$folder/includes"
    while read -r include; do
      case $include in
        kv_sql.h) continue ;;
        */*) to=${include%%/*} ;;
        *) to=$floor ;;
      esac
      [ -f "$include" ] || [ -f "$floor/$include" ] ||
        fail "ext/$file includes $include, which is not in ext/"
      height=$(level "$to")
      if [ -z "$height" ] || [ "$height" -gt "$(level "$floor")" ]; then
        fail "ext/$file includes $include, which is above"
      elif [ "$to" = "$floor" ]; then
        other=${include##*/}
        echo "$room ${other%.*}" >> "$folder/edges"
      fi
    done < "$folder/includes"
  done
  # A room is a .c and its .h. tsort finds the circles.
  tsort "$folder/edges" > /dev/null 2> "$folder/loops"
  [ ! -s "$folder/loops" ] ||
    fail "ext/$floor: rooms that include each other:" \
      "$(sed -n 's/^tsort: \([a-z_]*\)$/\1/p' "$folder/loops" | tr '\n' ' ')"
done

# The parts of a store: the upper floors call their functions, and do not touch
# the fields.
for file in table/*.[ch] history/*.[ch] surface/*.[ch]; do
  grep -nE -e '->(txn|exchange)->' "$file" > "$folder/parts"
  grep -nE -e 'store\)?->[a-z_>-]+(\+\+|--| [-+|&]?= )' "$file" >> "$folder/parts"
  grep -nE -e '(\+\+|--)[a-z_>-]*store->' "$file" >> "$folder/parts"
  [ ! -s "$folder/parts" ] ||
    fail "ext/$file reaches into a store: $(cat "$folder/parts")"
done

# Calls, which an include may not show: symbols that an object of the module
# needs. sqlite3_api, of kv.c, is how all of them reach SQLite.
list() { # OBJECT HEIGHT FILE
  [ -f "$1" ] || { fail "$1 is not there: build first"; return; }
  nm -P "$1" | awk -v height="$2" -v file="$3" \
    '$1 != "sqlite3_api" && $2 ~ /^[A-TV-Z]$/ { print $1, $2, height, file }'
  nm -P "$1" | awk -v height="$2" -v file="$3" \
    '$2 == "U" { print $1, $2, height, file }'
}
{
  list "$objects/generated/kv_sql.c.o" "$(level db)" sql
  list "$objects/ext/kv.c.o" 99 ext/kv.c
  for floor in $floors; do
    height=$(level "$floor")
    for file in "$floor"/*.c; do
      list "$objects/ext/$file.o" "$height" "ext/$file"
    done
  done
} > "$folder/symbols"
awk '
  $2 != "U" { height[$1] = $3; file[$1] = $4; n++ }
  $2 == "U" { needs[++m] = $1; from[m] = $3; by[m] = $4 }
  END {
    for (i = 1; i <= m; i++) {
      if (needs[i] in height && height[needs[i]] > from[i]) {
        print by[i] " calls " needs[i] " of " file[needs[i]] ", which is above"
      }
    }
    if (n < 100 || m < 100) print "only " n " symbols: is this nm?"
  }' "$folder/symbols" > "$folder/calls"
grep 'is not there' "$folder/symbols"
[ ! -s "$folder/calls" ] || fail "$(cat "$folder/calls")"

# SQL texts. The file that a text is in is named like a room, and the folder of this
# room runs the text or offers it to others (kv.c may run any).
texts=$KV_BUILD/generated/kv_sql.sql
uses() { # ID FOLDER: does a .c of it run the text?
  grep -qw "$1" "$2"/*.c
}
for file in ../sql/*.sql; do
  room=${file##*/}
  room=${room%.sql}
  floor=$(echo */"$room".c)
  floor=${floor%%/*}
  if [ "$floor" = '*' ]; then
    fail "sql/$room.sql: ext/ has no room of this name"
    continue
  fi
  for text in $(sed -n 's/^-- name: //p' "$file"); do
    id=KV_SQL_$(echo "$text" | tr '[:lower:]' '[:upper:]')
    grep -qw "$id" "$floor"/*.[ch] kv.c ||
      fail "sql/$room.sql: nothing in ext/$floor/ knows $text"
  done
done
for text in $(sed -n 's/^-- name: //p' "$texts"); do
  id=KV_SQL_$(echo "$text" | tr '[:lower:]' '[:upper:]')
  grep -qwr --include=*.c "$id" . || fail "nothing runs the SQL text $text"
  case " $exempt " in *" $text "*) continue ;; esac
  awk -v name="$text" '/^-- name: / { is_it = $3 == name; next } is_it' "$texts" |
    sed 's/CREATE TABLE kv_[a-z]*//' |
    grep -oE 'kv_[a-z]+|\{table\}' | sort -u > "$folder/names"
  [ -s "$folder/names" ] || continue
  for floor in $floors; do
    # db/ knows texts by their ids, to prepare them in the right way.
    if [ "$floor" = db ] || ! uses "$id" "$floor"; then continue; fi
    while read -r name; do
      [ "$(level "$floor")" -ge "$(level "$(value "$name" "$names" surface)")" ] ||
        fail "the SQL text $text, of $floor/, names $name, which is above"
    done < "$folder/names"
  done
done

# Sizes.
for floor in $floors; do
  n=$(cat "$floor"/*.[ch] | wc -l)
  [ "$n" -le $folder_most ] || fail "ext/$floor has $n lines, more than $folder_most"
  for file in "$floor"/*.[ch]; do
    n=$(wc -l < "$file")
    [ "$n" -le $file_most ] || fail "ext/$file has $n lines, more than $file_most"
  done
done
exit $failed
