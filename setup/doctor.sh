#!/usr/bin/env bash
# Checks that this machine has what hotcell is built with, and names everything that is missing at once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
cd "$here/.."

faults=0

# need NAME FOUND WANTED HOW...: FOUND is "VERSION at PATH", or empty.
need() {
  local name=$1 found=$2 wanted=$3
  shift 3
  if [ -n "$found" ] && at_least "$found" "$wanted"; then return 0; fi
  faults=$((faults + 1))
  {
    echo "$name $wanted or newer is needed."
    echo "  found: ${found:-none on PATH}"
    printf '  %s\n' "$@"
  } >&2
}

# version_of COMMAND: run it here, and cut its answer down to "1.2.3 at /path". Anything else that it says is a fault.
version_of() {
  local path answer
  path=$(command -v "$1") || return 0
  answer=$("$@" 2>&1) || true
  answer=$(sed -n -E 's/^(go version go|v)?([0-9]+\.[0-9]+[^ ]*).*/\2/p' <<<"$answer" | head -n 1)
  printf '%s at %s' "${answer:-0.0 (it does not start)}" "$path"
}

# What go.mod asks for is what is needed. Go itself fetches that toolchain when it may (GOTOOLCHAIN=auto), and then
# answers with the fetched one's version.
go_minimum=$(sed -n -E 's/^go ([0-9]+\.[0-9]+).*/\1/p' go.mod)
need Go "$(version_of go version)" "$go_minimum" \
  "Debian, Ubuntu: apt-get install golang-go, if that is new enough; else https://go.dev/dl/" \
  "macOS:          brew install go"

# 20 is the first release whose inspector the JavaScript driver was written for.
node_hint=(
  "Debian, Ubuntu: apt-get install nodejs npm, if that is new enough; else https://nodejs.org/en/download"
  "macOS:          brew install node"
)
need Node "$(version_of node --version)" 20 "${node_hint[@]}"
# 8 is the first npm that knows the lock file's format.
need npm "$(version_of npm --version)" 8 "${node_hint[@]}"

./setup/python.sh >/dev/null || faults=$((faults + 1))

# It isn't needed to build or to serve, so its absence is no fault.
if [ "$(uname -s)" = Linux ] && ! command -v bwrap >/dev/null; then
  echo "setup: bubblewrap is not on the PATH. With it sandboxes are kept apart in namespaces (docs/isolation.md)." >&2
  echo "  Debian, Ubuntu: apt-get install bubblewrap" >&2
fi

if [ "$faults" -gt 0 ]; then
  echo "setup: this machine lacks $faults of the programs above" >&2
  exit 1
fi
