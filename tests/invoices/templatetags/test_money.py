from decimal import Decimal

import pytest
from django.template import Context, Template
from django.utils import translation


def render(amount: int | None, currency: str) -> str:
    template = Template("{% load money %}{{ amount|money:currency }}")
    return template.render(Context({"amount": amount, "currency": currency}))


def test_money_writes_minor_units():
    assert render(119000, "EUR") == "€1,190.00"


@pytest.mark.parametrize(
    ("language", "text"),
    [("de", "1.190,00\xa0€"), ("pt-br", "€\xa01.190,00"), (None, "€1,190.00")],
)
def test_money_follows_the_language(language, text):
    with translation.override(language):
        assert render(119000, "EUR") == text


def test_money_writes_nothing_where_there_is_no_amount_yet():
    assert render(None, "EUR") == ""


def test_price_keeps_the_decimals_that_were_typed():
    template = Template("{% load money %}{{ price|price:'EUR' }}")

    assert template.render(Context({"price": Decimal("0.012500")})) == "€0.0125"


def test_number_says_no_more_than_was_typed():
    template = Template("{% load money %}{{ quantity|number }}")

    with translation.override("de"):
        assert template.render(Context({"quantity": Decimal("1250.5000")})) == "1.250,5"


@pytest.mark.parametrize(
    ("language", "count", "text"),
    [
        ("de", 1, "1\xa0kB"),
        ("en", 999_000, "999\xa0kB"),
        ("de", 2_349_999, "2,3\xa0MB"),
        ("fr", 12_001, "13\xa0ko"),
        ("fr", 3_000_000, "3\xa0Mo"),
    ],
)
def test_size_is_in_the_symbols_of_the_language(language, count, text):
    template = Template("{% load money %}{{ count|size }}")

    with translation.override(language):
        assert template.render(Context({"count": count})) == text
