"""What cannot wait: money that is lost, or lies about, until somebody acts."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format

from accounts.http import businesses_for, is_operator
from accounts.roles import Permission
from billing.models import Dispute, Payment, ReconciliationFinding
from invoices.money import format_money

SHOWN = 8


@dataclass(frozen=True, slots=True)
class Alert:
    """A sentence above all else on the front page, and where to act."""

    words: str
    link: str


def alerts(request: HttpRequest) -> list[Alert]:
    """The most urgent first. Three queries."""
    businesses = businesses_for(request, Permission.VIEW_BOOKS)
    disputes = Dispute.objects.to_answer().filter(
        payment__invoice__business__in=businesses
    )
    rows = disputes.select_related("payment__invoice__business")
    # Those without a date are not to be answered by one: they come last.
    urgent = rows.order_by(F("due_by").asc(nulls_last=True), "pk")[:SHOWN]
    held = Payment.objects.undecided().filter(invoice__business__in=businesses)
    return [*map(_of_dispute, urgent), *_of_held(held), *_of_findings(request)]


def _of_dispute(dispute: Dispute) -> Alert:
    invoice = dispute.payment.invoice
    amount = format_money(dispute.amount, dispute.currency)
    words = f"{amount} of {invoice} is disputed"
    if dispute.due_by:
        zone = ZoneInfo(invoice.business.time_zone)
        there = dispute.due_by.astimezone(zone)
        until = f"{date_format(there, 'DATETIME_FORMAT')} {there:%Z}"
        words = f"{words}: it needs your answer by {until}"
    link = reverse("admin:billing_dispute_change", args=[dispute.pk])
    return Alert(f"{words}.", link)


def _of_held(held: Any) -> list[Alert]:
    count = held.count()
    if not count:
        return []
    words = (
        "1 payment that fits no invoice waits for your decision."
        if count == 1
        else f"{count} payments that fit no invoice wait for your decision."
    )
    return [Alert(words, reverse("admin:billing_heldpayment_changelist"))]


def _of_findings(request: HttpRequest) -> list[Alert]:
    findings = ReconciliationFinding.objects.open()
    if not is_operator(request):
        # What is nobody's known is for operators.
        own = businesses_for(request, Permission.VIEW_BOOKS)
        findings = findings.filter(business__in=own)
    count = findings.count()
    if not count:
        return []
    words = (
        "1 thing at Stripe does not fit the books."
        if count == 1
        else f"{count} things at Stripe do not fit the books."
    )
    link = reverse("admin:billing_reconciliationfinding_changelist")
    return [Alert(words, f"{link}?state=open")]
