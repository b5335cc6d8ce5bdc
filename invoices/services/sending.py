"""Mailing documents to their customers."""

from datetime import date, datetime, timedelta
from typing import Final

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.tasks import TaskContext, task

from accounts.emails import name_message
from accounts.models import Event, User
from accounts.services.events import record_event
from invoices import emails
from invoices.exceptions import InvalidTransition, TooMuchMail
from invoices.models import CreditNote, Customer, Delivery, Invoice
from invoices.services import delivering
from invoices.services.locking import lock_invoice
from invoices.services.opening import renew_link
from invoices.states import InvoiceStatus

TESTS_A_DAY: Final = 50


@transaction.atomic
def send_invoice(*, invoice: Invoice, actor: User | None, now: datetime) -> Invoice:
    """
    Mail the customer and its contacts the link to pay and the PDF, and renew the link.

    The mail leaves by a task written in the same transaction. Sending again mails again.

    :raises InvalidTransition: if the invoice is a draft or void
    :raises TooMuchMail: if the business sent as many in a day as it may
    """
    invoice = lock_invoice(invoice.pk)
    _check_sendable(invoice)
    renew_link(invoice, now)
    invoice.sent_at = now
    invoice.save(update_fields=["sent_at", "link_expires_at", "updated_at"])
    delivery = delivering.queue(
        kind=Delivery.Kind.INVOICE,
        subject=invoice,
        to=delivering.recipients(invoice.customer, Delivery.Kind.INVOICE),
        now=now,
    )
    _record("invoice.sent", invoice, delivery, actor, now)
    return invoice


@transaction.atomic
def send_credit_note(
    *, credit_note: CreditNote, actor: User | None, now: datetime
) -> Delivery:
    """
    Mail the customer and its contacts a credit note. Sending again mails again.

    :raises TooMuchMail: if the business sent as many in a day as it may
    """
    # A delivery names the invoice, and may so wait for whoever holds it.
    lock_invoice(credit_note.invoice_id)
    delivery = delivering.queue(
        kind=Delivery.Kind.CREDIT_NOTE,
        subject=credit_note,
        to=delivering.recipients(credit_note.customer, Delivery.Kind.CREDIT_NOTE),
        now=now,
    )
    _record("credit_note.sent", credit_note, delivery, actor, now)
    return delivery


@transaction.atomic
def send_statement(
    *,
    customer: Customer,
    currency: str,
    start: date,
    end: date,
    actor: User | None,
    now: datetime,
) -> Delivery:
    """
    Mail the customer and its contacts a statement of account, worked out when it leaves.

    :param start: the first day, `end` the last
    :raises TooMuchMail: if the business sent as many in a day as it may
    """
    delivery = delivering.queue(
        kind=Delivery.Kind.STATEMENT,
        subject=customer,
        to=delivering.recipients(customer, Delivery.Kind.STATEMENT),
        now=now,
        period=(currency, start, end),
    )
    _record("customer.statement_sent", customer, delivery, actor, now)
    return delivery


def preview_mail(*, invoice: Invoice) -> EmailMultiAlternatives:
    """
    What `send_invoice` would mail, without what is attached.

    :raises InvalidTransition: if the invoice is a draft or void
    """
    _check_sendable(invoice)
    return emails.invoice_sent(
        invoice, delivering.recipients(invoice.customer, Delivery.Kind.INVOICE)
    )


@transaction.atomic
def send_test(*, invoice: Invoice, actor: User, now: datetime) -> None:
    """
    Mail the actor what the customer would get.

    :raises InvalidTransition: if the invoice is a draft or void
    :raises TooMuchMail: if the actor did so `TESTS_A_DAY` times within a day
    """
    _check_sendable(invoice)
    tests = Event.objects.filter(
        actor=actor, type="invoice.test_sent", occurred_at__gt=now - timedelta(days=1)
    )
    if tests.count() >= TESTS_A_DAY:
        raise TooMuchMail(
            f"You have sent yourself {TESTS_A_DAY} tests within a day, which is as many "
            "as one may. Send the next tomorrow."
        )
    record_event(
        type="invoice.test_sent",
        subject=invoice,
        business=invoice.business,
        actor=actor,
        now=now,
    )
    _mail_test.enqueue(invoice_id=invoice.pk, to=actor.email)


@task(takes_context=True)
def _mail_test(
    context: TaskContext[[int, str], None], invoice_id: int, to: str
) -> None:
    """Mail an invoice to a member of its business, to look at it."""
    invoice = Invoice.objects.select_related("business", "customer").get(pk=invoice_id)
    message = emails.invoice_sent(invoice, [to])
    message.subject = f"Test: {message.subject}"
    name_message(message, f"test-{context.task_result.id}")
    delivering.attach(message, invoice)
    message.send()


def _check_sendable(invoice: Invoice) -> None:
    if invoice.status in {InvoiceStatus.DRAFT, InvoiceStatus.VOID}:
        raise InvalidTransition(
            f"This invoice is {invoice.get_status_display().lower()}; "
            "only a finalized one can be sent."
        )


def _record(
    type_: str,
    subject: delivering.Subject,
    delivery: Delivery,
    actor: User | None,
    now: datetime,
) -> None:
    record_event(
        type=type_,
        subject=subject,
        business=subject.business,
        actor=actor,
        now=now,
        data={"to": ", ".join(delivery.to)},
    )
