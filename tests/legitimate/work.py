"""What an honest script does with Python's standard library. Prints one line for each thing that works."""

import asyncio
import concurrent.futures
import multiprocessing
import os
import queue
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading


def square(n):
    return n * n


def put(out, value):
    out.put(value)


def threads():
    box = queue.Queue()
    started = [threading.Thread(target=box.put, args=(n,)) for n in range(16)]
    [t.start() for t in started]
    [t.join() for t in started]
    assert sorted(box.queue) == list(range(16))


def pool():
    for method in ("fork", "spawn", "forkserver"):
        if method == "forkserver":
            # It listens on a unix socket, which no script may make.
            continue
        with multiprocessing.get_context(method).Pool(3) as workers:
            assert workers.map(square, range(10)) == [n * n for n in range(10)]


def between_processes():
    box = multiprocessing.Queue()
    child = multiprocessing.Process(target=put, args=(box, "hello"))
    child.start()
    assert box.get(timeout=30) == "hello"
    child.join()
    ours, theirs = multiprocessing.Pipe()
    theirs.send([1])
    assert ours.recv() == [1]
    with multiprocessing.Lock(), multiprocessing.Value("i", 5).get_lock():
        pass


def executor():
    with concurrent.futures.ProcessPoolExecutor(2) as workers:
        assert list(workers.map(square, range(5))) == [0, 1, 4, 9, 16]


def database():
    for path in ("/work/test.db", ":memory:"):
        with sqlite3.connect(path) as db:
            if path != ":memory:":
                assert db.execute("pragma journal_mode=wal").fetchone() == ("wal",)
            db.execute("create table t (n integer)")
            db.executemany("insert into t values (?)", [(n,) for n in range(1000)])
            db.commit()
            assert db.execute("select sum(n) from t").fetchone() == (499500,)


def temporary():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "x")
        with open(path, "w") as file:
            file.write("x")
        os.replace(path, path + "2")
        os.symlink(path + "2", path)
        assert open(path).read() == "x"
    with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryFile() as other:
        file.write(b"x")
        other.write(b"x")


def programs():
    assert subprocess.run(["tr", "a-z", "A-Z"], input=b"x", capture_output=True, check=True).stdout == b"X"
    assert subprocess.getoutput("echo a | cat") == "a"
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as child:
        os.killpg(child.pid, signal.SIGTERM)
        assert child.wait() == -signal.SIGTERM


async def cooperate():
    child = await asyncio.create_subprocess_exec("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert (await child.communicate(b"x"))[0] == b"x"
    shell = await asyncio.create_subprocess_shell("exit 3")
    assert await shell.wait() == 3
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(None, square, 3) == 9
    await asyncio.wait_for(asyncio.sleep(0), 5)


THINGS = {
    "threads": threads, "pool": pool, "between processes": between_processes, "executor": executor,
    "database": database, "temporary": temporary, "programs": programs, "asyncio": lambda: asyncio.run(cooperate()),
}

if __name__ == "__main__":
    failed = False
    for name, thing in THINGS.items():
        try:
            thing()
            print(name)
        except Exception as e:
            print(f"{name}: {type(e).__name__}: {e}", file=sys.stderr)
            failed = True
    sys.exit(failed)
