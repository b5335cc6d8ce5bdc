"""A process is killed at every numbered step of what it does."""

from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from typing import Any, Final

from tests.chaos import shop
from tests.chaos.world import Killed, World

# Nothing has as many.
MOST: Final = 300

Case = Any
# Does a case in a process that is killed at a step; answers whether it was done.
Act = Callable[[World, Case, int], bool]


def everywhere(world: World, works: int | None = None) -> Iterator[str]:
    """A line for each kind of work, or for the first few of them."""
    # Whoever is to die must not be asked for anything else.
    world.post.is_closed = True
    for name, (prepare, act) in list(WORKS.items())[:works]:
        world.stop_serving()
        steps = _killed_at_each(world, prepare(world), act)
        world.faults["process killed at a step"] += steps
        yield f"{name}: killed at each of {steps} steps"


def _killed_at_each(world: World, cases: Iterator[Case], act: Act) -> int:
    for last in range(1, MOST):
        case = next(cases)
        if act(world, case, last):
            return last - 1
    raise AssertionError(f"It is not done after {MOST} steps.")


def _in_good_order(
    each: Callable[[World, shop.Invoice], Case],
) -> Callable[[World], Iterator[Case]]:
    """Cases are made ready by the dozen, by a process that nobody kills."""

    def cases(world: World) -> Iterator[Case]:
        while True:
            world.serve()
            made = [each(world, invoice) for invoice in world.invoices(12)]
            world.stop_serving()
            yield from made

    return cases


def _refunded_in_the_dashboard(world: World, invoice: shop.Invoice) -> Any:
    intent = shop.settled(world, invoice)
    return world.stripe.stripe.refund_in_dashboard(intent, 4_000)[0]


def _disputed(world: World, invoice: shop.Invoice) -> Any:
    return world.stripe.stripe.dispute(shop.settled(world, invoice))[-1]


def _asked_back(world: World, invoice: shop.Invoice) -> None:
    intent = shop.settled(world, invoice)
    world.run("ask_refund_for_later", intent, 3_000)


def _served(ask: Callable[[World, Case], bool]) -> Act:
    def act(world: World, case: Case, last: int) -> bool:
        world.serve(last=last)
        # The answer may not come, which is the point.
        try:
            return ask(world, case)
        except shop.GaveUp:
            return False
        finally:
            world.stop_serving()

    return act


def _ran(job: str, *args: Any) -> Act:
    def act(world: World, case: Case, last: int) -> bool:
        try:
            world.run(job, *args, last=last)
        except Killed:
            return False
        return True

    return act


def _paid_here(world: World, invoice: shop.Invoice) -> str:
    """The payment's id in the API."""
    intent = shop.settled(world, invoice)
    payment = shop.booked(world, invoice, intent)
    assert payment
    return payment


def _refunding(world: World, payment: str, last: int) -> bool:
    """Who has no answer asks again, with the same key."""
    is_done = _served(
        lambda world, payment: shop.ask_refund(
            world, payment, 2_500, key=payment, tries=1
        )
    )(world, payment, last)
    if not is_done:
        world.serve()
        assert shop.ask_refund(world, payment, 2_500, key=payment)
        world.stop_serving()
    return is_done


def _by_webhook(world: World, case: Any) -> bool:
    return world.post.post(case[-1]) == 200


def _written(world: World, case: Case, last: int) -> bool:
    return _ran("write_invoices", world.rate, 1)(world, case, last)


WORKS: Final[Mapping[str, tuple[Callable[[World], Iterator[Case]], Act]]] = {
    "settling by webhook": (_in_good_order(shop.paid_at_stripe), _served(_by_webhook)),
    "settling by return": (
        _in_good_order(shop.paid_at_stripe),
        _served(lambda world, case: shop.come_back(world, *case[:2]) == 200),
    ),
    "beginning to pay": (
        _in_good_order(lambda world, invoice: invoice),
        _served(lambda world, case: bool(shop.start(world, case, tries=1))),
    ),
    "refunding over the API": (_in_good_order(_paid_here), _refunding),
    "a refund's task": (_in_good_order(_asked_back), _ran("run_worker")),
    "a refund of the Dashboard's": (
        _in_good_order(_refunded_in_the_dashboard),
        _served(lambda world, event: world.post.post(event) == 200),
    ),
    "a dispute that takes money": (
        _in_good_order(_disputed),
        _served(lambda world, event: world.post.post(event) == 200),
    ),
    "writing an invoice": (lambda world: repeat(None), _written),
}
