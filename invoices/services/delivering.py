"""Mail to customers: a row for each, handed to the mail server by a task."""

import logging
import smtplib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F, QuerySet
from django.tasks import TaskContext, task
from django_tasks_db.models import DBTaskResult

from accounts.emails import name_message
from accounts.exceptions import Refusal
from accounts.models import Business
from accounts.services.events import record_event
from invoices import emails, selectors, statements
from invoices.exceptions import NothingDue, TooMuchMail
from invoices.models import CreditNote, Customer, Delivery, Invoice
from invoices.services import documents
from invoices.states import InvoiceStatus

logger = logging.getLogger(__name__)

# Two minutes after the first try, then twice as long each time: an hour in all.
TRIES: Final = 6
_BROKEN: Final = "Something went wrong on our side."
_UNREACHABLE: Final = "The mail server could not be reached."
_PERMANENT: Final = 500
_PDF: Final = "application/pdf"

# By contacts.
_WANTED: Final[Mapping[Delivery.Kind, str]] = {
    Delivery.Kind.INVOICE: "gets_invoices",
    Delivery.Kind.CREDIT_NOTE: "gets_invoices",
    Delivery.Kind.REMINDER: "gets_reminders",
    Delivery.Kind.STATEMENT: "gets_statements",
}

Subject = Invoice | CreditNote | Customer
# In the types of events.
KNOWN_AS: Final[Mapping[type[Subject], str]] = {
    Invoice: "invoice",
    CreditNote: "credit_note",
    Customer: "customer",
}


def recipients(customer: Customer, kind: Delivery.Kind) -> list[str]:
    """The customer's address, and those of its contacts who get such mail."""
    contacts = customer.contacts.filter(**{_WANTED[kind]: True}).order_by("pk")
    known = {customer.email.casefold(): customer.email}
    for address in contacts.values_list("email", flat=True):
        known.setdefault(address.casefold(), address)
    return list(known.values())


def queue(
    *,
    kind: Delivery.Kind,
    subject: Subject,
    to: Sequence[str],
    now: datetime,
    period: tuple[str, date, date] | None = None,
) -> Delivery:
    """
    Have a mail sent after commit. Call it inside the transaction that asks for it.

    :param period: of a statement: its currency, first and last day
    :raises TooMuchMail: if the business sent as many in a day as it may; who ask at once
        may each be the last
    """
    business = subject.business
    _check_not_too_many(business, now)
    invoice = subject if isinstance(subject, Invoice) else None
    note = subject if isinstance(subject, CreditNote) else None
    delivery = Delivery.objects.create(
        business=business,
        customer=subject if isinstance(subject, Customer) else subject.customer,
        invoice=note.invoice if note else invoice,
        credit_note=note,
        kind=kind,
        to=list(to),
        queued_at=now,
    )
    said = [str(part) for part in period] if period else None
    _deliver.enqueue(delivery_id=delivery.pk, period=said)
    return delivery


def _check_not_too_many(business: Business, now: datetime) -> None:
    # The first that may not be of today: read by the index, however many there are.
    limit = settings.MAIL_PER_BUSINESS_A_DAY
    newest = Delivery.objects.filter(business=business).order_by("-pk")
    queued = newest.values_list("queued_at", flat=True)[max(limit - 1, 0) : limit]
    if limit <= 0 or any(at > now - timedelta(days=1) for at in queued):
        raise TooMuchMail(
            f"{business.name} has sent {limit} mails within a day, which is as many as "
            "it may. Send the next tomorrow."
        )


def requeue(*, delivery: Delivery) -> None:
    """Have a mail sent whose task is gone. Not a statement: its period went with it."""
    _deliver.enqueue(delivery_id=delivery.pk, period=None)


def tasks() -> QuerySet[Any]:
    """Those that carry mail to customers; each names its delivery."""
    return DBTaskResult.objects.filter(task_path=_deliver.module_path)


@task(takes_context=True)
def _deliver(
    context: TaskContext[[int, list[str] | None], None],
    delivery_id: int,
    period: list[str] | None,
) -> None:
    """Mail a document, a reminder or a statement to a customer."""
    now = context.task_result.started_at
    assert now is not None, "A task that runs has started."  # noqa: S101 - for mypy
    rows = Delivery.objects.select_related(
        "business", "customer__business", "invoice__business", "invoice__customer"
    ).select_related("credit_note__business", "credit_note__invoice", "reminder__step")
    deliver(delivery=rows.get(pk=delivery_id), period=period, now=now)


def deliver(*, delivery: Delivery, period: list[str] | None, now: datetime) -> None:
    """
    Hand a queued mail to the mail server and write down what became of it. While the
    server cannot be reached, the task comes back, less and less often.

    What was sent is not sent again. Whoever is killed after the server took the mail,
    and before that is written, leaves it queued: the task is taken up again and the
    mail goes out twice, under the same Message-ID, by which most mail programs show it
    once. A mail that is lost would be worse. What nobody foresaw is raised: the task is
    tried again, and with its last try the mail has failed.

    Call it outside a transaction.
    """
    if not _claim(delivery):
        return
    try:
        message = _composed(delivery, period, now)
    except Refusal as refusal:
        fail(delivery=delivery, error=str(refusal), now=now)
        return
    except Exception:
        _note_fault(delivery, now)
        raise
    try:
        message.send()
    except OSError as error:
        _try_again(delivery, error, period, now)
    except Exception:
        _note_fault(delivery, now)
        raise
    else:
        queued = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.QUEUED)
        queued.update(status=Delivery.Status.SENT, sent_at=now, error="")


