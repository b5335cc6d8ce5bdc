"""What can be refused about payments."""

from accounts.exceptions import InvalidInput, Refusal


class BillingError(Refusal):
    """Base of every refusal about money that moves."""

    code = "billing_error"


class NotPayable(BillingError):
    """The invoice is void or a draft: nothing is owed on it."""

    code = "not_payable"


class AlreadyPaid(BillingError):
    """Nothing is left to pay."""

    code = "already_paid"


class PaymentUnderWay(BillingError):
    """A slow payment, such as a bank debit, is on its way."""

    code = "payment_under_way"


class AmountNotPayable(InvalidInput):
    """More than is due, less than Stripe charges, or no amount of that currency."""

    code = "amount_not_payable"


class RefundTooLarge(BillingError):
    """More than is left of the payment."""

    code = "refund_too_large"


class PaymentDisputed(BillingError):
    """The payer's bank has the money, or decides who gets it."""

    code = "payment_disputed"


class NotOnTheDesk(BillingError):
    """The payment is not held, or nothing is left of it to decide on."""

    code = "not_on_the_desk"


class PaymentPending(BillingError):
    """
    What Stripe did is unknown, or it cannot be asked now.

    Repeat the call with the same key and the same parameters, never with others.
    """

    code = "payment_pending"
    passes = True


class PaymentRejected(BillingError):
    """
    Stripe answered no, and nothing happened. `reason` is Stripe's own code for it.
    """

    code = "payment_rejected"

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class UnknownStatus(BillingError):
    """Stripe has a status that this release does not know: nothing of it is booked."""

    code = "unknown_status"


class InvalidSignature(BillingError):
    """A webhook that Stripe did not send, or not to us, or not now."""

    code = "invalid_signature"


class NothingToProcess(BillingError):
    """Whatever an event of Stripe's told of is done, or is of no concern."""

    code = "nothing_to_process"


class AlreadySettled(BillingError):
    """A person, or a later run, has ended it."""

    code = "already_settled"
