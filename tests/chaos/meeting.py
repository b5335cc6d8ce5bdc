"""Two webhooks, two returns and a reconciliation at once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.chaos import shop
from tests.chaos.world import World

SERVING = 4


def meet(world: World, rounds: int) -> Iterator[str]:
    world.stop_serving()
    world.serve(SERVING)
    for _ in range(rounds):
        (invoice,) = world.invoices(1)
        invoice, session, event = shop.paid_at_stripe(world, invoice)
        _at_once(
            [
                lambda event=event: world.post.post(event),
                lambda event=event: world.post.post(event),
                lambda each=(invoice, session): shop.come_back(world, *each),
                lambda each=(invoice, session): shop.come_back(world, *each),
                lambda: world.run("run_schedule"),
            ]
        )
        world.faults["two webhooks, two returns, reconcile at once"] += 1
    yield f"{rounds} meetings"


def _at_once(acts: list[Callable[[], object]]) -> None:
    barrier = threading.Barrier(len(acts))

    def begin(act: Callable[[], object]) -> object:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(begin, acts))
