"""verify_manifest.py DIRECTORY

Checks DIRECTORY/manifest.json (DSSE) with DIRECTORY/verifying.pem, which must belong to
DIRECTORY/signing.pem, and writes what was signed to payload.json.
"""

import base64
import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives import serialization


def main(directory):
    directory = pathlib.Path(directory)
    envelope = json.loads((directory / "manifest.json").read_bytes())
    key = serialization.load_pem_public_key((directory / "verifying.pem").read_bytes())
    private = serialization.load_pem_private_key((directory / "signing.pem").read_bytes(), None)
    spki = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    payload_type = envelope["payloadType"]
    payload = base64.b64decode(envelope["payload"], validate=True)
    [signature] = envelope["signatures"]
    signed = b"DSSEv1 %d %s %d %s" % (
        len(payload_type),
        payload_type.encode(),
        len(payload),
        payload,
    )
    assert private.public_key() == key, "the private key is another one"
    assert signature["keyid"] == hashlib.sha256(spki).hexdigest()
    key.verify(base64.b64decode(signature["sig"], validate=True), signed)
    (directory / "payload.json").write_bytes(payload)


main(*sys.argv[1:])
