#!/usr/bin/env bash
# Makes a Python environment of pinned wheels:
#   setup/python.sh test | bench            what NAME-python.lock names
#   setup/python.sh test | bench --path     prints where its interpreter is
# It is named after its lock, so that clones of different versions do not disturb each other, and
# is complete when it holds the stamp, which names the interpreter it was made with: an upgrade of
# the distribution makes it anew.
set -euo pipefail

lock="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/${1:?test or bench}-python.lock"
digest="$(sha256sum "$lock")"
directory="${KARAKURI_ASSETS:?is exported by the Makefile}/venv-${digest:0:16}"
if [[ ${2:-} == --path ]]; then
    echo "$directory/bin/python"
    exit 0
fi

stamp="$directory/.complete"
interpreter="$(readlink -f /usr/bin/python3)"
mkdir -p "$KARAKURI_ASSETS"
# Two clones share the directory: one makes it, the other waits.
exec 9>"$directory.lock"
flock 9
[[ -f $stamp && $(<"$stamp") == "$interpreter" ]] && exit 0

echo "setup: making the Python environment $directory for: $1"
rm -rf "$directory"
"$interpreter" -m venv "$directory"
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --only-binary=:all: --require-hashes --requirement "$lock"
echo "$interpreter" >"$stamp"
