# The folders of ext/ are floors: a file includes, calls and names in SQL only
# what is in its own folder or below. There is no circle of files, and no
# crowded folder.
set -u
export LC_ALL=C

# From the ground up; kv.c is the roof.
floors="core record fold db rows folder file log contest life cache replace pending store outgoing bucket declare tables change connection own visit retire sync parstore table typed history compact violations schema surface"

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

for file in */; do
  [ -n "$(level "${file%/}")" ] || fail "ext/$file: no floor, see \$floors"
done

# Includes. A room is a .c and its .h; tsort finds the circles of a floor.
grep -E '^ *# *include *"' ./*/*.[ch] |
  sed 's|^\./\([^:]*\):[^"]*"\([^"]*\)".*|\1 \2|' > "$folder/includes"
while read -r file include; do
  [ -f "$include" ] || [ -f "${file%/*}/$include" ] || [ "$include" = kv_sql.h ] ||
    fail "ext/$file includes $include, which is not in ext/"
done < "$folder/includes"
awk -v floors="$floors" -v folder="$folder" '
  function room(path) { sub(/.*\//, "", path); sub(/\..*/, "", path); return path }
  BEGIN { n = split(floors, name); for (i = 1; i <= n; i++) level[name[i]] = i }
  $2 == "kv_sql.h" { next }
  {
    from = $1; sub(/\/.*/, "", from)
    to = $2; if (!sub(/\/.*/, "", to)) to = from
    if (!(to in level) || level[to] > level[from]) {
      print "ext/" $1 " includes " $2 ", which is above"
    } else if (to == from) {
      print room($1), room($2) > folder "/edges-" from
    }
  }' "$folder/includes" > "$folder/above"
[ ! -s "$folder/above" ] || fail "$(cat "$folder/above")"
for edges in "$folder"/edges-*; do
  # A .c includes its own .h: that is no circle.
  awk '$1 != $2' "$edges" | tsort > /dev/null 2> "$folder/loops"
  [ ! -s "$folder/loops" ] ||
    fail "ext/${edges##*/edges-}: rooms that include each other:" \
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
objects() {
  echo "$objects/generated/kv_sql.c.o $objects/ext/kv.c.o"
  for file in */*.c; do echo "$objects/ext/$file.o"; done
}
for object in $(objects); do
  [ -f "$object" ] || fail "$object is not there: build first"
done
objects | xargs nm -P -A | sed "s|^$objects/||; s|\.c\.o: | |" > "$folder/symbols"
awk -v floors="$floors" '
  BEGIN { n = split(floors, floor); for (i = 1; i <= n; i++) level[floor[i]] = i }
  function height(object) { # ext/FLOOR/ROOM, ext/kv, generated/kv_sql
    if (split(object, part, "/") == 3) return level[part[2]]
    return part[1] == "ext" ? 99 : level["db"]
  }
  $2 == "sqlite3_api" && $3 != "U" { next }
  $3 ~ /^[A-TV-Z]$/ { at[$2] = height($1); file[$2] = $1; n_defined++ }
  $3 == "U" { needs[++m] = $2; from[m] = height($1); by[m] = $1 }
  END {
    for (i = 1; i <= m; i++) {
      if (needs[i] in at && at[needs[i]] > from[i]) {
        print by[i] " calls " needs[i] " of " file[needs[i]] ", which is above"
      }
    }
    if (n_defined < 100 || m < 100) print "only " n_defined " symbols: is this nm?"
  }' "$folder/symbols" > "$folder/calls"
[ ! -s "$folder/calls" ] || fail "$(cat "$folder/calls")"

# SQL texts. The file that a text is in is named like a room, and the folder of this
# room runs the text or offers it to others (kv.c may run any). What a text names is
# not above the floors that run it.
{
  grep -ow 'KV_SQL_[A-Z0-9_]*' ./*/*.[ch] kv.c | sed 's|^\./||; s|:| |; s|^|use |'
  for file in */*.c; do echo "room $file"; done
  for file in ../sql/*.sql; do
    sed -n "s|^-- name: *\([^ ]*\).*|text \1 ${file##*/}|p" "$file"
  done
  awk '/^-- name: / { text = $3; next } { sub(/CREATE TABLE kv_[a-z]*/, "") }
    { while (match($0, /kv_[a-z]+|\{table\}/)) {
        print "names", text, substr($0, RSTART, RLENGTH)
        $0 = substr($0, RSTART + RLENGTH) } }' "$KV_BUILD/generated/kv_sql.sql" |
    sort -u
} > "$folder/texts"
awk -v floors="$floors" -v given="$names" -v exempt="$exempt" '
  function id(text) { return "KV_SQL_" toupper(text) }
  BEGIN {
    n = split(floors, floor); for (i = 1; i <= n; i++) level[floor[i]] = i
    m = split(given, pair)
    for (i = 1; i <= m; i++) { split(pair[i], side, "="); home[side[1]] = side[2] }
    m = split(exempt, free); for (i = 1; i <= m; i++) is_free[free[i]] = 1
  }
  $1 == "room" { split($2, part, "/"); sub(/\.c$/, "", part[2])
                 if (!(part[2] in of)) of[part[2]] = part[1] }
  $1 == "use" { split($2, part, "/"); knows[$3, part[1]] = 1
                if ($2 ~ /\.c$/) { runs[$3, part[1]] = 1; is_run[$3] = 1 } }
  $1 == "text" {
    file = $3; room = file; sub(/\.sql$/, "", room); n_texts++
    if (!(room in of)) {
      print "sql/" file ": ext/ has no room of this name"
    } else if (!((id($2), of[room]) in knows) && !((id($2), "kv.c") in knows)) {
      print "sql/" file ": nothing in ext/" of[room] "/ knows " $2
    }
    if (!(id($2) in is_run)) print "nothing runs the SQL text " $2
  }
  $1 == "names" && !($2 in is_free) {
    to = $3 in home ? home[$3] : "surface"
    # db/ knows texts by their ids, to prepare them in the right way.
    for (i = 1; i <= n; i++) {
      if (floor[i] != "db" && (id($2), floor[i]) in runs && i < level[to]) {
        print "the SQL text " $2 ", of " floor[i] "/, names " $3 ", which is above"
      }
    }
  }
  END { if (n_texts < 100) print "only " n_texts " texts" }' \
  "$folder/texts" > "$folder/wrong"
[ ! -s "$folder/wrong" ] || fail "$(cat "$folder/wrong")"

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
