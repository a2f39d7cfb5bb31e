"""Times single calls. Between two marks the bench takes the processor time."""

import time

from karakuri import desktop as d
from karakuri import run

CLICKS = 10


def timed(call):
    begin = time.perf_counter()
    value = call()
    return (time.perf_counter() - begin) * 1000, value


def read():
    viewer = d.launch("mupdf", ["-r", "96", run.input("page")])
    d.wait_still(300)
    first, _ = timed(d.read_text)
    d.press("plus")
    d.wait_still(300)
    run.log("mark read")
    fresh, text = timed(d.read_text)
    run.log("mark again")
    unchanged, _ = timed(d.read_text)
    run.log("mark done")
    picture = d.screenshot("screen")
    d.close(viewer)
    times = {"first": first, "fresh": fresh, "unchanged": unchanged}
    return {**times, "text": str(text), "picture": picture}


def point():
    """Puts the caret into one line and another, so that each click changes the screen."""
    editor = d.launch("mousepad")
    d.wait_still(300)
    d.type_text("a line to click into\n" * 10)
    d.wait_still(300)
    left, top = editor.window.rect.left, editor.window.rect.top
    places = [d.point(left + 60 + 8 * n, top + 60 + 40 * (n % 2)) for n in range(CLICKS)]
    clicks = [timed(lambda: d.click(place)) for place in places]
    hovers = [timed(lambda: d.hover(place)) for place in places]
    d.close(editor)
    return {
        "click": [ms for ms, _ in clicks],
        "confirmed": sum(act.effect == "confirmed" for _, act in clicks),
        "hover": [ms for ms, _ in hovers],
    }


run.output("result", read() | point())
