"""What `make chaos` compares would show a difference, if there were one."""

import pytest

from billing.models import Payment, StripeEvent
from invoices.services.documents import store_document
from tests.billing.world import deliver, start
from tests.chaos.books import differences
from tests.unguarded import unguarded

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]


def test_books_that_agree_have_no_difference_and_others_have(
    stripe, invoice, run_tasks, tmp_path, monkeypatch
):
    mail = tmp_path / "mail"
    monkeypatch.setenv("CHAOS_MAIL", str(mail))
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    run_tasks()
    store_document(invoice)
    (payment,) = Payment.objects.all()
    mail.write_text(f"<receipt-{payment.public_id}@localhost>\n" * 2)
    intents = {payment.payment_intent: (10_000, "eur")}

    def compared(intents, open_sessions=None):
        found = differences(intents, {}, open_sessions or {})
        return {line.partition(" ")[0] for line in found}

    assert compared(intents) == set()
    assert compared({payment.payment_intent: (9_999, "eur")}) == {"payment"}
    assert compared({}) == {"payment"}
    assert compared(intents, {"cs_1": "x", "cs_2": "x"}) == {"invoice"}
    mail.unlink()
    assert compared(intents) == {"mail"}
    StripeEvent.objects.update(status="failed", note="Crash")
    assert compared(intents) == {"mail", "event"}
    with unguarded():
        invoice.ledger.all().delete()
    assert compared(intents) > {"mail", "event", "payments", "the"}
