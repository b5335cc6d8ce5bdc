"""Whatever the form in which Stripe tells of something, the books say the same."""

import pytest

from billing.models import StripeEvent
from billing.services import events
from tests.billing.world import deliver, finalized, standing, start
from tests.stripe.thin import thin


def paid(stripe, session_id):
    return stripe.pay(session_id)


def debited(stripe, session_id):
    return [*stripe.pay(session_id, "bank"), *stripe.settle_bank(session_id, True)]


def not_debited(stripe, session_id):
    return [*stripe.pay(session_id, "bank"), *stripe.settle_bank(session_id, False)]


def expired(stripe, session_id):
    return stripe.expire(session_id)


def refunded(stripe, session_id):
    caused = stripe.pay(session_id)
    caused += stripe.refund_in_dashboard(intent_of(stripe, session_id), 2_500)
    refund = list(stripe.refunds.values())[-1]
    caused += [stripe.event("charge.refund.updated", refund)]
    return caused + stripe.fail_refund(refund["id"])


def disputed(stripe, session_id):
    caused = stripe.pay(session_id)
    caused += stripe.dispute(intent_of(stripe, session_id))
    dispute = list(stripe.disputes.values())[-1]
    caused += stripe.turn_dispute(dispute["id"], "under_review")
    return caused + stripe.turn_dispute(dispute["id"], "won")


def suspected(stripe, session_id):
    return [
        *stripe.pay(session_id),
        *stripe.warn_of_fraud(intent_of(stripe, session_id)),
    ]


def intent_of(stripe, session_id):
    return stripe.sessions[session_id]["payment_intent"]


# What happens, and what of it is acted on.
HAPPENINGS = {
    paid: {"checkout.session.completed"},
    debited: {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
    },
    not_debited: {
        "checkout.session.completed",
        "checkout.session.async_payment_failed",
    },
    expired: {"checkout.session.expired"},
    refunded: {
        "checkout.session.completed",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.refund.updated",
    },
    disputed: {
        "checkout.session.completed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    },
    suspected: {
        "checkout.session.completed",
        "radar.early_fraud_warning.created",
    },
}


def told(stripe, happen, write):
    """How the invoice stands, and what is kept of each event."""
    invoice = finalized()
    bodies = list(map(write, happen(stripe, start(invoice).session_id)))
    assert set(deliver(stripe, *bodies)) == {200}
    kept = StripeEvent.objects.in_bulk(
        [body["id"] for body in bodies], field_name="event_id"
    )
    return standing(invoice), [
        (record.type, record.status, record.note)
        for record in (kept[body["id"]] for body in bodies)
    ]


@pytest.mark.scenario(47)
@pytest.mark.django_db
@pytest.mark.usefixtures("audited")
@pytest.mark.parametrize("happen", HAPPENINGS, ids=lambda happen: happen.__name__)
def test_thin_events_tell_the_same_as_snapshots(stripe, happen):
    snapshots = told(stripe, happen, dict)

    assert told(stripe, happen, thin) == snapshots
    acted_on = {type_ for type_, status, _ in snapshots[1] if status == "processed"}
    assert acted_on == HAPPENINGS[happen]


def test_no_type_that_is_acted_on_is_left_out():
    assert set.union(*HAPPENINGS.values()) == set(events._ACTS)
