"""What customers and owners do, who try again when nothing, or no page, comes back."""

import time
from typing import Any, Literal
from urllib.parse import urlsplit

import requests

from tests.chaos.world import World
from tests.stripe.account import NotPayable, Object

Method = Literal["card", "declined", "bank"]
Invoice = dict[str, Any]


class GaveUp(Exception):
    """The customer will come back another day."""


def start(world: World, invoice: Invoice, amount: str = "", tries: int = 25) -> str:
    """
    The id of the session on which the customer may pay.

    :raises GaveUp: if the site asked to try again, time after time
    """
    path = f"/i/{invoice['token']}/pay/"
    for _ in range(tries):
        try:
            answer = world.post_form(path, {"amount": amount})
        except requests.RequestException:
            continue
        # Who was killed while answering may not have got that far.
        if answer.status_code == 303 and "Location" in answer.headers:
            return _session_in(answer)
        time.sleep(0.2)
    raise GaveUp


def _session_in(answer: requests.Response) -> str:
    return urlsplit(answer.headers["Location"]).path.rpartition("/")[2]


def pay(world: World, session: str, method: Method = "card") -> list[Object]:
    """What happens on Stripe's page. The events leave by the post."""
    fake = world.stripe.stripe
    try:
        events = fake.pay(session, method)
        if method == "declined":
            events += fake.pay(session)
        elif method == "bank":
            world.post.send(events)
            events = fake.settle_bank(session, succeeds=True)
    except NotPayable:
        # Two clicked, and the other was first.
        return []
    world.post.send(events)
    return events


def come_back(world: World, invoice: Invoice, session: str) -> int:
    """The status of the page to which Stripe sends the payer; 0 if none came."""
    try:
        return world.get(f"/i/{invoice['token']}/return/?session={session}").status_code
    except requests.RequestException:
        return 0


def paid_at_stripe(world: World, invoice: Invoice) -> tuple[Invoice, str, Object]:
    """With its session and the event that tells of it, which nobody here has heard."""
    session = start(world, invoice)
    events = world.stripe.stripe.pay(session, "card")
    return invoice, session, events[-1]


def settled(world: World, invoice: Invoice) -> str:
    """
    An invoice paid, and told of until that was heard; its payment's id at Stripe.

    :raises GaveUp: if it was never heard
    """
    _, session, event = paid_at_stripe(world, invoice)
    for _ in range(20):
        if world.post.post(event) == 200:
            intent: str = world.stripe.stripe.sessions[session]["payment_intent"]
            return intent
    raise GaveUp


def pay_in_the_end(world: World, invoice: Invoice) -> None:
    """All that is still due, when nothing stands in the way any more."""
    while True:
        page = f"/i/{invoice['token']}/pay/"
        answer = world.post_form(page, {"amount": ""})
        if answer.status_code == 409:
            return
        assert answer.status_code == 303, answer.text
        session = _session_in(answer)
        pay(world, session)
        come_back(world, invoice, session)


def booked(world: World, invoice: Invoice, intent: str) -> str:
    """The id of a payment in the API, or nothing while it is not known there."""
    try:
        answer = world.api("GET", f"/payments/?invoice={invoice['id']}")
    except requests.RequestException:
        return ""
    if answer.status_code != 200:
        return ""
    found = answer.json()["results"]
    return next((row["id"] for row in found if row["payment_intent"] == intent), "")


def ask_refund(
    world: World, payment: str, amount: int, key: str, tries: int = 40
) -> bool:
    """
    Ask with one key until there is an answer.

    :returns: whether there was
    """
    for _ in range(tries):
        try:
            answer = world.api(
                "POST",
                "/refunds/",
                json={"payment": payment, "amount": amount},
                headers={"Idempotency-Key": key},
            )
        except requests.RequestException:
            continue
        if answer.status_code == 201:
            return True
        time.sleep(0.1)
    return False
