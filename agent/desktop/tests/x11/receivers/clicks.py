#!/usr/bin/python3
"""A GTK 3 window that tells every press of a button: clicks.py silent|second|active FIFO.

Each press is a line of JSON: type, button, modifier state. `silent` never shows anything; `second`
changes its colour from the second press on; `active` at every press that finds the window active.
F9 writes null.
"""

import json
import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk  # noqa: E402

kind, fifo = sys.argv[1:]
out = open(fifo, "w", encoding="ascii", buffering=1)
window = Gtk.Window(title=f"clicks {kind}", default_width=300, default_height=200)
colour = Gtk.CssProvider()
window.get_style_context().add_provider(colour, Gtk.STYLE_PROVIDER_PRIORITY_USER)
presses = shown = 0
TYPES = {Gdk.EventType.BUTTON_PRESS: 1, Gdk.EventType._2BUTTON_PRESS: 2, Gdk.EventType._3BUTTON_PRESS: 3}


def show() -> None:
    colour.load_from_data(b"window { background: #%02x9060; }" % (40 + 80 * (shown % 3)))


def pressed(_area: Gtk.EventBox, event: Gdk.EventButton) -> bool:
    global presses, shown
    presses += 1
    if (kind == "second" and presses > 1) or (kind == "active" and window.is_active()):
        shown += 1
        show()
    print(json.dumps([TYPES[event.type], event.button, int(event.state)]), file=out)
    return True


def key(_window: Gtk.Window, event: Gdk.EventKey) -> None:
    if event.keyval == Gdk.KEY_F9:
        print("null", file=out)


show()
area = Gtk.EventBox()
area.connect("button-press-event", pressed)
window.add(area)
window.connect("key-press-event", key)
window.connect("destroy", Gtk.main_quit)
window.show_all()
Gtk.main()
