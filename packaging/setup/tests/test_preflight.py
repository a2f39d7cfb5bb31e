"""preflight.sh: passes where the tests run, and names what is wrong where something is."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

PREFLIGHT = Path(__file__).parent.parent / "preflight.sh"


class PreflightTest(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.base = Path(scratch.name)

    def preflight(self, **answers: str) -> subprocess.CompletedProcess[str]:
        """Runs it with programs of the given names answering with the given shell text."""
        for name, body in answers.items():
            program = self.base / name
            program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
            program.chmod(0o755)
        environment = os.environ | {
            "PATH": f"{self.base}:{os.environ['PATH']}",
            "CARGO_TARGET_DIR": str(self.base / "target"),
            "KARAKURI_ASSETS": str(self.base / "assets"),
        }
        return subprocess.run(
            [str(PREFLIGHT)], env=environment, capture_output=True, text=True, check=False
        )

    def assert_refused(self, done: subprocess.CompletedProcess[str], what: str, mend: str) -> None:
        """One problem, with its cause and a mend."""
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr.count("problem: "), 1, done.stderr)
        self.assertIn(f"problem: {what}\n  why:  ", done.stderr)
        self.assertRegex(done.stderr, rf"\n  mend: .*{mend}")

    def test_passes_silently_on_this_machine(self) -> None:
        done = self.preflight()
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_an_old_kernel(self) -> None:
        done = self.preflight(uname='case "$1" in -r) echo 6.1.0-30-amd64;; *) echo x86_64;; esac')
        self.assert_refused(done, "the kernel is 6.1.0-30-amd64", "bookworm-backports")

    def test_another_processor(self) -> None:
        done = self.preflight(uname='case "$1" in -r) echo 6.12.0;; *) echo aarch64;; esac')
        self.assert_refused(done, "the processor is aarch64", "x86_64")

    def test_an_old_landlock(self) -> None:
        self.assert_refused(self.preflight(perl="echo 5"), "Landlock has ABI 5", "6.12")

    def test_no_landlock(self) -> None:
        self.assert_refused(self.preflight(perl="echo -1"), "Landlock is not enabled", "lsm=")

    def test_no_namespaces(self) -> None:
        what = "root may not make namespaces here" if os.geteuid() == 0 else "user namespaces are not allowed"
        self.assert_refused(self.preflight(unshare="exit 1"), what, "CAP_SYS_ADMIN|sysctl")

    def test_no_toolchain(self) -> None:
        done = self.preflight(rustc="echo 'error: toolchain is not installed' >&2; exit 1")
        self.assert_refused(
            done, "rustc does not answer: error: toolchain is not installed", "rustup"
        )

    def test_an_old_toolchain(self) -> None:
        done = self.preflight(rustc="echo 'rustc 1.85.0 (4d91de4e4 2025-02-17)'")
        self.assert_refused(done, "rustc is 1.85.0", "rustup update")

    def test_a_full_disk(self) -> None:
        done = self.preflight(df="echo Avail; echo 3")
        self.assert_refused(done, f"{self.base} has 3 GiB free", "CARGO_TARGET_DIR")

    def test_all_problems_are_shown_at_once(self) -> None:
        done = self.preflight(perl="echo 0", rustc="exit 1")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("problem: "), 2, done.stderr)


if __name__ == "__main__":
    unittest.main()
