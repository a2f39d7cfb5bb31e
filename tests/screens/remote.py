"""An application on a remote desktop: FreeRDP shows what xrdp serves of a display on this machine.

python3 remote.py '{"seed": …, "inside": "gtk", "bits": 16}' DIRECTORY prints {"area": …, "words": …} in pixels of
the screen, and stays. All of it talks over the loopback interface of a network namespace of its own.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from stage import PATIENCE, ended, managed, shown

SCREEN = json.loads(sys.argv[1])
SIZE = 1100, 800
#: Of the display's pixels, those that may differ from the remote one's for a moment: a text cursor.
FEW = 200
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
#: `ioctl` requests and a flag of netdevice(7).
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
XRDP = """
[Globals]
port=tcp://127.0.0.1:3389
security_layer=tls
certificate={directory}/certificate.pem
key_file={directory}/key.pem
autorun=screen
allow_channels=true
bitmap_cache=true
max_bpp=32
[Logging]
LogFile={directory}/xrdp.log
LogLevel=INFO
EnableSyslog=false
[Channels]
rdpdr=true
rdpsnd=true
drdynvc=true
cliprdr=true
[screen]
name=screen
lib=libvnc.so
username=none
password=none
ip=127.0.0.1
port=5900
"""


def loopback():
    """Brings up the interface of the new namespace."""
    with socket.socket() as any_socket:
        request = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP))


def until(found, what):
    """What `found` gives, as soon as it gives something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = found()
        if answer:
            return answer
        time.sleep(0.1)
    raise RuntimeError(f"{what} did not come")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def server(directory):
    """xrdp's settings, with a key of its own."""
    key = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=screens",
           "-keyout", f"{directory}/key.pem", "-out", f"{directory}/certificate.pem"]
    subprocess.run(key, check=True, **QUIET)
    settings = Path(directory, "xrdp.ini")
    settings.write_text(XRDP.format(directory=directory).lstrip())
    return ["/usr/sbin/xrdp", "--nodaemon", "--config", str(settings)]


def client():
    program = shutil.which("xfreerdp") or shutil.which("xfreerdp3")
    return [program, "/v:127.0.0.1:3389", "/cert:ignore", "/u:none", "/p:none", "/title:Remote", "-decorations",
            "/size:%dx%d" % SIZE, f"/bpp:{SCREEN['bits']}"]


def corner():
    """Where the client's window is."""
    said = subprocess.run(["xwininfo", "-name", "Remote"], capture_output=True, text=True).stdout
    fact = lambda name: re.search(rf"Absolute upper-left {name}:\s+(-?\d+)", said)
    return (int(fact("X")[1]), int(fact("Y")[1])) if fact("X") and "IsViewable" in said else None


def agree(remote, directory):
    """Where the client's window is, once it shows what the remote display does but for the depth of colours."""
    at = corner()
    if not at:
        return None
    there, here = (f"{directory}/{name}.png" for name in ("there", "here"))
    subprocess.run(["import", "-silent", "-window", "root", there], env=remote, check=True)
    part = "%dx%d+%d+%d" % (*SIZE, *at)
    subprocess.run(["import", "-silent", "-window", "root", "-crop", part, "+repage", here], check=True)
    compare = ["compare", "-metric", "AE", "-fuzz", "10%", there, here, "null:"]
    differ = subprocess.run(compare, capture_output=True, text=True).stderr
    return at if differ.strip().isdigit() and int(differ) <= FEW else None


def main(directory):
    loopback()
    with ExitStack() as stack:
        xvnc = ["Xvnc", "-displayfd", "1", "-geometry", "%dx%d" % SIZE, "-depth", "24", "-SecurityTypes", "None",
                "-rfbport", "5900", "-localhost", "-noreset"]
        screen = stack.enter_context(ended(*xvnc, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
        remote = {**os.environ, "DISPLAY": ":" + screen.stdout.readline().strip()}
        stack.enter_context(managed(remote))
        truth = stack.enter_context(shown({**SCREEN, "app": SCREEN["inside"]}, remote))
        stack.enter_context(ended(*server(directory), **QUIET))
        until(lambda: listens(3389), "xrdp")
        stack.enter_context(ended(*client(), **QUIET))
        x, y = until(lambda: agree(remote, directory), "the remote desktop")
        move = lambda box: [box[0] + x, box[1] + y, box[2], box[3]]
        words = [[word, move(box)] for word, box in truth["words"]]
        print(json.dumps({"area": move(truth["area"]), "words": words}), flush=True)
        signal.pause()


if os.environ.pop("SCREENS_ALONE", None):
    main(sys.argv[2])
else:
    alone = ["unshare", "--user", "--map-current-user", "--keep-caps", "--net", sys.executable, *sys.argv]
    os.execvpe(alone[0], alone, {**os.environ, "SCREENS_ALONE": "1"})
