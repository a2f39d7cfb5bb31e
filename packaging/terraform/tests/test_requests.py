"""What a courier, an auditor, an administrator or a stranger gets, by every policy with a say."""

import unittest
from typing import Any

from policies import NAMES, Request, allows, denies, emitted, policy

BUCKET = f"arn:aws:s3:::{NAMES['bucket']}"
KEY = NAMES["key_arn"]
VIA_S3 = {"kms:ViaService": f"s3.{NAMES['region']}.amazonaws.com"}
CONTEXT = {"tenant": "acme", "site": "osaka-1", "run": "r1", "class": "evidence"}


def role(name: str) -> str:
    return f"arn:aws:iam::{NAMES['account']}:role/karakuri-acme-{name}"


def put(key: str, **changed: Any) -> Request:
    """A PutObject as the courier of osaka-1 sends it, but for `changed`; None leaves a fact out."""
    context = {
        "aws:PrincipalTag/site": "osaka-1",
        "aws:SecureTransport": "true",
        "s3:TlsVersion": "1.3",
        "s3:ObjectCreationOperation": "true",
        "s3:if-none-match": "*",
        "s3:x-amz-server-side-encryption": "aws:kms",
        "s3:x-amz-server-side-encryption-aws-kms-key-id": KEY,
        **{name: value for name, value in changed.items() if value is not None},
    }
    for name in [name for name, value in changed.items() if value is None]:
        del context[name]
    request = {"action": "s3:PutObject", "resource": f"{BUCKET}/{key}", "context": context}
    return {"principal": role("upload"), **request}


