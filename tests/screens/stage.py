"""A display of its own for one screen: the X server, the window manager, the application."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = "/usr/bin/python3"
#: How long an application may take until it told its words, in seconds.
PATIENCE = 60
#: How long a program may take to end, in seconds.
FAREWELL = 10

# As Ctrl+C does, it ends what was started and removes what was written.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@contextmanager
def ended(*arguments, **options):
    """A process that does not outlive its use, nor this one, however that ends."""
    command = ["/usr/bin/setpriv", "--pdeathsig", "TERM", *arguments]
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


@contextmanager
def display(size):
    """An X server with a window manager; its environment."""
    server = ["Xvfb", "-displayfd", "1", "-screen", "0", f"{size}x24", "-noreset", "-nolisten", "tcp"]
    with ended(*server, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as xvfb:
        environment = {**os.environ, "DISPLAY": ":" + xvfb.stdout.readline().strip(), "NO_AT_BRIDGE": "1",
                       "PATH": "/usr/bin:/bin", "GDK_BACKEND": "x11", "LC_ALL": "C.UTF-8"}
        with managed(environment):
            yield environment


@contextmanager
def managed(environment):
    """A window manager that is ready."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with ended("openbox", "--sm-disable", env=environment, **quiet):
        # Windows that are there before the window manager may be left unmapped.
        end = time.monotonic() + PATIENCE
        check = ["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"]
        while "window id" not in subprocess.run(check, env=environment, capture_output=True, text=True).stdout:
            if time.monotonic() > end:
                raise RuntimeError("openbox did not start")
            time.sleep(0.02)
        yield


@contextmanager
def shown(screen, environment):
    """The screen's application; what it says stands where."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        told = Path(directory, "truth.json")
        environment = {**environment, "GDK_SCALE": str(screen.get("scale", 1)),
                       "QT_SCALE_FACTOR": str(screen.get("scale", 1)), "XDG_CONFIG_HOME": directory,
                       "XDG_CACHE_HOME": directory, "HOME": directory}
        said = json.dumps(screen)
        if screen["app"] == "xterm":
            command = terminal(screen, said, told)
        else:
            command = [PYTHON, str(HERE / f"{screen['app']}.py"), said, directory]
        with ended(*command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as app:
            if screen["app"] == "xterm":
                wait_for(told, app)
                yield json.loads(told.read_text())
            else:
                said = app.stdout.readline()
                if not said:
                    raise RuntimeError(f"{screen['name']}: the application told no words")
                yield json.loads(said)


def terminal(screen, said, told):
    font = ["-fn", screen["font"]] if "font" in screen else ["-fa", screen["face"], "-fs", str(screen["pixels"])]
    colours = ["-bg", "#1c1c1c", "-fg", "#d0d0d0"] if screen.get("dark") else ["-bg", "white", "-fg", "black"]
    return ["xterm", "-b", "0", "+sb", "-geometry", "96x30+30+30", *font, *colours,
            "-e", PYTHON, str(HERE / "terminal.py"), said, str(told)]


def wait_for(file, process):
    end = time.monotonic() + PATIENCE
    while not file.exists():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError("the terminal told no words")
        time.sleep(0.05)
