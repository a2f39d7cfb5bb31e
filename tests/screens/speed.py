"""What reading costs on a full screen of 1920 x 1080 pixels, in ms of processor time.

/usr/bin/python3 speed.py DESKTOP ASSETS prints one JSON object.
"""

import json
import subprocess
import sys
import time

import readers
from screens import screen
from stage import PYTHON, display, ended, shown

#: A dialog of 400 x 200 pixels over the window, which prints when a button was clicked.
DIALOG = """
import time
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gtk
window = Gtk.Window(title="Question", type=Gtk.WindowType.POPUP)
window.set_default_size(400, 200)
window.move(500, 300)
box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, margin=16)
for text in ["Post the invoice?", "Invoice 4711 of Northwind Ltd.", "Amount due: 1,298.40 EUR"]:
    box.add(Gtk.Label(label=text, xalign=0))
row = Gtk.Box(spacing=8)
for text in ["Cancel", "Post it", "Details"]:
    button = Gtk.Button(label=text)
    button.connect("clicked", lambda _: print(time.monotonic(), flush=True))
    row.add(button)
box.add(row)
window.add(box)
window.show_all()
Gtk.main()
"""


def costs(desktop, assets):
    """What each takes, by its name."""
    page = screen("speed", "page", "web", False, rows=26, pixels=13)
    found = {}
    milliseconds = lambda seconds: round(seconds * 1000, 1)
    with display("1920x1080") as environment, shown(page, environment) as truth:
        with readers.door(desktop, assets, "latin", environment) as door:
            def cost(name, method, **params):
                start = time.monotonic()
                result, seconds = door.timed(method, **params)
                found[name] = {"cpu": milliseconds(seconds), "wall": milliseconds(time.monotonic() - start)}
                return result

            found["words"] = len(truth["words"])
            found["loaded MiB"] = round(door.memory())
            cost("full screen, first", "read_text")
            cost("unchanged", "read_text")
            word = next(word for word, _ in truth["words"] if len(word) > 6)
            cost("find", "find_all", target={"find": {"text": {"value": word}}})
            program = [PYTHON, "-c", DIALOG]
            with ended(*program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as dialog:
                before = door.seconds()
                door.call("wait_for", target={"find": {"text": {"value": "Details"}}})
                found["dialog, waited for"] = {"cpu": milliseconds(door.seconds() - before)}
                door.call("wait_still", still_ms=500)
                cost("dialog, read", "read_text")
                # A button, which shows that it was pressed: the click waits for that.
                start = time.monotonic()
                cost("find and click", "click", target="text:Details")
                clicked = float(dialog.stdout.readline()) - start
                found["find and click, in the program"] = {"wall": milliseconds(clicked)}
            door.call("wait_still", still_ms=500)
            cost("dialog gone", "read_text")
            before = door.seconds()
            time.sleep(3)
            found["idle, 3 s"] = {"cpu": milliseconds(door.seconds() - before)}
            found["most MiB"] = round(door.memory())
    return found


if __name__ == "__main__":
    print(json.dumps(costs(*sys.argv[1:]), indent=1))
