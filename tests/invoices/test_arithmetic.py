"""The arithmetic, held to other people's invoices and to laws that hold for any."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.arithmetic import Adjustment, Line, Tax, compute, reachable
from invoices.exceptions import AmountOutOfRange
from invoices.money import LARGEST, to_major, to_minor

VECTORS = json.loads(
    (Path(__file__).parents[1] / "data" / "invoice_vectors.json").read_text()
)
STANDARD = Tax("S", Decimal(19))


def line(unit_price, quantity=1, tax=STANDARD, **more):
    return Line(Decimal(quantity), Decimal(unit_price), tax, **more)


def by_category(category, percent):
    return Tax(category, Decimal(percent or 0))


# Vectors: invoices published with the European standard


def read_line(row):
    sums = {"charge": Decimal(0), "allowance": Decimal(0)}
    for adjustment in row["adjustments"]:
        sums[adjustment["kind"]] += Decimal(adjustment["amount"])
    return Line(
        quantity=Decimal(row["quantity"]),
        unit_price=Decimal(row["unit_price"]),
        tax=by_category(row["tax_category"], row["tax_rate"]),
        base_quantity=Decimal(row["price_base_quantity"]),
        discount_amount=sums["allowance"],
        charge_amount=sums["charge"],
    )


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["id"])
def test_compute_agrees_with_published_invoices(vector):
    currency, expected = vector["currency"], vector["expected"]

    totals = compute(
        [read_line(row) for row in vector["lines"]],
        currency=currency,
        adjustments=[
            Adjustment(
                tax=by_category(row["tax_category"], row["tax_rate"]),
                is_charge=row["kind"] == "charge",
                value=Decimal(row["amount"]),
            )
            for row in vector["document_adjustments"]
        ],
        prepaid_amount=Decimal(vector["prepaid"]),
        cash_rounding=100 if "payable_rounding" in vector["tags"] else 0,
    )

    def minor(amount):
        return to_minor(Decimal(amount), currency)

    assert list(totals.line_nets) == [
        minor(row["expected_line_total"]) for row in vector["lines"]
    ]
    assert totals.subtotal == minor(expected["sum_of_lines"])
    assert totals.net == minor(expected["net_total"])
    assert {(t.tax, t.net, t.amount) for t in totals.taxes} == {
        (
            by_category(row["tax_category"], row["tax_rate"]),
            minor(row["taxable"]),
            minor(row["tax"]),
        )
        for row in expected["tax_breakdown"]
    }
    assert totals.tax == minor(expected["tax_total"])
    assert totals.total == minor(expected["grand_total"])
    assert totals.rounding == minor(vector["payable_rounding"])
    assert totals.payable == minor(expected["amount_due"])


@pytest.mark.parametrize("vector", VECTORS["line_vectors"], ids=str)
def test_lines_agree_with_published_invoices(vector):
    adjustment = Decimal(vector["adjustment"])

    net = Line(
        quantity=Decimal(vector["quantity"]),
        unit_price=Decimal(vector["unit_price"]),
        tax=STANDARD,
        base_quantity=Decimal(vector["price_base_quantity"]),
        charge_amount=adjustment,
    ).amount(vector["currency"])

    assert net == to_minor(Decimal(vector["expected_line_total"]), vector["currency"])


@pytest.mark.parametrize("vector", VECTORS["tax_vectors"], ids=str)
def test_taxes_agree_with_published_invoices(vector):
    currency = vector["currency"]
    tax = Tax("S", Decimal(vector["tax_rate"]))

    amount = tax.on(to_minor(Decimal(vector["taxable"]), currency))

    assert amount == to_minor(Decimal(vector["expected_tax"]), currency)


# What went wrong elsewhere


@pytest.mark.parametrize(
    ("per_line", "tax"), [(False, 1533), (True, 1534)], ids=["total", "line"]
)
def test_rounding_on_the_total_and_on_every_line_may_differ_by_a_cent(per_line, tax):
    percent = Tax("S", Decimal(23))
    lines = [line("55.55", tax=percent), line("11.11", tax=percent)]

    totals = compute(lines, currency="EUR", tax_per_line=per_line)

    assert (totals.net, totals.tax) == (6666, tax)


@pytest.mark.parametrize("per_line", [False, True])
def test_half_a_cent_of_tax_is_rounded_up(per_line):
    percent = Tax("S", Decimal(15))
    lines = [line("0.43", tax=percent), line("4.84", tax=percent)]

    assert [percent.on(43), percent.on(484)] == [6, 73]
    assert compute(lines, currency="USD", tax_per_line=per_line).tax == 79


def test_negative_line_takes_its_tax_with_it():
    totals = compute([line(8500), line(-7500)], currency="EUR")

    assert (totals.net, totals.tax, totals.total) == (100_000, 19_000, 119_000)


def test_discount_of_a_hundred_percent_leaves_nothing():
    whole = line("64.22", "2.25")
    free = line("64.22", "2.25", discount_percent=Decimal(100))

    assert (whole.amount("EUR"), free.amount("EUR")) == (14450, 0)


def test_net_price_from_a_gross_price_keeps_its_decimals():
    percent = Tax("S", Decimal(21))

    totals = compute([line("313.223140", 2, tax=percent)], currency="EUR")

    assert (totals.net, totals.tax, totals.total) == (62645, 13155, 75800)


def test_five_times_84_03_is_taxed_by_policy():
    lines = [line("84.03")] * 5

    once = compute(lines, currency="EUR")
    each = compute(lines, currency="EUR", tax_per_line=True)

    assert (once.net, once.tax, once.total) == (42015, 7983, 49998)
    assert (each.net, each.tax, each.total) == (42015, 7985, 50000)


# The document discount


def test_document_discount_is_shared_among_the_rates():
    reduced = Tax("S", Decimal(7))
    lines = [line("70"), line("30", tax=reduced)]

    totals = compute(
        lines,
        currency="EUR",
        discount_percent=Decimal(10),
        discount_amount=Decimal("0.01"),
    )

    assert (totals.subtotal, totals.discount, totals.net) == (10000, 1001, 8999)
    assert [(t.tax.percent, t.net, t.amount) for t in totals.taxes] == [
        (7, 2700, 189),
        (19, 6299, 1197),
    ]


def test_document_discount_comes_off_every_line_where_tax_is_per_line():
    lines = [line("0.03"), line("0.03"), line("0.03")]

    totals = compute(
        lines, currency="EUR", discount_amount=Decimal("0.04"), tax_per_line=True
    )

    assert (totals.net, totals.tax) == (5, 0)


def test_document_discount_may_take_all_but_no_more():
    lines = [line("10")]

    assert compute(lines, currency="EUR", discount_amount=Decimal(10)).total == 0
    with pytest.raises(AmountOutOfRange, match="discount is larger"):
        compute(lines, currency="EUR", discount_amount=Decimal("10.01"))


def test_discount_needs_something_to_be_taken_from():
    with pytest.raises(AmountOutOfRange, match="discount is larger"):
        compute([line("-10")], currency="EUR", discount_amount=Decimal(1))


def test_compute_refuses_a_total_that_fits_no_books():
    # Each fits; both together do not.
    half = to_major(LARGEST // 2 + 1, "EUR")

    with pytest.raises(AmountOutOfRange, match="total is larger"):
        compute([line(half), line(half)], currency="EUR")


def test_compute_of_no_lines_is_nothing():
    totals = compute([], currency="EUR")

    assert (totals.line_nets, totals.taxes, totals.total) == ((), (), 0)


def test_charge_and_discount_are_rounded_themselves():
    both = line(
        "1",
        discount_amount=Decimal("0.005"),
        charge_amount=Decimal("0.005"),
    )

    assert both.amount("EUR") == 100


# Prices with tax, adjustments, and what is payable


@pytest.mark.parametrize(
    ("prices", "percent", "per_line", "net", "tax"),
    [
        (["100"] * 5, 19, False, 42017, 7983),
        (["100"] * 5, 19, True, 42015, 7985),
        (["500"], 10, False, 45455, 4545),
        (["758"], 21, False, 62645, 13155),
        (["99.99"], 19, False, 8403, 1596),
        (["-99.99"], 19, True, -8403, -1596),
        (["10", "-10"], 19, False, 0, 0),
    ],
)
def test_prices_with_tax_keep_their_total(prices, percent, per_line, net, tax):
    rate = Tax("S", Decimal(percent))

    totals = compute(
        [line(price, tax=rate) for price in prices],
        currency="EUR",
        prices_include_tax=True,
        tax_per_line=per_line,
    )

    assert (totals.net, totals.tax) == (net, tax)
    assert totals.total == totals.subtotal
    assert sum(totals.line_nets) == net


def test_units_that_rounding_loses_go_where_they_show_least():
    lines = [line("100"), line("300"), line("100"), line("100"), line("-100")]

    totals = compute(lines, currency="EUR", prices_include_tax=True)

    # 252.10, 84.03 and -84.03 by themselves come to 420.16, and the whole to 420.17.
    assert totals.line_nets == (8403, 25211, 8403, 8403, -8403)


def test_adjustments_are_of_the_sum_of_the_lines_and_no_part_of_the_discount():
    reduced = Tax("S", Decimal(7))

    totals = compute(
        [line("100"), line("-20")],
        currency="EUR",
        discount_percent=Decimal(50),
        adjustments=[
            Adjustment(reduced, is_charge=True, value=Decimal("0.055")),
            Adjustment(STANDARD, is_charge=False, percent=Decimal("12.5")),
        ],
    )

    assert (totals.subtotal, totals.discount) == (8000, 4000)
    assert totals.adjustment_amounts == totals.adjustment_nets == (6, -1000)
    assert [(t.tax, t.net) for t in totals.taxes] == [(reduced, 6), (STANDARD, 3000)]


@pytest.mark.parametrize(
    ("price", "prepaid", "unit", "rounding", "payable"),
    [
        ("578.75", "0", 100, 25, 57900),
        ("578.50", "0", 100, 50, 57900),
        ("578.49", "0", 100, -49, 57800),
        ("10.02", "0", 5, -2, 1000),
        ("10.03", "0", 5, 2, 1005),
        ("10.025", "0", 5, 2, 1005),
        ("10.03", "5.01", 5, -2, 500),
        ("-0.50", "0", 100, -50, -100),
        ("10.03", "0", 0, 0, 1003),
        ("10.03", "10.03", 100, 0, 0),
        ("1", "2", 0, 0, -100),
    ],
)
def test_what_is_payable_is_rounded_half_up(price, prepaid, unit, rounding, payable):
    totals = compute(
        [line(price, tax=Tax("Z", Decimal(0)))],
        currency="CHF",
        prepaid_amount=Decimal(prepaid),
        cash_rounding=unit,
    )

    assert (totals.rounding, totals.payable) == (rounding, payable)


@pytest.mark.parametrize(
    ("lines", "per_line", "wanted", "totals"),
    [
        ([line("84.03")], False, 9999, (9998, 10000)),
        ([line("1")], False, 10000, (10000,)),
        ([line("1"), line("1", tax=Tax("Z", Decimal(0)))], False, 9999, (9999,)),
        ([line("0.03"), line("0.03")], True, 9, (9,)),
        ([line("0.03"), line("0.03")], True, 10, (10,)),
        ([], False, 9999, (9999,)),
    ],
)
def test_reachable_says_which_totals_there_are(lines, per_line, wanted, totals):
    now = compute(lines, currency="EUR", tax_per_line=per_line)

    assert reachable(wanted, now) == totals


# Laws


def decimals(least, most, places):
    """Drawn as integers: many times quicker than `st.decimals`."""
    scale = 10**places
    whole = st.integers(int(least * scale), int(most * scale))
    return whole.map(lambda number: Decimal(number).scaleb(-places))


PERCENTS = decimals(0, 100, 3)
TAXES = st.builds(Tax, st.just("S"), st.sampled_from([0, 7, 19, 21]).map(Decimal))
QUANTITIES = st.one_of(
    decimals(Decimal("0.0001"), 10_000, 4), decimals(-10_000, Decimal("-0.0001"), 4)
)
LINES = st.lists(
    st.builds(
        Line,
        quantity=QUANTITIES,
        unit_price=decimals(-10_000, 100_000, 6),
        tax=TAXES,
        base_quantity=decimals(1, 1000, 4),
        discount_percent=PERCENTS,
        discount_amount=decimals(0, 100, 4),
        charge_amount=decimals(0, 100, 4),
    ),
    max_size=8,
)
CURRENCIES = st.sampled_from(["JPY", "EUR", "KWD", "CLF"])
ADJUSTMENTS = st.lists(
    st.builds(
        Adjustment,
        tax=TAXES,
        is_charge=st.booleans(),
        value=decimals(0, 1000, 4),
        percent=PERCENTS,
    ),
    max_size=4,
)
TERMS = st.fixed_dictionaries(
    {
        "currency": CURRENCIES,
        "discount_percent": PERCENTS,
        "tax_per_line": st.booleans(),
        "prices_include_tax": st.booleans(),
        "prepaid_amount": decimals(0, 10_000, 4),
        "cash_rounding": st.sampled_from([0, 1, 5, 10, 100]),
    }
)


@given(LINES, ADJUSTMENTS, TERMS)
def test_what_is_priced_comes_to_the_total_or_to_the_net(lines, adjustments, terms):
    totals = compute(lines, adjustments=adjustments, **terms)

    priced = totals.subtotal - totals.discount + sum(totals.adjustment_amounts)
    assert priced == (totals.total if terms["prices_include_tax"] else totals.net)


@given(LINES, ADJUSTMENTS, TERMS)
def test_what_is_payable_is_the_next_multiple(lines, adjustments, terms):
    unit = terms["cash_rounding"] or 1

    totals = compute(lines, adjustments=adjustments, **terms)

    assert totals.payable % unit == 0
    assert abs(totals.rounding) * 2 <= unit


@given(st.data(), LINES, ADJUSTMENTS, TERMS)
def test_order_of_lines_does_not_matter(data, lines, adjustments, terms):
    places = data.draw(st.permutations(range(len(lines))))
    shuffled = [lines[place] for place in places]
    others = data.draw(st.permutations(adjustments))

    once = compute(lines, adjustments=adjustments, **terms)
    again = compute(shuffled, adjustments=others, **terms)

    assert (once.taxes, once.payable) == (again.taxes, again.payable)
    assert sorted(once.line_nets) == sorted(again.line_nets)


@given(LINES, TERMS)
def test_nets_of_lines_with_tax_sum_to_the_net_of_their_rate(lines, terms):
    terms |= {"prices_include_tax": True, "discount_percent": Decimal(0)}

    totals = compute(lines, **terms)

    nets = dict.fromkeys((line.tax for line in lines), 0)
    for line, net in zip(lines, totals.line_nets, strict=True):
        nets[line.tax] += net
    assert nets == {each.tax: each.net for each in totals.taxes}


@given(LINES, TERMS)
def test_a_document_below_zero_is_that_above_it_turned_round(lines, terms):
    terms |= {"discount_percent": Decimal(0), "prepaid_amount": Decimal(0)}
    plain = [
        replace(line, discount_amount=Decimal(0), charge_amount=Decimal(0))
        for line in lines
    ]

    once = compute(plain, **terms)
    turned = compute([replace(x, quantity=-x.quantity) for x in plain], **terms)

    assert (turned.net, turned.tax) == (-once.net, -once.tax)
    assert turned.payable == -once.payable


@given(st.integers(-(10**6), 10**6), PERCENTS, st.integers(-300, 300))
def test_reachable_totals_are_the_next_there_are(net, percent, off):
    tax = Tax("S", percent)
    only = compute([Line(Decimal(net), Decimal(1), tax)], currency="JPY")
    wanted = only.total + off

    near = reachable(wanted, only)

    # A net changes a total by one at least: those tried go far enough.
    totals = {each + tax.on(each) for each in range(net - 301, net + 302)}
    assert set(near) <= totals
    assert [total for total in totals if near[0] < total < near[-1]] == []
    assert near[0] <= wanted <= near[-1]


@given(LINES, TERMS, st.integers(-(10**6), 10**6))
def test_prices_with_tax_reach_any_total(lines, terms, wanted):
    totals = compute(lines, **terms | {"prices_include_tax": True})

    assert reachable(wanted, totals) == (wanted,)


@given(st.integers(-(10**15), 10**15), PERCENTS)
def test_tax_is_never_more_than_half_a_unit_off(net, percent):
    exact = Decimal(net) * percent / 100

    assert abs(Tax("S", percent).on(net) - exact) <= Decimal("0.5")
