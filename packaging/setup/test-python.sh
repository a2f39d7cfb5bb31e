#!/usr/bin/env bash
# Makes the Python environment of the tests; `test-python.sh --path` prints where its interpreter is.
# It is named after its lock, so that clones of different versions do not disturb each other, and
# is complete when it holds the stamp, which names the interpreter it was made with: an upgrade of
# the distribution makes it anew.
set -euo pipefail

lock="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/test-python.lock"
digest="$(sha256sum "$lock")"
directory="${KARAKURI_ASSETS:?is exported by the Makefile}/venv-${digest:0:16}"
if [[ ${1:-} == --path ]]; then
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

echo "setup: making the tests' Python environment $directory"
rm -rf "$directory"
"$interpreter" -m venv "$directory"
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --only-binary=:all: --require-hashes --requirement "$lock"
echo "$interpreter" >"$stamp"
