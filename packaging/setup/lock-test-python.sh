#!/usr/bin/env bash
# Rewrites packaging/test-python.lock: the exact wheels of the tests' Python packages for the
# interpreters of Debian 12 and 13. Run it to move to new versions, then read the difference.
set -euo pipefail

lock="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/test-python.lock"
packages=('aws-encryption-sdk[MPL]==4.0.7' 'pandas==2.3.3' 'numpy==2.4.6')
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

for python in 3.11 3.13; do
    /usr/bin/python3 -m pip download --quiet --dest "$scratch" --only-binary=:all: \
        --python-version "$python" --platform manylinux_2_28_x86_64 \
        --platform manylinux2014_x86_64 "${packages[@]}"
done

/usr/bin/python3 - "$scratch" >"$lock.new" <<'PYTHON'
import hashlib, sys
from pathlib import Path

pins = {}
for wheel in sorted(Path(sys.argv[1]).glob("*.whl")):
    name, version = wheel.name.split("-")[:2]
    pin = f"{name.replace('_', '-').lower()}=={version}"
    pins.setdefault(pin, []).append(hashlib.sha256(wheel.read_bytes()).hexdigest())

print("# Python packages of the tests: the official AWS Encryption SDK decrypts what we seal, and pandas")
print("# works inside the sandbox.")
print("# Written by packaging/setup/lock-test-python.sh; installed with pip --require-hashes.")
for pin, digests in sorted(pins.items()):
    print(" \\\n    ".join([pin, *(f"--hash=sha256:{digest}" for digest in digests)]))
PYTHON
mv "$lock.new" "$lock"
