# Fetch the amalgamation of an SQLite: sh fetch.sh VERSION FOLDER
#
# makes FOLDER/sqlite3.c, sqlite3.h and sqlite3ext.h, out of the package
# better-sqlite3 of npm, which carries them. VERSION is
#
#   oldest      3.31, the oldest that sqlite-kv works with
#   too-old     one before it, which sqlite-kv has to refuse
#   newest      that of the newest package
#   8.0.0       (or another) that of this version of the package
#   /a/folder   one that is there already
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
