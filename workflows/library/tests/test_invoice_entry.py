"""What invoice-entry makes of pages: recorded answers of read_text for the invoices it ships."""

import json
import sys
import unittest
from decimal import Decimal
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
WORKFLOW = HERE.parent / "invoice-entry"
sys.path[:0] = [str(WORKFLOW), str(HERE.parent.parent / "sdk" / "python")]

import reading  # noqa: E402
import sheet  # noqa: E402
import values  # noqa: E402
from karakuri import Rect, Text, Window  # noqa: E402


def recorded(name):
    return Text.from_wire(json.loads((HERE / "recorded" / f"{name}.json").read_text("utf-8")))


def written():
    """The values that the invoices were made from, as the workflow should read them."""
    currencies = {"letter": "USD", "form": "EUR", "japanese": "JPY"}
    for made in json.loads((WORKFLOW / "make" / "invoices.json").read_text("utf-8")):
        items = []
        for line in made["lines"]:
            quantity, price = Decimal(line["quantity"]), Decimal(line["unit_price"])
            items.append(reading.Item(line["description"], quantity, price, quantity * price))
        yield Path(made["file"]).stem, reading.Invoice(
            supplier=made["supplier"],
            number=made["number"],
            date=made["date"],
            currency=currencies[made["layout"]],
            lines=items,
            total=sum(item.amount for item in items),
        )


class Reading(unittest.TestCase):
    def test_each_invoice_is_read_as_it_was_written(self):
        for name, invoice in written():
            with self.subTest(name):
                self.assertEqual(reading.read_invoice(recorded(name).lines), invoice)

    def test_a_page_read_in_the_wrong_script_is_unreadable(self):
        with self.assertRaisesRegex(reading.Unreadable, "no table with the columns"):
            reading.read_invoice(recorded("sakura-as-latin").lines)

    def test_one_misread_digit_is_noticed(self):
        # 4 × $129.50 = $518.00 and, with the other lines, $1,041.00.
        for right, wrong in (("$518.00", "$578.00"), ("$1,041.00", "$1,047.00")):
            page = json.dumps(json.loads((HERE / "recorded" / "northwind.json").read_text("utf-8")))
            self.assertIn(right, page)
            lines = Text.from_wire(json.loads(page.replace(right, wrong))).lines
            with self.subTest(wrong), self.assertRaises(reading.Unreadable):
                reading.read_invoice(lines)

    def test_an_empty_page_is_unreadable(self):
        with self.assertRaises(reading.Unreadable):
            reading.read_invoice(())


class Sheet(unittest.TestCase):
    def test_a_sum_stands_under_the_lines_of_each_invoice(self):
        rows = list(sheet.rows([invoice for _, invoice in written()]))
        formulas = [row[6] for row in rows if row[0] == "'Sum"]
        self.assertEqual(formulas, ["=SUM(G2:G4)", "=SUM(G6:G9)", "=SUM(G11:G12)"])
        self.assertEqual(rows[10][0], "'株式会社さくら事務機")
        self.assertEqual(rows[1][4:], ["4", "129.50", "518.00"])

    def test_text_off_a_page_cannot_become_a_formula_or_move_the_cursor(self):
        self.assertEqual(sheet.literal("=SUM(A1)\t\nx"), "'=SUM(A1) x")

    def test_the_sums_are_read_off_the_sheet(self):
        window = Window(1, "", "Gnumeric", Rect(161, 127, 960, 600), True)
        with mock.patch.object(sheet.d, "read_text", return_value=recorded("sheet")):
            shown = sheet.sums(window, 3)
        self.assertEqual(shown, [invoice.total for _, invoice in written()])


class Values(unittest.TestCase):
    def test_amounts(self):
        for text, amount in {
            "¥1,200,000": "1200000",
            "￥1，200，000": "1200000",
            "１，２３４円": "1234",
            "€1.234,56": "1234.56",
            "1.234,5 EUR": "1234.5",
            "$1,234.56": "1234.56",
            "1.234": "1234",
            "1.234.567": "1234567",
            "0,94": "0.94",
            "-3.00": "-3.00",
            "€ 1 234,50": "1234.50",
        }.items():
            with self.subTest(text):
                self.assertEqual(str(values.amount(text)), amount)
        for text in ("", "abc", "A4, 500 Blatt", "18 V 2", "2026-11-05"):
            with self.subTest(text):
                self.assertIsNone(values.amount(text))

    def test_dates(self):
        for text in (
            "2026年11月5日", "２０２６年１１月５日", "November 5, 2026", "November5,2026",
            "5 Nov 2026", "05.11.2026", "2026-11-05",
        ):
            with self.subTest(text):
                self.assertEqual(values.iso_date(text), "2026-11-05")
        for text in ("", "2026-13-01", "31.02.2026", "Foo 5, 2026", "No 2026"):
            with self.subTest(text):
                self.assertIsNone(values.iso_date(text))

    def test_currencies(self):
        self.assertEqual(values.currency(["￥85,000", "¥1", "$2"]), "JPY")
        self.assertIsNone(values.currency(["85,000"]))


if __name__ == "__main__":
    unittest.main()
