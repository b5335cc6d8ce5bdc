"""Events, told to a person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from accounts.models import Event
from invoices.models import Delivery, Invoice
from invoices.money import format_money

# A page shows the newest; all are in the list of events.
SHOWN = 50

# Where the name of the event does not say it well.
WORDS: Final[Mapping[str, str]] = {
    "invoice.created": "Draft written",
    "invoice.updated": "Draft changed",
    "invoice.document_stored": "PDF made and stored",
    "invoice.given_up": "Marked as uncollectible",
    "invoice.extended": "Due date moved later",
    "invoice.reopened": "Open again",
    "invoice.opened": "Link opened for the first time",
    "invoice.sent": "Invoice sent",
    "invoice.reminded": "Customer reminded",
    "invoice.test_sent": "Test of the mail sent",
    "invoice.mail_failed": "Mail failed",
    "invoice.paid": "Paid in full",
    "invoice.payment_booked": "Payment",
    "invoice.payment_reversed_booked": "Payment taken back",
    "invoice.overpayment_kept": "Paid more than is due: kept as the customer's balance",
    "invoice.overpayment_returned": "Kept balance taken back with its payment",
    "invoice.refund_booked": "Refund sent back",
    "invoice.refund_failed_booked": "Refund failed",
    "invoice.held_booked": "Payment held for a decision",
    "invoice.held_refund_booked": "Held payment sent back",
    "invoice.held_refund_failed_booked": "Refund of held payment failed",
    "invoice.held_to_balance_booked": "Held payment kept as balance",
    "invoice.held_from_balance_booked": "Held payment taken back from the balance",
    "invoice.dispute_booked": "Payment withdrawn for a dispute",
    "invoice.dispute_back_booked": "Disputed payment given back",
    "invoice.held_dispute_booked": "Held payment withdrawn for a dispute",
    "invoice.held_dispute_back_booked": "Disputed held payment given back",
    "invoice.credit_booked": "Credited: less is due",
    "invoice.from_balance_booked": "Paid from the customer's balance",
    "invoice.to_balance_booked": "Kept as the customer's balance",
    "invoice.out_of_band_booked": "Paid back otherwise",
    "credit_note.document_stored": "PDF of a credit note made and stored",
    "credit_note.mail_failed": "Mail of a credit note failed",
    "customer.contact_added": "Contact added",
    "customer.contact_updated": "Contact changed",
    "customer.contact_deleted": "Contact removed",
    "invoice.attached": "File attached",
    "invoice.attachment_updated": "File mailed or shown otherwise",
    "invoice.attachment_removed": "File removed",
    "customer.mail_failed": "Mail of a statement failed",
    "series.raised": "Next number raised",
    "series.changed": "Numbering changed",
}
# What a person asks next, in this order.
_TOLD: Final = (
    "number",
    "to",
    "email",
    "file",
    "role",
    "reason",
    "error",
    "revises",
    "copies",
)


@dataclass(frozen=True, slots=True)
class Happening:
    """What the record says of one event."""

    what: str
    detail: str
    who: str
    at: datetime
    # Which row it was, and its page, where the page around does not say it.
    about: str = ""
    link: str = ""


def timeline(subject: Any) -> list[Happening]:
    """What happened to a row that has a `public_id`, newest first."""
    return _told(Event.objects.about(subject._meta.model_name, subject.public_id))


def invoice_timeline(invoice: Invoice) -> list[Happening]:
    """With its credit notes, the mail that left, and when the link was opened."""
    notes = [
        str(key) for key in invoice.credit_notes.values_list("public_id", flat=True)
    ]
    about = Q(subject_type="invoice", subject_id=str(invoice.public_id)) | Q(
        subject_type="creditnote", subject_id__in=notes
    )
    told = [*_told(Event.objects.filter(about)), *_mail(invoice), *_opens(invoice)]
    # Those of one moment stay in the order in which they were written.
    return sorted(told, key=lambda each: each.at, reverse=True)[:SHOWN]


def _told(events: Any) -> list[Happening]:
    newest = events.select_related("actor").order_by("-pk")[:SHOWN]
    return [happening(event) for event in newest]


def _mail(invoice: Invoice) -> Iterator[Happening]:
    left = invoice.deliveries.filter(status=Delivery.Status.SENT, sent_at__isnull=False)
    for mail in left.order_by("-pk")[:SHOWN]:
        what = f"{mail.get_kind_display()} handed to the mail server"
        assert mail.sent_at is not None  # noqa: S101 - for mypy: it is filtered
        yield Happening(what, ", ".join(mail.to), "", mail.sent_at)


def _opens(invoice: Invoice) -> Iterator[Happening]:
    last = invoice.last_opened_at
    # Of the first time there is an event.
    if last and last != invoice.first_opened_at:
        yield Happening("Link opened most lately", "", "", last)


def happening(event: Event) -> Happening:
    thing, _, verb = event.type.partition(".")
    plain = f"{thing} {verb}".replace("_", " ").capitalize()
    return Happening(
        what=WORDS.get(event.type, plain),
        detail=_detail(event.data),
        who=(event.actor.full_name or event.actor.email) if event.actor else "",
        at=event.occurred_at,
    )


def _detail(data: dict[str, Any]) -> str:
    amount = data.get("amount", data.get("total"))
    spoken = (
        format_money(amount, data["currency"])
        if isinstance(amount, int) and "currency" in data
        else ""
    )
    texts = [data.get(name) for name in _TOLD]
    return " · ".join(str(text) for text in [*texts, spoken] if text)
