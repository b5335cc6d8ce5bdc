"""Stripe's side of the wire, below `billing/gateway/`: the real SDK talks to this."""

import copy
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import stripe
from requests.structures import CaseInsensitiveDict

from tests.stripe import contract as contracts
from tests.stripe import disputes
from tests.stripe.account import Method, NotPayable, Object, StripeAccount
from tests.stripe.answers import expanded
from tests.stripe.checks import DAY, Refusal
from tests.stripe.contract import Call, Contract, ContractError
from tests.stripe.routes import ROUTES, Route

__all__ = ["ContractError", "FakeStripe", "NotPayable"]

FaultKind = Literal["timeout_before", "timeout_after", "500_before", "500_after", "429"]


class Request(NamedTuple):
    method: str
    path: str
    key: str | None
    params: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    status: int
    body: Object
    executed: bool = True


@dataclass(frozen=True)
class Remembered:
    """The first answer under an idempotency key."""

    request: tuple[str, dict[str, Any]]
    reply: Reply
    request_id: str
    at: int


@dataclass
class Fault:
    method: str
    path_prefix: str
    kind: FaultKind
    left: int

    def matches(self, method: str, path: str) -> bool:
        return (
            self.left > 0
            and self.method == method
            and path.startswith(self.path_prefix)
        )


INTERNAL_ERROR = Reply(500, Refusal("An error occurred.", type="api_error").body())
RATE_LIMITED = Reply(429, Refusal("Too many requests.", code="rate_limit").body())
BEFORE = {"500_before": INTERNAL_ERROR, "429": RATE_LIMITED}


