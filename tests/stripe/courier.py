"""Brings signed webhooks to the merchant, and comes again when it fails."""

import logging
import threading
from collections.abc import Sequence

import requests

from tests.fakes import FakeStripe
from tests.stripe.account import Object

logger = logging.getLogger(__name__)

PATIENCE = 20


class Courier:
    """
    Delivers events in threads of its own, in the order given.

    Like Stripe it does not follow redirects, takes every answer but 2xx for a failure
    and signs each delivery anew. It comes again after each of `retry_delays` seconds.
    """

    def __init__(
        self,
        stripe: FakeStripe,
        *,
        webhook_url: str,
        secret: str,
        retry_delays: Sequence[float],
    ) -> None:
        self.attempts: list[tuple[str, int | None]] = []
        self._stripe = stripe
        self._webhook_url = webhook_url
        self._secret = secret
        self._retry_delays = retry_delays
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def send(self, events: Sequence[Object]) -> None:
        """Begin to deliver, and return at once."""
        if events:
            thread = threading.Thread(target=self._deliver, args=(events,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def wait(self) -> None:
        """Return when everything sent so far is delivered or given up."""
        for thread in list(self._threads):
            thread.join()

    def stop(self) -> None:
        """Give up what is waiting for another try."""
        self._stopped.set()
        self.wait()

    def _deliver(self, events: Sequence[Object]) -> None:
        failed = [event for event in events if not self._post(event)]
        for delay in self._retry_delays:
            if not failed or self._stopped.wait(delay):
                break
            failed = [event for event in failed if not self._post(event)]
        for event in failed:
            logger.warning("Gave up delivering %s %s", event["type"], event["id"])

    def _post(self, event: Object) -> bool:
        status = self._status(event)
        self.attempts.append((event["type"], status))
        if status is None or not 200 <= status < 300:
            logger.info("%s was answered %s", event["type"], status)
            return False
        self._stripe.delivered(event["id"])
        return True

    def _status(self, event: Object) -> int | None:
        """The status of the answer, or None if there was none."""
        body, signature = self._stripe.sign(event, self._secret)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature,
            "User-Agent": "Stripe/1.0 (stand-in)",
        }
        with requests.Session() as session:
            # A proxy in the environment is for the world outside, not for loopback.
            session.trust_env = False
            try:
                return session.post(
                    self._webhook_url,
                    body,
                    headers=headers,
                    timeout=PATIENCE,
                    allow_redirects=False,
                ).status_code
            except requests.RequestException:
                return None
