"""The customer's page, as whoever has the link asks for it."""

from typing import Any

from django.test import Client
from django.urls import reverse

from invoices.models import Invoice


def address(name: str, invoice: Invoice) -> str:
    return reverse(f"billing:{name}", args=[invoice.link_token])


def see(invoice: Invoice) -> Any:
    return Client().get(address("invoice", invoice))


def come_back(invoice: Invoice, session_id: str | None) -> Any:
    query = {} if session_id is None else {"session": session_id}
    return Client().get(address("return", invoice), query)
