"""What Stripe keeps and does: sessions, payments, refunds, and the events they cause."""

import copy
import fnmatch
import secrets
import string
from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import Any, Literal

from tests.stripe import checks
from tests.stripe.answers import page
from tests.stripe.balance import fee_of_charge, movement
from tests.stripe.checks import DAY, Refusal
from tests.stripe.contract import Contract, ContractError

Object = dict[str, Any]
Params = Mapping[str, Any]
Method = Literal["card", "declined", "bank"]

EVENTS_KEPT = 30 * DAY
ALPHANUMERIC = string.ascii_letters + string.digits

DECLINED = {
    "type": "card_error",
    "code": "card_declined",
    "decline_code": "insufficient_funds",
    "message": "Your card has insufficient funds.",
}
DEBIT_FAILED = {
    "type": "card_error",
    "code": "payment_method_provider_decline",
    "message": "The bank returned the debit.",
}


class NotPayable(Exception):
    """The payer came to a page that is no longer open, or has no debit to settle."""


class StripeAccount:
    """
    One merchant's account. Not safe for threads by itself: `FakeStripe` holds a lock.

    The objects are live: a test may change one to invent a fact.
    """

    def __init__(
        self,
        *,
        contract: Contract,
        api_version: str,
        clock: Callable[[], int],
        hosted_url: str,
    ) -> None:
        self.sessions: dict[str, Object] = {}
        self.intents: dict[str, Object] = {}
        self.charges: dict[str, Object] = {}
        self.refunds: dict[str, Object] = {}
        self.disputes: dict[str, Object] = {}
        self.fraud_warnings: dict[str, Object] = {}
        self.balance: dict[str, Object] = {}
        self.events: dict[str, Object] = {}
        self.orders: dict[str, Params] = {}
        self.expandable = {
            "charge": self.charges,
            "latest_charge": self.charges,
            "payment_intent": self.intents,
            "source": ChainMap(self.charges, self.refunds, self.disputes),
        }
        self._contract = contract
        self._api_version = api_version
        self._clock = clock
        self._hosted_url = hosted_url

    # What the merchant's server asks for

    def create_session(self, params: Params) -> Object:
        if checks.required(params, "mode") != "payment":
            raise ContractError("The fake knows sessions of mode payment only.")
        total, currency = checks.total(checks.required(params, "line_items"))
        now = self._clock()
        session_id = new_id("cs_test", length=58)
        session = self.new("checkout.session", session_id) | {
            "adaptive_pricing": params.get("adaptive_pricing"),
            "amount_subtotal": total,
            "amount_total": total,
            "cancel_url": params.get("cancel_url"),
            "client_reference_id": params.get("client_reference_id"),
            "currency": currency,
            "customer_email": checks.email(params.get("customer_email")),
            "expires_at": checks.expiry(params.get("expires_at", now + DAY), now),
            "locale": params.get("locale"),
            "metadata": params.get("metadata", {}),
            "mode": "payment",
            "payment_method_types": ["card", "sepa_debit"],
            "payment_status": "unpaid",
            "status": "open",
            "success_url": checks.web_address(checks.required(params, "success_url")),
            "ui_mode": "hosted_page",
            "url": f"{self._hosted_url}/{session_id}",
        }
        self.sessions[session_id] = session
        self.orders[session_id] = params
        return session

    def expire_session(self, _params: Params, session_id: str) -> Object:
        session = checks.found(self.sessions, session_id, "checkout.session")
        if session["status"] != "open":
            raise Refusal(
                "Only Checkout Sessions with a status in [open] can be expired. This "
                f"Checkout Session has a status of {session['status']}.",
                executed=True,
            )
        self._close(session, "expired")
        self.event("checkout.session.expired", session)
        return session

    def create_refund(self, params: Params) -> Object:
        charge = self._charge_to_refund(params)
        left = charge["amount"] - charge["amount_refunded"]
        amount = params.get("amount", left)
        checks.refundable(amount, left, charge["id"])
        return self._refund(charge, amount, params)

    def retrieve_session(self, _params: Params, session_id: str) -> Object:
        return checks.found(self.sessions, session_id, "checkout.session")

    def retrieve_intent(self, _params: Params, intent_id: str) -> Object:
        return checks.found(self.intents, intent_id, "payment_intent")

    def retrieve_charge(self, _params: Params, charge_id: str) -> Object:
        return checks.found(self.charges, charge_id, "charge")

    def retrieve_refund(self, _params: Params, refund_id: str) -> Object:
        return checks.found(self.refunds, refund_id, "refund")

    def retrieve_event(self, _params: Params, event_id: str) -> Object:
        return checks.found(self._recent_events(), event_id, "event")

    def list_sessions(self, params: Params) -> Object:
        return page(self.sessions, params, "/v1/checkout/sessions")

    def list_intents(self, params: Params) -> Object:
        return page(self.intents, params, "/v1/payment_intents")

    def list_refunds(self, params: Params) -> Object:
        return page(self.refunds, params, "/v1/refunds")

    def list_balance(self, params: Params) -> Object:
        return page(self.balance, params, "/v1/balance_transactions")

    def list_events(self, params: Params) -> Object:
        patterns = params.get("types", [params.get("type", "*")])
        delivered = params.get("delivery_success")
        chosen = {
            event_id: event
            for event_id, event in self._recent_events().items()
            if any(fnmatch.fnmatchcase(event["type"], pattern) for pattern in patterns)
            and delivered in (None, event["pending_webhooks"] == 0)
        }
        handled = ("type", "types", "delivery_success")
        others = {name: item for name, item in params.items() if name not in handled}
        return page(chosen, others, "/v1/events")

    # What the payer does on Stripe's page, and what banks do later

    def pay(self, session_id: str, method: Method) -> list[Object]:
        """
        :return: the events that this caused, in the order in which they happened
        :raises NotPayable: if the session is not open
        """
        session = self.sessions[session_id]
        if session["status"] != "open":
            raise NotPayable(f"The session is {session['status']}.")
        intent = self._intent_of(session)
        charge = self._new_charge(intent)
        if method == "declined":
            return self._fail(intent, charge, DECLINED)
        self._close(session, "complete")
        if method == "bank":
            return self._begin_debit(session, intent, charge)
        caused = self._succeed(session, intent, charge)
        return [*caused, self.event("checkout.session.completed", session)]

    def settle_bank(self, session_id: str, succeeds: bool) -> list[Object]:
        """
        :return: the events that this caused
        :raises NotPayable: if no debit of this session is on its way
        """
        session = self.sessions[session_id]
        intent = self.intents.get(session["payment_intent"])
        if intent is None or intent["status"] != "processing":
            raise NotPayable("No debit is on its way.")
        charge = self.charges[intent["latest_charge"]]
        if succeeds:
            caused = self._succeed(session, intent, charge)
            outcome = "checkout.session.async_payment_succeeded"
        else:
            caused = self._fail(intent, charge, DEBIT_FAILED)
            outcome = "checkout.session.async_payment_failed"
        return [*caused, self.event(outcome, session)]

    def fail_refund(self, refund_id: str) -> list[Object]:
        """The money of a refund came back, as it may days later. Returns the events."""
        refund = self.refunds[refund_id]
        charge = self.charges[refund["charge"]]
        refund |= {
            "status": "failed",
            "failure_reason": "expired_or_canceled_card",
            "failure_balance_transaction": self.move(
                "refund_failure", refund, refund["amount"]
            ),
        }
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        return [
            self.event("refund.updated", refund),
            self.event("refund.failed", refund),
        ]

    def remember(
        self, intent_id: str, charge_id: str, amount: int, currency: str, refunded: int
    ) -> None:
        """A payment that was made before this account was, as far as a refund needs it."""
        arrived = {"amount": amount, "currency": currency, "status": "succeeded"}
        intent = self.new("payment_intent", intent_id) | arrived
        charge = self.new("charge", charge_id) | arrived | {"paid": True}
        self.intents[intent_id] = intent | {"latest_charge": charge_id}
        self.charges[charge_id] = charge | {
            "amount_refunded": refunded,
            "payment_intent": intent_id,
        }

    def expire_overdue(self) -> None:
        """Close the sessions whose time is up, as Stripe does by itself."""
        for session in list(self.sessions.values()):
            if session["status"] == "open" and session["expires_at"] <= self._clock():
                self.expire_session({}, session["id"])

    def event(self, type_: str, subject: Object) -> Object:
        """Record that something happened to `subject`, as it is now."""
        event = self.new("event", new_id("evt")) | {
            "api_version": self._api_version,
            "data": {"object": copy.deepcopy(subject)},
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": type_,
        }
        self.events[event["id"]] = event
        return event

    def move(self, type_: str, source: Object, amount: int, fee: int = 0) -> str:
        """Move the account's balance, and give the id of the transaction that did."""
        skeleton = self.new("balance_transaction", new_id("txn"))
        moved = movement(skeleton, type_, source, amount, fee)
        self.balance[moved["id"]] = moved
        return str(moved["id"])

    # How

    def new(self, name: str, object_id: str) -> Object:
        created = self._contract.skeleton(name) | {
            "id": object_id,
            "created": self._clock(),
        }
        if "livemode" in created:
            created["livemode"] = False
        return created

    def _intent_of(self, session: Object) -> Object:
        if session["payment_intent"]:
            return self.intents[session["payment_intent"]]
        wishes = self.orders[session["id"]].get("payment_intent_data", {})
        intent_id = new_id("pi")
        intent = self.new("payment_intent", intent_id) | {
            "amount": session["amount_total"],
            "amount_received": 0,
            "capture_method": "automatic_async",
            "client_secret": f"{intent_id}_secret_{_random(25)}",
            "confirmation_method": "automatic",
            "currency": session["currency"],
            "description": wishes.get("description"),
            "metadata": wishes.get("metadata", {}),
            "payment_method_types": session["payment_method_types"],
            "status": "requires_payment_method",
        }
        self.intents[intent_id] = intent
        session["payment_intent"] = intent_id
        return intent

    def _new_charge(self, intent: Object) -> Object:
        charge = self.new("charge", new_id("ch")) | {
            "amount": intent["amount"],
            "currency": intent["currency"],
            "description": intent["description"],
            "metadata": intent["metadata"],
            "payment_intent": intent["id"],
            "status": "pending",
        }
        self.charges[charge["id"]] = charge
        intent["latest_charge"] = charge["id"]
        return charge

    def _succeed(self, session: Object, intent: Object, charge: Object) -> list[Object]:
        charge |= {
            "status": "succeeded",
            "amount_captured": charge["amount"],
            "balance_transaction": self.move(
                "charge", charge, charge["amount"], fee_of_charge(charge["amount"])
            ),
            "captured": True,
            "paid": True,
        }
        intent |= {
            "status": "succeeded",
            "amount_received": intent["amount"],
            "last_payment_error": None,
        }
        session["payment_status"] = "paid"
        return [
            self.event("charge.succeeded", charge),
            self.event("payment_intent.succeeded", intent),
        ]

    def _fail(self, intent: Object, charge: Object, error: Object) -> list[Object]:
        charge |= {
            "status": "failed",
            "failure_code": error["code"],
            "failure_message": error["message"],
        }
        intent |= {"status": "requires_payment_method", "last_payment_error": error}
        return [
            self.event("charge.failed", charge),
            self.event("payment_intent.payment_failed", intent),
        ]

    def _begin_debit(
        self, session: Object, intent: Object, charge: Object
    ) -> list[Object]:
        intent |= {"status": "processing", "last_payment_error": None}
        return [
            self.event("charge.pending", charge),
            self.event("payment_intent.processing", intent),
            self.event("checkout.session.completed", session),
        ]

    def _close(self, session: Object, status: str) -> None:
        session |= {"status": status, "url": None}

    def _charge_to_refund(self, params: Params) -> Object:
        if "charge" in params:
            charge = checks.found(self.charges, params["charge"], "charge")
        else:
            intent_id = checks.required(params, "payment_intent")
            intent = checks.found(self.intents, intent_id, "payment_intent")
            charge = self.charges.get(intent["latest_charge"], {"paid": False})
        if not charge["paid"]:
            raise Refusal(
                "This PaymentIntent does not have a successful charge to refund.",
                executed=True,
            )
        checks.not_disputed(charge["id"], self.disputes)
        return charge

    def _refund(self, charge: Object, amount: int, params: Params) -> Object:
        refund = self.new("refund", new_id("re")) | {
            "amount": amount,
            "charge": charge["id"],
            "currency": charge["currency"],
            "metadata": params.get("metadata", {}),
            "payment_intent": charge["payment_intent"],
            "reason": params.get("reason"),
            "status": "succeeded",
        }
        refund["balance_transaction"] = self.move("refund", refund, -amount)
        self.refunds[refund["id"]] = refund
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.event("refund.created", refund)
        self.event("charge.refunded", charge)
        return refund

    def _recent_events(self) -> dict[str, Object]:
        oldest = self._clock() - EVENTS_KEPT
        return {
            event_id: event
            for event_id, event in self.events.items()
            if event["created"] >= oldest
        }


def new_id(prefix: str, length: int = 24) -> str:
    # Random, so that a stand-in started anew never repeats an id a database still knows.
    return f"{prefix}_{_random(length)}"


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHANUMERIC) for _ in range(length))
