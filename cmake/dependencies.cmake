# What is needed to build: two headers. The module itself links to nothing.
#
# Sets KV_INCLUDE_DIRS.

find_path(KV_XXHASH_INCLUDE_DIR xxhash.h
  DOC "Folder of xxhash.h, 0.8.0 or newer; the library is not needed")
if(NOT KV_XXHASH_INCLUDE_DIR)
  message(FATAL_ERROR
    "xxhash.h not found. It is in libxxhash-dev (Debian, Ubuntu), "
    "xxhash-devel (Fedora), xxhash (Homebrew, Arch, vcpkg); or give "
    "-DKV_XXHASH_INCLUDE_DIR=folder.")
endif()

if(APPLE) # its own SQLite has no loadable extensions
  set(kv_sqlite3_hints /opt/homebrew/opt/sqlite /usr/local/opt/sqlite)
endif()
find_path(KV_SQLITE3_INCLUDE_DIR sqlite3ext.h
  HINTS ${kv_sqlite3_hints} PATH_SUFFIXES include
  DOC "Folder of sqlite3ext.h and sqlite3.h, 3.31.0 or newer")
if(NOT KV_SQLITE3_INCLUDE_DIR)
  message(FATAL_ERROR
    "sqlite3ext.h not found. It is in libsqlite3-dev (Debian, Ubuntu), "
    "sqlite-devel (Fedora), sqlite (Homebrew, Arch), sqlite3 (vcpkg); or "
    "give -DKV_SQLITE3_INCLUDE_DIR=folder.")
endif()

file(STRINGS "${KV_SQLITE3_INCLUDE_DIR}/sqlite3.h" kv_sqlite3_version
  REGEX "^#define SQLITE_VERSION_NUMBER +[0-9]+")
string(REGEX REPLACE ".* ([0-9]+).*" "\\1" kv_sqlite3_version
  "${kv_sqlite3_version}")
if(kv_sqlite3_version AND kv_sqlite3_version LESS 3031000)
  message(FATAL_ERROR
    "sqlite3.h in ${KV_SQLITE3_INCLUDE_DIR} is too old: it says "
    "${kv_sqlite3_version}, 3031000 (3.31.0) or newer is needed.")
endif()

set(KV_INCLUDE_DIRS "${KV_SQLITE3_INCLUDE_DIR}" "${KV_XXHASH_INCLUDE_DIR}")
list(REMOVE_DUPLICATES KV_INCLUDE_DIRS)

# The library: for the tests and the example of static linking only.
find_library(KV_SQLITE3_LIBRARY sqlite3
  HINTS ${kv_sqlite3_hints} PATH_SUFFIXES lib)
mark_as_advanced(KV_XXHASH_INCLUDE_DIR KV_SQLITE3_INCLUDE_DIR
  KV_SQLITE3_LIBRARY)
