"""Stripe answers late, twice, with 429 or 500, in part, or not at all."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import product
from typing import Final

from tests.chaos import shop
from tests.chaos.stripe import TROUBLES
from tests.chaos.world import World

SERVING = 4
CALLERS = 4


def come(world: World) -> Iterator[str]:
    world.stop_serving()
    world.serve(SERVING)
    cases = [
        (trouble, call, invoice)
        for (trouble, call), invoice in zip(
            product(TROUBLES, CALLS),
            world.invoices(len(TROUBLES) * len(CALLS)),
            strict=True,
        )
    ]
    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(lambda case: _call(world, *case), cases))
    yield f"{len(cases)} calls in trouble, of {len(CALLS)} kinds"
    world.recover()
    for *_, invoice in cases:
        shop.pay_in_the_end(world, invoice)
    yield "all of them paid in the end"


def _call(world: World, trouble: str, call: str, invoice: shop.Invoice) -> None:
    # Who began to pay may have met the trouble that was meant for another.
    with suppress(shop.GaveUp):
        CALLS[call](world, trouble, invoice)


def _beginning(world: World, trouble: str, invoice: shop.Invoice) -> None:
    # Whoever comes first has it: all begin alike.
    world.stripe.plan(trouble, "POST", "/checkout/sessions")
    shop.pay(world, shop.start(world, invoice))


def _webhook(world: World, trouble: str, invoice: shop.Invoice) -> None:
    _, session, event = shop.paid_at_stripe(world, invoice)
    world.stripe.plan(trouble, "GET", session)
    world.post.post(event)


def _return(world: World, trouble: str, invoice: shop.Invoice) -> None:
    _, session, _ = shop.paid_at_stripe(world, invoice)
    world.stripe.plan(trouble, "GET", session)
    shop.come_back(world, invoice, session)


def _another_amount(world: World, trouble: str, invoice: shop.Invoice) -> None:
    session = shop.start(world, invoice)
    world.stripe.plan(trouble, "POST", f"{session}/expire")
    shop.pay(world, shop.start(world, invoice, "25.00"))


def _refund(world: World, trouble: str, invoice: shop.Invoice) -> None:
    intent = shop.settled(world, invoice)
    world.stripe.plan(trouble, "POST", "/refunds")
    world.run("ask_refund", intent, 1_500)


def _told_of_refund(world: World, trouble: str, invoice: shop.Invoice) -> None:
    intent = shop.settled(world, invoice)
    event = world.stripe.stripe.refund_in_dashboard(intent, 1_000)[0]
    world.stripe.plan(trouble, "GET", event["data"]["object"]["id"])
    world.post.post(event)


CALLS: Final[Mapping[str, Callable[[World, str, shop.Invoice], None]]] = {
    "beginning to pay": _beginning,
    "settling by webhook": _webhook,
    "settling by return": _return,
    "closing a session": _another_amount,
    "refunding": _refund,
    "hearing of a refund": _told_of_refund,
}
