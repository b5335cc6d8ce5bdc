"""What our books, our mail and our tasks say that Stripe's do not, or the reverse."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command
from django.db.models import Count, Sum
from django_tasks_db.models import DBTaskResult

from billing.gateway.amounts import to_stripe
from billing.models import Checkout, DisputeMovement, Payment, Refund, StripeEvent
from invoices.models import Document, Invoice, LedgerEntry

Facts = Mapping[str, tuple[Any, ...]]


def differences(
    intents: Facts, refunds: Facts, open_sessions: Mapping[str, str]
) -> list[str]:
    """
    A sentence for each; none if all is well.

    :param intents: of Stripe's payments, id to amount and currency
    :param refunds: of Stripe's refunds, id to amount and status
    :param open_sessions: id to the public id of the invoice that can be paid on it
    """
    return [
        *_audited(),
        *_compared("payment", intents, _our_payments()),
        *_compared("refund", refunds, _our_refunds()),
        *_ledger(),
        *_doubled(),
        *_sessions(open_sessions),
        *_events(),
        *_tasks(),
        *_mails(),
        *_documents(),
    ]


def _audited() -> Iterator[str]:
    out = StringIO()
    try:
        call_command("audit_books", files=True, stdout=out, stderr=StringIO())
    except CommandError:
        yield from (line.strip() for line in out.getvalue().splitlines()[1:])


def _our_payments() -> Facts:
    return {
        row.payment_intent: (
            to_stripe(row.amount, row.currency),
            row.currency.lower(),
        )
        for row in Payment.objects.all()
    }


def _our_refunds() -> Facts:
    return {
        str(row.stripe_id): (to_stripe(row.amount, row.currency), row.status)
        for row in Refund.objects.exclude(stripe_id=None)
    }


def _compared(what: str, theirs: Facts, ours: Facts) -> Iterator[str]:
    for name in sorted({*theirs, *ours}):
        if theirs.get(name) != ours.get(name):
            yield (
                f"{what} {name} is {theirs.get(name)} at Stripe, {ours.get(name)} here"
            )


def _ledger() -> Iterator[str]:
    """Its sum is what arrived and left, and what banks took and gave back."""
    came = Payment.objects.aggregate(sum=Sum("amount", default=0))["sum"]
    went = Refund.objects.filter(status="succeeded").aggregate(
        sum=Sum("amount", default=0)
    )["sum"]
    moved = DisputeMovement.objects.aggregate(sum=Sum("amount", default=0))["sum"]
    booked = LedgerEntry.objects.aggregate(sum=Sum("amount", default=0))["sum"]
    if booked != came - went + moved:
        yield f"the ledger has {booked}, of {came} that came, {went} that went, {moved} disputed"
    for invoice in Invoice.objects.with_amounts().filter(status="paid"):
        if invoice.paid != invoice.total:
            yield f"invoice {invoice} is paid, with {invoice.paid} of {invoice.total}"


def _doubled() -> Iterator[str]:
    """Nobody here wants anything back of one payment twice."""
    for payment in Payment.objects.annotate(count=Count("refunds")).filter(count__gt=1):
        yield f"payment {payment} went back {payment.count} times"


def _sessions(open_at_stripe: Mapping[str, str]) -> Iterator[str]:
    for invoice, count in Counter(open_at_stripe.values()).items():
        if count > 1:
            yield f"invoice {invoice} can be paid on {count} sessions at once"
    asked = Refund.objects.filter(status="requested")
    for refund in asked:
        yield f"refund {refund} never left"
    for checkout in Checkout.objects.filter(status="paid", payments=None):
        yield f"checkout {checkout} is paid, without a payment"


def _events() -> Iterator[str]:
    undone = StripeEvent.objects.exclude(status__in=["processed", "ignored"])
    for event in undone:
        yield f"event {event} is {event.status}: {event.note}"


def _tasks() -> Iterator[str]:
    rows = DBTaskResult.objects.exclude(status="SUCCESSFUL")
    rows = rows.values("task_path", "status", "exception_class_path")
    for row in rows.annotate(count=Count("pk")).order_by("task_path"):
        error = row["exception_class_path"]
        yield f"{row['count']} of {row['task_path']} are {row['status']} {error}".strip()


def _mails() -> Iterator[str]:
    """
    A receipt for each payment that settled, a word for each that is held, and for each
    refund that failed. Handed over twice under one Message-ID, a mail is one.
    """
    file = Path(os.environ["CHAOS_MAIL"])
    lines = file.read_text().splitlines() if file.exists() else []
    sent = {line.strip("<>").partition("@")[0] for line in lines}
    wanted = _wanted()
    kinds = ("receipt-", "payment-held-", "refund-failed-")
    for name in sorted(wanted - sent):
        yield f"mail {name} never left"
    for name in sorted(name for name in sent - wanted if name.startswith(kinds)):
        yield f"mail {name} left, for nothing"


def _wanted() -> set[str]:
    payments = {
        f"{'payment-held' if payment.is_held else 'receipt'}-{payment.public_id}"
        for payment in Payment.objects.all()
    }
    failed = Refund.objects.filter(status="failed").values_list("public_id", flat=True)
    return payments | {f"refund-failed-{public_id}" for public_id in failed}


def _documents() -> Iterator[str]:
    issued = Invoice.objects.exclude(status="draft")
    without = issued.exclude(pk__in=Document.objects.values("invoice"))
    for invoice in without:
        yield f"invoice {invoice} has no PDF"
