"""Stripe on a bad day: late, silent, cut off; and its webhooks in any order, or none."""

import heapq
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any, Final

import requests

from tests.fakes import FakeStripe
from tests.stand_in import Environ, StandIn, StartResponse
from tests.stripe.account import Object

SECRET = "whsec_chaos"
# Longer than the site waits.
LATE = 2.5
# Seconds until all that is on its way is taken.
WEBHOOKS_TAKE = 90

# What can happen to a call. The first of each pair happens before Stripe acts on it.
TROUBLES: Final = (
    *("429", "500 before", "500 after"),
    *("cut before", "cut after", "half an answer"),
    *("silent", "late", "twice"),
)


class TroubledStripe(StandIn):
    """
    The stand-in, whose next calls may be in trouble.

    A call in trouble is known by its method and a part of its path.
    """

    def __init__(self, chance: random.Random, clock: Callable[[], int]) -> None:
        super().__init__(webhook_url="", secret=SECRET)
        self.troubles: Counter[str] = Counter()
        # Of a hundred calls, how many are in trouble by chance.
        self.rate = 0.0
        self._chance = chance
        self._planned: list[tuple[str, str, str]] = []
        self.stripe._clock = self.stripe._account._clock = clock

    def plan(self, trouble: str, method: str, part: str, times: int = 1) -> None:
        self._planned += [(trouble, method, part)] * times

    def forget(self) -> None:
        """Nothing that was planned and did not happen happens any more."""
        self._planned.clear()
        self.rate = 0

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        trouble = self._next(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if not trouble:
            return super().__call__(environ, start_response)
        self.troubles[trouble] += 1
        return self._in_trouble(trouble, environ, start_response)

    def _next(self, method: str, path: str) -> str:
        if not path.startswith("/v1/"):
            return ""
        for planned in self._planned:
            if planned[1] == method and planned[2] in path:
                self._planned.remove(planned)
                return planned[0]
        if self._chance.random() * 100 < self.rate:
            return self._chance.choice(TROUBLES)
        return ""

    def _in_trouble(
        self, trouble: str, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        kinds = {"429": "429", "500 before": "500_before", "500 after": "500_after"}
        if trouble in kinds:
            method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
            self.stripe.fault(method, path, kinds[trouble])  # type: ignore[arg-type] # a word of those
            return super().__call__(environ, start_response)
        if trouble == "cut before":
            # The server behind this then closes the line without a word.
            raise ConnectionAbortedError
        if trouble == "silent":
            time.sleep(LATE)
            raise ConnectionAbortedError
        if trouble == "late":
            time.sleep(LATE)
            return super().__call__(environ, start_response)
        return self._carried_out(trouble, environ, start_response)

    def _carried_out(
        self, trouble: str, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        if trouble == "twice":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            for _ in range(2):
                environ["wsgi.input"] = _Again(body)
                answer = super()._respond(environ)
            environ["wsgi.input"] = _Again(body)
            return _said(answer, start_response)
        chunks = list(super().__call__(environ, start_response))
        if trouble == "cut after":
            raise ConnectionAbortedError
        # The length that was promised is not reached.
        return [chunk[: len(chunk) // 2] for chunk in chunks]


class _Again:
    """A body that can be read once more."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, _length: int) -> bytes:
        return self._body


def _said(answer: Any, start_response: StartResponse) -> Iterable[bytes]:
    status, headers, text = answer
    body = text.encode()
    length = ("Content-Length", str(len(body)))
    start_response(f"{status} Said", [length, *headers.items()])
    return [body]


class PostOffice:
    """
    Brings webhooks to the site: twice, late, in reverse, or not at all. What the site
    does not take comes again, more and more slowly, as Stripe's does for three days.

    It takes the place of `StandIn.courier`.
    """

    def __init__(
        self, stripe: FakeStripe, address: str, chance: random.Random, threads: int = 3
    ) -> None:
        self.seen: Counter[str] = Counter()
        # Events of which the site is never told.
        self.lost: set[str] = set()
        # Whether anything but plain delivery may happen to an event.
        self.is_plain = True
        # Nothing new leaves while it is closed; it comes again later.
        self.is_closed = False
        self._stripe = stripe
        self._address = address
        self._chance = chance
        self._waiting: list[tuple[float, int, int, Object]] = []
        self._tickets = count()
        self._changed = threading.Condition()
        self._busy = 0
        self._stopped = False
        self._threads = [
            threading.Thread(target=self._work, daemon=True) for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, events: Sequence[Object]) -> None:
        events = list(events)
        if self.is_closed:
            return
        if self.is_plain:
            self._put(events)
            return
        if len(events) > 1 and self._chance.random() < 0.3:
            self.seen["reversed"] += 1
            events.reverse()
        for event in events:
            self._mistreat(event)

    def _mistreat(self, event: Object) -> None:
        luck = self._chance.random()
        if luck < 0.08:
            self.seen["lost"] += 1
            self.lost.add(event["id"])
        elif luck < 0.25:
            self.seen["twice"] += 1
            self._put([event, event])
        elif luck < 0.45:
            self.seen["delayed"] += 1
            self._put([event], self._chance.uniform(0.2, 1.5))
        else:
            self._put([event])

    def come_again(self) -> None:
        """With all that the site has not taken, but for what is lost."""
        self._put(
            [
                event
                for event in self._stripe.events
                if event["pending_webhooks"] and event["id"] not in self.lost
            ]
        )

    def wait(self) -> None:
        """
        Return when nothing is on its way.

        :raises TimeoutError: if the site does not take what is brought
        """
        with self._changed:
            if not self._changed.wait_for(
                lambda: not self._waiting and not self._busy, WEBHOOKS_TAKE
            ):
                types = Counter(event["type"] for *_, event in self._waiting)
                raise TimeoutError(f"The site does not take {dict(types)}.")

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def post(self, event: Object) -> int:
        """The status with which the site answered; 0 if it did not."""
        body, signature = self._stripe.sign(event, SECRET)
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
        try:
            with requests.Session() as session:
                session.trust_env = False
                return session.post(
                    self._address, body, headers=headers, timeout=30
                ).status_code
        except requests.RequestException:
            return 0

    def _put(self, events: Sequence[Object], delay: float = 0, tries: int = 0) -> None:
        with self._changed:
            for event in events:
                due = time.monotonic() + delay
                ticket = next(self._tickets)
                heapq.heappush(self._waiting, (due, ticket, tries, event))
            self._changed.notify_all()

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            tries, event = taken
            status = self.post(event)
            if status == 200:
                self._stripe.delivered(event["id"])
            else:
                self.seen["answered with a failure"] += 1
                self._put([event], min(0.1 * 2**tries, 3), tries + 1)
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _take(self) -> tuple[int, Object] | None:
        with self._changed:
            while not self._stopped:
                left = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if left is not None and left <= 0:
                    _, _, tries, event = heapq.heappop(self._waiting)
                    self._busy += 1
                    return tries, event
                self._changed.wait(left)
        return None
