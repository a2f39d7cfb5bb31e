#!/usr/bin/python3
"""A Qt 5 window with one text field: qt.py line|text FIFO.

F9 writes what the field holds as a JSON line to FIFO and empties it.
"""

import json
import sys

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QApplication, QLineEdit, QTextEdit

kind, fifo = sys.argv[1:]
out = open(fifo, "w", encoding="ascii", buffering=1)
app = QApplication(sys.argv[:1])


class Field(QLineEdit if kind == "line" else QTextEdit):
    def content(self) -> str:
        if kind == "line":
            return self.text()
        # Not toPlainText(), which makes spaces of no-break spaces; a paragraph ends with U+2029.
        return self.document().toRawText().replace("\u2029", "\n")

    def keyPressEvent(self, event):
        if event.key() != Qt.Key_F9:
            super().keyPressEvent(event)
            return
        # PyQt hands lone halves of a surrogate pair out as such; JSON escapes keep them visible.
        print(json.dumps(self.content()), file=out)
        self.clear()


field = Field()
if kind == "text":
    field.setAcceptRichText(False)
field.setWindowTitle(f"qt {kind}")
field.resize(600, 400 if kind == "text" else 40)
field.show()
app.exec_()
