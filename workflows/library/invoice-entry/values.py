"""Amounts and dates as invoices write them."""

import re
import unicodedata
from datetime import date
from decimal import Decimal

CURRENCIES = {"$": "USD", "€": "EUR", "¥": "JPY", "円": "JPY"}
MONTHS = "january february march april may june july august september october november december"
_AMOUNT = re.compile(
    r"[^\d.,-]*(?P<whole>-?(\d{1,3}([., ]\d{3})+|\d+))([.,](?P<decimals>\d{1,2}))?[^\d.,]*"
)
_MONTH = r"(?P<month_name>[a-z]{3,})"
_DATES = (
    r"(?P<year>\d{4})\s*年\s*(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*日",
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
    r"(?P<day>\d{1,2})\.\s*(?P<month>\d{1,2})\.\s*(?P<year>\d{4})",
    _MONTH + r"\.?\s*(?P<day>\d{1,2}),?\s*(?P<year>\d{4})",
    r"(?P<day>\d{1,2})\.?\s*" + _MONTH + r"\.?,?\s*(?P<year>\d{4})",
)


def plain(text):
    """Full-width forms as ordinary ones, runs of white space as one space."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def amount(text):
    """¥1,200,000, €1.234,56 and $1,234.56 as a Decimal; None if `text` is no amount.

    Groups of three digits are thousands; one or two digits after the last `.` or `,` are decimals.
    """
    match = _AMOUNT.fullmatch(plain(text))
    if match is None:
        return None
    whole = re.sub("[., ]", "", match["whole"])
    return Decimal(f"{whole}.{match['decimals']}" if match["decimals"] else whole)


def currency(texts):
    """The currency whose sign stands most often in `texts`; None if there is none."""
    signs = [CURRENCIES[sign] for text in texts for sign in plain(text) if sign in CURRENCIES]
    return max(sorted(set(signs)), key=signs.count) if signs else None


def iso_date(text):
    """A date in one of the usual forms as 2026-11-05; None if `text` holds none."""
    for form in _DATES:
        match = re.search(form, plain(text).lower())
        if match:
            try:
                return date(int(match["year"]), month(match), int(match["day"])).isoformat()
            except ValueError:
                continue
    return None


def month(match):
    """The number of the month; 0 for a name that is none, also abbreviated."""
    groups = match.groupdict()
    if "month" in groups:
        return int(groups["month"])
    names = (name.startswith(groups["month_name"]) for name in MONTHS.split())
    return next((number for number, fits in enumerate(names, 1) if fits), 0)
