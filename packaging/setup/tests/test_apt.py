"""apt.sh with a dpkg and an apt-get that answer as told: what is installed, and when nothing is."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

PACKAGING = Path(__file__).parent.parent.parent
LISTS = PACKAGING / "apt"
# All that apt.sh may call beside dpkg-query, sudo and apt-get.
TOOLS = ["bash", "cat", "dirname", "env", "grep", "mktemp", "rm", "sed", "sort", "tail"]


def packages(*names: str) -> set[str]:
    lines = [line for name in names for line in (LISTS / f"{name}.txt").read_text().splitlines()]
    return {line for line in lines if line and not line.startswith("#")}


class AptTest(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.base = Path(scratch.name)
        self.base.chmod(0o755)
        self.calls = self.base / "calls"
        for tool in TOOLS:
            (self.base / tool).symlink_to(str(shutil.which(tool)))
        self.answer("apt-get", f'echo "$@" >> {self.calls}')
        self.answer("sudo", 'exec "$@"')
        # A copy, because one test runs it as a user who may not read the checkout.
        shutil.copytree(PACKAGING / "setup", self.base / "packaging/setup")
        shutil.copytree(LISTS, self.base / "packaging/apt")

    def answer(self, name: str, body: str) -> None:
        program = self.base / name
        program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        program.chmod(0o755)

    def installed(self, names: set[str]) -> None:
        """dpkg-query's answer; like the real one it fails when it does not know a name."""
        lines = "".join(f"installed {name}\n" for name in sorted(names))
        self.answer("dpkg-query", f"cat <<'EOF'\n{lines}EOF\nexit 1")

    def apt(self, *lists: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.base / "packaging/setup/apt.sh"), *lists],
            env={"PATH": str(self.base), "LANG": "C.UTF-8"},
            user=user,
            capture_output=True,
            text=True,
            check=False,
        )

    def test_calls_no_apt_when_all_is_there(self) -> None:
        self.installed(packages("run", "build"))
        done = self.apt("run", "build")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertFalse(self.calls.exists())

    def test_installs_just_what_is_missing(self) -> None:
        self.installed(packages("run", "test") - {"gnumeric", "weasyprint"})
        done = self.apt("run", "test")
        self.assertEqual(done.returncode, 0, done.stderr)
        update, install = self.calls.read_text().splitlines()
        self.assertTrue(update.endswith(" update"), update)
        self.assertTrue(
            install.endswith(" install --no-install-recommends gnumeric weasyprint"), install
        )

    def test_either_of_two_names_is_enough(self) -> None:
        self.installed(packages("bench") | {"freerdp3-x11"})
        self.assertEqual(self.apt("bench").returncode, 0)
        self.assertFalse(self.calls.exists())

    def test_installs_the_name_that_this_debian_knows(self) -> None:
        self.installed(packages("bench"))
        for known, installs in (("freerdp2-x11", "freerdp2-x11"), ("nothing", "freerdp3-x11")):
            self.answer("apt-cache", f'test "$2" = {known}')
            self.assertEqual(self.apt("bench").returncode, 0)
            self.assertTrue(self.calls.read_text().endswith(f" {installs}\n"), self.calls.read_text())

    def test_a_server_is_not_started_for_being_installed(self) -> None:
        self.installed(packages("bench") - {"xrdp"} | {"freerdp2-x11"})
        self.answer("ln", f'echo "$@" >> {self.calls}')
        self.assertEqual(self.apt("bench").returncode, 0)
        update, *masked, install = self.calls.read_text().splitlines()
        units = ("xrdp-sesman.service", "xrdp.service")
        links = [f"-sf /dev/null /etc/systemd/system/{unit}" for unit in units]
        self.assertEqual(sorted(masked), links)
        self.assertTrue(install.endswith(" install --no-install-recommends xrdp"), install)

    def test_a_name_is_not_taken_for_a_longer_one(self) -> None:
        self.installed((packages("run") - {"mupdf"}) | {"mupdf-tools"})
        self.assertEqual(self.apt("run").returncode, 0)
        self.assertTrue(self.calls.read_text().endswith(" --no-install-recommends mupdf\n"))

    def test_shows_what_apt_said_when_it_fails(self) -> None:
        self.installed(set())
        self.answer("apt-get", "echo 'E: Unable to locate package xvfb'; exit 100")
        done = self.apt("run")
        self.assertEqual(done.returncode, 1)
        self.assertIn("E: Unable to locate package xvfb", done.stderr)
        self.assertIn("problem: apt-get update failed", done.stderr)

    def test_without_root_and_sudo_it_says_what_root_must_do(self) -> None:
        self.installed(packages("check") - {"shellcheck"})
        (self.base / "sudo").unlink()
        done = self.apt("check", user=65534 if os.geteuid() == 0 else None)
        self.assertEqual(done.returncode, 1)
        self.assertIn(
            "mend: as root: apt-get install --no-install-recommends shellcheck", done.stderr
        )
        self.assertFalse(self.calls.exists())


if __name__ == "__main__":
    unittest.main()
