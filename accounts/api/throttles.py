"""How often the API may be asked: counted in memory, by each environment for itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from rest_framework import throttling

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request
    from rest_framework.views import APIView


class CountedHere(throttling.SimpleRateThrottle):
    """
    So many requests in a minute of the clock.

    Counting in the database would take longer than the answer does. An environment has
    one request at a time, so a caller who sends them one after the other meets one count,
    and who sends many at once as many counts as there may be environments: the stage's
    reserved concurrency bounds that, and API Gateway bounds all of them together.
    What sends mail is counted in the database: `accounts.api.views.SignUpThrottle`.
    """

    num_requests: int
    duration: int
    # Of the running minute: how often each caller asked.
    minute = -1.0
    asked: Counter[str] = Counter()

    def allow_request(self, request: Request, view: APIView) -> bool:
        caller = self.get_cache_key(request, view)
        return caller is None or self.admits(caller)

    def admits(self, caller: str) -> bool:
        kind = type(self)
        self.now = self.timer()
        minute = self.now // self.duration
        if minute != kind.minute:
            kind.minute, kind.asked = minute, Counter()
        kind.asked[caller] += 1
        return bool(kind.asked[caller] <= self.num_requests)

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return self.duration - self.now % self.duration


class AnonymousThrottle(CountedHere, throttling.AnonRateThrottle):
    """By address."""

    def admits_nobody(self, request: HttpRequest) -> bool:
        """As `allow_request`, where it is known that nobody has signed in."""
        ident = self.get_ident(cast("Request", request))
        return self.admits(self.cache_format % {"scope": self.scope, "ident": ident})


class UserThrottle(CountedHere, throttling.UserRateThrottle):
    """By person."""
