"""The buttons at the head of a row's page, and what is said once one was pressed."""

from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from invoices.models import Invoice, ManualPayment
from invoices.services import receiving


def address(row: Any, button: str) -> str:
    return reverse(f"admin:invoices_{row._meta.model_name}_{button}", args=[row.pk])


def press(desk: Client, row: Any, button: str, **typed: Any) -> Any:
    return desk.post(address(row, button), typed, follow=True)


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def offered(client: Client, invoice: Invoice) -> set[str]:
    entries = client.get(address(invoice, "change")).context["actions_detail"]
    flat = [item for entry in entries for item in entry.get("items", [entry])]
    return {item["title"] for item in flat}


def pay(invoice: Invoice, amount: int) -> ManualPayment:
    now = timezone.now()
    day = invoice.business.today(now)
    return receiving.record_payment(
        invoice=invoice,
        fields={"amount": amount, "method": "cash", "received_on": day},
        actor=None,
        now=now,
    )
