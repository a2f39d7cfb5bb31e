"""A document in LibreOffice, and where its layout put every word of it.

python3 libreoffice.py '{"seed": …, "kind": "writer" or "calc"}' DIRECTORY prints {"area": …, "words": …} in
pixels of the screen, and stays. The accessible objects of the window are asked over UNO, through a pipe.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from itertools import groupby

import uno
from com.sun.star.connection import NoConnectException

from texts import Texts

SCREEN = json.loads(sys.argv[1])
TEXTS = Texts(SCREEN["seed"], SCREEN["language"])
FAMILY = "IPAPGothic" if SCREEN["language"] == "japanese" else SCREEN.get("font", "DejaVu Sans")
#: Many times what a start takes, in seconds.
PATIENCE = 50


def role(name):
    return uno.getConstantByName(f"com.sun.star.accessibility.AccessibleRole.{name}")


def office(directory):
    """LibreOffice with a profile of its own; its remote context."""
    pipe = f"screens{os.getpid()}"
    process = subprocess.Popen(
        ["soffice", "--norestore", "--nologo", "--nodefault", "--nofirststartwizard",
         f"-env:UserInstallation=file://{directory}/profile", f"--accept=pipe,name={pipe};urp"],
        # The plain drawing of LibreOffice: every toolkit's is a package more and draws documents alike.
        env={**os.environ, "SAL_USE_VCLPLUGIN": "gen"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstance("com.sun.star.bridge.UnoUrlResolver")
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except NoConnectException:
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.1)


def set_font(thing, points):
    for script in ("", "Asian"):
        thing.setPropertyValue(f"CharFontName{script}", FAMILY)
        thing.setPropertyValue(f"CharHeight{script}", points)


def write_letter(document):
    """A letter: a heading, sentences, a table, sentences."""
    points = SCREEN.get("points", 11)
    set_font(document.StyleFamilies.getByName("ParagraphStyles").getByName("Standard"), points)
    text = document.Text
    cursor = text.createTextCursor()
    set_font(cursor, points + 5)
    text.insertString(cursor, f"{TEXTS.labels[0]}: {TEXTS.values[0]}\n", False)
    set_font(cursor, points)
    text.insertString(cursor, "\n".join(TEXTS.sentences[:3]) + "\n", False)
    rows = list(TEXTS.rows(SCREEN.get("rows", 10)))
    table = document.createInstance("com.sun.star.text.TextTable")
    table.initialize(len(rows), len(rows[0]))
    text.insertTextContent(cursor, table, False)
    table.setDataArray(tuple(tuple(row) for row in rows))
    text.insertString(cursor, "\n".join(TEXTS.sentences[3:]), False)
    document.CurrentController.ViewSettings.ShowRulers = False


def write_sheet(document):
    """A sheet: labels over columns of texts, amounts and dates."""
    sheet = document.Sheets.getByIndex(0)
    rows = [TEXTS.labels[:6], *TEXTS.rows(SCREEN.get("rows", 24))]
    for y, cells in enumerate(rows):
        for x, value in enumerate(cells):
            cell = sheet.getCellByPosition(x, y)
            set_font(cell, SCREEN.get("points", 10))
            # What is said of a number leaves out its format: amounts are texts, too.
            cell.String = value
            if y and x in (3, 4):
                cell.HoriJustify = uno.Enum("com.sun.star.table.CellHoriJustify", "RIGHT")
    for x in range(6):
        sheet.Columns.getByIndex(x).OptimalWidth = True
    # The cell cursor lies over no text.
    document.CurrentController.select(sheet.getCellByPosition(7, len(rows) + 2))


def below(context, *wanted):
    """The objects of the wanted roles, and not what is in them."""
    for index in range(context.AccessibleChildCount):
        child = context.getAccessibleChild(index).getAccessibleContext()
        if child.AccessibleRole in wanted:
            yield child
        else:
            yield from below(child, *wanted)


def box(context):
    place, size = context.LocationOnScreen, context.Size
    return [place.X, place.Y, size.Width, size.Height]


def words(text):
    """The words of a text; one that is broken over lines is a word on each."""
    left, top, _, _ = box(text)
    said = text.getText()
    for found in re.finditer(r"\S+", said):
        places = [(n, text.getCharacterBounds(n)) for n in range(*found.span())]
        for _, line in groupby(places, lambda place: place[1].Y):
            line = list(line)
            (start, first), (end, last) = line[0], line[-1]
            place = [left + first.X, top + first.Y, last.X + last.Width - first.X, first.Height]
            yield [said[start : end + 1], place]


def texts(window):
    """The part of the screen that shows the document, and what holds text in it."""
    if SCREEN["kind"] == "writer":
        page = next(below(window, role("DOCUMENT_TEXT")))
        return box(page), below(page, role("PARAGRAPH"))
    table = next(below(window, role("TABLE")))
    cells = ((y, x) for y in range(SCREEN.get("rows", 24) + 1) for x in range(6))
    return box(table), (table.getAccessibleCellAt(*cell).getAccessibleContext() for cell in cells)


def report(window):
    area, shown = texts(window)
    holds = lambda b: b[1] >= area[1] and b[1] + b[3] <= area[1] + area[3]
    found = [word for text in shown for word in words(text) if holds(word[1])]
    print(json.dumps({"area": area, "words": found}), flush=True)


def main():
    context = office(sys.argv[2])
    desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
    document = desktop.loadComponentFromURL(f"private:factory/s{SCREEN['kind']}", "_blank", 0, ())
    {"writer": write_letter, "calc": write_sheet}[SCREEN["kind"]](document)
    # The window manager may still be placing the window, and layout goes on when it is idle.
    time.sleep(2)
    report(document.CurrentController.Frame.ContainerWindow.getAccessibleContext())
    signal.pause()


main()
