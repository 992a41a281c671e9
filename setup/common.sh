# shellcheck shell=bash
# Sourced by the other scripts here; works with the bash 3.2 that macOS has.

# at_least FOUND WANTED: is version FOUND (MAJOR.MINOR, whatever follows is ignored) not older than WANTED (MAJOR or MAJOR.MINOR)?
at_least() {
  local found_major found_minor want_major want_minor
  found_major=${1%%.*}
  found_minor=${1#*.}
  found_minor=${found_minor%%[!0-9]*}
  want_major=${2%%.*}
  want_minor=0
  case $2 in *.*) want_minor=${2#*.} want_minor=${want_minor%%[!0-9]*} ;; esac
  [ "$found_major" -gt "$want_major" ] ||
    { [ "$found_major" -eq "$want_major" ] && [ "${found_minor:-0}" -ge "$want_minor" ]; }
}

# exclusively FILE: hold a lock until this process ends, so that two makes in one clone don't build the same thing.
# Without flock (macOS) nobody is kept out; each build still ends with its stamp, so the last one wins.
exclusively() {
  mkdir -p "$(dirname "$1")"
  if command -v flock >/dev/null 2>&1; then
    exec 9>"$1"
    flock 9
  fi
}
