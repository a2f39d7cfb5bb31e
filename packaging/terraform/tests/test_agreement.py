"""The roles allow what the couriers ask for in their sessions, and nothing else."""

import json
import unittest
from typing import Any

import policies

TAG = "${aws:PrincipalTag/site}"


def plain(statement: policies.Policy) -> dict[str, Any]:
    """Without its name, which a session's policy has no room for."""
    return {key: value for key, value in statement.items() if key != "Sid"}


class AgreementTest(unittest.TestCase):
    def assert_agree(self, role: str) -> None:
        # The session is tagged with the site, and the tag stands in the role's policy.
        template = policies.text(f"policies/{role}.json.tftpl")
        allowed = json.loads(template.replace(TAG, policies.NAMES["site"]))
        asked = policies.emitted(role)
        self.assertEqual([plain(s) for s in allowed["Statement"]], asked["Statement"])
        self.assertEqual(allowed["Version"], asked["Version"])

    def test_the_role_of_uploads_is_what_its_sessions_ask_for(self) -> None:
        self.assert_agree("upload")

    def test_the_role_of_data_keys_is_what_its_sessions_ask_for(self) -> None:
        self.assert_agree("keys")

    def test_people_may_do_what_their_sessions_ask_for(self) -> None:
        for name in ("auditor", "eraser"):
            who = f"arn:aws:iam::{policies.NAMES['account']}:role/karakuri-acme-{name}"
            for statement in policies.emitted(name)["Statement"]:
                facts = {
                    key: value[0] if isinstance(value, list) else value
                    for conditions in statement.get("Condition", {}).values()
                    for key, value in conditions.items()
                }
                for action in policies.as_list(statement["Action"]):
                    (resource,) = statement["Resource"]
                    # An object of the session's part, as far as the role looks at its key.
                    resource = resource.replace("/osaka-1/*", "/osaka-1/runs/2026-11-22/r/1.esdk")
                    request = {"action": action, "principal": who, "resource": resource, "context": facts}
                    self.assertTrue(policies.allows(policies.policy(name), request), request)

    def test_who_audits_deletes_nothing_and_who_erases_no_audit(self) -> None:
        bucket = f"arn:aws:s3:::{policies.NAMES['bucket']}/osaka-1"
        for name, key, allowed in (
            ("auditor", "runs/d/r/1.esdk", False),
            ("eraser", "runs/d/r/1.esdk", True),
            ("eraser", "audit/1", False),
            ("eraser", "events/d/r/1.esdk", False),
        ):
            request = {"action": "s3:DeleteObjectVersion", "principal": "", "resource": f"{bucket}/{key}"}
            self.assertEqual(policies.allows(policies.policy(name), request), allowed, (name, key))
        put = {"action": "s3:PutObject", "principal": "", "resource": f"{bucket}/runs/d/r/1.esdk"}
        self.assertFalse(policies.allows(policies.policy("eraser"), put))

    def test_the_site_toml_is_the_one_the_agent_reads(self) -> None:
        self.assertEqual(policies.text("site.toml.tftpl"), policies.SITE_TOML)

    def test_every_class_that_the_courier_writes_has_a_lifetime(self) -> None:
        rules, written = json.loads(policies.text("lifecycle.json.tftpl")), policies.emitted("tags")
        self.assertEqual(rules["tag"], written["tag"])
        wanted = {
            "evidence": policies.NAMES["evidence_days"],
            "output": policies.NAMES["output_days"],
            "pii": policies.NAMES["pii_days"],
            "event": policies.NAMES["event_days"],
            "manifest": policies.NAMES["audit_days"],
        }
        self.assertEqual(rules["days"], wanted)
        self.assertEqual(sorted(rules["days"]), sorted(written["values"]))

    def test_the_rules_go_by_that_tag_and_none_by_the_prefix_of_runs(self) -> None:
        bucket = (policies.DOCUMENTS.parent / "bucket.tf").read_text(encoding="utf-8")
        self.assertIn("for_each = module.documents.lifecycle.days", bucket)
        self.assertIn("key   = module.documents.lifecycle.tag", bucket)
        # S3 lets an object go by the shortest rule that fits it.
        self.assertNotIn("/runs/", bucket.split("locals {", 1)[1])

    def test_audit_is_kept_no_shorter_than_it_is_locked(self) -> None:
        root = policies.DOCUMENTS.parent
        main, audit, bucket = (
            (root / name).read_text(encoding="utf-8") for name in ("main.tf", "audit.tf", "bucket.tf")
        )
        self.assertIn("audit_days = max(var.retention_days.audit, var.lock_days)", main)
        self.assertIn("merge(var.retention_days, { audit = local.audit_days })", main)
        for text in (audit, bucket):
            self.assertNotIn("retention_days.audit", text)
            self.assertIn("local.audit_days", text)

    def test_the_endpoints_let_through_what_the_couriers_ask_for(self) -> None:
        asked = [s for role in ("upload", "keys") for s in policies.emitted(role)["Statement"]]
        # The store asks KMS for itself, not by way of the site's VPC.
        direct = [s for s in asked if "kms:ViaService" not in str(s)]
        for service in ("s3", "kms"):
            (statement,) = policies.policy(f"endpoint-{service}")["Statement"]
            wanted = {a for s in direct for a in s["Action"] if a.startswith(f"{service}:")}
            self.assertEqual(set(policies.as_list(statement["Action"])), wanted)


if __name__ == "__main__":
    unittest.main()
