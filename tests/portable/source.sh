# Fetch the sources of a package of Debian: sh source.sh PACKAGE FOLDER
#
# unpacks them, as their authors made them, into FOLDER and prints the folder that
# is in there. Neither the system's list of sources nor its packages change.
set -u
package=${1:?usage: sh source.sh PACKAGE FOLDER}
folder=${2:?usage: sh source.sh PACKAGE FOLDER}

mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" &&
  folder=$(cd "$folder" && pwd) || exit 2
if [ ! -f "$folder/unpacked" ]; then
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
    sort -u | sed 's/^/deb-src /; s/$/ main/' > "$folder/apt/sources.list"
  (
    cd "$folder" || exit 1
    set -- -qq -o "Dir::State::lists=$folder/apt/lists" \
      -o "Dir::Cache=$folder/apt/cache" -o APT::Sandbox::User=root \
      -o "Dir::Etc::sourcelist=$folder/apt/sources.list" \
      -o Dir::Etc::sourceparts=/dev/null
    apt-get "$@" update || exit 1
    apt-get "$@" source --download-only "$package" || exit 1
    for tarball in *.orig.tar.*; do
      case $tarball in *.asc) continue ;; esac
      tar xf "$tarball" || exit 1
    done
    touch unpacked
  ) > "$folder/log" 2>&1 || {
    tail -n 5 "$folder/log" >&2
    exit 2
  }
fi
for found in "$folder"/*/; do
  [ "$found" = "$folder/apt/" ] || printf '%s\n' "${found%/}"
done
