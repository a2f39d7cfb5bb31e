"""kms.py DIRECTORY

A KMS (moto) for the time until stdin ends. Prints one line of JSON about its keys, then answers each line of
stdin, a JSON object with "do", by one of stdout:

  generate     "context" → "ciphertext", "plaintext", base64: GenerateDataKey
  decrypt      "key" (its ARN), "context", "ciphertext" → "plaintext", or "error": Decrypt
  open         "key" (symmetric or rsa), "file" → "plaintext", "context": the official KMS keyring opens DIRECTORY/file
  seal         "context", "file", "plaintext": the official KMS keyring writes DIRECTORY/file
"""

import base64
import json
import logging
import pathlib
import sys

import boto3
import botocore.exceptions
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput, CreateAwsKmsRsaKeyringInput
from aws_encryption_sdk.identifiers import Algorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from moto.kms.models import kms_backends
from moto.server import ThreadedMotoServer

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from keyring import client

REGION = "ap-northeast-1"


class RsaKms:
    """KMS for the RSA key: moto makes such keys and gives their public half, but does not decrypt with them."""

    def __init__(self, real, private):
        self.real, self.private = real, private
        self.meta, self.exceptions = real.meta, real.exceptions

    def decrypt(self, KeyId, CiphertextBlob, EncryptionAlgorithm, **_):
        assert EncryptionAlgorithm == "RSAES_OAEP_SHA_256"
        oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
        plaintext = self.private.decrypt(CiphertextBlob, oaep)
        return {"KeyId": KeyId, "Plaintext": plaintext, "EncryptionAlgorithm": EncryptionAlgorithm}


class Kms:
    def __init__(self, directory, endpoint):
        self.directory, self.endpoint = pathlib.Path(directory), endpoint
        self.kms = boto3.client(
            "kms", region_name=REGION, endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test"
        )
        self.symmetric = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.rsa = self.kms.create_key(KeySpec="RSA_4096", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
        public = self.kms.get_public_key(KeyId=self.rsa)["PublicKey"]
        self.public = serialization.load_der_public_key(public).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def about(self):
        return {"endpoint": self.endpoint, "symmetric": self.symmetric, "rsa": self.rsa, "public": self.public.decode()}

    def keyring(self, key):
        providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
        if key == "symmetric":
            wanted = CreateAwsKmsKeyringInput(kms_key_id=self.symmetric, kms_client=self.kms)
            return providers.create_aws_kms_keyring(input=wanted)
        wanted = CreateAwsKmsRsaKeyringInput(
            kms_key_id=self.rsa,
            kms_client=self.rsa_kms(),
            public_key=self.public,
            encryption_algorithm="RSAES_OAEP_SHA_256",
        )
        return providers.create_aws_kms_rsa_keyring(input=wanted)

    def rsa_kms(self):
        (account, name) = self.rsa.split(":")[4], self.rsa.rpartition("/")[2]
        return RsaKms(self.kms, kms_backends[account][REGION].keys[name].private_key.private_key)

    def generate(self, context):
        made = self.kms.generate_data_key(KeyId=self.symmetric, KeySpec="AES_256", EncryptionContext=context)
        return {"ciphertext": text(made["CiphertextBlob"]), "plaintext": text(made["Plaintext"])}

    def decrypt(self, key, context, ciphertext):
        (kms, more) = (self.kms, {"EncryptionContext": context})
        if key == self.rsa:
            (kms, more) = (self.rsa_kms(), {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256"})
        try:
            made = kms.decrypt(KeyId=key, CiphertextBlob=base64.b64decode(ciphertext), **more)
        except botocore.exceptions.ClientError as error:
            return {"error": error.response["Error"]["Code"]}
        return {"plaintext": text(made["Plaintext"])}

    def open(self, key, file):
        message = (self.directory / file).read_bytes()
        plaintext, header = client().decrypt(source=message, keyring=self.keyring(key))
        return {"plaintext": text(plaintext), "context": header.encryption_context}

    def seal(self, context, file, plaintext):
        message, _header = client().encrypt(
            source=base64.b64decode(plaintext),
            keyring=self.keyring("symmetric"),
            encryption_context=context,
            algorithm=Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
        )
        (self.directory / file).write_bytes(message)
        return {}


def text(data):
    return base64.b64encode(data).decode()


def main(directory):
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    kms = Kms(directory, f"http://{host}:{port}")
    print(json.dumps(kms.about()), flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        print(json.dumps(getattr(kms, wanted.pop("do"))(**wanted)), flush=True)
    server.stop()


main(*sys.argv[1:])
