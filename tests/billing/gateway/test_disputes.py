from datetime import timedelta

import pytest
from django.utils import timezone

from billing.gateway.disputes import list_disputes, retrieve_dispute
from tests.billing.world import finalized, start

pytestmark = pytest.mark.django_db


def disputed(stripe, invoice) -> str:
    stripe.pay(start(invoice).session_id)
    stripe.dispute(list(stripe.intents)[-1])
    return list(stripe.disputes)[-1]


def test_amounts_are_those_of_the_books(stripe):
    # Stripe counts UGX in hundredths, which ISO 4217 does not.
    fact = retrieve_dispute(disputed(stripe, finalized("50000", "UGX")))

    assert (fact.amount, fact.currency) == (50_000, "UGX")
    assert [(each.amount, each.currency) for each in fact.movements] == [
        (-50_000, "UGX")
    ]


def test_a_fee_alone_moves_nothing(stripe, invoice):
    dispute_id = disputed(stripe, invoice)
    (entry,) = stripe.disputes[dispute_id]["balance_transactions"]
    entry |= {"amount": 0, "net": -entry["fee"]}

    assert retrieve_dispute(dispute_id).movements == ()


def test_a_day_is_said_where_an_answer_is_heard(stripe, invoice):
    dispute_id = disputed(stripe, invoice)
    assert retrieve_dispute(dispute_id).due_by is not None

    for none in (0, None):
        stripe.disputes[dispute_id]["evidence_details"]["due_by"] = none
        assert retrieve_dispute(dispute_id).due_by is None


def test_disputes_are_listed_by_when_they_were_opened(stripe, invoice):
    old = disputed(stripe, invoice)
    new = disputed(stripe, finalized())
    stripe.disputes[old]["created"] -= 7200
    now = timezone.now() + timedelta(seconds=1)

    hour = list_disputes(now - timedelta(hours=1), now)
    assert [fact.id for fact in hour] == [new]
    day = list_disputes(now - timedelta(days=1), now)
    assert [fact.id for fact in day] == [new, old]
