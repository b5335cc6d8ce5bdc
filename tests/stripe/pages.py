"""The pages a payer sees at the stand-in, one for each state of a session."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from tests.stripe.currencies import formatted

HERE = Path(__file__).with_name("page")

Object = Mapping[str, Any]


def payment(session: Object, order: Object, intent: Object | None) -> str:
    """The page of a session: its buttons while it can be paid, else what became of it."""
    total = formatted(session["amount_total"], session["currency"])
    content = _summary(session, order, total) + _panel(session, intent, total)
    return _page(f"Pay {total} (stand-in)", content)


def message(text: str) -> str:
    return _page("Stand-in for Stripe", _fill("closed", _notice(text)))


def return_address(session: Object) -> str:
    """Where the payer goes after paying."""
    template: str = session["success_url"]
    return template.replace("{CHECKOUT_SESSION_ID}", session["id"])


def _panel(session: Object, intent: Object | None, total: str) -> str:
    shop = _link(return_address(session), "Go back to the shop")
    cancel = _link(session["cancel_url"], "Go back without paying")
    if session["status"] == "open":
        alert = _declined(intent)
        return _fill("open", {"total": escape(total), "back": cancel, "alert": alert})
    if session["status"] == "expired":
        return _fill("closed", _notice("This session has expired.", cancel))
    if session["payment_status"] == "paid":
        paid = _notice("This is paid.", shop) | {"tone": "good"}
        return _fill("closed", paid)
    if intent and intent["status"] == "processing":
        return _fill("processing", {"back": shop})
    failed = _notice("The bank returned the debit. Nothing was paid.", cancel)
    return _fill("closed", failed | {"tone": "alert"})


def _summary(session: Object, order: Object, total: str) -> str:
    items = [_item(item, session["currency"]) for item in order["line_items"]]
    facts = {
        "E-mail": session["customer_email"],
        "Reference": session["client_reference_id"],
        "Session": session["id"][:20] + "…",
    }
    return _fill(
        "summary",
        {
            "merchant": escape(f"Pay {urlsplit(session['success_url']).netloc}"),
            "total": escape(total),
            "items": "\n".join(items),
            "facts": "\n".join(
                f"<dt>{name}</dt><dd>{escape(fact)}</dd>"
                for name, fact in facts.items()
                if fact
            ),
        },
    )


def _item(item: Object, currency: str) -> str:
    product = item["price_data"]["product_data"]
    quantity = item.get("quantity", 1)
    amount = formatted(item["price_data"]["unit_amount"] * quantity, currency)
    times = f"{quantity} &times; " if quantity != 1 else ""
    return (
        f"<li><strong>{times}{escape(product['name'])}</strong>"
        f"<span>{escape(amount)}</span>"
        f"<small>{escape(product.get('description', ''))}</small></li>"
    )


def _declined(intent: Object | None) -> str:
    if intent is None or not intent["last_payment_error"]:
        return ""
    reason = escape(intent["last_payment_error"]["message"])
    return (
        f'<p class="alert" role="alert"><strong>Declined.</strong> {reason} '
        "Try again.</p>"
    )


def _notice(text: str, back: str = "") -> dict[str, str]:
    return {"tone": "notice", "message": escape(text), "back": back}


def _link(address: str | None, text: str) -> str:
    if not address:
        return ""
    return f'<p class="back"><a href="{escape(address)}">{text}</a></p>'


def _page(title: str, content: str) -> str:
    style = (HERE / "page.css").read_text()
    return _fill("page", {"title": escape(title), "style": style, "content": content})


def _fill(name: str, values: Mapping[str, str]) -> str:
    return Template((HERE / f"{name}.html").read_text()).substitute(values)
