# The installed module is where sqlite-kv.pc says, and loads from there.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

DESTDIR=$folder cmake --install "$KV_BUILD"
pc=$(find "$folder" -name sqlite-kv.pc)
eval "$(grep '^[a-z]*=' "$pc")"
env ${KV_PRELOAD:+"LD_PRELOAD=$KV_PRELOAD"} \
  "$SQLITE3" -batch -init /dev/null :memory: \
  ".load '$folder$moduledir/kv'" 'SELECT kv_version()' > "$folder/version"
grep -F "Version: $(cat "$folder/version")" "$pc"
