#!/usr/bin/env bash
# Prints the path of the Python interpreter to build environments from: $PYTHON if it is set, else the first suitable
# one on PATH. Suitable is 3.10 or newer, with venv and pip. When there is none, says what was found and how to get one.
set -euo pipefail
cd "$(dirname "$0")"
. ./common.sh

minimum=3.10
# The releases that are tested come first; what a machine calls python3 may be newer or older than they are.
candidates=(python3.13 python3.12 python3.11 python3.10 python3.14 python3)

# The real path is printed, not the one on PATH: a pyenv shim costs 140 ms at each start, and changes its mind.
probe='
import sys
version = "%d.%d.%d" % sys.version_info[:3]
missing = []
for name in ("venv", "ensurepip"):
    try:
        __import__(name)
    except ImportError:
        missing.append(name)
print("|".join([version, sys.executable or "", " and ".join(missing)]))
'

fault=
# examine NAME: print the real path and succeed, or leave the reason against it in fault.
examine() {
  local path answer version real missing
  fault=
  if ! path=$(command -v "$1" 2>/dev/null); then
    [ -z "${PYTHON:-}" ] || fault="no program of that name"
    return 1
  fi
  if ! answer=$("$path" -I -c "$probe" 2>/dev/null); then
    # A shim for a version that isn't selected is there and doesn't start; that is no interpreter.
    fault="$path does not start"
    return 1
  fi
  IFS='|' read -r version real missing <<<"$answer"
  if ! at_least "$version" "$minimum"; then
    fault="python $version at $path; $minimum or newer is needed"
  elif [ -n "$missing" ]; then
    fault="python $version at $path has no $missing module"
    case $path in /usr/bin/*) fault="$fault (Debian, Ubuntu: apt-get install python${version%.*}-venv)" ;; esac
  fi
  [ -z "$fault" ] && printf '%s\n' "$real"
}

reasons=()
if [ -n "${PYTHON:-}" ]; then
  candidates=("$PYTHON")
fi
for name in "${candidates[@]}"; do
  if examine "$name"; then
    exit 0
  fi
  if [ -n "$fault" ]; then reasons+=("$fault"); fi
done

{
  if [ -n "${PYTHON:-}" ]; then
    echo "Python: PYTHON=$PYTHON can't be used."
  else
    echo "Python $minimum or newer, with venv and pip, is needed."
  fi
  if [ ${#reasons[@]} -eq 0 ]; then
    echo "  found: none on PATH"
  else
    printf '  found: %s\n' "${reasons[@]}"
  fi
  echo "  Debian, Ubuntu: apt-get install python3 python3-venv"
  echo "  Fedora:         dnf install python3"
  echo "  macOS:          brew install python@3.13"
  echo "  elsewhere:      https://www.python.org/downloads/, then make PYTHON=/path/to/python3 ..."
} >&2
exit 1
