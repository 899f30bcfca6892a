"""Sales as a sheet (RFC 4180) that spreadsheet programs open as text and nothing else."""

import csv
import io
from collections.abc import Iterable

from app.core import clock, money
from app.dashboards.queries import Sale

_HEAD = ("Artwork", "Buyer", "E-mail", "Amount (USD)", "Refunded (USD)", "Sold (UTC)", "Reference")
# Spreadsheet programs take what begins so for a formula (owasp.org, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def sales_sheet(sales: Iterable[Sale]) -> str:
    """The sales as CSV with a head; amounts as `150.00`, moments in ISO 8601."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_HEAD)
    for sale in sales:
        writer.writerow(
            (
                as_text(sale.artwork_title),
                as_text(sale.buyer_name),
                as_text(sale.buyer_email),
                money.amount_text(sale.amount_cents),
                money.amount_text(sale.refunded_cents),
                clock.iso(sale.sold_at),
                f"GTW-{sale.payment_id}",
            )
        )
    return text.getvalue()


def as_text(value: str) -> str:
    """The value with an apostrophe before it when a program would take it for a formula."""
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA) else value
