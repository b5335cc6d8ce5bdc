"""Books of some thousand invoices, on the database whose plans we are after."""

from datetime import UTC, datetime
from functools import partial

import pytest
from django.core.management import call_command

from benchmarks.scale import books, held_against, watching
from benchmarks.scale.firm import found_business
from benchmarks.scale.pages import ACTS, Reader
from benchmarks.scale.report import Audit, Compared, Found, Held, complaints, text
from invoices.models import Invoice

MANY = 4_000
# A list counts to 5,000 and skips the pages before its own, in one index and a part of it.
MOST_ROWS = 15_000
# Of those found by an index for themselves, with what any page of the back office reads.
SEARCHES = ("by_number", "payments_of", "payment_by_intent")
MOST_FOUND = 1_000


@pytest.mark.mysql
@pytest.mark.thorough
@pytest.mark.django_db(transaction=True)
def test_pages_of_many_invoices_read_no_whole_table(monkeypatch):
    monkeypatch.setattr(watching, "MANY", MANY // 4)
    now = datetime.now(UTC)
    found_business(MANY, now)
    for part in books.parts(MANY, now):
        books.write_part(part, MANY, now, lambda done: None)
    books.analyze()
    reader = Reader()
    found, touched = {}, {}

    for name, act in ACTS.items():
        act.do(reader, act.prepare(reader))
        prepared = act.prepare(reader)
        with watching.watched() as watch:
            cost = watching.cost_of(partial(act.do, reader, prepared))
        touched[name] = cost.rows
        found[name] = watching.full_scans(watch.statements)
    with watching.watched() as watch:
        held_against.look_at_the_latest()
    found["latest"] = watching.full_scans(watch.statements)

    assert {name: scans for name, scans in found.items() if scans} == {}
    assert {name: rows for name, rows in touched.items() if rows > MOST_ROWS} == {}
    assert {name for name in SEARCHES if touched[name] > MOST_FOUND} == set()
    call_command("audit_books")
    assert Invoice.objects.count() >= MANY


def _found(**changed: float) -> Found:
    few = {"milliseconds": 10.0, "statements": 4, "rows": 100, "resident_mb": 90}
    held = Held(whole=[10, 20], held=[2, 4], share=0.2)
    audits = [Audit(many, [], 1, 0.1, 70, 90) for many in (200, 200_000)]
    act = Compared("API, first page", few, few | changed, [])
    return Found(200_000, [act], audits, [90, 91], held, held, 8)


def test_what_did_not_grow_is_told_in_ratios():
    assert complaints(_found(milliseconds=20.0)) == []
    assert "API, first page" in text(_found())
    assert text(_found()).count("1.00 |") == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"milliseconds": 20.1}, "API, first page: 2.01 times the time of few."),
        ({"statements": 5}, "API, first page: 5 statements, and of few 4."),
    ],
)
def test_what_grew_is_said(changed, said):
    assert complaints(_found(**changed)) == [said]
