"""The Gnumeric sheet: one row for each line of an invoice, a sum under each invoice."""

from karakuri import desktop as d
from karakuri import run
from reading import cells, same_row
from values import amount

HEADER = ("Supplier", "Invoice", "Date", "Description", "Quantity", "Unit price", "Amount")


def literal(text):
    """Text that the sheet must not take for a formula, a number or a date, nor complete."""
    return "'" + " ".join(text.split())


def rows(invoices):
    """The content of the sheet; the amounts stand in column G."""
    yield [literal(title) for title in HEADER]
    last = 1
    for invoice in invoices:
        first = last + 1
        for item in invoice.lines:
            head = [literal(invoice.supplier), literal(invoice.number), invoice.date]
            numbers = [f"{n:f}" for n in (item.quantity, item.unit_price, item.amount)]
            yield [*head, literal(item.description), *numbers]
            last += 1
        yield [literal("Sum"), literal(invoice.number), "", "", "", "", f"=SUM(G{first}:G{last})"]
        last += 1


def enter(invoices):
    """Types the invoices into a new sheet and returns its window."""
    window = d.launch("gnumeric").window
    d.wait_for('text:"Statistics"')  # the last but two of the menus
    d.wait_still(300, window.rect)
    for row in rows(invoices):
        # Tab goes to the next cell, Return to the first cell of the next row.
        d.type_text("\t".join(row) + "\n")
    d.wait_still(300, window.rect)
    return window


def sums(window, count):
    """The sums the sheet shows, from the top."""
    for script in ("latin", "japanese"):
        page = cells(d.read_text(window.rect, script=script).lines)
        labels = sorted((c for c in page if c.key == "sum"), key=lambda c: c.rect.top)
        shown = [rightmost(page, label) for label in labels]
        if len(shown) == count and None not in shown:
            return shown
    run.fail_app("sums", f"the sheet should show {count} sums, {len(shown)} could be read")


def rightmost(page, label):
    row = [c for c in page if same_row(c.rect, label.rect)]
    return amount(max(row, key=lambda c: c.rect.right).text)


def save(path):
    """Saves the sheet as `path` by the dialog."""
    d.press("ctrl+s")
    d.wait_for('text:"File type:"')
    d.press("ctrl+a")
    d.type_text(path)
    d.click(d.text("Save").right_of('text:"Cancel"'))
    d.wait_gone('text:"File type:"')
    d.expect(d.text(path.rsplit("/", 1)[1], match="contains"))
