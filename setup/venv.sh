#!/usr/bin/env bash
# venv.sh DIR REQUIREMENTS: makes the virtual environment DIR with exactly what REQUIREMENTS pins.
#
# DIR/.ready is written last. A run that was interrupted leaves none, so the next one starts over; deleting DIR is
# all that it takes to have it made again. Wheels only, each checked against its hash: nothing is compiled here and no
# package's code runs. Which index, mirror or proxy they come from is the machine's business (pip's own configuration).
set -euo pipefail
cd "$(dirname "$0")/.."
. setup/common.sh
directory=$1
requirements=$2

stamp=$directory/.ready

exclusively ".setup/$(basename "$directory").lock"
if [ "$stamp" -nt "$requirements" ] && [ "$stamp" -nt setup/venv.sh ] && [ -x "$directory/bin/python" ] &&
  [ "${PYTHON:-$(cat "$stamp")}" = "$(cat "$stamp")" ]; then
  exit 0 # another make was faster
fi

python=$(setup/python.sh)
# Settings of the surrounding shell that would lead the new interpreter, or pip, out of its environment.
unset PYTHONHOME PYTHONPATH PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV

echo "setup: $directory, with $("$python" -V 2>&1) at $python"
rm -rf "$directory"
"$python" -m venv "$directory"
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
  --require-hashes --only-binary :all: --no-deps --requirement "$requirements"
printf '%s\n' "${PYTHON:-}" >"$stamp" # the choice that was made for it, so that another choice makes it anew
