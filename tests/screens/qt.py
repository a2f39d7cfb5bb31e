"""A Qt 5 window, and where its style put every word in it.

python3 qt.py '{"seed": …}' prints {"area": …, "words": …} in pixels of the screen, and stays.
"""

import json
import sys

from PyQt5.QtCore import QRect, Qt, QTimer
from PyQt5.QtGui import QColor, QFont, QPalette
from PyQt5.QtWidgets import (
    QApplication, QCheckBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QStyle,
    QStyleOptionButton, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget,
)

from texts import Texts

SCREEN = json.loads(sys.argv[1])
TEXTS = Texts(SCREEN["seed"], SCREEN["language"])


def dark():
    palette = QPalette()
    for role, colour in [
        (QPalette.Window, "#2b2b2b"), (QPalette.WindowText, "#dddddd"), (QPalette.Base, "#1e1e1e"),
        (QPalette.AlternateBase, "#262626"), (QPalette.Text, "#d0d0d0"), (QPalette.Button, "#3a3a3a"),
        (QPalette.ButtonText, "#e0e0e0"), (QPalette.Highlight, "#2a82da"),
    ]:
        palette.setColor(role, QColor(colour))
    palette.setColor(QPalette.Disabled, QPalette.ButtonText, QColor("#808080"))
    palette.setColor(QPalette.Disabled, QPalette.Text, QColor("#808080"))
    return palette


def build():
    window = QWidget(windowTitle="Screen")
    layout = QVBoxLayout(window)
    grid = QGridLayout()
    for row, (label, value) in enumerate(zip(TEXTS.labels[:6], TEXTS.values)):
        grid.addWidget(QLabel(label), row, 0)
        grid.addWidget(QLineEdit(value), row, 1)
    for row, text in enumerate(TEXTS.checks[:5]):
        check = QCheckBox(text, checked=row % 2 == 0)
        check.setEnabled(row != 3)
        grid.addWidget(check, row, 2)
    layout.addLayout(grid)
    layout.addWidget(table())
    for sentence in TEXTS.sentences[:4]:
        layout.addWidget(QLabel(sentence))
    row = QHBoxLayout()
    for number, text in enumerate(TEXTS.buttons[:6]):
        button = QPushButton(text)
        button.setEnabled(number % 3 != 1)
        row.addWidget(button)
    layout.addLayout(row)
    return window


def table():
    rows = list(TEXTS.rows(SCREEN.get("rows", 10)))
    table = QTableWidget(len(rows), len(rows[0]))
    table.setHorizontalHeaderLabels(["" for _ in rows[0]])
    table.horizontalHeader().hide()
    table.verticalHeader().hide()
    for y, cells in enumerate(rows):
        for x, cell in enumerate(cells):
            item = QTableWidgetItem(cell)
            if x > 2:
                item.setTextAlignment(Qt.AlignRight | Qt.AlignVCenter)
            table.setItem(y, x, item)
    table.resizeColumnsToContents()
    table.selectRow(2)
    table.setMinimumHeight(table.rowHeight(0) * len(rows) + 4)
    table.setMinimumWidth(sum(table.columnWidth(x) for x in range(table.columnCount())) + 4)
    return table


def texts(window):
    """Every text with its widget, the rectangle it is aligned in, and how."""
    for label in window.findChildren(QLabel):
        yield label, label.text(), label.contentsRect(), label.alignment()
    for field in window.findChildren(QLineEdit):
        left = field.cursorRect().left() - field.fontMetrics().horizontalAdvance(field.text())
        cursor = field.cursorRect()
        # The cursor's rectangle is wider than the cursor, which stands behind the text.
        left += (cursor.width() + 1) // 2
        yield field, field.text(), QRect(left, 0, field.width(), field.height()), Qt.AlignVCenter
    for button in window.findChildren(QPushButton):
        yield button, button.text(), button.rect(), Qt.AlignCenter
    for check in window.findChildren(QCheckBox):
        option = QStyleOptionButton()
        check.initStyleOption(option)
        rect = check.style().subElementRect(QStyle.SE_CheckBoxContents, option, check)
        yield check, check.text(), rect, Qt.AlignVCenter
    for table in window.findChildren(QTableWidget):
        margin = table.style().pixelMetric(QStyle.PM_FocusFrameHMargin, None, table) + 1
        for y in range(table.rowCount()):
            for x in range(table.columnCount()):
                item = table.item(y, x)
                rect = table.visualItemRect(item).adjusted(margin, 0, -margin, 0)
                if table.viewport().rect().contains(rect):
                    align = Qt.AlignRight | Qt.AlignVCenter if x > 2 else Qt.AlignVCenter
                    yield table.viewport(), item.text(), rect, align


def words(widget, text, rect, align):
    metrics = widget.fontMetrics()
    width, height = metrics.horizontalAdvance(text), metrics.height()
    left = rect.left()
    if align & Qt.AlignHCenter:
        left = rect.left() + (rect.width() - width) // 2
    elif align & Qt.AlignRight:
        left = rect.right() + 1 - width
    top = rect.top() + (rect.height() - height) // 2
    at = 0
    for word in text.split(" "):
        if word:
            start = metrics.horizontalAdvance(text[:at])
            yield word, [left + start, top, metrics.horizontalAdvance(word), height]
        at += len(word) + 1


def report(window):
    found = []
    scale = window.devicePixelRatioF()
    for widget, text, rect, align in texts(window):
        origin = widget.mapToGlobal(rect.topLeft()) - rect.topLeft()
        for word, (x, y, width, height) in words(widget, text, rect, align):
            place = [origin.x() + x, origin.y() + y, width, height]
            found.append([word, [round(n * scale) for n in place]])
    corner = window.mapToGlobal(window.rect().topLeft())
    area = [corner.x(), corner.y(), window.width(), window.height()]
    print(json.dumps({"area": [round(n * scale) for n in area], "words": found}), flush=True)


def main():
    application = QApplication([])
    application.setStyle("Fusion")
    family = "IPAPGothic" if SCREEN["language"] == "japanese" else SCREEN.get("font", "DejaVu Sans")
    font = QFont(family)
    font.setPixelSize(SCREEN.get("pixels", 13))
    application.setFont(font)
    if SCREEN.get("dark"):
        application.setPalette(dark())
    window = build()
    window.move(SCREEN.get("left", 60), SCREEN.get("top", 50))
    window.show()
    window.setFocus()
    QTimer.singleShot(1000, lambda: report(window))
    application.exec()


main()
