#!/usr/bin/python3
"""A GTK 3 window with one text field: gtk.py entry|view FIFO.

F9 writes what the field holds as a JSON line to FIFO and empties it.
"""

import json
import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk  # noqa: E402

kind, fifo = sys.argv[1:]
out = open(fifo, "w", encoding="ascii", buffering=1)
window = Gtk.Window(title=f"gtk {kind}", default_width=600, default_height=400)
field = Gtk.Entry() if kind == "entry" else Gtk.TextView()
text = field if kind == "entry" else field.get_buffer()


def content() -> str:
    if kind == "entry":
        return field.get_text()
    return text.get_text(text.get_start_iter(), text.get_end_iter(), True)


def pressed(_window: Gtk.Window, event: Gdk.EventKey) -> bool:
    if event.keyval != Gdk.KEY_F9:
        return False
    print(json.dumps(content()), file=out)
    text.set_text("")
    return True


window.connect("key-press-event", pressed)
window.connect("destroy", Gtk.main_quit)
box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
box.pack_start(field, kind == "view", True, 0)
window.add(box)
window.show_all()
Gtk.main()
