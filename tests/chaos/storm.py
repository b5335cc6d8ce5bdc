"""A thousand payments while everything breaks at once."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tests.chaos import shop
from tests.chaos.world import World, luck

# Of 100.00: four payments each.
PARTS = ("25.00", "25.00", "25.00", "")
SERVING = 5
CUSTOMERS = 6
# Of a hundred calls to Stripe, how many are in trouble.
TROUBLED = 3


def rages(world: World, payments: int, crashes: int) -> Iterator[str]:
    """A line for each thing that is over."""
    invoices = world.invoices(-(-payments // len(PARTS)))
    world.stop_serving()
    world.serve(SERVING)
    world.post.is_plain = False
    world.stripe.rate = TROUBLED
    calm = threading.Event()
    before = world.paid()
    breakers = [
        threading.Thread(target=_crash_database, args=(world, payments, crashes, calm)),
        threading.Thread(target=_every, args=(3, calm, lambda: _kill(world))),
        threading.Thread(target=_every, args=(8, calm, lambda: _schedule(world))),
    ]
    for breaker in breakers:
        breaker.start()
    try:
        with ThreadPoolExecutor(CUSTOMERS) as customers:
            seeds = [world.chance.random() for _ in invoices]
            tried = list(
                customers.map(lambda *each: _pay(world, *each), invoices, seeds)
            )
    finally:
        calm.set()
        for breaker in breakers:
            breaker.join()
    yield f"{world.paid() - before} payments while everything broke"
    world.recover()
    left = [
        invoice for invoice, is_paid in zip(invoices, tried, strict=True) if not is_paid
    ]
    for invoice in left:
        shop.pay_in_the_end(world, invoice)
    yield f"{len(left)} customers came back another day"


def _pay(world: World, invoice: shop.Invoice, seed: float) -> bool:
    """Whether the customer could pay all of it. Some want something back."""
    chance = luck(seed)
    payment = ""
    for amount in PARTS:
        try:
            session = shop.start(world, invoice, amount)
        except shop.GaveUp:
            return False
        method = chance.choices(["card", "declined", "bank"], [8, 1, 1])[0]
        shop.pay(world, session, method)
        _return(world, invoice, session, chance.choice([0, 1, 1, 2]))
        payment = _settled(world, invoice, session)
        if not payment:
            return False
    if chance.random() < 0.3:
        _refund(world, session, payment, chance)
    return True


def _return(world: World, invoice: shop.Invoice, session: str, tabs: int) -> None:
    """Once, in two tabs at once, or never."""
    threads = [
        threading.Thread(target=shop.come_back, args=(world, invoice, session))
        for _ in range(tabs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _settled(world: World, invoice: shop.Invoice, session: str) -> str:
    """The id of the payment once it is booked. The customer looks a while, and leaves."""
    intent = world.stripe.stripe.sessions[session]["payment_intent"]
    for look in range(60):
        if payment := shop.booked(world, invoice, intent):
            return payment
        time.sleep(0.1)
        if look % 5 == 4:
            shop.come_back(world, invoice, session)
    return ""


def _refund(world: World, session: str, payment: str, chance: random.Random) -> None:
    """Asked for here or in the Dashboard; some fail days later."""
    amount = chance.randrange(100, 2_000)
    if chance.random() < 0.5:
        shop.ask_refund(world, payment, amount, key=f"storm-{payment}")
        return
    fake = world.stripe.stripe
    intent = fake.sessions[session]["payment_intent"]
    events = fake.refund_in_dashboard(intent, amount)
    if chance.random() < 0.5:
        events += fake.fail_refund(events[0]["data"]["object"]["id"])
    world.post.send(events)


def _crash_database(
    world: World, payments: int, crashes: int, calm: threading.Event
) -> None:
    """Spread evenly over the payments."""
    begun = world.paid()
    for crash in range(1, crashes + 1):
        wanted = begun + payments * crash // (crashes + 1)
        while world.paid() < wanted:
            if calm.wait(0.05):
                return
        world.crash_database()


def _every(seconds: float, calm: threading.Event, act: Callable[[], None]) -> None:
    while not calm.wait(seconds):
        act()


def _kill(world: World) -> None:
    world.kill_one()
    world.faults["process killed while it served"] += 1
    world.serve()


def _schedule(world: World) -> None:
    # It may meet a crash as well; then the next one comes.
    with suppress(AssertionError):
        world.run("run_schedule")
    world.faults["schedules run meanwhile"] += 1
