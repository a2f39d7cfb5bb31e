#!/usr/bin/env bash
# Brings a machine to where Karakuri can run, be tested or be checked:
#   setup/setup.sh run | test | check      each includes the one before it
#   setup/setup.sh soak | bench            what the longest tests and the measurements need
# Called by the Makefile, which exports KARAKURI_ASSETS and CARGO_TARGET_DIR.
# What is in place stays untouched: a second call takes well under a second.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
: "${KARAKURI_ASSETS:?is exported by the Makefile}" "${CARGO_TARGET_DIR:?is exported by the Makefile}"

assets() {
    /usr/bin/python3 "$here/assets.py" "$here/../$1.lock" "$2"
}

for_run() {
    "$here/apt.sh" "$@"
    assets assets "$KARAKURI_ASSETS"
}

for_test() {
    for_run run build test "$@"
    "$here/python.sh" test
}

"$here/preflight.sh"
case "${1:-}" in
run) for_run run build ;;
test) for_test ;;
soak) for_test soak ;;
bench)
    for_test bench
    "$here/python.sh" bench
    ;;
check)
    for_test check
    assets check-tools "$KARAKURI_ASSETS/tools"
    "$here/python.sh" check
    ;;
*)
    echo "usage: setup.sh run|test|check|soak|bench" >&2
    exit 2
    ;;
esac
