# The module exports its two entry points and nothing else, and does not use
# SQLite's symbols of the program that loads it.
shown=$(nm -D --defined-only "$KV_MODULE_FILE" | awk '{ print $NF }' | sort)
expected='sqlite3_extension_init
sqlite3_kv_init'
if [ "$shown" != "$expected" ]; then
  echo "exported:"
  echo "$shown"
  exit 1
fi
if nm -D --undefined-only "$KV_MODULE_FILE" | grep sqlite3_; then
  echo "taken from SQLite past sqlite3ext.h"
  exit 1
fi
