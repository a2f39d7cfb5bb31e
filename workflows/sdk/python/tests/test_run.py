"""Steps, attempts and the end of a run."""

import unittest
from datetime import date
from decimal import Decimal

import karakuri
from karakuri import desktop as d
from karakuri import run

from .peer import ACT, Peer, answer, error, results


def failing_first(times, kind="not_found"):
    """Answers `press` with an error for the first `times` times."""
    count = [0]

    def reply(request):
        if request["method"] != "press":
            return answer(request, None)
        count[0] += 1
        if count[0] <= times:
            return error(kind, -1, f"number {count[0]}")(request)
        return answer(request, ACT)

    return reply


class Retry(unittest.TestCase):
    def attempt(self, times):
        for attempt in run.retry(times):
            with attempt:
                d.press("a")

    def test_it_stops_at_the_first_success_and_records_each_new_attempt(self):
        with Peer(failing_first(1)) as peer:
            self.attempt(3)
        self.assertEqual(
            peer.asked,
            [
                ("press", {"keys": "a"}),
                ("retry", {"attempt": 2, "reason": "number 1"}),
                ("press", {"keys": "a"}),
            ],
        )

    def test_the_last_error_is_raised(self):
        with Peer(failing_first(9)) as peer, self.assertRaises(karakuri.NotFound) as caught:
            self.attempt(2)
        self.assertEqual(caught.exception.message, "number 2")
        self.assertEqual(len(peer.asked), 3)

    def test_what_another_attempt_cannot_mend_is_raised_at_once(self):
        with Peer(failing_first(1, "denied")) as peer, self.assertRaises(karakuri.Denied):
            self.attempt(3)
        self.assertEqual(len(peer.asked), 1)

    def test_as_a_decorator_it_returns_the_value(self):
        @run.retry(2)
        def work(value):
            d.press("a")
            return value + 1

        with Peer(failing_first(1)):
            self.assertEqual(work(1), 2)


class Run(unittest.TestCase):
    def test_a_step_is_a_call_and_a_block(self):
        with Peer(results(None, None)) as peer:
            with run.step("one"):
                run.step("two")
        self.assertEqual([params["name"] for _, params in peer.asked], ["one", "two"])

    def test_exact_values_stay_exact(self):
        with Peer(results(None)) as peer:
            run.output("a", {"sum": Decimal("1E+2"), "day": date(2026, 11, 5), "none": None})
        self.assertEqual(peer.asked[0][1]["value"], {"sum": "100", "day": "2026-11-05", "none": None})

    def test_an_optional_input_without_a_value_is_empty(self):
        with Peer(results(None)):
            self.assertEqual(run.input("note"), "")

    def test_a_failure_ends_the_script(self):
        with Peer(results(None)) as peer, self.assertRaises(SystemExit) as caught:
            run.fail_business("unknown_supplier", "Acme")
        self.assertEqual(caught.exception.code, 1)
        self.assertEqual(
            peer.asked, [("fail_business", {"code": "unknown_supplier", "message": "Acme"})]
        )

    def test_an_agent_that_ends_the_run_without_an_answer_is_no_error(self):
        with Peer(lambda request: b""), self.assertRaises(SystemExit):
            run.fail_app("sheet_hangs")


if __name__ == "__main__":
    unittest.main()
