"""A GTK 3 window, and where Pango put every word in it.

python3 gtk.py '{"seed": …}' prints {"area": …, "words": …} in pixels of the screen, and stays.
"""

import json
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("PangoCairo", "1.0")
from gi.repository import Gdk, GLib, Gtk, Pango  # noqa: E402

from texts import Texts  # noqa: E402

SCREEN = json.loads(sys.argv[1])
TEXTS = Texts(SCREEN["seed"], SCREEN["language"])
FIELDS = 7


def style():
    settings = Gtk.Settings.get_default()
    settings.set_property("gtk-application-prefer-dark-theme", SCREEN.get("dark", False))
    family = "IPAPGothic" if SCREEN["language"] == "japanese" else SCREEN.get("font", "DejaVu Sans")
    css = "* { font: %dpx '%s'; } .chosen { background: #1a5fb4; color: white; }"
    provider = Gtk.CssProvider()
    provider.load_from_data((css % (SCREEN.get("pixels", 13), family)).encode())
    Gtk.StyleContext.add_provider_for_screen(
        Gdk.Screen.get_default(), provider, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION
    )


def menu_bar():
    bar = Gtk.MenuBar()
    for text in TEXTS.buttons[6:]:
        bar.append(Gtk.MenuItem(label=text))
    return bar


def form():
    grid = Gtk.Grid(row_spacing=8, column_spacing=12)
    fields = list(zip(TEXTS.labels, TEXTS.values))[:FIELDS]
    for row, (label, value) in enumerate(fields):
        sensitive = not SCREEN.get("disabled", False) or row % 2 == 0
        grid.attach(Gtk.Label(label=label + ":", xalign=0, sensitive=sensitive), 0, row, 1, 1)
        entry = Gtk.Entry(text=value, width_chars=26, sensitive=sensitive)
        grid.attach(entry, 1, row, 1, 1)
    checks = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
    for number, text in enumerate(TEXTS.checks):
        checks.add(Gtk.CheckButton(label=text, active=number % 2 == 0, sensitive=number % 3 != 2))
    grid.attach(checks, 2, 0, 1, FIELDS)
    return grid


def table():
    grid = Gtk.Grid(row_spacing=2, column_spacing=18)
    for row, cells in enumerate(TEXTS.rows(SCREEN.get("rows", 12))):
        for column, cell in enumerate(cells):
            label = Gtk.Label(label=cell, xalign=1 if column > 2 else 0, hexpand=column == 2)
            if row == 3:
                label.get_style_context().add_class("chosen")
            grid.attach(label, column, row, 1, 1)
    return grid


def buttons():
    row = Gtk.Box(spacing=8)
    for number, text in enumerate(TEXTS.buttons[:6]):
        row.add(Gtk.Button(label=text, sensitive=number % 3 != 1))
    return row


def children(widget):
    yield widget
    if isinstance(widget, Gtk.Container):
        found = []
        widget.forall(found.append)
        for child in found:
            yield from children(child)


def layouts(window):
    """Every Pango layout that is drawn, with its place in the window."""
    for widget in children(window):
        if isinstance(widget, Gtk.Label) and widget.get_mapped():
            origin = widget.get_allocation()
            at = widget.translate_coordinates(window, 0, 0)
            x, y = widget.get_layout_offsets()
            yield widget.get_layout(), at[0] + x - origin.x, at[1] + y - origin.y
        elif isinstance(widget, Gtk.Entry):
            at = widget.translate_coordinates(window, 0, 0)
            x, y = widget.get_layout_offsets()
            yield widget.get_layout(), at[0] + x, at[1] + y


def words(layout):
    """The words of a layout with their boxes in it."""
    text = layout.get_text()
    at = 0
    for word in text.split(" "):
        if word:
            first, last = (len(text[:n].encode()) for n in (at, at + len(word)))
            start, end = layout.index_to_pos(first), layout.index_to_pos(last)
            right = end.x if last < len(text.encode()) and end.y == start.y else None
            if right is None:
                end = layout.index_to_pos(len(text[: at + len(word) - 1].encode()))
                right = end.x + end.width
            yield word, [n / Pango.SCALE for n in (start.x, start.y, right - start.x, start.height)]
        at += len(word) + 1


def report(window):
    scale = window.get_scale_factor()
    _, left, top = window.get_window().get_origin()
    size = window.get_size()
    found = []
    for layout, x, y in layouts(window):
        for word, box in words(layout):
            place = [left + x + box[0], top + y + box[1], box[2], box[3]]
            found.append([word, [round(n * scale) for n in place]])
    area = [n * scale for n in (left, top, *size)]
    print(json.dumps({"area": area, "words": found}), flush=True)


def main():
    style()
    window = Gtk.Window(title="Screen")
    window.move(SCREEN.get("left", 40), SCREEN.get("top", 40))
    everything = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, margin=14)
    parts = [menu_bar(), form(), table(), *[Gtk.Label(label=s, xalign=0) for s in TEXTS.sentences[:4]], buttons()]
    for part in parts:
        everything.add(part)
    window.add(everything)
    window.show_all()
    window.set_focus(None)
    # Sizes are settled once the window manager placed the window; nothing moves after that.
    GLib.timeout_add(1000, report, window)
    Gtk.main()


main()
