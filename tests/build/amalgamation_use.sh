# The one file, used as its first lines say, and made twice.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --build "$KV_BUILD" --target amalgamation
mkdir "$folder/one"
cp "$KV_BUILD/amalgamation/kv.c" "$KV_BUILD/amalgamation/kv.h" "$folder/one"

# Another place, another day, another language: the same bytes.
mkdir "$folder/a copy"
for part in CMakeLists.txt LICENSE cmake ext sql; do
  cp -R "$KV_SOURCE/$part" "$folder/a copy"
done
export LC_ALL=C.UTF-8
{ cmake -S "$folder/a copy" -B "$folder/a copy/build" -DKV_BUILD_TESTS=OFF &&
  cmake --build "$folder/a copy/build" --target amalgamation; } \
  > "$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
diff -r "$folder/one" "$folder/a copy/build/amalgamation"
if grep -nF -e "$KV_SOURCE" -e "$KV_BUILD" "$folder/one/kv.c"; then
  echo 'has a path of this machine'
  exit 1
fi

# Loaded. The stock shell is not sanitized, and neither is this.
cd "$folder/one"
# shellcheck disable=SC2086 # one option a word
"$CC" $KV_INCLUDES -shared -fPIC kv.c -o kv.so
shown=$(nm -D --defined-only kv.so | awk '{ print $NF }' | sort | tr '\n' ' ')
[ "$shown" = 'sqlite3_extension_init sqlite3_kv_init ' ] ||
  { echo "exported: $shown"; exit 1; }
"$SQLITE3" -batch -init /dev/null :memory: '.load ./kv' \
  "SELECT kv_open('notes.kv', 'laptop')" "INSERT INTO kv VALUES('title', 'Hello')" \
  'SELECT key, value, kv_version() FROM kv' > out
version=$(sed -n 's/^#define KV_VERSION "\(.*\)"$/\1/p' kv.c)
printf 'laptop\ntitle|Hello|%s\n' "$version" | diff - out

# Linked.
# shellcheck disable=SC2086 # one option a word
"$CC" $KV_INCLUDES -DSQLITE_CORE -I. kv.c "$KV_SOURCE/examples/embed.c" \
  "$KV_LIBRARY" -o embed
./embed runs.kv phone > out
printf 'last run: phone\nruns of phone: 1\n' | diff - out

# System headers keep their conditions.
cat > conditions.c <<'END'
#if defined(A) /* the first */
#include <assert.h>
#elif defined(B) || defined(C)
#include <ctype.h>
#else
#ifndef D
#include <errno.h>
#endif
#endif
int nothing;
END
xxhash=$(sed -n 's/^KV_XXHASH_INCLUDE_DIR:.*=//p' "$KV_BUILD/CMakeCache.txt")
python3 "$KV_SOURCE/cmake/amalgamation.py" --version 1 --out made \
  --license "$KV_SOURCE/LICENSE" --header "$KV_SOURCE/ext/kv.h" \
  --xxhash "$xxhash/xxhash.h" conditions.c
sed -n '/sqlite3ext.h"/,/xxhash.h/{/^#/p}' made/kv.c | sed 1d | diff - /dev/fd/3 3<<'END'
#if !(defined(A)) && !(!(defined(A)) && (defined(B) || defined(C)))
#if !defined(D)
#include <errno.h>
#endif
#endif
#if !(defined(A)) && (defined(B) || defined(C))
#include <ctype.h>
#endif
#if defined(A)
#include <assert.h>
#endif
END
