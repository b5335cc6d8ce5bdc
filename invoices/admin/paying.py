"""Money that came past Stripe, and what a customer has to its credit."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from accounts.http import person
from invoices import selectors
from invoices.admin.asking import Question
from invoices.admin.records import spoken
from invoices.forms import AmountForm, PaymentForm
from invoices.services import balances, receiving


def record_payment(request: HttpRequest, invoice: Any) -> Question:
    now = timezone.now()
    form = PaymentForm(
        request.POST or None,
        currency=invoice.currency,
        due=invoice.due,
        day=invoice.business.today(now),
    )

    def act() -> str:
        said = form.cleaned_data
        payment = receiving.record_payment(
            invoice=invoice,
            fields={name: said[name] for name in receiving.FIELDS},
            key=said["key"],
            actor=person(request),
            now=now,
        )
        return f"{spoken(payment.amount, payment.currency)} is booked."

    return Question(
        title="Record payment",
        consequence=(
            f"{spoken(invoice.due, invoice.currency)} is due on {invoice}. What you "
            "write is booked as received; what is more than the due is kept as the "
            "customer's balance. It can be taken back later."
        ),
        act=act,
        form=form,
    )


def apply_balance(request: HttpRequest, invoice: Any) -> Question:
    there = balance_of(invoice)
    form = AmountForm(
        request.POST or None,
        currency=invoice.currency,
        amount=min(there, invoice.due),
    )

    def act() -> str:
        balances.apply_balance(
            invoice=invoice,
            amount=form.cleaned_data["amount"],
            actor=person(request),
            now=timezone.now(),
        )
        amount = spoken(form.cleaned_data["amount"], invoice.currency)
        return f"{amount} of the balance is applied."

    return Question(
        title="Apply balance",
        consequence=(
            f"{spoken(there, invoice.currency)} is kept for {invoice.customer}, and "
            f"{spoken(invoice.due, invoice.currency)} is due on {invoice.number}. "
            "What you apply pays the invoice and is taken off the balance."
        ),
        act=act,
        form=form,
    )


def balance_of(invoice: Any) -> int:
    return selectors.balances(invoice.customer).get(invoice.currency, 0)
