# The quickstart's two devices agree in the end, and it leaves nothing behind
# except the build.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/tmp"
shell=$(command -v "$SQLITE3")

# The stock shell loads a sanitized module only after its runtime.
cat > "$folder/bin/sqlite3" <<END
#!/bin/sh
exec env ${KV_PRELOAD:+"LD_PRELOAD=$KV_PRELOAD"} "$shell" "\$@"
END
chmod +x "$folder/bin/sqlite3"

PATH=$folder/bin:$PATH BUILD=$KV_BUILD TMPDIR=$folder/tmp \
  sh "$KV_SOURCE/examples/quickstart.sh" > "$folder/out" 2>&1 ||
  { cat "$folder/out"; exit 1; }

expect() { # COUNT LINE
  count=$(grep -cxF "$2" "$folder/out") || true
  [ "$count" = "$1" ] || { cat "$folder/out"; echo "not $1 times: $2"; exit 1; }
}
expect 2 'color|green|phone'
expect 2 'stars|6|phone'
expect 2 'title|Hello, world|laptop'
expect 1 'laptop|set|title|Hello, world'
expect 1 'laptop|ok|3'
expect 1 'phone|ok|2'
expect 1 'Both devices show the same. Try it yourself:'
if grep -qi error "$folder/out"; then cat "$folder/out"; exit 1; fi
left=$(ls -A "$folder/tmp")
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