class FakeStripe(stripe.HTTPClient):
    """
    Stripe in memory, as the `http_client` of a real `stripe.StripeClient`.

    Every request and every answer is held against Stripe's own description; what does
    not fit raises `ContractError` in the test. Parameters that are Stripe's but that
    this fake would silently ignore raise it too. Safe for threads.

    The answers are those of test mode: keys are `sk_test_…` or `rk_test_…`.
    """

    name = "fake"

    def __init__(
        self,
        api_version: str = "2026-10-28.endive",
        *,
        clock: Callable[[], int] = lambda: int(time.time()),
        hosted_url: str = "https://checkout.stripe.com/c/pay",
        contract: Contract | None = None,
    ) -> None:
        super().__init__()
        self.api_version = api_version
        self.requests: list[Request] = []
        self._clock = clock
        self._contract = contract or contracts.published()
        self._account = StripeAccount(
            contract=self._contract,
            api_version=api_version,
            clock=clock,
            hosted_url=hosted_url,
        )
        self._faults: list[Fault] = []
        self._remembered: dict[str, Remembered] = {}
        self._lock = threading.RLock()

    # What a test looks at. The objects are live: change one to invent a fact.

    @property
    def sessions(self) -> Mapping[str, Object]:
        return MappingProxyType(self._account.sessions)

    @property
    def intents(self) -> Mapping[str, Object]:
        return MappingProxyType(self._account.intents)

    @property
    def charges(self) -> Mapping[str, Object]:
        return MappingProxyType(self._account.charges)

    @property
    def refunds(self) -> Mapping[str, Object]:
        return MappingProxyType(self._account.refunds)

    @property
    def disputes(self) -> Mapping[str, Object]:
        return MappingProxyType(self._account.disputes)

    @property
    def balance(self) -> Mapping[str, Object]:
        return MappingProxyType(self._account.balance)

    @property
    def events(self) -> list[Object]:
        """Oldest first, as of now."""
        with self._lock:
            return list(self._account.events.values())

    def order(self, session_id: str) -> Mapping[str, Any]:
        """The parameters with which a session was created: its line items, above all."""
        return self._account.orders[session_id]

    # What the payer, the banks and the people at the Dashboard do

    def pay(self, session_id: str, method: Method = "card") -> list[Object]:
        """
        Pay on Stripe's page. A declined card leaves the session open for another try; a
        bank debit completes it unpaid, and is settled by `settle_bank`.

        :return: the events that this caused, in the order in which they happened
        :raises NotPayable: if the session is not open
        """
        with self._lock:
            self._account.expire_overdue()
            return self._account.pay(session_id, method)

    def settle_bank(self, session_id: str, succeeds: bool) -> list[Object]:
        """
        :return: the events that this caused
        :raises NotPayable: if no debit of this session is on its way
        """
        with self._lock:
            return self._account.settle_bank(session_id, succeeds)

    def expire(self, session_id: str) -> list[Object]:
        """
        Let the time of an open session be up.

        :return: the event that this caused
        :raises NotPayable: if the session is not open
        """
        with self._lock:
            try:
                self._account.expire_session({}, session_id)
            except Refusal as refusal:
                raise NotPayable(refusal.message) from refusal
            return self.events[-1:]

    def remember(
        self, intent_id: str, charge_id: str, amount: int, currency: str, refunded: int
    ) -> None:
        """A payment of before: it can be refunded, and nothing is told of it."""
        with self._lock:
            self._account.remember(intent_id, charge_id, amount, currency, refunded)

    def refund_in_dashboard(self, payment_intent: str, amount: int) -> list[Object]:
        """
        :return: the events that this caused
        :raises Refusal: if `amount` is more than is left of the charge
        """
        with self._lock:
            before = len(self._account.events)
            asked = {"payment_intent": payment_intent, "amount": amount}
            self._account.create_refund(asked)
            return self.events[before:]

    def fail_refund(self, refund_id: str) -> list[Object]:
        """The money of a refund came back, as it may days later. Returns the events."""
        with self._lock:
            return self._account.fail_refund(refund_id)

    def dispute(
        self,
        payment_intent: str,
        amount: int | None = None,
        *,
        is_inquiry: bool = False,
    ) -> list[Object]:
        """
        A bank takes a payment back, or part of it, or asks about it: that moves nothing.
        Returns the events.
        """
        with self._lock:
            return disputes.open_dispute(
                self._account, payment_intent, amount, is_inquiry=is_inquiry
            )

    def turn_dispute(self, dispute_id: str, status: str) -> list[Object]:
        """Answer, escalate, appeal or decide a dispute. Returns the events."""
        with self._lock:
            return disputes.turn(self._account, dispute_id, status)

    def withdraw(self, dispute_id: str) -> list[Object]:
        """What is disputed is taken off the balance, as when an inquiry escalates."""
        with self._lock:
            return [disputes.withdraw(self._account, dispute_id)]

    def warn_of_fraud(self, payment_intent: str) -> list[Object]:
        """A bank suspects fraud. Returns the event."""
        with self._lock:
            return disputes.warn_of_fraud(self._account, payment_intent)

    def event(self, type: str, object: Object) -> Object:  # noqa: A002 - Stripe's words
        """Record an event that nothing above causes, about `object` as it is now."""
        with self._lock:
            return self._account.event(type, object)

    def delivered(self, event_id: str) -> None:
        """The endpoint took the event: `delivery_success=false` no longer lists it."""
        with self._lock:
            self._account.events[event_id]["pending_webhooks"] = 0

    def sign(
        self, event: Object, secret: str, timestamp: int | None = None
    ) -> tuple[bytes, str]:
        """The body of a webhook and its `Stripe-Signature`, new at every delivery."""
        body = json.dumps(event, indent=2, ensure_ascii=False)
        header = stripe.WebhookSignature.generate_signature_header(
            body, secret, self._clock() if timestamp is None else timestamp
        )
        return body.encode(), header

    def fault(
        self, method: str, path_prefix: str, kind: FaultKind, times: int = 1
    ) -> None:
        """
        Let the next `times` matching requests fail; the SDK's own retries count.

        - `timeout_before`: the request never arrives
        - `timeout_after`: it is carried out, the answer is lost; a repetition replays it
        - `500_before`: nothing is carried out
        - `500_after`: it is carried out, and Stripe keeps the 500 under the key
        - `429`: refused before anything else; the SDK does not retry it
        """
        with self._lock:
            self._faults.append(Fault(method, path_prefix, kind, times))

    # The SDK's side

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """
        :raises stripe.APIConnectionError: for the faults that are time-outs
        :raises ContractError: if the request is wrong, or the fake itself
        """
        with self._lock:
            self._account.expire_overdue()
            return self._answer(
                method.upper(), url, CaseInsensitiveDict(headers or {}), post_data
            )

    def close(self) -> None:
        """Nothing is open."""

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return 0

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], body: str | None
    ) -> tuple[str, int, Mapping[str, str]]:
        call = self._contract.check_request(method, url, body)
        self._check_headers(headers)
        route = self._route(call)
        key = headers.get("Idempotency-Key")
        self.requests.append(Request(method, call.path, key, call.params))
        fault = self._next_fault(method, call.path)
        if fault == "timeout_before":
            raise _timeout("the request never arrived")
        request_id = f"req_{secrets.token_urlsafe(10)}"
        reply, more = self._reply(call, route, key, fault, request_id)
        if fault == "timeout_after":
            raise _timeout("the answer was lost")
        self._contract.check_response(method, call.path, reply.status, reply.body)
        return json.dumps(reply.body), reply.status, self._headers(request_id, more)

    def _reply(
        self,
        call: Call,
        route: Route,
        key: str | None,
        fault: FaultKind | None,
        request_id: str,
    ) -> tuple[Reply, dict[str, str]]:
        """The answer, and the headers that come with it."""
        if fault in BEFORE:
            return BEFORE[fault], {}
        if call.method != "POST" or key is None:
            return self._carry_out(call, route, fault), {}
        known = self._recall(key)
        if known is None:
            reply = self._carry_out(call, route, fault)
            self._remember(key, call, reply, request_id)
            return reply, {"Idempotency-Key": key}
        if known.request != (call.path, call.params):
            return _changed_under_key(key), {}
        return known.reply, {
            "Idempotency-Key": key,
            "Idempotent-Replayed": "true",
            "Original-Request": known.request_id,
        }

    def _carry_out(self, call: Call, route: Route, fault: FaultKind | None) -> Reply:
        params = copy.deepcopy(call.params)
        expand = params.pop("expand", [])
        try:
            answer = route.action(self._account, params, *call.ids)
            reply = Reply(200, expanded(answer, expand, self._account.expandable))
        except Refusal as refusal:
            reply = Reply(refusal.status, refusal.body(), refusal.executed)
        if fault == "500_after":
            return replace(INTERNAL_ERROR, executed=reply.executed)
        return reply

    def _recall(self, key: str) -> Remembered | None:
        known = self._remembered.get(key)
        if known is None or self._clock() - known.at >= DAY:
            return None
        return known

    def _remember(self, key: str, call: Call, reply: Reply, request_id: str) -> None:
        if reply.executed:
            self._remembered[key] = Remembered(
                (call.path, call.params), reply, request_id, self._clock()
            )

    def _check_headers(self, headers: Mapping[str, str]) -> None:
        version = headers.get("Stripe-Version")
        if version != self.api_version:
            raise ContractError(f"Stripe-Version {version}, not {self.api_version}")
        key = headers.get("Authorization", "").removeprefix("Bearer ")
        if not key.startswith(("sk_test_", "rk_test_")):
            raise ContractError("The key is none of test mode.")
        if len(headers.get("Idempotency-Key", "")) > 255:
            raise ContractError("The idempotency key is longer than 255 characters.")

    @staticmethod
    def _route(call: Call) -> Route:
        route = ROUTES.get((call.method, call.template))
        if route is None:
            raise ContractError(f"{call.method} {call.template}: the fake lacks it")
        if ignored := call.params.keys() - route.params:
            raise ContractError(
                f"{call.method} {call.template}: the fake lacks {sorted(ignored)}"
            )
        return route

    def _next_fault(self, method: str, path: str) -> FaultKind | None:
        for fault in self._faults:
            if fault.matches(method, path):
                fault.left -= 1
                return fault.kind
        return None

    def _headers(self, request_id: str, more: dict[str, str]) -> Mapping[str, str]:
        return CaseInsensitiveDict(
            {
                "Content-Type": "application/json",
                "Request-Id": request_id,
                "Stripe-Version": self.api_version,
            }
            | more
        )


def _timeout(what: str) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(f"Timed out: {what}.", should_retry=True)


def _changed_under_key(key: str) -> Reply:
    refusal = Refusal(
        "Keys for idempotent requests can only be used with the same parameters they "
        f"were first used with. Try using a key other than '{key}' if you meant to "
        "execute a different request.",
        type="idempotency_error",
    )
    return Reply(400, refusal.body())
