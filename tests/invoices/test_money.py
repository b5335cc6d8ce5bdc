from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.exceptions import AmountOutOfRange, UnknownCurrency
from invoices.money import (
    LARGEST,
    exponent,
    format_money,
    format_number,
    format_price,
    portion,
    share,
    to_major,
    to_minor,
)


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [
        ("JPY", "500", 500),
        ("JPY", "500.5", 501),
        ("EUR", "120", 12000),
        ("EUR", "0.005", 1),
        ("EUR", "-0.005", -1),
        ("EUR", "0.00499999", 0),
        ("KWD", "5.124", 5124),
        ("KWD", "5.1245", 5125),
        ("CLF", "1.00005", 10001),
        ("UYW", "-1.00005", -10001),
    ],
)
def test_to_minor_rounds_half_away_from_zero_by_the_currency(currency, amount, minor):
    assert to_minor(Decimal(amount), currency) == minor


def test_to_major_goes_back():
    assert to_major(5124, "KWD") == Decimal("5.124")
    assert to_major(500, "JPY") == 500


@pytest.mark.parametrize("code", ["XYZ", "eur", "", "EURO", "DEM"])
def test_exponent_refuses_what_is_no_currency(code):
    with pytest.raises(UnknownCurrency, match="is no currency"):
        exponent(code)


def test_to_minor_refuses_more_than_the_books_can_hold():
    largest = to_major(LARGEST, "EUR")

    assert to_minor(largest, "EUR") == LARGEST
    for amount in (largest + Decimal("0.01"), -largest - Decimal("0.01")):
        with pytest.raises(AmountOutOfRange):
            to_minor(amount, "EUR")


@given(
    st.integers(-(10**17), 10**17).map(lambda number: Decimal(number).scaleb(-8)),
    st.sampled_from(["JPY", "EUR", "KWD", "CLF"]),
)
def test_rounding_is_half_away_from_zero_and_symmetric(amount, currency):
    rounded = amount.quantize(Decimal(10) ** -exponent(currency), ROUND_HALF_UP)

    minor = to_minor(amount, currency)

    assert to_major(minor, currency) == rounded
    assert to_minor(-amount, currency) == -minor


# Splitting


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (10, [1, 1, 1], [4, 3, 3]),
        (10, [0, 1], [0, 10]),
        (-10, [1, 1, 1], [-3, -3, -4]),
        (7, [], []),
        (7, [0, 0], [7, 0]),
        (7, [-1, 1], [7, 0]),
        (10, [-1, -1, -1], [4, 3, 3]),
        (5, [100, -50], [10, -5]),
    ],
)
def test_share_splits_to_the_unit(amount, weights, parts):
    assert share(amount, weights) == parts


@given(
    st.integers(-(10**15), 10**15),
    st.lists(st.integers(1, 10**6), min_size=1, max_size=20),
)
def test_portions_up_to_each_point_sum_to_the_whole(amount, parts):
    whole = sum(parts)
    points = [0, *accumulate(parts)]

    taken = [
        portion(amount, end, whole) - portion(amount, start, whole)
        for start, end in pairwise(points)
    ]

    assert sum(taken) == amount
    exact = [Decimal(amount) * part / whole for part in parts]
    assert all(abs(a - b) <= 1 for a, b in zip(taken, exact, strict=True))


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(-(10**15), 10**15)))
def test_shares_sum_to_the_whole(amount, weights):
    parts = share(amount, weights)

    assert len(parts) == len(weights)
    assert sum(parts) == (amount if weights else 0)


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**15), min_size=1))
def test_no_share_is_a_unit_off(amount, weights):
    whole = sum(weights)

    for part, weight in zip(share(amount, weights), weights, strict=True):
        if whole:
            assert abs(part * whole - amount * weight) < whole


# As people read it


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "text"),
    [
        (119000, "EUR", "en", "€1,190.00"),
        (119000, "EUR", "de", "1.190,00\xa0€"),
        (119000, "USD", "en", "$1,190.00"),
        (-500, "CHF", "en", "-CHF\xa05.00"),
        (500, "JPY", "en", "¥500"),
        (5124, "KWD", "en", "KWD\xa05.124"),
        (5124, "IQD", "en", "IQD\xa05.124"),
        (12345, "CLF", "en", "CLF\xa01.2345"),
        (0, "EUR", "fr", "0,00\xa0€"),
        (119000, "CHF", "de", "CHF\xa01’190.00"),  # noqa: RUF001 - as it is written
        (-119000, "CHF", "it", "CHF-1’190.00"),  # noqa: RUF001 - as it is written
        (1190000, "EUR", "pt", "11\xa0900,00\xa0€"),
        (1190000, "BRL", "pt", "R$\xa011.900,00"),
        (LARGEST, "EUR", "en", "€10,000,000,000,000.00"),
    ],
)
def test_format_money_has_the_decimals_of_the_currency(amount, currency, locale, text):
    assert format_money(amount, currency, locale) == text


def test_format_money_refuses_what_is_no_currency():
    with pytest.raises(UnknownCurrency):
        format_money(1, "XYZ")


@pytest.mark.parametrize(
    ("price", "currency", "text"),
    [
        ("5", "EUR", "€5.00"),
        ("0.012500", "EUR", "€0.0125"),
        ("0.5", "JPY", "¥0.5"),
        ("1234.000000", "KWD", "KWD\xa01,234.000"),
    ],
)
def test_format_price_keeps_what_was_typed(price, currency, text):
    assert format_price(Decimal(price), currency) == text


@pytest.mark.parametrize(
    ("number", "locale", "text"),
    [("1.0000", "en", "1"), ("1250.5000", "de", "1.250,5"), ("0.0001", "en", "0.0001")],
)
def test_format_number_says_no_more_than_was_typed(number, locale, text):
    assert format_number(Decimal(number), locale) == text
