# The example of static linking runs as two devices, and reports its errors.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

embed=$KV_BUILD/embed
if [ ! -x "$embed" ]; then # built without KV_STATIC
  { cmake -S "$KV_SOURCE" -B "$folder/build" -DKV_BUILD_TESTS=OFF \
    -DKV_STATIC=ON && cmake --build "$folder/build"; } > "$folder/log" 2>&1 ||
    { cat "$folder/log"; exit 1; }
  embed=$folder/build/embed
fi

cd "$folder"
{
  "$embed"
  "$embed" notes.kv laptop
  "$embed" notes.kv phone
  "$embed" notes.kv laptop
  ! "$embed" nowhere/notes.kv laptop
  ! "$embed" notes.kv 'no name'
} > out 2>&1
diff -u - out <<END
last run: memory
runs of memory: 1
last run: laptop
runs of laptop: 1
last run: phone
runs of laptop: 1
runs of phone: 1
last run: laptop
runs of laptop: 2
runs of phone: 1
cannot open the store: kv: cannot create folder $PWD/nowhere/notes.kv: No such file or directory; only the last part of a path is created, so mount or make the rest
cannot open the store: kv: 'no name' cannot be a device name: use only letters A-Z a-z, digits and . _ -
END
