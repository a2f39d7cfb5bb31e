"""Renders the templates as Terraform's templatefile does, and decides requests as IAM does.

Both know only what these templates use: `${name}`, `${jsonencode(name)}` and `$${`; of IAM the order
deny, allow, nothing, the condition operators below and `${aws:PrincipalTag/...}`. What they do not
know is an error. (IAM User Guide, "Policy evaluation logic" and "Condition operators".)
"""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
DOCUMENTS = ROOT / "packaging/terraform/documents"
# What the couriers ask for; a test of karakuri-courier keeps these files as the program is.
EMITTED = ROOT / "agent/courier/tests/policies"

SITE_TOML = (EMITTED / "site.toml").read_text(encoding="utf-8")
_SITE = tomllib.loads(SITE_TOML)
_STORE = _SITE["store"]["s3"]

NAMES: dict[str, Any] = {
    "partition": "aws",
    "account": _STORE["bucket_owner"],
    "region": _STORE["region"],
    "tenant": _SITE["tenant"],
    "site": _SITE["site"],
    "sites": [_SITE["site"], "kobe-1"],
    "bucket": _STORE["bucket"],
    "audit_bucket": _STORE["bucket"] + "-audit",
    "key_arn": _STORE["kms_key"],
    "principals": ["arn:aws:iam::111122223333:role/machine-osaka-1"],
    "external_id": _SITE["identity"]["external_id"],
    "auditors": ["arn:aws:iam::111122223333:role/audit"],
    "openers": [f"arn:aws:iam::111122223333:role/karakuri-acme-{name}" for name in ("auditor", "eraser")],
    "writers": [f"arn:aws:iam::111122223333:role/karakuri-acme-{name}" for name in ("upload", "eraser")],
    "session_minutes": _SITE["identity"]["session_minutes"],
    "destinations": [f"arn:aws:s3:::{_STORE['bucket']}-audit/*"],
    "destination_keys": [_STORE["kms_key"]],
    "evidence_days": 180,
    "output_days": 120,
    "pii_days": 30,
    "event_days": 14,
    "audit_days": 2557,
    "queue_arn": "arn:aws:sqs:ap-northeast-3:111122223333:karakuri-acme-jobs",
    "queues": ["arn:aws:sqs:ap-northeast-3:111122223333:karakuri-acme-jobs"],
}

Policy = dict[str, Any]
Request = dict[str, Any]


def text(template: str) -> str:
    """A template of documents/, rendered with NAMES."""

    def replaced(found: re.Match[str]) -> str:
        if found["literal"]:
            return "${"
        if found["list"]:
            return json.dumps(NAMES[found["list"]])
        return str(NAMES[found["name"]])

    pattern = r"(?P<literal>\$\$\{)|\$\{jsonencode\((?P<list>\w+)\)\}|\$\{(?P<name>[^}]*)\}"
    return re.sub(pattern, replaced, (DOCUMENTS / template).read_text(encoding="utf-8"))


def policy(name: str) -> Policy:
    document: Policy = json.loads(text(f"policies/{name}.json.tftpl"))
    return document


def emitted(name: str) -> Policy:
    document: Policy = json.loads((EMITTED / f"{name}.json").read_text(encoding="utf-8"))
    return document


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _like(pattern: str, value: str) -> bool:
    wild = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    return re.fullmatch(wild, value, re.DOTALL) is not None


def _equal(wanted: str, value: str) -> bool:
    return wanted == value


def _any(compare: Callable[[str, str], bool], wanted: list[str], found: list[str] | None) -> bool:
    return found is not None and any(compare(w, f) for w in wanted for f in found)


def _holds(operator: str, wanted: list[str], found: list[str] | None) -> bool:
    match operator:
        case "StringEquals" | "Bool" | "ArnEquals":
            return _any(_equal, wanted, found)
        case "Null":
            return wanted == [str(found is None).lower()]
        case "StringLike":
            return _any(_like, wanted, found)
        case "StringNotEquals" | "ArnNotEquals":
            return not _any(_equal, wanted, found)
        case "NumericLessThan":
            return _any(lambda w, f: float(f) < float(w), wanted, found)
        case "ForAllValues:StringEquals":
            return all(value in wanted for value in found or [])
    raise NotImplementedError(operator)


def _applies(statement: Policy, request: Request) -> bool:
    context = request.get("context", {})

    def filled(value: str) -> str:
        # A variable without a value matches nothing.
        return re.sub(r"\$\{([^}]*)\}", lambda m: context.get(m[1], "\0"), value)

    if "Principal" in statement and statement["Principal"] != "*":
        (named,) = statement["Principal"].values()
        account = f"arn:aws:iam::{NAMES['account']}:"
        # An account stands for everybody in it: what they may do is then up to their own policies.
        of_account = f"{account}root" in as_list(named) and request["principal"].startswith(account)
        if request["principal"] not in as_list(named) and not of_account:
            return False
    if not any(_like(action, request["action"]) for action in as_list(statement["Action"])):
        return False
    resources = as_list(statement.get("Resource", "*"))
    if not any(_like(filled(resource), request.get("resource", "")) for resource in resources):
        return False
    for operator, conditions in statement.get("Condition", {}).items():
        for key, wanted in conditions.items():
            found = None if key not in context else as_list(context[key])
            if not _holds(operator, [filled(value) for value in as_list(wanted)], found):
                return False
    return True


def denies(document: Policy, request: Request) -> bool:
    return any(s["Effect"] == "Deny" and _applies(s, request) for s in document["Statement"])


def allows(document: Policy, request: Request) -> bool:
    allowed = any(s["Effect"] == "Allow" and _applies(s, request) for s in document["Statement"])
    return allowed and not denies(document, request)
