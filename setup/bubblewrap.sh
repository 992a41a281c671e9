#!/usr/bin/env bash
# Installs bubblewrap, which keeps sandboxes apart in namespaces, where that can be done without asking: as root, with
# apt-get. Elsewhere the tests of namespaces are left out, which is said; so this never fails.
set -uo pipefail
command -v bwrap >/dev/null && exit 0
if [ "$(uname -s)" != Linux ] || [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "setup: bubblewrap is not installed here; namespaces are not tried" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install --yes --quiet --no-install-recommends bubblewrap >/dev/null; }
install || { apt-get update --quiet >/dev/null && install; } || echo "setup: apt-get doesn't install bubblewrap; namespaces are not tried" >&2
exit 0
