"""What services, auditors and endpoints get: each row of the table, and nothing without its facts."""

import re
import unittest
from typing import Any

from policies import NAMES, Request, allows, denies, policy

ACCOUNT = NAMES["account"]
BUCKET = f"arn:aws:s3:::{NAMES['bucket']}"
LOCKED = f"arn:aws:s3:::{NAMES['audit_bucket']}"
KEY, QUEUE = NAMES["key_arn"], NAMES["queue_arn"]
AUDITOR = f"arn:aws:iam::{ACCOUNT}:role/karakuri-acme-auditor"
REPLICATION = f"arn:aws:iam::{ACCOUNT}:role/karakuri-acme-replication"
S3 = "s3.amazonaws.com"
MACHINE = NAMES["principals"][0]
COURIER = f"arn:aws:iam::{ACCOUNT}:role/karakuri-acme-upload"

READS = {"kms:EncryptionContext:aws:s3:arn": BUCKET}
READS_LOCKED = {"kms:EncryptionContext:aws:s3:arn": LOCKED}
VIA_S3 = {"kms:ViaService": f"s3.{NAMES['region']}.amazonaws.com"}
FROM_HERE = {"aws:SourceAccount": ACCOUNT}
HERE = {"aws:PrincipalAccount": ACCOUNT}
TAGS = {"aws:RequestTag/tenant": "acme", "aws:RequestTag/site": "osaka-1"}

Row = tuple[str, str, str, str, dict[str, str]]

# Policy, action, who, on what, and the facts that all are needed.
ALLOWED: list[Row] = [
    ("auditor", "s3:ListBucketVersions", AUDITOR, BUCKET, {}),
    ("auditor", "s3:ListBucket", AUDITOR, LOCKED, {}),
    ("auditor", "s3:GetObjectVersion", AUDITOR, f"{BUCKET}/osaka-1/runs/r1", {}),
    ("auditor", "s3:GetObjectRetention", AUDITOR, f"{LOCKED}/osaka-1/audit/1", {}),
    ("auditor", "kms:Decrypt", AUDITOR, KEY, VIA_S3),
    ("key", "kms:Decrypt", AUDITOR, KEY, VIA_S3 | READS_LOCKED),
    ("key", "kms:Decrypt", REPLICATION, KEY, VIA_S3 | READS),
    ("key", "kms:Encrypt", REPLICATION, KEY, VIA_S3 | READS_LOCKED),
    ("replication", "s3:GetReplicationConfiguration", REPLICATION, BUCKET, {}),
    ("replication", "s3:GetObjectVersionForReplication", REPLICATION, f"{BUCKET}/1", {}),
    ("replication", "s3:ReplicateObject", REPLICATION, f"{LOCKED}/osaka-1/audit/1", {}),
    ("replication", "kms:Decrypt", REPLICATION, KEY, VIA_S3),
    ("replication", "kms:Encrypt", REPLICATION, KEY, VIA_S3),
    ("scheduler", "sqs:SendMessage", "", QUEUE, {}),
    ("events-queue", "sqs:SendMessage", S3, QUEUE, FROM_HERE | {"aws:SourceArn": BUCKET}),
    ("trust-auditor", "sts:AssumeRole", NAMES["auditors"][0], "", {}),
    ("trust-replication", "sts:AssumeRole", S3, "", {}),
    ("trust-scheduler", "sts:AssumeRole", "scheduler.amazonaws.com", "", FROM_HERE),
    ("trust", "sts:TagSession", MACHINE, "", TAGS),
    ("endpoint-s3", "s3:PutObject", COURIER, f"{BUCKET}/osaka-1/runs/r1", HERE),
    ("endpoint-kms", "kms:GenerateDataKey", COURIER, KEY, HERE),
    ("endpoint-sqs", "sqs:ReceiveMessage", COURIER, QUEUE, HERE),
    ("endpoint-sts", "sts:AssumeRole", MACHINE, COURIER, {}),
    ("endpoint-sts", "sts:AssumeRoleWithWebIdentity", "", MACHINE, {}),
]


def another(arn: str) -> str:
    """Of the same kind, for a bucket, key, queue or role that is not the tenant's."""
    return re.sub("acme|6f0c|machine", "0000", arn)


def ask(row: Row, **changed: Any) -> bool:
    name, action, principal, resource, context = row
    request = {"action": action, "principal": principal, "resource": resource, "context": context}
    return allows(policy(name), request | changed)


class ServicesTest(unittest.TestCase):
    def test_each_is_allowed_and_every_fact_is_needed(self) -> None:
        for row in ALLOWED:
            with self.subTest(policy=row[0], action=row[1]):
                self.assertTrue(ask(row))
                for fact in row[4]:
                    rest = {name: value for name, value in row[4].items() if name != fact}
                    self.assertFalse(ask(row, context=rest), f"without {fact}")
                    self.assertFalse(ask(row, context={**rest, fact: "other"}), f"another {fact}")

    def test_each_is_for_its_own_resource_and_nobody_else(self) -> None:
        for row in ALLOWED:
            with self.subTest(policy=row[0], action=row[1]):
                if row[3] and row[0] != "key":
                    self.assertFalse(ask(row, resource=another(row[3])))
                if row[0].startswith("trust") or row[0] in ("key", "events-queue"):
                    self.assertFalse(ask(row, principal="arn:aws:iam::999999999999:role/other"))

    def read(self, action: str, resource: str, tls: str, version: str) -> Request:
        context = {"aws:SecureTransport": tls, "s3:TlsVersion": version}
        return {"action": action, "principal": COURIER, "resource": resource, "context": context}

    def test_nothing_is_asked_without_tls(self) -> None:
        for name, action, resource in (
            ("audit-bucket", "s3:GetObject", f"{LOCKED}/osaka-1/audit/1"),
            ("queue", "sqs:ReceiveMessage", QUEUE),
            ("events-queue", "sqs:ReceiveMessage", QUEUE),
        ):
            for tls, denied in (("false", True), ("true", False)):
                request = self.read(action, resource, tls, "1.3")
                self.assertEqual(denies(policy(name), request), denied, (name, tls))
        old = self.read("s3:GetObject", f"{LOCKED}/osaka-1/audit/1", "true", "1.1")
        self.assertTrue(denies(policy("audit-bucket"), old))


if __name__ == "__main__":
    unittest.main()
