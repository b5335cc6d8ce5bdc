"""A row of every model that the back office shows, of a given business where it has one."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.models import Business, Event, Invitation, WebhookDelivery
from accounts.roles import Role
from accounts.services.tokens import create_token
from billing.models import (
    Checkout,
    Dispute,
    Payment,
    ReconciliationFinding,
    ReconciliationRun,
    Refund,
    StripeEvent,
)
from invoices.models import (
    Attachment,
    BalanceEntry,
    CreditNote,
    Delivery,
    Document,
    Invoice,
    LedgerEntry,
    ManualPayment,
    ReminderStep,
    Series,
)
from invoices.services import crediting, documents, receiving
from invoices.services.attaching import attach_file
from invoices.services.finalizing import finalize_invoice
from tests.factories import (
    BusinessFactory,
    CommentFactory,
    CustomerFactory,
    InvoiceLineFactory,
    MembershipFactory,
    PostFactory,
    TagFactory,
    TaxRateFactory,
    UserFactory,
    WebhookEndpointFactory,
)

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def draft(business: Business, **line: Any) -> Invoice:
    """Of one line: 100.00 EUR and 19 % of tax."""
    return InvoiceLineFactory(invoice__business=business, **line).invoice


def frozen(business: Business, **line: Any) -> Invoice:
    invoice = draft(business, **line)
    return finalize_invoice(invoice=invoice, actor=None, now=timezone.now())


def paid_in(
    invoice: Invoice, amount: int = 1000, at: datetime = AT, **fields: Any
) -> LedgerEntry:
    values = {"kind": LedgerEntry.Kind.PAYMENT, "currency": invoice.currency} | fields
    return LedgerEntry.objects.create(
        invoice=invoice,
        business=invoice.business,
        source=f"pi_{LedgerEntry.objects.count()}",
        amount=amount,
        occurred_at=at,
        **values,
    )


def payment(business: Business, **fields: Any) -> Payment:
    """Of 10.00 EUR, settled."""
    values = {
        "amount": 1000,
        "status": Payment.Status.SUCCEEDED,
        "received_at": AT,
    } | fields
    return Payment.objects.create(
        invoice=frozen(business),
        payment_intent=f"pi_{Payment.objects.count()}",
        currency="EUR",
        **values,
    )


def _held_payment(business: Business) -> Payment:
    return payment(business, status="held", problem="amount")


def _dispute(business: Business) -> Dispute:
    return Dispute.objects.create(
        payment=payment(business),
        stripe_id=f"dp_{Dispute.objects.count()}",
        amount=1000,
        currency="EUR",
        status="needs_response",
        reason="fraudulent",
        due_by=AT,
        is_refundable=False,
        livemode=False,
        opened_at=AT,
    )


def _refund(business: Business) -> Refund:
    return Refund.objects.create(
        payment=payment(business), amount=500, currency="EUR", requested_at=AT
    )


def _checkout(business: Business) -> Checkout:
    invoice = frozen(business)
    return Checkout.objects.create(
        invoice=invoice,
        open_slot=invoice.pk,
        amount=1000,
        currency="EUR",
        started_at=AT,
        expires_at=AT,
    )


def _run(business: Business) -> ReconciliationRun:
    return ReconciliationRun.objects.create(
        started_at=AT,
        finished_at=AT,
        since=AT,
        until=AT,
        events_since=AT,
        busy_until=AT,
        status=ReconciliationRun.Status.FINISHED,
        counts={"sessions": {"looked": 3, "mended": 1, "found": 0}},
        sums=[
            {"day": "2026-03-01", "currency": "EUR"}
            | {"moved": 1000, "booked": 1000, "fee": 40, "net": 960}
        ],
    )


def finding(business: Business | None, **fields: Any) -> ReconciliationFinding:
    values = {
        "check_name": "payments",
        "subject": f"pi_{ReconciliationFinding.objects.count()}",
        "business": business,
        "invoice": frozen(business) if business else None,
        "words": "€10.00 arrived at Stripe, and nothing here asked for it.",
        "run": _run(business or BusinessFactory()),
        "first_seen_at": AT,
        "seen_at": AT,
    }
    return ReconciliationFinding.objects.create(**values | fields)


def _stripe_event(business: Business) -> StripeEvent:
    return StripeEvent.objects.create(
        event_id=f"evt_{StripeEvent.objects.count()}",
        type="payment_intent.succeeded",
        livemode=False,
        received_at=AT,
    )


def _series(business: Business) -> Series:
    kind = f"kind-{Series.objects.count()}"
    return Series.objects.create(business=business, kind=kind, prefix="X-")


def _document(business: Business) -> Document:
    return documents.store_document(frozen(business))


def _attachment(business: Business) -> Attachment:
    return attach_file(
        invoice=draft(business),
        upload=ContentFile(b"%PDF-1.7", "Plan.pdf"),
        actor=None,
        now=AT,
    )


def _credit_note(business: Business) -> CreditNote:
    return crediting.issue_credit_note(
        invoice=frozen(business),
        quantities=None,
        reason="Taken back",
        split=crediting.Split(),
        actor=None,
        now=timezone.now(),
    )


def _manual_payment(business: Business, amount: int = 1000) -> ManualPayment:
    now = timezone.now()
    day = business.today(now)
    return receiving.record_payment(
        invoice=frozen(business),
        fields={"amount": amount, "method": "transfer", "received_on": day},
        actor=None,
        now=now,
    )


def _balance_entry(business: Business) -> BalanceEntry:
    # More than the 119.00 that are due.
    overpaid = _manual_payment(business, 12900)
    return BalanceEntry.objects.get(invoice=overpaid.invoice)


def _delivery(business: Business) -> Delivery:
    invoice = frozen(business)
    return Delivery.objects.create(
        business=business,
        customer=invoice.customer,
        invoice=invoice,
        kind=Delivery.Kind.INVOICE,
        to=[invoice.customer.email],
        queued_at=AT,
    )


def _reminder_step(business: Business) -> ReminderStep:
    days = ReminderStep.objects.count()
    return ReminderStep.objects.create(business=business, days=days)


def _invitation(business: Business) -> Invitation:
    count = Invitation.objects.count()
    return Invitation.objects.create(
        business=business,
        email=f"guest{count}@example.com",
        role=Role.VIEWER,
        token=f"token-{count}",
        invited_by=UserFactory(),
        expires_at=AT,
    )


def webhook_delivery(business: Business) -> WebhookDelivery:
    return WebhookDelivery.objects.create(
        endpoint=WebhookEndpointFactory(business=business),
        event=_event(business),
        next_try_at=AT,
        created_at=AT,
    )


def _event(business: Business) -> Event:
    return Event.objects.create(
        business=business,
        actor=UserFactory(),
        type="invoice.created",
        subject_type="invoice",
        subject_id=str(business.public_id),
        occurred_at=AT,
    )


def _authenticator(business: Business) -> Authenticator:
    return Authenticator.objects.create(
        user=UserFactory(), type=Authenticator.Type.TOTP, data={"secret": "made up"}
    )


def _task(business: Business) -> Any:
    return documents.store_document_later(frozen(business))


# By the name under which Django knows the model.
ROWS: Final[Mapping[str, Callable[[Business], Any]]] = {
    "account.emailaddress": lambda business: UserFactory(proven=True),
    "accounts.apitoken": lambda business: create_token(
        user=UserFactory(), name="Laptop", now=AT
    ),
    "accounts.business": lambda business: MembershipFactory(business=business),
    "accounts.event": _event,
    "accounts.webhookdelivery": webhook_delivery,
    "accounts.webhookendpoint": webhook_delivery,
    "accounts.invitation": _invitation,
    "accounts.membership": lambda business: MembershipFactory(business=business),
    "accounts.user": lambda business: UserFactory(),
    "billing.checkout": _checkout,
    "billing.dispute": _dispute,
    "billing.heldpayment": _held_payment,
    "billing.payment": payment,
    "billing.reconciliationfinding": finding,
    "billing.reconciliationrun": _run,
    "billing.refund": _refund,
    "billing.stripeevent": _stripe_event,
    "blog.comment": lambda business: CommentFactory(),
    "blog.post": lambda business: PostFactory(published=True),
    "blog.tag": lambda business: TagFactory(),
    "django_tasks_database.dbtaskresult": _task,
    "invoices.attachment": _attachment,
    "invoices.balanceentry": _balance_entry,
    "invoices.creditnote": _credit_note,
    "invoices.customer": lambda business: CustomerFactory(business=business),
    "invoices.delivery": _delivery,
    "invoices.document": _document,
    "invoices.invoice": draft,
    "invoices.ledgerentry": lambda business: paid_in(frozen(business)),
    "invoices.manualpayment": _manual_payment,
    "invoices.reminderstep": _reminder_step,
    "invoices.series": _series,
    "invoices.taxrate": lambda business: TaxRateFactory(business=business),
    "mfa.authenticator": _authenticator,
}
# Of one business, and nobody else's to see.
OF_BUSINESS: Final = [
    "accounts.event",
    "accounts.invitation",
    "accounts.membership",
    "billing.checkout",
    "billing.dispute",
    "billing.heldpayment",
    "billing.payment",
    "billing.reconciliationfinding",
    "billing.refund",
    "invoices.attachment",
    "invoices.balanceentry",
    "invoices.creditnote",
    "invoices.customer",
    "invoices.delivery",
    "invoices.document",
    "invoices.invoice",
    "invoices.ledgerentry",
    "invoices.manualpayment",
    "invoices.reminderstep",
    "invoices.series",
    "invoices.taxrate",
]
