# KV_TRACE in a Debug build: each change of a log's state, on standard error.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
devices=notes.kv/devices

on() { # DEVICE: run the SQL of standard input in its store
  { echo ".load '${KV_MODULE_FILE%.*}'"
    echo ".once opened"
    echo "SELECT kv_open('notes.kv', '$1');"
    cat; } | env KV_TRACE=1 ${KV_PRELOAD:+LD_PRELOAD=$KV_PRELOAD} \
    "$SQLITE3" -batch -init /dev/null 2>> trace || true
}

echo "INSERT INTO kv VALUES('a', 1);" | on phone
mkdir kept && cp "$devices/phone/log.db" kept/old.db
echo "INSERT INTO kv VALUES('b', 2), ('c', 3);" | on phone
cp "$devices/phone/log.db" kept/new.db
: > trace
on laptop << END
.shell cp kept/old.db $devices/phone/log.db
SELECT kv_sync();
.shell rm $devices/phone/log.db
SELECT kv_sync();
.shell echo no log > $devices/phone/log.db
SELECT kv_sync();
.shell cp kept/new.db $devices/phone/log.db
SELECT kv_sync();
INSERT INTO kv VALUES('d', 4);
END

if [ "$KV_CONFIG" != Debug ]; then
  [ ! -s trace ] || { cat trace; echo "a trace in a build of $KV_CONFIG"; exit 1; }
  echo "only a Debug build has a trace: -DCMAKE_BUILD_TYPE=Debug"
  exit 77
fi
diff -u - trace << END
kv: temp.kv: log of laptop: unknown, row 0 -> ok, row 0
kv: temp.kv: log of phone: unknown, row 0 -> ok, row 3
kv: temp.kv: log of laptop: ok, row 0 -> ok, row 1
kv: temp.kv: log of phone: ok, row 3 -> behind, row 3: this is an older copy \
than the one that was read; what was read is kept until the newer one is back
kv: temp.kv: log of phone: behind, row 3 -> missing, row 3: its log is no \
longer in the folder; what was read is kept
kv: temp.kv: log of phone: missing, row 3 -> waiting, row 3: only 7 bytes \
have arrived; it is read when the rest arrives
kv: temp.kv: log of phone: waiting, row 3 -> ok, row 3
kv: temp.kv: log of laptop: ok, row 1 -> ok, row 2
END
