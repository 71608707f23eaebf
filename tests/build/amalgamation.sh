# All of the extension in one file compiles without a warning: names that are
# known in one file of ext/ only are not used for something else in another.
set -e
cmake --build "$KV_BUILD" --target amalgamation
file=$KV_BUILD/amalgamation/kv.c
grep -q 'BSD 2-Clause License' "$file"
grep -q '^ \* Copyright (C) .* Yann Collet' "$file"

compile() { # OPTIONS
  echo "$CC $*"
  # shellcheck disable=SC2086 # one option a word
  "$CC" $KV_INCLUDES -std=c11 -fsyntax-only -Wall -Wextra -Wpedantic \
    -Wstrict-prototypes -Wshadow -Werror "$@" "$file"
}
compile
compile -DSQLITE_CORE
compile -DKV_DEBUG
