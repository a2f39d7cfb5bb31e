"""From lines with boxes, as they were read off the screen, to an invoice.

Nothing is known about the layout but the words that label things. A value stands on the line of
its label, right of it or below it; a table stands under the row that names its columns.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import List, Optional

from karakuri import Rect
from values import amount, currency, iso_date, plain

LABELS = {
    "supplier": ("from", "supplier", "lieferant", "発行者", "発行元"),
    "number": ("invoice number", "invoice no.", "rechnungsnummer", "請求書番号"),
    "date": ("invoice date", "rechnungsdatum", "請求日"),
    "total": ("total", "gesamtbetrag", "合計金額"),
}
COLUMNS = {
    "position": ("pos.", "no."),
    "description": ("description", "bezeichnung", "品名"),
    "quantity": ("quantity", "menge", "数量"),
    "unit_price": ("unit price", "einzelpreis", "単価"),
    "amount": ("amount", "betrag", "金額"),
}


class Unreadable(Exception):
    """The page is not an invoice, or what was read does not add up."""


@dataclass
class Item:
    """One line of an invoice."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


@dataclass
class Invoice:
    """An invoice whose lines multiply and add up."""

    supplier: str
    number: str
    date: str
    currency: Optional[str]
    lines: List[Item]
    total: Decimal


@dataclass
class Cell:
    """Words that stand together: the content of a table's cell, a label, a value."""

    text: str
    rect: Rect

    @property
    def key(self):
        """For comparing with labels: readers differ about the spaces between words."""
        return self.text.casefold().replace(" ", "")


def read_invoice(lines):
    """The invoice that `lines` show."""
    page = cells(lines)
    header = table_header(page)
    items = table_items(page, header)
    total_text = labelled(page, "total")
    invoice = Invoice(
        supplier=labelled(page, "supplier"),
        number=labelled(page, "number"),
        date=parsed(iso_date, labelled(page, "date"), "date"),
        currency=currency([total_text, *(cell.text for cell in page)]),
        lines=items,
        total=parsed(amount, total_text, "total"),
    )
    check(invoice)
    return invoice


def check(invoice):
    """Every line multiplies, and all lines add up to the total: a misread digit shows."""
    for item in invoice.lines:
        if item.quantity * item.unit_price != item.amount:
            raise Unreadable(f"{item.quantity} × {item.unit_price} is not {item.amount}")
    total = sum((item.amount for item in invoice.lines), Decimal(0))
    if not invoice.lines or total != invoice.total:
        raise Unreadable(f"the lines add up to {total}, the total is {invoice.total}")


def parsed(parse, text, what):
    value = parse(text)
    if value is None:
        raise Unreadable(f"{text!r} is not a {what}")
    return value


def cells(lines):
    """The lines cut where the gap between words is as wide as a letter is high."""
    found = []
    for line in lines:
        start = position = 0
        first = previous = None
        for word in line.words:
            at = line.text.find(word.text, position)
            at = position if at < 0 else at
            if previous and word.rect.left - previous.right > 0.8 * min(word.rect.height, 24):
                found.append(cell(line, start, position, first, previous))
                start, first = at, None
            first = first or word.rect
            previous, position = word.rect, at + len(word.text)
        if first:
            found.append(cell(line, start, len(line.text), first, previous))
    return [found_cell for found_cell in found if found_cell.text]


def cell(line, start, end, first, last):
    rect = Rect(first.left, line.rect.top, last.right - first.left, line.rect.height)
    return Cell(plain(line.text[start:end]), rect)


def same_row(a, b):
    """Whether the middle of the lower one lies within the other."""
    return abs(a.center.y - b.center.y) < min(a.height, b.height) / 2


def labelled(page, field):
    """The text that the label of `field` belongs to."""
    for label in LABELS[field]:
        for found in page:
            rest = after_label(found.text, label)
            if rest is not None:
                value = rest or beside(page, found)
                if value:
                    return value
    raise Unreadable(f"no {field} on the page")


def after_label(text, label):
    """What follows `label` at the beginning of `text`; None if `text` does not begin with it."""
    spaced = r"\s*".join(re.escape(letter) for letter in label.replace(" ", ""))
    match = re.match(spaced + r"(?![a-z])\s*:?\s*", text, re.IGNORECASE)
    return text[match.end() :] if match else None


def beside(page, label):
    """The cell right of `label` on its row, or else the next one below it."""
    # Boxes of neighbours may overlap a little.
    edge = label.rect.right - label.rect.height // 2
    right = [c for c in page if same_row(c.rect, label.rect) and c.rect.left >= edge]
    nearest = min(right, key=lambda c: c.rect.left, default=None)
    if nearest and not is_label(nearest):
        return nearest.text
    reach = label.rect.bottom + 2 * label.rect.height
    below = [
        c
        for c in page
        if label.rect.center.y < c.rect.center.y < reach and overlap(c.rect, label.rect) > 0
    ]
    return min(below, key=lambda c: c.rect.top).text if below else None


def is_label(found):
    names = (name for names in LABELS.values() for name in names)
    return any(after_label(found.text, name) is not None for name in names)


def overlap(a, b):
    """How many columns of pixels two rectangles share; what is missing if they share none."""
    return min(a.right, b.right) - max(a.left, b.left)


def table_header(page):
    """The rectangle of each column's name, from the row that names most of them."""
    rows = []
    for found in page:
        row = [other for other in page if same_row(other.rect, found.rect)]
        named = {
            column: other.rect
            for other in row
            for column, names in COLUMNS.items()
            if other.key in [name.replace(" ", "") for name in names]
        }
        rows.append(named)
    best = max(rows, key=len, default={})
    missing = {"description", "quantity", "unit_price", "amount"} - best.keys()
    if missing:
        raise Unreadable(f"no table with the columns {', '.join(sorted(missing))}")
    return best


def table_items(page, header):
    """The lines of the table: each has an amount; the first row without ends the table."""
    top = max(rect.bottom for rect in header.values())
    amounts = [
        c
        for c in page
        if c.rect.top >= top - c.rect.height / 2
        and column_of(c, header) == "amount"
        and amount(c.text) is not None
    ]
    items = []
    for anchor in sorted(amounts, key=lambda c: c.rect.top):
        row = {}
        for c in page:
            if same_row(c.rect, anchor.rect):
                column = column_of(c, header)
                row[column] = f"{row[column]} {c.text}" if column in row else c.text
        if not {"description", "quantity", "unit_price"} <= row.keys():
            break
        items.append(
            Item(
                description=row["description"],
                quantity=parsed(amount, row["quantity"], "quantity"),
                unit_price=parsed(amount, row["unit_price"], "unit price"),
                amount=parsed(amount, row["amount"], "amount"),
            )
        )
    return items


def column_of(found, header):
    """The column whose name lies over `found`, or closest to it."""
    return max(header, key=lambda column: overlap(found.rect, header[column]))
