"""encrypt.py DIRECTORY NAMESPACE NAME FRAME_LENGTH CONTEXT

Seals every DIRECTORY/*.plain for DIRECTORY/public.pem into *.esdk, with suite 0x0478 and the
encryption context CONTEXT (a JSON object).
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from aws_encryption_sdk.identifiers import Algorithm
from keyring import client, raw_rsa


def main(directory, namespace, name, frame_length, context):
    directory = pathlib.Path(directory)
    keyring = raw_rsa(namespace, name, public_key=(directory / "public.pem").read_bytes())
    for plain in sorted(directory.glob("*.plain")):
        message, _header = client().encrypt(
            source=plain.read_bytes(),
            keyring=keyring,
            encryption_context=json.loads(context),
            algorithm=Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
            frame_length=int(frame_length),
        )
        plain.with_suffix(".esdk").write_bytes(message)


main(*sys.argv[1:])
