"""assets.py against wheels made here: no network, pip finds them in a directory."""

import hashlib
import os
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

ASSETS = Path(__file__).parent.parent / "assets.py"
MODEL = b"weights\n" * 1000
TOOL = b"#!/bin/sh\nexit 0\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class AssetsTest(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.base = Path(scratch.name)
        self.index = self.base / "index"
        self.index.mkdir()
        self.assets = self.base / "assets"
        self.wheel = self.index / "toy-1.0-py3-none-any.whl"
        info = "toy-1.0.dist-info"
        with zipfile.ZipFile(self.wheel, "w") as archive:
            archive.writestr("toy/model.onnx", MODEL)
            archive.writestr("toy-1.0.data/scripts/tool", TOOL)
            archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")

    def lock(self, *, wheel: str = "", model: str = "", name: str = "model.onnx") -> Path:
        """A lock of the wheel and its two files, true but for what is given."""
        path = self.base / "toy.lock"
        path.write_text(
            f"""
            [[wheel]]
            name = "toy"
            version = "1.0"
            filename = "{self.wheel.name}"
            sha256 = "{wheel or sha256(self.wheel.read_bytes())}"
            [[file]]
            name = "{name}"
            sha256 = "{model or sha256(MODEL)}"
            size = {len(MODEL)}
            wheel = "toy"
            path = "toy/model.onnx"
            [[file]]
            name = "tool"
            sha256 = "{sha256(TOOL)}"
            size = {len(TOOL)}
            wheel = "toy"
            path = "toy-1.0.data/scripts/tool"
            """,
            encoding="utf-8",
        )
        return path

    def run_assets(self, lock: Path, *options: str) -> subprocess.CompletedProcess[str]:
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.index)}
        return subprocess.run(
            [sys.executable, str(ASSETS), str(lock), str(self.assets), *options],
            env=os.environ | offline,
            capture_output=True,
            text=True,
            check=False,
        )

    def names(self) -> set[str]:
        return {path.name for path in self.assets.iterdir()}

    def test_puts_the_named_members_there_and_nothing_else(self) -> None:
        done = self.run_assets(self.lock())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.assets / "model.onnx").read_bytes(), MODEL)
        self.assertEqual((self.assets / "model.onnx").stat().st_mode & 0o777, 0o644)
        self.assertEqual((self.assets / "tool").stat().st_mode & 0o777, 0o755)
        self.assertEqual(self.names(), {"model.onnx", "tool", ".lock", ".verified.json"})

    def test_a_second_call_downloads_nothing(self) -> None:
        lock = self.lock()
        self.assertEqual(self.run_assets(lock).returncode, 0)
        self.wheel.unlink()
        again = self.run_assets(lock)
        self.assertEqual((again.returncode, again.stdout), (0, ""))
        self.assertEqual(self.run_assets(lock, "--verify").returncode, 0)

    def test_a_changed_file_is_noticed_and_fetched_again(self) -> None:
        lock = self.lock()
        self.assertEqual(self.run_assets(lock).returncode, 0)
        model = self.assets / "model.onnx"
        model.write_bytes(b"W" + MODEL[1:])
        again = self.run_assets(lock)
        self.assertIn(f"{model} is not what the lock says", again.stdout)
        self.assertEqual(model.read_bytes(), MODEL)

    def test_a_change_that_keeps_size_and_time_is_noticed(self) -> None:
        lock = self.lock()
        self.assertEqual(self.run_assets(lock).returncode, 0)
        model = self.assets / "model.onnx"
        before = model.stat()
        with model.open("r+b") as stream:
            stream.write(b"W")
        os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
        again = self.run_assets(lock)
        self.assertIn(f"{model} is not what the lock says", again.stdout)
        self.assertEqual(model.read_bytes(), MODEL)

    def test_a_wheel_with_another_digest_is_refused(self) -> None:
        done = self.run_assets(self.lock(wheel="0" * 64))
        self.assertEqual(done.returncode, 1)
        self.assertIn("could not be downloaded with the locked hash", done.stderr)
        self.assertEqual(self.names(), {".lock"})

    def test_a_member_with_another_digest_is_refused(self) -> None:
        done = self.run_assets(self.lock(model="0" * 64))
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"has SHA-256 {sha256(MODEL)}, the lock says {'0' * 64}", done.stderr)
        self.assertNotIn("model.onnx", self.names())

    def test_a_name_that_leaves_the_directory_is_refused(self) -> None:
        done = self.run_assets(self.lock(name="../model.onnx"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("must be a plain file name", done.stderr)
        self.assertFalse((self.base / "model.onnx").exists())

    def test_what_a_killed_call_left_is_removed(self) -> None:
        self.assets.mkdir()
        (self.assets / ".download-dead").mkdir()
        (self.assets / ".incoming-dead").write_bytes(b"part")
        self.assertEqual(self.run_assets(self.lock()).returncode, 0)
        self.assertEqual(self.names(), {"model.onnx", "tool", ".lock", ".verified.json"})


if __name__ == "__main__":
    unittest.main()
