import pytest

from billing.exceptions import AmountNotPayable
from billing.gateway.amounts import from_stripe, smallest_charge, to_stripe
from invoices.money import EXPONENTS
from tests.stripe.currencies import SUPPORTED, step


@pytest.mark.parametrize(
    ("amount", "currency", "charged"),
    [
        (1234, "USD", 1234),
        (500, "JPY", 500),
        (5, "UGX", 500),
        (7, "ISK", 700),
        (5120, "KWD", 5120),
        (20_000, "HUF", 20_000),
        (1200, "MGA", 12),
        (99_999_999, "EUR", 99_999_999),
        (999_999, "ISK", 99_999_900),
    ],
)
def test_amounts_are_converted_both_ways(amount, currency, charged):
    assert to_stripe(amount, currency) == charged
    assert from_stripe(charged, currency) == amount


@pytest.mark.parametrize(
    ("amount", "currency", "sentence"),
    [
        (5124, "KWD", "Only steps of KWD\xa00.010 can be paid here."),
        (1250, "MGA", "Only steps of MGA\xa01.00 can be paid here."),
        (100_000_000, "EUR", "€999,999.99 is the most that can be paid at once."),
        (1_000_000, "UGX", "UGX\xa0999,999 is the most that can be paid at once."),
    ],
)
def test_what_stripe_cannot_charge_exactly_is_refused(amount, currency, sentence):
    with pytest.raises(AmountNotPayable, match=f"^{sentence}$"):
        to_stripe(amount, currency)


def test_whatever_stripe_takes_of_a_currency_comes_back_the_same():
    for currency in sorted(EXPONENTS.keys() & {code.upper() for code in SUPPORTED}):
        charged = 1000 * step(currency.lower())
        amount = from_stripe(charged, currency)

        assert to_stripe(amount, currency) == charged, currency


def test_money_in_a_currency_iso_has_not_keeps_the_figures_of_stripe():
    assert from_stripe(1234, "ZZZ") == 1234


@pytest.mark.parametrize(
    ("currency", "least"), [("EUR", 50), ("JPY", 50), ("KWD", 10), ("MGA", 100)]
)
def test_the_smallest_charge_is_one_that_can_be_charged(currency, least):
    assert smallest_charge(currency) == least
    assert to_stripe(least, currency) > 0
