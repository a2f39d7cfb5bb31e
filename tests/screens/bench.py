"""The rows of `make bench` that are about seeing, clicking and typing, each beside its peers on the same screen.

/usr/bin/python3 bench.py DESKTOP ASSETS PYTHON prints one JSON object a row, as it is measured.
PYTHON is the interpreter that has the peers.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import readers
from score import capture, measure
from screens import JAPANESE, LATIN, SCREENS, screen
from scoring import by_target, by_words, on_screen, score
from speed import costs
from stage import display, ended, shown

SIZE = "1920x1080"
TYPED = 2000


def row(what, unit, ours, peer=None, theirs=None):
    """`ours` and `theirs`: a number, or a list of what was measured each time."""
    print(json.dumps({"what": what, "unit": unit, "ours": ours, "peer": peer, "theirs": theirs}), flush=True)


def share(scores, part, whole):
    return round(100 * sum(s[part] for s in scores) / max(sum(s[whole] for s in scores), 1), 1)


def full_screens(desktop, assets, python):
    """A page that fills the screen, read by everybody after another one, so that models are loaded."""
    for language in (LATIN, JAPANESE):
        # In another size: no line of it is known when the other comes.
        first = screen("before", "page", "web", False, language=language, rows=20, pixels=16)
        page = screen(f"full-{language}", "page", "web", False, language=language, rows=26, pixels=13)
        with tempfile.TemporaryDirectory() as directory, display(SIZE) as environment:
            picture = Path(directory, "screen.png")
            with readers.door(desktop, assets, language, environment) as door:
                with shown(first, environment):
                    door.call("wait_still", still_ms=500)
                    door.read()
                with shown(page, environment) as truth:
                    door.call("wait_still", still_ms=500)
                    capture(picture, environment)
                    lines, seconds = door.read()
                    words = [word for word in truth["words"] if on_screen(word[1], SIZE)]
                    ours = score(lines, words, truth["area"], by_target(door))
                peers = {"RapidOCR": readers.rapidocr(python, picture)}
                if language == LATIN:
                    peers["faster-paddle tiny"] = readers.faster_paddle(python, picture)
                    peers["tesseract"] = readers.tesseract(picture, language)
            what = f"full {language} screen"
            for name, (lines, theirs) in peers.items():
                other = score(lines, words, truth["area"], by_words(lines))
                row(f"{what}, processor, {name}", "ms", seconds * 1000, name, theirs * 1000)
                row(f"{what}, words found, {name}", "%", share([ours], "recalled", "words"), name,
                    share([other], "recalled", "words"))


def typing(desktop, assets):
    """The same ASCII text into xterm; what arrived is compared."""
    text = "".join(chr(32 + (n * 7) % 95) for n in range(TYPED))
    with tempfile.TemporaryDirectory() as directory:
        def typed(name, type_text):
            received = Path(directory, name)
            terminal = ["xterm", "-e", "sh", "-c", f"stty raw -echo; echo ready >{received}.ready; head -c {TYPED} >{received}"]
            with display("1024x768") as environment, ended(*terminal, env=environment, stderr=subprocess.DEVNULL):
                with readers.door(desktop, assets, LATIN, environment) as door:
                    while not Path(f"{received}.ready").exists():
                        time.sleep(0.05)
                    door.call("wait_still", still_ms=300)
                    start = time.monotonic()
                    type_text(door, environment)
                    seconds = time.monotonic() - start
                    door.call("wait_still", still_ms=300)
                if received.read_text() != text:
                    row(f"WRONG TEXT arrived: {name}", "", 1)
                return seconds * 1000

        ours = typed("karakuri", lambda door, _: door.call("type_text", text=text))
        theirs = typed("xdotool", lambda _, environment: subprocess.run(["xdotool", "type", text], env=environment, check=True))
        row(f"{TYPED} characters into xterm", "ms", ours, "xdotool", theirs)


#: Each prints the milliseconds that each of its calls took, as a list.
MSS = """
import mss
with mss.MSS() as screen:
    area = screen.monitors[0]
    report(lambda: screen.grab(area))
"""
PYAUTOGUI = """
import itertools, os
import pyautogui
pyautogui.PAUSE = 0
places = itertools.cycle([(300, 300), (340, 360)])
report(lambda: pyautogui.click(*next(places)))
"""
REPORT = """
import json, time
def report(call):
    times = []
    for _ in range(60):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    print(json.dumps(times))
"""


def hands(desktop, python):
    """A capture of a screen and a click, each beside what does the same."""
    page = screen("hands", "page", "web", False, rows=26, pixels=13)
    with tempfile.TemporaryDirectory() as directory, display(SIZE) as environment, shown(page, environment):
        environment = {**environment, "XAUTHORITY": str(Path(directory, "authority"))}
        # python-xlib wants the file, which a server without cookies has no use for.
        Path(directory, "authority").touch()

        def printed(*command):
            """What the last line says: python-xlib warns on the same stream."""
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            return json.loads(done.stdout.splitlines()[-1])

        def each(*command):
            """The milliseconds that each run of a program took."""
            for _ in range(10):
                start = time.monotonic()
                subprocess.run(command, env=environment, check=True)
                yield (time.monotonic() - start) * 1000

        ours = printed(Path(desktop).with_name("bench-hands"))
        micro = lambda times: [1000 * ms for ms in times]
        for name, times in [
            ("memcpy", ours["memcpy"]), ("xcap", ours["xcap"]), ("python-mss", printed(python, "-c", REPORT + MSS)),
            ("scrot, as a PNG", each("scrot", "--overwrite", str(Path(directory, "screen.png")))),
        ]:
            row(f"capture of 1920 x 1080, all of it changed, {name}", "µs", micro(ours["capture"]), name, micro(times))
        row("look at 1920 x 1080, 400 x 200 changed", "µs", micro(ours["look"]), "memcpy of the whole", micro(ours["memcpy"]))
        for name, times in [
            ("pyautogui", printed(python, "-c", REPORT + PYAUTOGUI)),
            ("xdotool", each("xdotool", "mousemove", "300", "300", "click", "--delay", "0", "1")),
        ]:
            row(f"click injected, {name}", "µs", micro(ours["click"]), name, micro(times))


def seeing(desktop, assets):
    """What costs how much once a screen was read."""
    measured = costs(desktop, assets)
    for what, key, kind in [
        ("unchanged screen, processor", "unchanged", "cpu"), ("find on a read screen", "find", "wall"),
        ("find and click on a read screen, in the program", "find and click, in the program", "wall"),
        ("find and click on a read screen, effect seen", "find and click", "wall"),
        ("changed 400 x 200 dialog, processor", "dialog, waited for", "cpu"),
    ]:
        row(what, "ms", measured[key][kind])
    row("karakuri-desktop after a full screen", "MiB", measured["most MiB"])


def corpus(desktop, assets):
    """How well every screen of the corpus is read."""
    by_category = defaultdict(list)
    for one in SCREENS:
        ours = measure(one, desktop, assets)["karakuri"]
        for category in (one["category"], "all", "held out" if one["held_out"] else "tuned"):
            by_category[category].append(ours)
    for category, scores in sorted(by_category.items()):
        row(f"corpus, {category}: words found", "%", share(scores, "recalled", "words"))
        row(f"corpus, {category}: of those read, right", "%", share(scores, "right", "read"))
        row(f"corpus, {category}: clicks in the word", "%", share(scores, "clicked", "words"))


def main(desktop, assets, python):
    full_screens(desktop, assets, python)
    hands(desktop, python)
    seeing(desktop, assets)
    typing(desktop, assets)
    corpus(desktop, assets)


main(*sys.argv[1:])
