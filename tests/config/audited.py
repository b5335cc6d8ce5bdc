"""The books of a business in which everything happened, and what the audit says of them."""

from datetime import date
from io import StringIO

from django.core.management import CommandError, call_command

from billing.gateway.disputes import Dispute, Movement
from billing.models import Payment, Refund
from billing.services.desk import keep_held
from billing.services.disputing import apply_dispute
from invoices.services import numbering
from invoices.services.balances import apply_balance
from invoices.services.booking import book
from invoices.services.correcting import void_invoice
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.extending import extend_invoice
from invoices.services.finalizing import finalize_invoice
from invoices.services.locking import lock_invoice
from invoices.services.receiving import record_payment, reverse_payment
from tests.factories import CustomerFactory, InvoiceLineFactory


def write_books(business, now):
    """
    Five invoices of 119.00 EUR: paid and credited to the balance; paid from that; void;
    paid by card, partly refunded, partly disputed and won, with held money that was kept;
    open, after a payment that was taken back, and due later than it was at first. A
    number was skipped before the last.
    """
    customer = CustomerFactory(business=business, name="Anna Schmidt")
    paid, second, void, by_card, open_ = (
        InvoiceLineFactory(
            invoice__business=business, invoice__customer=customer
        ).invoice
        for _ in range(5)
    )
    for draft in (paid, second, void, by_card):
        finalize_invoice(invoice=draft, actor=None, now=now)
    numbering.raise_next_number(
        business=business,
        kind="invoice",
        next_value=8,
        day=date(2026, 3, 1),
        actor=None,
        now=now,
    )
    finalize_invoice(invoice=open_, actor=None, now=now)
    _transfer(paid, 12000, now)
    issue_credit_note(
        invoice=paid,
        quantities=None,
        reason="Returned",
        split=Split(to_balance=11900),
        actor=None,
        now=now,
    )
    apply_balance(invoice=second, amount=None, actor=None, now=now)
    void_invoice(invoice=void, actor=None, now=now)
    _card(by_card, now)
    reverse_payment(
        payment=_transfer(open_, 100, now), reason="Bounced", actor=None, now=now
    )
    extend_invoice(invoice=open_, due_date=date(2026, 5, 1), actor=None, now=now)


def _transfer(invoice, amount, now):
    fields = {"amount": amount, "received_on": date(2026, 3, 1)}
    return record_payment(invoice=invoice, fields=fields, actor=None, now=now)


def _card(invoice, now):
    payment = Payment.objects.create(
        invoice=invoice,
        payment_intent="pi_card",
        amount=11900,
        currency="EUR",
        status="succeeded",
        received_at=now,
    )
    Refund.objects.create(
        payment=payment,
        stripe_id="re_card",
        amount=500,
        currency="EUR",
        status="succeeded",
        requested_at=now,
    )
    for kind, source, amount in (
        ("payment", "pi_card", 11900),
        ("refund", "re_card", -500),
    ):
        book(
            invoice=lock_invoice(invoice.pk),
            kind=kind,
            source=source,
            amount=amount,
            currency="EUR",
            occurred_at=now,
            now=now,
        )
    _dispute(now)
    _hold_and_keep(invoice, now)


def _dispute(now):
    moves = [("txn_taken", -2000), ("txn_back", 2000)]
    apply_dispute(
        fact=Dispute(
            id="dp_card",
            payment_intent="pi_card",
            charge="ch_card",
            amount=2000,
            currency="EUR",
            status="won",
            reason="general",
            due_by=None,
            is_refundable=True,
            livemode=False,
            movements=tuple(Movement(*move, "EUR", now) for move in moves),
            opened_at=now,
        ),
        now=now,
    )


def _hold_and_keep(invoice, now):
    held = Payment.objects.create(
        invoice=invoice,
        payment_intent="pi_held",
        amount=3000,
        currency="EUR",
        status="held",
        problem="amount",
        received_at=now,
    )
    book(
        invoice=lock_invoice(invoice.pk),
        kind="held",
        source="pi_held",
        amount=3000,
        currency="EUR",
        occurred_at=now,
        now=now,
    )
    keep_held(payment=held, actor=None, now=now)


def audit(*arguments):
    """What the command prints, whether it fails or not."""
    output = StringIO()
    try:
        call_command("audit_books", *arguments, stdout=output)
    except CommandError as error:
        return output.getvalue() if error.returncode == 1 else ""
    assert "The books agree." in output.getvalue()
    return ""