def kms(action: str, by: str, context: dict[str, str], **more: str) -> Request:
    encryption = {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
    keys = {"kms:EncryptionContextKeys": list(context)}
    tag = {"aws:PrincipalTag/site": "osaka-1"}
    facts = {**encryption, **keys, **tag, **more}
    return {"action": f"kms:{action}", "principal": by, "resource": KEY, "context": facts}


class BucketTest(unittest.TestCase):
    def may(self, request: Request) -> bool:
        by_role = allows(policy("upload"), request) and allows(emitted("upload"), request)
        return by_role and not denies(policy("bucket"), request)

    def test_an_upload_of_the_site_is_taken(self) -> None:
        self.assertTrue(self.may(put("osaka-1/runs/2026-11-22/r1/1.esdk")))

    def test_the_role_alone_ends_at_the_sites_prefix(self) -> None:
        for key in ("kobe-1/runs/r1", "osaka-10/runs/r1", "runs/r1"):
            self.assertFalse(allows(policy("upload"), put(key)), key)
        untagged = put("osaka-1/runs/r1", **{"aws:PrincipalTag/site": None})
        self.assertFalse(allows(policy("upload"), untagged))

    def test_the_bucket_takes_nothing_without_tls_and_the_tenants_key(self) -> None:
        for changed in (
            {"aws:SecureTransport": "false"},
            {"s3:TlsVersion": "1.1"},
            {"s3:x-amz-server-side-encryption": None},
            {"s3:x-amz-server-side-encryption": "AES256"},
            {"s3:x-amz-server-side-encryption-aws-kms-key-id": None},
            {"s3:x-amz-server-side-encryption-aws-kms-key-id": KEY.replace("6f0c", "0000")},
        ):
            self.assertTrue(denies(policy("bucket"), put("osaka-1/runs/r1", **changed)), changed)

    def test_what_is_there_is_not_replaced(self) -> None:
        blind = {"s3:if-none-match": None}
        self.assertTrue(denies(policy("bucket"), put("osaka-1/runs/r1", **blind)))
        part = {**blind, "s3:ObjectCreationOperation": "false"}
        self.assertFalse(denies(policy("bucket"), put("osaka-1/runs/r1", **part)))

    def test_nobody_deletes_audit_and_no_courier_anything(self) -> None:
        for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
            audit = {**put("osaka-1/audit/1"), "action": action}
            self.assertTrue(denies(policy("bucket"), audit), action)
            run = {**put("osaka-1/runs/r1"), "action": action}
            self.assertFalse(denies(policy("bucket"), run), action)
            self.assertFalse(allows(policy("upload"), run), action)

    def test_the_locked_copies_are_written_by_replication_alone(self) -> None:
        resource = f"{BUCKET}-audit/osaka-1/audit/1"
        for by, denied in ((role("upload"), True), (role("replication"), False)):
            request = put("", **{"aws:PrincipalArn": by}) | {"resource": resource, "principal": by}
            self.assertEqual(denies(policy("audit-bucket"), request), denied, by)


class KeyTest(unittest.TestCase):
    """The key's policy has the last word: roles and sessions are asked only where it allows."""

    def test_data_keys_are_made_for_the_four_names_alone(self) -> None:
        good = kms("GenerateDataKey", role("keys"), CONTEXT)
        for document in (policy("key"), policy("keys"), emitted("keys")):
            self.assertTrue(allows(document, good))
        for context in (
            {**CONTEXT, "tenant": "other"},
            {**CONTEXT, "site": "nagoya-1"},
            {**CONTEXT, "class": "anything"},
            {**CONTEXT, "run": ""},
            {**CONTEXT, "purpose": "more"},
            {name: CONTEXT[name] for name in ("tenant", "site", "run")},
            {name: CONTEXT[name] for name in ("tenant", "site", "class")},
            {},
        ):
            bad = kms("GenerateDataKey", role("keys"), context)
            self.assertFalse(allows(policy("key"), bad), context)

    def test_a_site_makes_no_keys_of_another_site_of_the_tenant(self) -> None:
        other = kms("GenerateDataKey", role("keys"), {**CONTEXT, "site": "kobe-1"})
        self.assertTrue(allows(policy("key"), other))
        self.assertFalse(allows(policy("keys"), other))

    def test_no_courier_opens_an_artifact(self) -> None:
        for name in ("keys", "upload", "replication", "scheduler"):
            for more in ({}, VIA_S3):
                request = kms("Decrypt", role(name), CONTEXT, **more)
                self.assertFalse(allows(policy("key"), request), name)

    def test_the_upload_role_uses_the_key_through_its_own_bucket_alone(self) -> None:
        for action in ("GenerateDataKey", "Decrypt"):
            for arn, through, allowed in (
                (BUCKET, VIA_S3, True),
                (f"{BUCKET}/osaka-1/runs/r1", VIA_S3, True),
                (f"{BUCKET}x/runs/r1", VIA_S3, False),
                (BUCKET, {}, False),
            ):
                request = kms(action, role("upload"), {"aws:s3:arn": arn}, **through)
                self.assertEqual(allows(policy("key"), request), allowed, (action, arn, through))

    def test_auditors_open_what_is_the_tenants_and_make_nothing(self) -> None:
        for document in (policy("key"), policy("auditor")):
            self.assertTrue(allows(document, kms("Decrypt", role("auditor"), CONTEXT)))
            other = {**CONTEXT, "tenant": "other"}
            self.assertFalse(allows(document, kms("Decrypt", role("auditor"), other)))
            for action in ("GenerateDataKey", "Encrypt", "ReEncryptFrom", "CreateGrant"):
                self.assertFalse(allows(document, kms(action, role("auditor"), CONTEXT)), action)

    def test_administrators_cannot_use_the_key(self) -> None:
        administrator = f"arn:aws:iam::{NAMES['account']}:role/administrator"
        self.assertTrue(allows(policy("key"), kms("PutKeyPolicy", administrator, {})))
        for action in ("Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "CreateGrant"):
            for context in ({}, CONTEXT):
                request = kms(action, administrator, context)
                self.assertFalse(allows(policy("key"), request), action)

    def test_replication_reads_the_one_bucket_and_writes_the_other(self) -> None:
        for action, arn, allowed in (
            ("Decrypt", BUCKET, True),
            ("Decrypt", f"{BUCKET}-audit", False),
            ("Encrypt", f"{BUCKET}-audit", True),
            ("Encrypt", BUCKET, False),
        ):
            request = kms(action, role("replication"), {"aws:s3:arn": arn}, **VIA_S3)
            self.assertEqual(allows(policy("key"), request), allowed, (action, arn))


class TrustTest(unittest.TestCase):
    GOOD = {
        "sts:ExternalId": NAMES["external_id"],
        "aws:RequestTag/tenant": "acme",
        "aws:RequestTag/site": "osaka-1",
        "aws:TagKeys": ["tenant", "site"],
    }

    def may(self, action: str, by: str, context: dict[str, Any]) -> bool:
        request = {"action": f"sts:{action}", "principal": by, "context": context}
        return allows(policy("trust"), request)

    def test_the_sites_machine_borrows_the_roles(self) -> None:
        for action in ("AssumeRole", "TagSession"):
            self.assertTrue(self.may(action, NAMES["principals"][0], self.GOOD))

    def test_no_other_machine_site_tenant_or_external_id(self) -> None:
        stranger = NAMES["principals"][0] + "x"
        self.assertFalse(self.may("AssumeRole", stranger, self.GOOD))
        for name in ("sts:ExternalId", "aws:RequestTag/tenant", "aws:RequestTag/site"):
            without = {key: value for key, value in self.GOOD.items() if key != name}
            for context in (without, {**self.GOOD, name: "other"}):
                self.assertFalse(self.may("AssumeRole", NAMES["principals"][0], context), context)

    def test_a_session_has_no_other_tags(self) -> None:
        more = {**self.GOOD, "aws:TagKeys": ["tenant", "site", "admin"]}
        self.assertFalse(self.may("TagSession", NAMES["principals"][0], more))


if __name__ == "__main__":
    unittest.main()
