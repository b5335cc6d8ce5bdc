"""
What a document said, as text that two readers write alike. No model is imported: a
migration reads this too.

The text is JSON as RFC 8785 wants it: keys sorted, no spaces, amounts as integers in
minor units, and what people type (quantities, prices, percentages) as strings of decimal
digits without zeros that say nothing. Of every document:

    v, kind, number, sequence, issue_date, currency, language, seller, buyer, net, tax,
    total, lines, taxes

An invoice has besides: due_date, reference, notes, revises (the number of the invoice it
stands for), tax_rounding, prices_include_tax, discount_percent, discount_amount,
adjustments, subtotal, discount, prepaid, rounding, payable. A credit note has besides:
invoice (its number), reason, reduces, refunds, to_balance, out_of_band.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

VERSION: Final = 1

_OF_ALL: Final = (
    "currency",
    "issue_date",
    "language",
    "seller",
    "buyer",
    "net",
    "tax",
    "total",
)
_OF_INVOICE: Final = (
    *_OF_ALL,
    "due_date",
    "reference",
    "notes",
    "tax_rounding",
    "prices_include_tax",
    "discount_percent",
    "discount_amount",
    "subtotal",
    "discount",
    "prepaid",
    "rounding",
    "payable",
)
_OF_CREDIT_NOTE: Final = (
    *_OF_ALL,
    "reason",
    "reduces",
    "refunds",
    "to_balance",
    "out_of_band",
)
_OF_EACH_LINE: Final = (
    "description",
    "quantity",
    "unit_price",
    "base_quantity",
    "net",
    "gross",
    "tax_name",
    "tax_category",
    "tax_percent",
)
_OF_LINE: Final = (
    *_OF_EACH_LINE,
    "unit",
    "discount_percent",
    "discount_amount",
    "charge_amount",
)
_OF_ADJUSTMENT: Final = (
    "is_charge",
    "reason",
    "percent",
    "amount",
    "net",
    "gross",
    "tax_name",
    "tax_category",
    "tax_percent",
)
_OF_TAX: Final = ("name", "category", "percent", "note", "net", "amount")


def of_invoice(
    invoice: Any, lines: Iterable[Any], adjustments: Iterable[Any], taxes: Iterable[Any]
) -> dict[str, Any]:
    """What an invoice says, but for its number. Rows of it come in their order."""
    return _values(invoice, _OF_INVOICE) | {
        "v": VERSION,
        "kind": "invoice",
        "revises": invoice.revises.number if invoice.revises_id else None,
        "lines": [_values(row, _OF_LINE) for row in lines],
        "adjustments": [_values(row, _OF_ADJUSTMENT) for row in adjustments],
        "taxes": _taxes(taxes),
    }


def of_credit_note(
    note: Any, lines: Iterable[Any], taxes: Iterable[Any]
) -> dict[str, Any]:
    """As `of_invoice`."""
    return _values(note, _OF_CREDIT_NOTE) | {
        "v": VERSION,
        "kind": "credit_note",
        "invoice": note.invoice.number,
        "lines": [_values(row, _OF_EACH_LINE) for row in lines],
        "taxes": _taxes(taxes),
    }


def numbered(content: Mapping[str, Any], number: str, sequence: int) -> str:
    """The text to be sealed, once the number is known."""
    return canonical({**content, "number": number, "sequence": sequence})


def canonical(content: Mapping[str, Any]) -> str:
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def chained(previous: str, own: str) -> str:
    """The hash of the chain so far and of what comes now; both are hexadecimal."""
    return sha256(previous + own)


def _taxes(rows: Iterable[Any]) -> list[dict[str, Any]]:
    ordered = sorted(rows, key=lambda row: (row.category, row.percent))
    return [_values(row, _OF_TAX) for row in ordered]


def _values(row: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        # Not normalize(), which writes 100 as 1E+2 and rounds to the context's digits.
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return value.isoformat() if isinstance(value, date) else value


def parsed(text: str) -> dict[str, Any]:
    """What a seal's content says; nothing where it is no JSON any more."""
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
