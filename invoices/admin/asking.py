"""Buttons of an invoice that say what will happen, and only then do it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.enums import ActionVariant

from accounts.admin.base import BackOfficeAdmin, button
from invoices.models import Invoice


@dataclass(frozen=True, slots=True)
class Question:
    """What a page asks before a button does anything; see `BackOfficeAdmin.ask`."""

    title: str
    consequence: str
    act: Callable[[], str]
    form: Form | None = None
    done: Callable[[], str] | None = None


def asking(
    description: str,
    icon: str,
    question: Callable[[HttpRequest, Any], Question],
    variant: ActionVariant = ActionVariant.DEFAULT,
) -> Callable[[BackOfficeAdmin, HttpRequest, str], HttpResponse]:
    """See `button`. For those who may write the books; nobody else is asked."""

    @button(description, icon, variant)
    def ask(
        site: BackOfficeAdmin, request: HttpRequest, object_id: str
    ) -> HttpResponse:
        invoice = site.get_writable(request, object_id)
        asked = question(request, invoice)
        return site.ask(
            request,
            invoice,
            title=asked.title,
            consequence=asked.consequence,
            act=asked.act,
            form=asked.form,
            done=asked.done,
        )

    return ask


def page_of(invoice: Invoice) -> str:
    return reverse("admin:invoices_invoice_change", args=[invoice.pk])
