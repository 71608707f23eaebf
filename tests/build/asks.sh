# run.sh and quickstart.sh install what is missing if root or --install says so.
# Otherwise they name it and stop.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin"

# A machine without rsync. Its apt-get records what it is asked for, and
# installs nothing.
for command in cat cc dirname env grep sh tr; do
  path=$(command -v "$command")
  printf '#!/bin/sh\nexec %s "$@"\n' "$path" > "$folder/bin/$command"
done
for command in cmake make python3 sqlite3; do
  echo '#!/bin/sh' > "$folder/bin/$command"
done
echo "cat '$folder/id'" > "$folder/bin/id"
echo 'exec "$@"' > "$folder/bin/sudo"
cat > "$folder/bin/apt-get" << END
echo "\$@" >> '$folder/asked'
[ "\$*" = 'update -qq' ]
END
chmod +x "$folder/bin/"*

run() { # USER_ID SCRIPT [OPTION]
  : > "$folder/asked"
  status=0
  echo "$1" > "$folder/id"
  shift
  (cd "$KV_SOURCE" && env -i PATH="$folder/bin" BUILD="$folder/build" \
    /bin/sh "$@") > "$folder/out" 2>&1 || status=$?
}

fail() {
  cat "$folder/out" "$folder/asked"
  echo "$*"
  exit 1
}

for script in tests/run.sh examples/quickstart.sh; do
  run 1000 "$script"
  [ "$status" = 2 ] || fail "$script goes on without rsync: $status"
  [ ! -s "$folder/asked" ] || fail "$script installs without asking"
  grep -q "sh $script --install" "$folder/out" || fail "$script says no option"
  grep -q 'sudo apt-get install .*rsync' "$folder/out" ||
    fail "$script says no command"
  run 1000 "$script" --install
  grep -q 'install .*rsync' "$folder/asked" || fail "$script: not with --install"
  run 1000 "$script" -y
  grep -q 'install .*rsync' "$folder/asked" || fail "$script: not with -y"
  run 0 "$script"
  grep -q 'install .*rsync' "$folder/asked" || fail "$script: not for root"
done
