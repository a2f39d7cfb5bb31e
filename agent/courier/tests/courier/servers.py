"""Real servers for the courier's tests: SeaweedFS as store and lender of roles, moto as KMS.

Prints where they are as one line of JSON, then answers questions about what is in them, one line of
JSON each, with the official SDK. Ends everything when its stdin is closed.
"""

import base64
import contextlib
import hashlib
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import boto3
import botocore.config
import botocore.exceptions
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
ROLE = "arn:aws:iam::000000000000:role/up"
NARROW = "arn:aws:iam::000000000000:role/narrow"


def free_ports(count):
    """Ports that nobody listens on; all are held until the last is found."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def client(service, endpoint, key="admin", secret="adminsecret", token=None):
    config = botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    return boto3.client(service, endpoint_url=endpoint, region_name=REGION, config=config,
                        aws_access_key_id=key, aws_secret_access_key=secret,
                        aws_session_token=token)


def write_config(directory, kms):
    """`edge` may do nothing but borrow roles. One may do everything: what its session is narrowed to
    is the courier's doing. The other may do nothing that a courier does."""
    assume = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": [ROLE, NARROW]}]}
    s3 = {
        "identities": [
            {"name": "admin", "credentials": [{"accessKey": "admin", "secretKey": "adminsecret"}],
             "actions": ["Admin", "Read", "List", "Tagging", "Write"]},
            {"name": "edge", "credentials": [{"accessKey": "edge", "secretKey": "edgesecret"}],
             "actions": [], "policyNames": ["Assume"]},
            {"name": "nobody", "credentials": [{"accessKey": "nobody", "secretKey": "secret"}],
             "actions": []}],
        "policies": [{"name": "Assume", "content": json.dumps(assume)}],
        "kms": {"default_provider": "moto", "providers": {"moto": {
            "type": "aws", "region": REGION, "endpoint": kms,
            "access_key": "test", "secret_key": "test"}}}}
    everything = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": ["*"]}]}
    nothing = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::other/*"]}]}
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": ["sts:AssumeRole"]}]}
    iam = {
        "sts": {"issuer": "seaweedfs-sts", "tokenDuration": "15m", "maxSessionLength": "12h",
                "signingKey": base64.b64encode(b"a key for tests alone, 32 bytes.").decode()},
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "roles": [{"roleName": "up", "roleArn": ROLE, "trustPolicy": trust,
                   "attachedPolicies": ["Everything"]},
                  {"roleName": "narrow", "roleArn": NARROW, "trustPolicy": trust,
                   "attachedPolicies": ["Nothing"]}],
        "policies": [{"name": "Everything", "document": everything},
                     {"name": "Nothing", "document": nothing}], "providers": []}
    for name, content in (("s3.json", s3), ("iam.json", iam)):
        (directory / name).write_text(json.dumps(content))


def start_store(directory):
    """SeaweedFS in one process; its port for S3 and STS."""
    weed = pathlib.Path(sys.executable).with_name("weed")
    ports = free_ports(8)
    names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc",
             "filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc")
    data = directory / "data"
    data.mkdir()
    command = [str(weed), "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
               "-master.telemetry=false", "-volume.max=20", "-master.volumeSizeLimitMB=1024",
               "-filer", "-s3", f"-s3.config={directory}/s3.json",
               f"-s3.iam.config={directory}/iam.json",
               *(f"-{name}={port}" for name, port in zip(names, ports))]
    log = open(directory / "weed.log", "wb")
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    return process, ports[6]


def wait_for(process, s3, directory):
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            for bucket in ("acme", "other", "versioned"):
                s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
            return
        except s3.exceptions.BucketAlreadyOwnedByYou:
            return
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            time.sleep(0.1)
    raise SystemExit((directory / "weed.log").read_text()[-4000:])


def old_tls(directory):
    """A server that speaks TLS 1.1 at most."""
    key, certificate = directory / "old.key", directory / "old.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            connection, _ = listener.accept()
            with contextlib.suppress(OSError), connection:
                context.wrap_socket(connection, server_side=True).close()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1], str(certificate)


def attempt(act):
    try:
        act()
        return "ok"
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]


def opened_with(kms, arn, message):
    """What the official SDK makes of a message, with nothing but the right to use the key."""
    import aws_encryption_sdk
    from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
    from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
    from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput
    providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
    wanted = CreateAwsKmsKeyringInput(kms_key_id=arn, kms_client=kms)
    sdk = aws_encryption_sdk.EncryptionSDKClient(
        commitment_policy=aws_encryption_sdk.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
    plaintext, header = sdk.decrypt(source=message, keyring=providers.create_aws_kms_keyring(input=wanted))
    return plaintext, header.encryption_context


def answer(question, s3, kms):
    match question:
        case {"head": key, **where}:
            bucket = where.get("bucket", "acme")
            head = s3.head_object(Bucket=bucket, Key=key)
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
            return {"length": head["ContentLength"], "sha256": hashlib.sha256(body).hexdigest(),
                    "etag": head["ETag"], "sse_key": head.get("SSEKMSKeyId"),
                    "tags": {tag["Key"]: tag["Value"] for tag in tags}}
        case {"list": prefix, **where}:
            pages = s3.get_paginator("list_objects_v2").paginate(
                Bucket=where.get("bucket", "acme"), Prefix=prefix)
            return sorted(each["Key"] for page in pages for each in page.get("Contents", []))
        case {"open": key, "with": arn}:
            body = s3.get_object(Bucket="acme", Key=key)["Body"].read()
            plaintext, context = opened_with(kms, arn, body)
            return {"plaintext": base64.b64encode(plaintext).decode(), "context": context}
        case {"put": key, "content": content, "checksum": checksum, **where}:
            put = s3.put_object(Bucket=where.get("bucket", "acme"), Key=key, Body=content.encode(),
                                ChecksumAlgorithm=checksum)
            return {"etag": put["ETag"]}
        case {"mark": key, "bucket": bucket}:
            s3.delete_object(Bucket=bucket, Key=key)
            return None
        case {"versions": prefix, "bucket": bucket}:
            pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
            return [each["VersionId"] for page in pages for kind in ("Versions", "DeleteMarkers")
                    for each in page.get(kind, [])]
        case {"uploads": key}:
            found = s3.list_multipart_uploads(Bucket="acme", Prefix=key).get("Uploads", [])
            return [upload["UploadId"] for upload in found]
        case {"parts": key, "upload": upload}:
            found = s3.list_parts(Bucket="acme", Key=key, UploadId=upload).get("Parts", [])
            return [[part["PartNumber"], part["ETag"], str(part["LastModified"])] for part in found]
        case {"abort": key, "upload": upload}:
            s3.abort_multipart_upload(Bucket="acme", Key=key, UploadId=upload)
            return None
        case {"decrypt": blob, "context": context}:
            opened = kms.decrypt(CiphertextBlob=base64.b64decode(blob), EncryptionContext=context)
            return base64.b64encode(opened["Plaintext"]).decode()
        case {"session": policy, "bucket": bucket, "key": key}:
            endpoint = s3.meta.endpoint_url
            lent = client("sts", endpoint, "edge", "edgesecret").assume_role(
                RoleArn=ROLE, RoleSessionName="test", Policy=policy)["Credentials"]
            session = client("s3", endpoint, lent["AccessKeyId"], lent["SecretAccessKey"],
                             lent["SessionToken"])
            return {"put": attempt(lambda: session.put_object(Bucket=bucket, Key=key, Body=b"x")),
                    "get": attempt(lambda: session.get_object(Bucket=bucket, Key=key)),
                    "delete": attempt(lambda: session.delete_object(Bucket=bucket, Key=key)),
                    "list": attempt(lambda: session.list_objects_v2(Bucket=bucket))}
    raise ValueError(question)


def main():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        directory = pathlib.Path(temporary)
        moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        moto.start()
        host, port = moto.get_host_and_port()
        kms = client("kms", f"http://{host}:{port}", "test", "test")
        keys = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
        write_config(directory, f"http://{host}:{port}")
        process, s3_port = start_store(directory)
        try:
            s3 = client("s3", f"http://127.0.0.1:{s3_port}")
            wait_for(process, s3, directory)
            old_port, old_ca = old_tls(directory)
            facts = {"s3": s3_port, "kms": port, "keys": keys, "role": ROLE, "narrow": NARROW,
                     "old_tls": old_port, "old_ca": old_ca}
            print(json.dumps(facts), flush=True)
            for line in sys.stdin:
                try:
                    said = {"ok": answer(json.loads(line), s3, kms)}
                except Exception as error:  # the test decides what an error means
                    said = {"error": str(error)}
                print(json.dumps(said), flush=True)
        finally:
            process.kill()
            process.wait()


main()
