"""Types and scrolls at a person's pace, in an editor as large as the screen."""

import time

from karakuri import desktop as d
from karakuri import run

LINES = 8

editor = d.launch("mousepad")
d.wait_still(300)
left, top, width, _ = editor.window.rect
d.double_click(d.point(left + width // 2, top - 8))  # the title bar: the window fills the screen
d.type_text("The quick brown fox jumps over the lazy dog, 1234567890.\n" * 60)
d.wait_still(300)
run.log("mark typing")
for number in range(LINES):
    for word in f"Invoice {number} of the month has been paid".split():
        d.type_text(word + " ")
        time.sleep(0.15)
    d.press("Return")
    for direction in ("up", "down"):
        d.scroll(direction, 5, d.point(600, 400))
        time.sleep(0.3)
run.log("mark done")
