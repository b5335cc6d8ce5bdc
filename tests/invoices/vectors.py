"""Invoices published with the European standard, as bodies for the API."""

import json
import tomllib
from decimal import Decimal
from pathlib import Path

from invoices.money import to_minor
from tests.factories import TaxRateFactory

DATA = Path(__file__).parents[1] / "data"
VECTORS = json.loads((DATA / "invoice_vectors.json").read_text())
# What went wrong elsewhere.
FIXTURES = tomllib.loads((DATA / "invoice_fixtures.toml").read_text())["fixture"]
LANGUAGES = {"EUR": "de", "SEK": "sv"}


def minor(amount, currency):
    return to_minor(Decimal(amount), currency)


def rate_of(business, row):
    """The tax rate of a line or adjustment, made when it is first met."""
    percent = Decimal(row["tax_rate"] or 0)
    category = row["tax_category"]
    found = business.tax_rates.filter(category=category, percent=percent).first()
    made = found or TaxRateFactory(
        business=business,
        category=category,
        percent=percent,
        name=f"VAT {category} {percent.normalize():f} %",
        note="" if category == "S" else "No tax is charged.",
    )
    return str(made.public_id)


def body_of(vector, customer):
    return {
        "customer": str(customer.public_id),
        "currency": vector["currency"],
        "language": LANGUAGES.get(vector["currency"], "en"),
        "tax_rounding": "total",
        "prepaid_amount": vector["prepaid"],
        # All of them that round are Swedish, and round to whole crowns.
        "cash_rounding": 100 if "payable_rounding" in vector["tags"] else 0,
        "lines": [_line(row, customer.business) for row in vector["lines"]],
        "adjustments": [
            {
                "is_charge": row["kind"] == "charge",
                "reason": " ".join(row["reason"].split()),
                "amount": row["amount"],
                "tax_rate": rate_of(customer.business, row),
            }
            for row in vector["document_adjustments"]
        ],
    }


def _line(row, business):
    sums = {"charge": Decimal(0), "allowance": Decimal(0)}
    for adjustment in row["adjustments"]:
        sums[adjustment["kind"]] += Decimal(adjustment["amount"])
    return {
        "description": f"Line {row['id']}",
        "quantity": row["quantity"],
        "unit": row["unit"],
        "unit_price": row["unit_price"],
        "base_quantity": row["price_base_quantity"],
        "charge_amount": str(sums["charge"]),
        "discount_amount": str(sums["allowance"]),
        "tax_rate": rate_of(business, row),
    }


def expected_of(vector):
    """What it must come to, in minor units, as the API names it."""
    currency, expected = vector["currency"], vector["expected"]
    return {
        "subtotal": minor(expected["sum_of_lines"], currency),
        "net": minor(expected["net_total"], currency),
        "tax": minor(expected["tax_total"], currency),
        "total": minor(expected["grand_total"], currency),
        "prepaid": minor(vector["prepaid"], currency),
        "rounding": minor(vector["payable_rounding"], currency),
        "payable": minor(expected["amount_due"], currency),
    }


def taxes_of(vector):
    currency = vector["currency"]
    return {
        (
            row["tax_category"],
            Decimal(row["tax_rate"] or 0),
            minor(row["taxable"], currency),
            minor(row["tax"], currency),
        )
        for row in vector["expected"]["tax_breakdown"]
    }


def shown_taxes(shown):
    return {
        (row["category"], Decimal(row["percent"]), row["net"], row["amount"])
        for row in shown["taxes"]
    }


def nets_of(vector):
    return [
        minor(row["expected_line_total"], vector["currency"]) for row in vector["lines"]
    ]


def can_be_finalized(vector):
    """Below zero it is no invoice."""
    return Decimal(vector["expected"]["amount_due"]) >= 0
