#!/usr/bin/env python3
"""Makes the invoices: `render.py VALUES.json DIRECTORY` writes one PDF for each entry of the file.

Needs the command `weasyprint`, and an IPA font for the Japanese layout. The workflow never sees
the values, only the pictures of the pages; a test renders them anew with other numbers.
"""

import json
import subprocess
import sys
from datetime import date
from decimal import Decimal
from html import escape
from pathlib import Path

HERE = Path(__file__).resolve().parent


def dollars(amount: Decimal) -> str:
    return f"${amount:,.2f}"


def euros(amount: Decimal) -> str:
    return "€" + f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


def yen(amount: Decimal) -> str:
    return f"¥{amount:,.0f}"


def long_date(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"


def dotted_date(day: date) -> str:
    return f"{day:%d.%m.%Y}"


def kanji_date(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


LAYOUTS = {
    # layout: how it writes money, dates and the cells of a line
    "letter": (dollars, long_date, "{description}|{quantity}|{unit_price}|{amount}"),
    "form": (euros, dotted_date, "{position}|{quantity}|{description}|{unit_price}|{amount}"),
    "japanese": (yen, kanji_date, "{description}|{quantity}|{unit_price}|{amount}"),
}


def page(invoice: dict) -> str:
    """The HTML of one invoice."""
    money, written, columns = LAYOUTS[invoice["layout"]]
    total = Decimal(0)
    rows = []
    for position, line in enumerate(invoice["lines"], 1):
        price = Decimal(line["unit_price"])
        amount = line["quantity"] * price
        total += amount
        cells = columns.format(
            position=position,
            description=escape(line["description"]),
            quantity=line["quantity"],
            unit_price=money(price),
            amount=money(amount),
        )
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells.split("|")) + "</tr>")
    values = {name: escape(invoice[name]) for name in ("supplier", "customer", "number")}
    template = (HERE / f"{invoice['layout']}.html").read_text(encoding="utf-8")
    day = written(date.fromisoformat(invoice["date"]))
    return template.format(date=day, lines="".join(rows), total=money(total), **values)


def main() -> None:
    values, directory = Path(sys.argv[1]), Path(sys.argv[2])
    for invoice in json.loads(values.read_text(encoding="utf-8")):
        target = directory / Path(invoice["file"]).name
        command = ["weasyprint", "--quiet", "-", str(target)]
        subprocess.run(command, input=page(invoice).encode(), check=True)


if __name__ == "__main__":
    main()
