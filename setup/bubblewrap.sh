#!/usr/bin/env bash
# Installs bubblewrap, which keeps sandboxes apart in namespaces, where that can be done without asking: as root, with
# apt-get. Elsewhere the boundary is a weaker one, and tests of namespaces are left out, which both say; so this never fails.
set -uo pipefail
command -v bwrap >/dev/null && exit 0
if [ "$(uname -s)" != Linux ] || [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  exit 0 # doctor.sh says what is missing
fi
echo 'setup: bubblewrap, by apt-get'
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install --yes --quiet --no-install-recommends bubblewrap >/dev/null; }
install || { apt-get update --quiet >/dev/null && install; } || echo "setup: apt-get doesn't install bubblewrap" >&2
exit 0
