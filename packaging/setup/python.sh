#!/usr/bin/env bash
# Makes a Python environment of pinned wheels, and of pinned sources where nothing else is published:
#   setup/python.sh test | bench | check    what NAME-python.lock and NAME-python-source.lock name
#   setup/python.sh NAME --path             prints where its interpreter is
# It is named after its locks, so that clones of different versions do not disturb each other, and
# is complete when it holds the stamp, which names the interpreter it was made with: an upgrade of
# the distribution makes it anew.
set -euo pipefail

lock="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/${1:?test, bench or check}-python.lock"
source_lock="${lock%.lock}-source.lock"
locks=("$lock")
[[ ! -f $source_lock ]] || locks+=("$source_lock")
digest="$(cat "${locks[@]}" | sha256sum)"
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
install=("$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes)
"${install[@]}" --only-binary=:all: --requirement "$lock"
# Built by the setuptools of the lock: pip would bring another that is checked against no digest.
[[ ! -f $source_lock ]] || "${install[@]}" --no-binary=:all: --no-build-isolation --use-pep517 --requirement "$source_lock"
echo "$interpreter" >"$stamp"
