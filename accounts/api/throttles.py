"""
How often the API may be asked: counted in memory, by each environment for itself.

Without REST framework, so that its classes serve who is answered without it as well.
"""

import time
from collections import Counter
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class CountedHere:
    """
    So many requests in a minute of the clock.

    Counting in the database would take longer than the answer does. An environment has
    one request at a time, so a caller who sends them one after the other meets one count,
    and who sends many at once as many counts as there may be environments: the stage's
    reserved concurrency bounds that, and API Gateway bounds all of them together.
    What sends mail is counted in the database: `accounts.api.views.SignUpThrottle`.
    """

    scope: str
    # Of the running minute: how often each caller asked.
    minute = -1.0
    asked: Counter[object] = Counter()

    def __init__(self) -> None:
        rates: Any = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
        number, _, period = rates[self.scope].partition("/")
        self.most, self.duration = int(number), SECONDS[period[0]]

    def allow_request(self, request: HttpRequest, view: Any) -> bool:
        caller = self.caller(request)
        return caller is None or self.admits(caller)

    def caller(self, request: HttpRequest) -> object:
        """Whom to count; None for whom not to. Each kind of throttle says."""
        raise NotImplementedError

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return self.duration - time.time() % self.duration

    def admits(self, caller: object) -> bool:
        """Count a request; whether it is not one too many."""
        kind = type(self)
        minute = time.time() // self.duration
        if minute != kind.minute:
            kind.minute, kind.asked = minute, Counter()
        kind.asked[caller] += 1
        return kind.asked[caller] <= self.most


class AnonymousThrottle(CountedHere):
    """By address, who has not signed in."""

    scope = "anon"

    def caller(self, request: HttpRequest) -> object:
        return None if request.user.is_authenticated else address_of(request)


class UserThrottle(CountedHere):
    """By person; by address, who has not signed in."""

    scope = "user"

    def caller(self, request: HttpRequest) -> object:
        return request.user.pk or address_of(request)


def address_of(request: HttpRequest) -> str:
    # The server's word; what a header says is the caller's.
    return str(request.META["REMOTE_ADDR"])
