"""What went back: refunds and disputes at Stripe, against ours."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import batched
from typing import Final

from billing.gateway import disputes, refunds
from billing.gateway.listing import PAGE
from billing.models import Dispute, Payment, Refund
from billing.services import disputing, refunding, settling
from billing.services.reconciling.rounds import Round
from billing.services.statuses import known as known_status
from billing.states import (
    DisputeStatus,
    RefundStatus,
    dispute_can_become,
    refund_can_become,
)
from invoices.models import Invoice
from invoices.money import format_money

REFUNDS: Final = "refunds"
DISPUTES: Final = "disputes"

type Fact = refunds.Refund | disputes.Dispute


def check_refunds(round_: Round, since: datetime, until: datetime) -> None:
    """Each refund at Stripe is here, and says the same."""
    for page in batched(refunds.list_refunds(since, until), PAGE, strict=False):
        round_.breathe()
        round_.look(REFUNDS, len(page))
        rows = Refund.objects.filter(stripe_id__in=[fact.id for fact in page])
        known = {row.stripe_id: row for row in rows}
        invoices = _invoices(page)
        for fact in page:
            invoice = invoices.get(fact.payment_intent)
            with round_.each(REFUNDS, fact.id, invoice=invoice, about=fact.created_at):
                compare_refund(round_, fact, known.get(fact.id), invoice)


def compare_refund(
    round_: Round,
    fact: refunds.Refund,
    refund: Refund | None,
    invoice: Invoice | None,
) -> None:
    amount = format_money(fact.amount, fact.currency)
    if refund is None or refund_can_become(
        refund.status, known_status(RefundStatus, fact.status, fact.id)
    ):
        round_.mend(
            REFUNDS,
            fact.id,
            f"{amount} {fact.status}",
            partial(_apply_refund, round_, fact),
            invoice=invoice,
            about=fact.created_at,
        )
    elif (refund.amount, refund.currency, refund.status) != (
        *(fact.amount, fact.currency),
        fact.status,
    ):
        ours = format_money(refund.amount, refund.currency)
        words = (
            f"Stripe says {amount} {fact.status}, and we say {ours} {refund.status}."
        )
        round_.find(REFUNDS, fact.id, words, invoice=invoice, about=fact.created_at)


def _apply_refund(round_: Round, fact: refunds.Refund) -> bool:
    now = round_.clock()
    refund = refunding.apply_refund(fact=fact, now=now)
    if refund is None and _settle(fact, now):
        refund = refunding.apply_refund(fact=fact, now=now)
    # Of a payment that nothing here asked for: that is told of by itself.
    return refund is not None


def check_disputes(round_: Round, since: datetime, until: datetime) -> None:
    """As `check_refunds`."""
    for page in batched(disputes.list_disputes(since, until), PAGE, strict=False):
        round_.breathe()
        round_.look(DISPUTES, len(page))
        rows = Dispute.objects.filter(stripe_id__in=[fact.id for fact in page])
        known = {
            row.stripe_id: row
            for row in rows.prefetch_related("movements").iterator(PAGE)
        }
        invoices = _invoices(page)
        for fact in page:
            invoice = invoices.get(fact.payment_intent)
            with round_.each(DISPUTES, fact.id, invoice=invoice, about=fact.opened_at):
                compare_dispute(round_, fact, known.get(fact.id), invoice)


def compare_dispute(
    round_: Round,
    fact: disputes.Dispute,
    dispute: Dispute | None,
    invoice: Invoice | None,
) -> None:
    amount = format_money(fact.amount, fact.currency)
    if _is_news(fact, dispute):
        round_.mend(
            DISPUTES,
            fact.id,
            f"{amount} {fact.status}",
            partial(_apply_dispute, round_, fact),
            invoice=invoice,
            about=fact.opened_at,
        )
    elif dispute and dispute.status != fact.status:
        words = f"Stripe says {amount} {fact.status}, and we say {dispute.status}."
        round_.find(DISPUTES, fact.id, words, invoice=invoice, about=fact.opened_at)


def _is_news(fact: disputes.Dispute, dispute: Dispute | None) -> bool:
    if dispute is None or dispute_can_become(
        dispute.status, known_status(DisputeStatus, fact.status, fact.id)
    ):
        return True
    booked = {movement.stripe_id for movement in dispute.movements.all()}
    return not booked >= {movement.id for movement in fact.movements}


def _apply_dispute(round_: Round, fact: disputes.Dispute) -> bool:
    now = round_.clock()
    dispute = disputing.apply_dispute(fact=fact, now=now)
    if dispute is None and _settle(fact, now):
        dispute = disputing.apply_dispute(fact=fact, now=now)
    return dispute is not None


def _settle(fact: Fact, now: datetime) -> bool:
    """What went back may be older than the window, and its payment not known here."""
    return settling.settle_payment(payment_intent=fact.payment_intent, now=now)


def _invoices(page: Sequence[Fact]) -> dict[str, Invoice]:
    ids = [fact.payment_intent for fact in page]
    rows = Payment.objects.filter(payment_intent__in=ids).select_related("invoice")
    return {payment.payment_intent: payment.invoice for payment in rows}
