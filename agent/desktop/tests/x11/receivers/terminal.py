#!/usr/bin/python3
"""What a terminal sends, with no line editing in between, shown as it comes: terminal.py FIFO.

Ctrl+G writes what came since the last one as a JSON line to FIFO.
"""

import json
import os
import sys
import termios
import tty

out = open(sys.argv[1], "w", encoding="ascii", buffering=1)
tty.setraw(0, termios.TCSANOW)
received = b""
while piece := os.read(0, 65536):
    received += piece
    os.write(1, piece.replace(b"\a", b"\r\n"))
    while b"\a" in received:
        text, received = received.split(b"\a", 1)
        print(json.dumps(text.decode("utf-8", "replace").replace("\r", "\n")), file=out)
