# Fetch the amalgamation of an SQLite: sh fetch.sh VERSION FOLDER
#
# makes FOLDER/sqlite3.c, sqlite3.h and sqlite3ext.h, out of the package
# better-sqlite3 of npm, which carries them, or of Debian's sources. VERSION is
#
#   debian      that of this Debian; needs tclsh, make and a compiler
#   oldest      3.31, the oldest that sqlite-kv works with
#   too-old     one before it, which sqlite-kv has to refuse
#   newest      that of the newest package
#   8.0.0       (or another) that of this version of the package
#   /a/folder   an existing one
set -u
version=${1:?usage: sh fetch.sh VERSION FOLDER}
folder=${2:?usage: sh fetch.sh VERSION FOLDER}

case $version in
  oldest) package=6.0.1 ;;
  too-old) package=5.4.3 ;;
  newest) package=latest ;;
  *) package=$version ;;
esac

mkdir -p "$folder" || exit 2
if [ -d "$version" ]; then
  cp "$version/sqlite3.c" "$version/sqlite3.h" "$version/sqlite3ext.h" \
    "$folder" || exit 2
elif [ "$version" = debian ] && [ ! -f "$folder/sqlite3.c" ]; then
  source=$(sh "$(dirname "$0")/source.sh" sqlite3 "$folder/source") || exit 2
  (
    cd "$source" && ./configure --quiet && make --silent sqlite3.c
  ) > "$folder/make.log" 2>&1 || {
    tail -n 5 "$folder/make.log" >&2
    exit 2
  }
  cp "$source/sqlite3.c" "$source/sqlite3.h" "$source/src/sqlite3ext.h" \
    "$folder" || exit 2
elif [ ! -f "$folder/sqlite3.c" ]; then
  command -v npm > /dev/null || {
    echo "npm is not installed: give a folder that has sqlite3.c" >&2
    exit 2
  }
  (
    cd "$folder" &&
      tarball=$(npm pack --silent "better-sqlite3@$package" | tail -n 1) &&
      tar xzf "$tarball" package/deps && rm "$tarball" || exit 2
    if [ -f package/deps/sqlite3.tar.gz ]; then
      mkdir -p package/deps/sqlite3 &&
        tar xzf package/deps/sqlite3.tar.gz -C package/deps/sqlite3 || exit 2
    fi
    find package/deps -name 'sqlite3*.[ch]' -exec mv {} . \; && rm -r package
  ) || exit 2
fi
[ -f "$folder/sqlite3.c" ] || {
  echo "no sqlite3.c for $version in $folder" >&2
  exit 2
}
sed -n 's/^#define SQLITE_VERSION  *"\(.*\)"/\1/p' "$folder/sqlite3.h"
