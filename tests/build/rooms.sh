# Each room of ext/ has a unit test, or is listed here with what tests it: a room
# that only connects others, which a transcript shows, or one of another system.
set -u

elsewhere="
bucket/bucket           tests/python/test_typed.py
bucket/clash            tests/python/test_typed.py
bucket/folded           tests/python/test_typed_random.py
change/cells            tests/python/test_typed.py
change/change           tests/python/test_typed.py
change/declared         tests/python/test_tables.py
change/restore          tests/python/test_typed_revert.py
change/rules            tests/python/test_typed.py
compact/compact         tests/python/test_compaction.py
compact/compaction      tests/python/test_compaction.py
compact/expire          tests/python/test_expire.py
compact/proof           tests/python/test_compaction.py
connection/eponymous    tests/python/test_tables.py
connection/find_typed   tests/python/test_violations.py
declare/convert         tests/python/test_typed.py
declare/declaration     tests/python/test_typed.py
declare/describe        tests/python/test_tables.py
declare/ids             tests/python/test_typed.py
fold/plain              tests/python/test_violations.py
folder/folder_windows   tests/unit/folder/test_paths_windows.c
history/cells_table     tests/python/test_typed_past.py
history/keys            tests/python/test_typed_random.py
history/log_table       tests/golden/two_devices.sql
history/made            tests/python/test_typed_random.py
life/seal               tests/python/test_sealing.py
log/reading             tests/unit/log/test_reader.c
outgoing/own_rows       tests/unit/outgoing/test_own.c
own/takeover            tests/python/test_lifecycle_own.py
replace/kept            tests/python/test_lifecycle_reading.py
replace/past            tests/python/test_lifecycle_reading.py
replace/replace         tests/python/test_lifecycle_reading.py
store/put               tests/unit/store/test_write.c
retire/copy             tests/python/test_retire.py
retire/gone             tests/python/test_retire.py
retire/keep             tests/python/test_retire.py
retire/retire           tests/python/test_retire.py
schema/alter            tests/python/test_alter.py
schema/change_text      tests/python/test_alter.py
schema/buckets          tests/python/test_tables.py
schema/tables_table     tests/python/test_tables.py
schema/check            tests/python/test_check.py
schema/schema_functions tests/python/test_alter.py
violations/violations   tests/python/test_violations.py
violations/violations_table tests/python/test_violations.py
pending/remembered      tests/unit/pending/test_late.c
surface/device_table    tests/golden/devices.sql
surface/foreign_table   tests/golden/foreign_log.sh
surface/functions       tests/golden/functions.sql
surface/parstore_table  tests/python/test_parstore.py
sync/acknowledge        tests/python/test_acknowledge.py
tables/follow           tests/python/test_typed.py
tables/known            tests/python/test_typed.py
tables/lens             tests/python/test_typed_past.py
tables/referred         tests/python/test_typed_hosts.py
tables/settle           tests/python/test_typed.py
tables/typed            tests/python/test_typed.py
typed/typed_functions   tests/python/test_typed.py
typed/typed_past        tests/python/test_typed_past.py
typed/typed_plan        tests/python/test_typed.py
typed/typed_query       tests/python/test_typed.py
typed/typed_scan        tests/python/test_typed.py
typed/typed_stamp       tests/python/test_typed.py
typed/typed_table       tests/python/test_typed.py
own/retired             tests/python/test_retire.py
life/copies             tests/python/test_lifecycle_reading.py
visit/judge             tests/unit/visit/test_visit.c
"

cd "$KV_SOURCE" || exit 2
failed=0

fail() {
  echo "$*"
  failed=1
}

for file in ext/*/*.c; do
  room=${file#ext/}
  room=${room%.c}
  found=$(ls "tests/unit/${room%/*}/test_${room#*/}".c \
    "tests/unit/${room%/*}/test_${room#*/}"_*.c 2> /dev/null)
  listed=$(echo "$elsewhere" | sed -n "s|^$room  *||p")
  case "$found:$listed" in
    :)
      fail "$file: no tests/unit/${room%/*}/test_${room#*/}.c, and no line in" \
        "tests/build/rooms.sh that says what tests it"
      ;;
    :*) [ -f "$listed" ] || fail "$room: $listed does not exist" ;;
    *:) ;;
    *) fail "$room: it has a unit test, so it need not be listed" ;;
  esac
done
for room in $(echo "$elsewhere" | sed 's/ .*//'); do
  [ -f "ext/$room.c" ] || fail "$room: is listed, but does not exist"
done
exit $failed
