"""A Swing window; Swing.java shows it and tells its words. python3 swing.py '{"seed": …}' DIRECTORY"""

import json
import subprocess
import sys
from pathlib import Path

from texts import Texts

SCREEN = json.loads(sys.argv[1])
TEXTS = Texts(SCREEN["seed"], SCREEN["language"])


def lines():
    """A text a line, after what shows it; the cells of a row, parted by tabs."""
    for label, value in list(zip(TEXTS.labels, TEXTS.values))[:6]:
        yield f"field\t{label}\t{value}"
    yield from (f"check\t{text}" for text in TEXTS.checks[:5])
    yield from ("row\t" + "\t".join(cells) for cells in TEXTS.rows(SCREEN.get("rows", 10)))
    yield from (f"sentence\t{text}" for text in TEXTS.sentences[:4])
    yield from (f"button\t{text}" for text in TEXTS.buttons[:6])


def main():
    family = "IPAPGothic" if SCREEN["language"] == "japanese" else SCREEN.get("font", "DejaVu Sans")
    smooth = "on" if SCREEN.get("smooth", True) else "off"
    command = ["java", f"-Dawt.useSystemAAFontSettings={smooth}", str(Path(__file__).with_name("Swing.java")),
               SCREEN.get("look", "Metal"), family, str(SCREEN.get("pixels", 13))]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as java:
        java.stdin.write("\n".join(lines()).encode())
        java.stdin.close()


main()
