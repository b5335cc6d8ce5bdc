"""Who and what the demo is about; businesses and people are invented."""

from typing import NamedTuple

CUSTOMERS = {
    "Northwind Traders": ("accounts@northwind.example", "GB", "GB123456782"),
    "Kaffeehaus am Markt": ("buchhaltung@kaffeehaus.example", "DE", ""),
    "Sakura Press": ("keiri@sakura.example", "JP", ""),
    "Harbor & Finch LLC": ("ap@harborfinch.example", "US", ""),
    "Werkstatt Wien GmbH": ("office@werkstatt.example", "AT", "ATU12345675"),
}

MAIL = ("invoices", "reminders", "statements")
# Each with the mail that is for them.
CONTACTS = {
    "Werkstatt Wien GmbH": ("Buchhaltung", "rechnung@werkstatt.example", "invoices"),
    "Harbor & Finch LLC": ("Collections", "late@harborfinch.example", "reminders"),
}


class Sample(NamedTuple):
    """An invoice: issued `age` days ago, and what became of it, as `fates` has it."""

    customer: str
    currency: str
    age: int
    fate: str
    tax: str
    lines: tuple[tuple[str, str, str], ...]


SAMPLES = (
    Sample(
        "Harbor & Finch LLC", "USD", 118, "given_up", "No tax",
        (("Logo, two drafts", "2", "390"),),
    ),
    Sample(
        "Kaffeehaus am Markt", "EUR", 96, "disputed", "VAT 19 %",
        (("Identity and menu design", "4", "640"), ("Print proofs", "1", "86.50")),
    ),
    Sample("Sakura Press", "JPY", 71, "paid", "No tax", (("Cover artwork", "1", "180000"),)),
    Sample(
        "Northwind Traders", "EUR", 64, "credited", "VAT 19 %",
        (("Workshop, two days", "2", "980"),),
    ),
    Sample(
        "Kaffeehaus am Markt", "EUR", 40, "paid_in_part", "VAT 7 %",
        (("Menu cards, letterpress", "120", "1.95"),),
    ),
    Sample(
        "Harbor & Finch LLC", "USD", 33, "held", "No tax",
        (("Landing page, design", "3", "720"), ("Landing page, build", "2", "720")),
    ),
    Sample(
        "Werkstatt Wien GmbH", "EUR", 21, "void", "Reverse charge",
        (("Signage concept", "1", "1450"),),
    ),
    Sample(
        "Werkstatt Wien GmbH", "EUR", 20, "paid_twice", "Reverse charge",
        (("Signage concept", "1", "1540"),),
    ),
    Sample(
        "Northwind Traders", "EUR", 6, "looked_at", "VAT 19 %",
        (("Brand guidelines", "5.5", "640"), ("Font license", "1", "149.99")),
    ),
    Sample("Sakura Press", "JPY", 3, "open", "No tax", (("Illustrations", "6", "24500"),)),
    Sample(
        "Harbor & Finch LLC", "USD", 2, "open", "No tax",
        (("Design retainer", "1", "2400"),),
    ),
    Sample(
        "Kaffeehaus am Markt", "EUR", 0, "draft", "VAT 19 %",
        (("Window lettering", "1", "420"),),
    ),
    Sample("Sakura Press", "JPY", 0, "draft", "No tax", (("Spine lettering", "1", "32000"),)),
)  # fmt: skip
