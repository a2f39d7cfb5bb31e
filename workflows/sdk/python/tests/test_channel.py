"""Framing, errors, and the ways the other end can fail."""

import os
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

import karakuri
from karakuri import desktop as d
from karakuri import run

from .peer import ACT, HIT, SDK, Peer, answer, error, results


class Errors(unittest.TestCase):
    def test_ambiguity_lists_its_candidates(self):
        other = {**HIT, "text": "Save as"}
        reply = error("ambiguous_target", -32002, "2 match", candidates=[HIT, other])
        with Peer(reply), self.assertRaises(karakuri.AmbiguousTarget) as caught:
            d.click('text:"Save"')
        self.assertEqual([hit.text for hit in caught.exception.candidates], ["Save", "Save as"])
        self.assertEqual(caught.exception.method, "click")

    def test_what_is_not_found_has_what_is_nearest(self):
        reply = error("not_found", -32001, "not there", nearest=[HIT])
        with Peer(reply), self.assertRaises(karakuri.NotFound) as caught:
            d.wait_for("text:Sav")
        self.assertEqual(caught.exception.nearest[0].at, (25, 24))

    def test_an_error_of_a_later_version_is_still_an_error(self):
        with Peer(error("new_kind", -1, "new")), self.assertRaises(karakuri.KarakuriError):
            d.press("a")


class Broken(unittest.TestCase):
    def check(self, reply):
        with Peer(reply), self.assertRaises(karakuri.ChannelClosed):
            d.press("a")

    def test_end_of_stream(self):
        self.check(lambda request: b"")

    def test_an_answer_to_another_request(self):
        self.check(lambda request: answer({"id": request["id"] + 1}, ACT))

    def test_an_answer_that_is_too_long(self):
        self.check(lambda request: struct.pack(">I", 16 * 1024 * 1024 + 1))

    def test_an_answer_that_is_no_object(self):
        self.check(lambda request: struct.pack(">I", 2) + b"[]")


def nested(depth):
    """So many lists and dicts, each in the one before."""
    value = "leaf"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


class Requests(unittest.TestCase):
    def test_what_would_end_the_run_is_not_sent(self):
        with Peer(results()) as peer:
            with self.assertRaises(karakuri.InvalidParams):
                d.type_text("x" * 1024 * 1024)
            with self.assertRaises(karakuri.InvalidParams):
                d.type_text("\ud800")
            with self.assertRaises(karakuri.InvalidParams):
                run.soft_fail(nested(126))
            with self.assertRaises(karakuri.InvalidParams):
                run.timeout(2**64)
        self.assertEqual(peer.asked, [])

    def test_an_output_that_cannot_be_sent_fails_its_call_and_the_next_is_sent(self):
        circle = []
        circle.append(circle)
        cases = [
            (10**400, "output 'total': a whole number of 1329 bits is not from -2**63 to 2**64-1"),
            ({"rows": [1, -(2**63) - 1]}, "output 'total': a whole number of 64 bits"),
            (10**5000, "output 'total': a whole number of 16610 bits"),
            (nested(33), "output 'total': lists and dicts lie in each other more than 32 deep"),
            (nested(5000), "output 'total': lists and dicts lie in each other more than 32 deep"),
            (circle, "output 'total': lists and dicts lie in each other more than 32 deep"),
            (({"a": float("-inf")},), "output 'total': -inf is not a number in JSON"),
        ]
        with Peer(results(None, None, None)) as peer:
            for value, message in cases:
                with self.assertRaises(karakuri.InvalidParams) as caught:
                    run.output("total", value)
                self.assertTrue(caught.exception.message.startswith(message), caught.exception)
            largest = [2**64 - 1, -(2**63), True, 0.5]
            run.output("total", largest)
            run.output("total", nested(32))
            run.soft_fail(nested(125))
        self.assertEqual([params.get("value") for _, params in peer.asked], [largest, nested(32), None])

    def test_sides(self):
        with Peer(results(ACT)) as peer:
            d.click('text:"Amount"', below=True)
            with self.assertRaises(karakuri.InvalidParams):
                d.click('text:"Amount"', below=True, beside="above")
        self.assertEqual(peer.asked, [("click", {"target": 'text:"Amount"', "beside": "below"})])

    def test_chained_targets(self):
        target = d.text("Total").right_of('text:"Sum"').below(d.point(1, 2)).nth(0).offset(3, 4)
        with Peer(results(HIT)) as peer:
            d.find(target)
        self.assertEqual(
            peer.asked[0][1]["target"],
            {
                "find": {"text": {"value": "Total"}},
                "relations": [{"right_of": 'text:"Sum"'}, {"below": {"find": {"point": [1, 2]}}}],
                "nth": 0,
                "offset": [3, 4],
            },
        )


class Script(unittest.TestCase):
    """A script as the agent starts it: a process with the socket as file descriptor 3."""

    def run_script(self, text, peer=None):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "main.py")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            give = (lambda: os.dup2(peer.theirs.fileno(), 3)) if peer else (lambda: os.close(3))
            return subprocess.run(
                [sys.executable, path],
                env={"PYTHONPATH": SDK},
                pass_fds=(3,),
                preexec_fn=give,
                capture_output=True,
                text=True,
                timeout=60,
            )

    def test_calls_go_over_descriptor_3(self):
        peer = Peer(results("/files/a.ods"))
        done = self.run_script("from karakuri import run\nprint(run.input('a'))", peer)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "/files/a.ods\n", ""))

    def test_an_uncaught_error_is_told_shortly_with_its_place(self):
        hostile = {**HIT, "text": "Save\x1b[2J\u202e"}
        peer = Peer(error("not_found", -32001, 'no text "Sav"', nearest=[hostile]))
        done = self.run_script("from karakuri import desktop as d\n\nd.click('text:Sav')\n", peer)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(
            done.stderr.splitlines(),
            [
                "main.py:3: d.click('text:Sav')",
                '  nearest: "Save\\x1b[2J\\u202e" at (10, 20), 30 × 8, confidence 0.90',
                'main.py:3: not_found: no text "Sav"',
            ],
        )

    def test_the_last_line_of_any_error_has_its_place(self):
        script = "from karakuri import run\nimport json\n\ndef read():\n    json.loads('{')\n\nread()\n"
        done = self.run_script(script, Peer(results()))
        self.assertEqual(done.returncode, 1)
        last = done.stderr.splitlines()[-1]
        self.assertTrue(last.startswith("main.py:5: json.decoder.JSONDecodeError: "), last)

    def test_without_an_agent_the_script_says_how_to_start_it(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            done = self.run_script("from karakuri import run\nrun.log('a')")
        self.assertEqual(done.returncode, 1)
        self.assertIn("karakuri run DIR", done.stderr)


if __name__ == "__main__":
    unittest.main()
