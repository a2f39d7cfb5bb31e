"""What a terminal shows, run in xterm: its cells are all alike, so every word's place is known.

xterm -e python3 terminal.py '{"seed": …}' FILE writes {"area": …, "words": …} to FILE, and stays.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time

from texts import Texts

SCREEN = json.loads(sys.argv[1])
TEXTS = Texts(SCREEN["seed"], SCREEN["language"])


def lines():
    yield "$ ls -l --time-style=long-iso /srv/data"
    for row in TEXTS.rows(14):
        number, article, _, amount, price, date = row
        yield f"-rw-r--r-- 1 root staff {amount:>8} {date} 10:{int(number):02} {article.lower()}.csv {price}"
    yield "$ cat notes.txt"
    yield from TEXTS.sentences[:6]
    yield "$ grep -n 'error' job.log"
    yield "17: error: cannot open spool/0042.xml: permission denied"
    yield "$"


def main():
    shown = list(lines())
    sys.stdout.write("\x1b[?25l\x1b[2J\x1b[H" + "\r\n".join(shown))
    sys.stdout.flush()
    # The window manager may still be framing the window.
    time.sleep(1)
    window = subprocess.run(["xwininfo", "-id", os.environ["WINDOWID"]], capture_output=True, text=True, check=True)
    fact = lambda name: int(re.search(rf"{name}:\s+(-?\d+)", window.stdout)[1])
    left, top = fact("Absolute upper-left X"), fact("Absolute upper-left Y")
    width, height = fact("Width"), fact("Height")
    columns, rows = shutil.get_terminal_size()
    cell = width // columns, height // rows
    words = [
        [found[0], [left + found.start() * cell[0], top + y * cell[1], len(found[0]) * cell[0], cell[1]]]
        for y, line in enumerate(shown)
        for found in re.finditer(r"\S+", line)
    ]
    with open(sys.argv[2] + ".part", "w") as file:
        json.dump({"area": [left, top, width, height], "words": words}, file)
    os.rename(sys.argv[2] + ".part", sys.argv[2])
    sys.stdin.read()


main()
