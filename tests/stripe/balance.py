"""What moves on the account's balance, and what Stripe keeps of it."""

from tests.stripe.answers import Object
from tests.stripe.checks import DAY

# Of a European card: 1.5 %, and 25 cents.
PER_CHARGE = 25
PER_MILLE = 15
DAYS_UNTIL_AVAILABLE = 3


def fee_of_charge(amount: int) -> int:
    return amount * PER_MILLE // 1000 + PER_CHARGE


def movement(
    skeleton: Object, type_: str, source: Object, amount: int, fee: int = 0
) -> Object:
    """
    A balance transaction, in the currency of what caused it.

    :param amount: negative away from the account
    """
    details = {
        "amount": fee,
        "application": None,
        "currency": source["currency"],
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    return skeleton | {
        "amount": amount,
        "available_on": skeleton["created"] + DAYS_UNTIL_AVAILABLE * DAY,
        "balance_type": "payments",
        "currency": source["currency"],
        "fee": fee,
        "fee_details": [details] if fee else [],
        "net": amount - fee,
        "reporting_category": type_,
        "source": source["id"],
        "status": "pending",
        "type": type_,
    }
