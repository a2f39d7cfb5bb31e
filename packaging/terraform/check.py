"""What checkov does not say: that a file is no HCL, and that IAM knows no such action or key.

Run by `make check` with the packages of packaging/check-python.lock; exits with 1 after the list of
what is wrong. (checkov passes over a file that it cannot parse and exits with 0.)
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import hcl2
from policy_sentry.querying.all import get_all_actions
from policy_sentry.querying.conditions import get_condition_keys_for_service

HERE = Path(__file__).parent
# Keys of every service; the IAM User Guide, "Global condition context keys".
GLOBAL = {
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:RequestTag",
    "aws:SecureTransport",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:TagKeys",
}


def syntax() -> Iterator[str]:
    files = sorted([*HERE.rglob("*.tf"), *HERE.rglob("*.hcl")])
    if not files:
        yield f"{HERE} has no files"
    for file in files:
        try:
            hcl2.loads(file.read_text(encoding="utf-8"))
        except Exception as error:  # noqa: BLE001  the parser has no class of its own for them
            yield f"{file.relative_to(HERE)}: {str(error).splitlines()[0]}"


def is_key(key: str) -> bool:
    service = key.split(":", 1)[0]
    if service == "aws":
        return key.split("/", 1)[0] in GLOBAL
    known = get_condition_keys_for_service(service)
    plain = {name for name in known if "$" not in name and "<" not in name}
    prefixes = tuple(re.split(r"[$<]", name)[0] for name in known if name not in plain)
    return key in plain or key.startswith(prefixes)


def names() -> Iterator[str]:
    actions = get_all_actions()
    for file in sorted(HERE.glob("documents/policies/*.json.tftpl")):
        text = re.sub(r"\$\{jsonencode\(\w+\)\}", "[]", file.read_text(encoding="utf-8"))
        for statement in json.loads(text)["Statement"]:
            action = statement["Action"]
            for name in action if isinstance(action, list) else [action]:
                if name not in actions and not (statement["Effect"] == "Deny" and name.endswith(":*")):
                    yield f"{file.name}: IAM knows no action {name}"
            for keys in statement.get("Condition", {}).values():
                yield from (f"{file.name}: IAM knows no key {key}" for key in keys if not is_key(key))


if __name__ == "__main__":
    problems = [*syntax(), *names()]
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
    sys.exit(1 if problems else 0)
