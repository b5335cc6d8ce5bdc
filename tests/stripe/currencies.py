"""What Stripe takes in which currency: https://docs.stripe.com/currencies."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

SUPPORTED = frozenset(Path(__file__).with_suffix(".txt").read_text().split())

# fmt: off
ZERO_DECIMAL = frozenset({
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv",
    "xaf", "xof", "xpf",
})
# fmt: on
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})

# Amounts must be a multiple: whole units sent with two decimals, or thousandths that
# card networks settle in hundredths.
STEPS: Mapping[str, int] = {"isk": 100, "ugx": 100} | dict.fromkeys(THREE_DECIMAL, 10)

# Half a US dollar or so. Stripe compares after conversion; for the others one unit does.
MINIMUMS: Mapping[str, int] = (
    dict.fromkeys(
        ["aud", "brl", "cad", "chf", "eur", "inr", "jpy", "nzd", "sgd", "usd"], 50
    )
    | dict.fromkeys(["aed", "myr", "pln", "ron"], 200)
    | dict.fromkeys(["nok", "sek"], 300)
    | {"bgn": 100, "czk": 1500, "dkk": 250, "gbp": 30, "hkd": 400}
    | {"huf": 17500, "mxn": 1000}
)
MAXIMUM = 99_999_999


def minimum(currency: str) -> int:
    return MINIMUMS.get(currency, 1)


def step(currency: str) -> int:
    return STEPS.get(currency, 1)


def formatted(amount: int, currency: str) -> str:
    """A person's form of Stripe's integer: `EUR 1,234.50`, `JPY 500`, `KWD 5.120`."""
    places = _places(currency)
    return f"{currency.upper()} {Decimal(amount).scaleb(-places):,.{places}f}"


def _places(currency: str) -> int:
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2
