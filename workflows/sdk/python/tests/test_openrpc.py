"""The SDK offers every method and parameter of openrpc.json, no other, and sends what it says."""

import inspect
import json
import os
import unittest
from datetime import date
from decimal import Decimal

from karakuri import Hit, Text, desktop, errors, run, targets

from .peer import SDK, Peer, results

SIDES = {"below", "above", "left_of", "right_of"}
TARGET_FUNCTIONS = {
    "PointerOptions", "Target", "all_of", "any_of", "image", "named", "not_", "point", "region", "role", "text",
}
# retry is a loop; its calls are tested in test_run.
LOOPS = {"retry"}

with open(os.path.join(SDK, "..", "..", "openrpc.json"), encoding="utf-8") as file:
    DOCUMENT = json.load(file)
METHODS = {method["name"]: method for method in DOCUMENT["methods"]}


def function(name):
    return getattr(desktop, name, None) or getattr(run, name)


def parameters(name):
    """The names a function takes, and whether each must be given."""
    found = {}
    for parameter, kind in inspect.signature(function(name)).parameters.items():
        if kind.kind is inspect.Parameter.VAR_KEYWORD:
            found.update(dict.fromkeys(desktop.PointerOptions.__annotations__, False))
        else:
            found[parameter.rstrip("_")] = kind.default is inspect.Parameter.empty
    return found


class OpenRpc(unittest.TestCase):
    def test_every_method_and_no_other(self):
        offered = (set(desktop.__all__) - TARGET_FUNCTIONS) | set(run.__all__)
        self.assertEqual(offered, set(METHODS))
        self.assertEqual(len(desktop.__all__) + len(run.__all__), len(METHODS) + len(TARGET_FUNCTIONS))

    def test_every_parameter_and_no_other(self):
        for name in METHODS.keys() - LOOPS:
            with self.subTest(name):
                offered = set(parameters(name))
                documented = {param["name"] for param in METHODS[name]["params"]}
                if "beside" in documented:
                    self.assertTrue(SIDES <= offered)
                    offered -= SIDES
                self.assertEqual(offered, documented)

    def test_what_is_required_is_required(self):
        for name in METHODS.keys() - LOOPS:
            with self.subTest(name):
                required = {parameter for parameter, must in parameters(name).items() if must}
                documented = {p["name"] for p in METHODS[name]["params"] if p["required"]}
                if name == "hover":
                    documented.add("target")
                self.assertEqual(required, documented)

    def test_the_examples_are_sent_as_documented_and_their_results_understood(self):
        for name in METHODS.keys() - LOOPS:
            example = METHODS[name]["examples"][0]
            params = {param["name"]: param["value"] for param in example["params"]}
            arguments = {(k + "_" if k in {"as", "from"} else k): python(k, v) for k, v in params.items()}
            with self.subTest(name), Peer(results(example["result"]["value"])) as peer:
                try:
                    function(name)(**arguments)
                except SystemExit:
                    self.assertIn(name, {"fail_business", "fail_app"})
                self.assertEqual(peer.asked, [(name, params)])

    def test_an_option_that_does_not_exist_is_refused(self):
        with self.assertRaisesRegex(TypeError, "click.*'blow'"):
            desktop.click("text:\"Save\"", blow=True)

    def test_every_kind_of_error_has_its_exception(self):
        self.assertEqual(set(errors.KINDS), set(DOCUMENT["components"]["errors"]))

    def test_everything_is_documented(self):
        for name in METHODS:
            self.assertTrue(function(name).__doc__, name)


def python(name, value):
    """What a script would write for a value of the document."""
    if name in {"target", "from", "to"} and isinstance(value, dict):
        return targets.Target(value)
    if name == "region":
        return tuple(value)
    return value


class Results(unittest.TestCase):
    def test_what_is_read_is_a_string_with_places(self):
        value = METHODS["read_text"]["examples"][0]["result"]["value"]
        with Peer(results(value)):
            text = desktop.read_text()
        self.assertIsInstance(text, Text)
        self.assertEqual(text, "1,234")
        self.assertEqual(text.lines[0].words[0].rect.right, 190)
        self.assertEqual(json.dumps(text), '"1,234"')
        self.assertIsNone(text.value)

    def test_a_value_has_the_type_that_was_asked_for(self):
        read = METHODS["read_text"]["examples"][0]["result"]["value"]
        for kind, wire, value in [
            ("int", 1234, 1234),
            ("decimal", "12.50", Decimal("12.50")),
            ("date", "2026-11-21", date(2026, 11, 21)),
            ("money", {"amount": "9.90", "currency": "EUR"}, (Decimal("9.90"), "EUR")),
        ]:
            with self.subTest(kind), Peer(results({**read, "value": wire})):
                self.assertEqual(desktop.read_text(as_=kind).value, value)

    def test_a_hit_is_a_target(self):
        hit = Hit.from_wire(METHODS["find"]["examples"][0]["result"]["value"])
        self.assertEqual(targets.to_wire(hit), {"find": {"region": [100, 40, 60, 16]}})
        self.assertEqual(hit.rect.center, (130, 48))


if __name__ == "__main__":
    unittest.main()
