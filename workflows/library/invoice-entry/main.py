"""Reads invoices on the screen, types them into a sheet, and checks the sums it shows."""

from dataclasses import asdict

import sheet
from karakuri import desktop as d
from karakuri import run
from reading import Unreadable, read_invoice

LEDGER = "/files/ledger.gnumeric"


def look_at(path):
    """Opens one invoice and reads it; a page that cannot be read is looked at more closely."""
    viewer = d.launch("mupdf", ["-r", "110", path])
    page = viewer.window.rect
    reasons = []
    for closer in (False, True):
        if closer:
            d.press("plus")
        d.wait_still(300, page)
        # The language is not known beforehand. A reading counts only if the page adds up.
        for script in ("latin", "japanese"):
            try:
                invoice = read_invoice(d.read_text(page, script=script).lines)
            except Unreadable as reason:
                reasons.append(str(reason))
                continue
            d.screenshot(f"invoice {invoice.number}", page)
            d.close(viewer)
            return invoice
    run.fail_business("unreadable", f"{path}: {'; '.join(reasons)}")


def main():
    run.timeout(60_000)
    invoices = []
    for name in ("invoice_1", "invoice_2", "invoice_3"):
        with run.step(f"Read {name}"):
            invoices.append(look_at(run.input(name)))
    with run.step("Type into the sheet"):
        window = sheet.enter(invoices)
    with run.step("Compare the sums"):
        sums = sheet.sums(window, len(invoices))
        for invoice, total in zip(invoices, sums):
            if total != invoice.total:
                run.fail_business("sum", f"{invoice.number}: {total} is not {invoice.total}")
    with run.step("Save"):
        sheet.save(LEDGER)
        run.attach(LEDGER)
        d.close(window)
    run.output("invoices", [{**asdict(i), "sum": s} for i, s in zip(invoices, sums)])


main()
