"""What payers' banks do: ask, take a payment back, and decide; and warn of fraud."""

from collections.abc import Mapping
from typing import Any

from tests.stripe import checks
from tests.stripe.account import Object, StripeAccount, new_id
from tests.stripe.answers import page
from tests.stripe.checks import DAY

# Of a disputed payment, whoever wins.
FEE = 2000
DAYS_TO_ANSWER = 10

Params = Mapping[str, Any]


def list_disputes(account: StripeAccount, params: Params) -> Object:
    return page(account.disputes, params, "/v1/disputes")


def retrieve_dispute(account: StripeAccount, _params: Params, id_: str) -> Object:
    return checks.found(account.disputes, id_, "dispute")


def retrieve_fraud_warning(account: StripeAccount, _params: Params, id_: str) -> Object:
    return checks.found(account.fraud_warnings, id_, "radar.early_fraud_warning")


def open_dispute(
    account: StripeAccount, intent_id: str, amount: int | None, *, is_inquiry: bool
) -> list[Object]:
    """Ask, or begin to take back what is left of a payment. Returns the events."""
    charge = account.charges[account.intents[intent_id]["latest_charge"]]
    dispute = account.new("dispute", new_id("dp")) | {
        "amount": amount or charge["amount"] - charge["amount_refunded"],
        "charge": charge["id"],
        "currency": charge["currency"],
        "is_charge_refundable": is_inquiry,
        "payment_intent": intent_id,
        "reason": "product_not_received",
        "status": "warning_needs_response" if is_inquiry else "needs_response",
    }
    dispute["evidence_details"]["due_by"] = dispute["created"] + DAYS_TO_ANSWER * DAY
    account.disputes[dispute["id"]] = dispute
    charge["disputed"] = True
    events = [account.event("charge.dispute.created", dispute)]
    return events if is_inquiry else [*events, withdraw(account, dispute["id"])]


def withdraw(account: StripeAccount, dispute_id: str) -> Object:
    dispute = account.disputes[dispute_id]
    _move(account, dispute, -dispute["amount"], FEE)
    return account.event("charge.dispute.funds_withdrawn", dispute)


def turn(account: StripeAccount, dispute_id: str, status: str) -> list[Object]:
    """Let a dispute become another: answered, escalated, appealed, decided."""
    dispute = account.disputes[dispute_id]
    dispute |= {
        "status": status,
        "is_charge_refundable": status.startswith("warning_") or status == "won",
    }
    if status in {"won", "lost", "warning_closed"}:
        events = [account.event("charge.dispute.closed", dispute)]
    else:
        events = [account.event("charge.dispute.updated", dispute)]
    taken = -sum(entry["amount"] for entry in dispute["balance_transactions"])
    if status == "won" and taken:
        _move(account, dispute, taken)
        events.append(account.event("charge.dispute.funds_reinstated", dispute))
    return events


def _move(account: StripeAccount, dispute: Object, amount: int, fee: int = 0) -> None:
    moved = account.balance[account.move("adjustment", dispute, amount, fee)]
    moved["reporting_category"] = "dispute" if amount < 0 else "dispute_reversal"
    dispute["balance_transactions"].append(moved)


def warn_of_fraud(account: StripeAccount, intent_id: str) -> list[Object]:
    warning = account.new("radar.early_fraud_warning", new_id("issfr")) | {
        "actionable": True,
        "charge": account.intents[intent_id]["latest_charge"],
        "fraud_type": "unauthorized_use_of_card",
        "payment_intent": intent_id,
    }
    account.fraud_warnings[warning["id"]] = warning
    return [account.event("radar.early_fraud_warning.created", warning)]
