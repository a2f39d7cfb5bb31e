"""decrypt.py DIRECTORY NAMESPACE NAME

Opens every DIRECTORY/*.esdk with DIRECTORY/private.pem. Writes the plaintext to *.plain and the
encryption context, as JSON, to *.context.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from keyring import client, raw_rsa


def main(directory, namespace, name):
    directory = pathlib.Path(directory)
    keyring = raw_rsa(namespace, name, private_key=(directory / "private.pem").read_bytes())
    for message in sorted(directory.glob("*.esdk")):
        plaintext, header = client().decrypt(source=message.read_bytes(), keyring=keyring)
        message.with_suffix(".plain").write_bytes(plaintext)
        message.with_suffix(".context").write_text(json.dumps(header.encryption_context))


main(*sys.argv[1:])