def _claim(delivery: Delivery) -> bool:
    # Of two that have read the same row, one goes on. A mail that failed is tried once
    # more where an operator has its task tried again.
    mine = Delivery.objects.filter(pk=delivery.pk, tries=delivery.tries)
    unsent = mine.exclude(status=Delivery.Status.SENT)
    queued = Delivery.Status.QUEUED
    is_mine = unsent.update(tries=F("tries") + 1, status=queued) == 1
    delivery.tries += 1
    return is_mine


def _try_again(
    delivery: Delivery, error: OSError, period: list[str] | None, now: datetime
) -> None:
    said, is_final = _readable(error)
    logger.warning(
        "Mail %s was not taken: %s", delivery.public_id, type(error).__name__
    )
    if is_final or delivery.tries >= TRIES:
        fail(delivery=delivery, error=said, now=now)
        return
    wait = timedelta(minutes=2**delivery.tries)
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(error=said)
        _deliver.using(run_after=now + wait).enqueue(
            delivery_id=delivery.pk, period=period
        )


def _readable(error: OSError) -> tuple[str, bool]:
    """What a person can make of it, and whether trying again is in vain."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        # Ours to mend, and nothing that the business could.
        return _UNREACHABLE, False
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = list(error.recipients.values())
        address = ", ".join(error.recipients)
        code, text = answers[0] if answers else (0, b"")
        return (
            f"The mail server refused {address}: {code} {_spoken(text)}"[:500],
            all(answer[0] >= _PERMANENT for answer in answers),
        )
    if isinstance(error, smtplib.SMTPResponseException):
        said = f"The mail server refused: {error.smtp_code} {_spoken(error.smtp_error)}"
        return said[:500], error.smtp_code >= _PERMANENT
    return _UNREACHABLE, False


def _spoken(text: bytes | str) -> str:
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return " ".join(text.split())


def _note_fault(delivery: Delivery, now: datetime) -> None:
    if delivery.tries >= TRIES:
        fail(delivery=delivery, error=_BROKEN, now=now)
    else:
        Delivery.objects.filter(pk=delivery.pk).update(error=_BROKEN)


@transaction.atomic
def fail(*, delivery: Delivery, error: str, now: datetime) -> None:
    """Give a queued mail up, and say so where its document is looked at."""
    queued = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.QUEUED)
    queued.update(status=Delivery.Status.FAILED, error=error)
    subject = delivery.credit_note or delivery.invoice or delivery.customer
    record_event(
        type=f"{KNOWN_AS[type(subject)]}.mail_failed",
        subject=subject,
        business=delivery.business,
        actor=None,
        now=now,
        data={"kind": delivery.kind, "to": ", ".join(delivery.to), "error": error},
    )


def _composed(
    delivery: Delivery, period: list[str] | None, now: datetime
) -> EmailMultiAlternatives:
    message = _with_files(delivery, period, now)
    name_message(message, str(delivery.public_id))
    return message


def _with_files(
    delivery: Delivery, period: list[str] | None, now: datetime
) -> EmailMultiAlternatives:
    if note := delivery.credit_note:
        message = emails.credit_note_sent(note, delivery.to)
        content = documents.read_document(note)
        message.attach(note.document_name, content, _PDF)
        return message
    if period:
        return _statement(delivery, period)
    invoice = delivery.invoice
    assert invoice is not None, "Only statements are of no document."  # noqa: S101 - for mypy
    if delivery.kind == Delivery.Kind.REMINDER:
        message = _reminder(delivery, invoice, now)
    else:
        message = emails.invoice_sent(invoice, delivery.to)
    attach(message, invoice)
    return message


def attach(message: EmailMultiAlternatives, invoice: Invoice) -> None:
    """The PDF, and what the business wants to go along."""
    document = documents.read_document(invoice)
    message.attach(invoice.document_name, document, _PDF)
    for attachment in invoice.attachments.filter(is_mailed=True).order_by("pk"):
        with attachment.file.open("rb") as file:
            message.attach(attachment.name, file.read(), attachment.content_type)


def _reminder(
    delivery: Delivery, invoice: Invoice, now: datetime
) -> EmailMultiAlternatives:
    # Of minutes ago, or of the first try.
    if not selectors.amounts(invoice).due or invoice.status != InvoiceStatus.OPEN:
        raise NothingDue("Nothing is due any more, so nobody was reminded.")
    reminder = getattr(delivery, "reminder", None)
    return emails.reminder_sent(
        invoice,
        delivery.to,
        today=invoice.business.today(now),
        message=reminder.step.message if reminder and reminder.step else "",
    )


def _statement(delivery: Delivery, period: list[str]) -> EmailMultiAlternatives:
    # Only who renders pays for the PDF library.
    from invoices import pdf  # noqa: PLC0415 - as said above

    currency, start, end = period
    statement = statements.statement_of(
        delivery.customer,
        currency,
        start=date.fromisoformat(start),
        end=date.fromisoformat(end),
    )
    message = emails.statement_sent(statement, delivery.to)
    message.attach(statement.document_name, pdf.render_statement(statement), _PDF)
    return message
