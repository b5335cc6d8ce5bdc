"""What can be refused about invoices."""

from accounts.exceptions import InvalidInput, Refusal


class InvoiceError(Refusal):
    """Base of every refusal by the state of an invoice."""

    code = "invoice_error"


class InvalidTransition(InvoiceError):
    """The invoice is not in a status from which this is possible."""

    code = "invalid_transition"


class NothingToInvoice(InvoiceError):
    """An invoice without lines, or whose total is not above zero, is no invoice."""

    code = "nothing_to_invoice"


class MissingDetails(InvoiceError):
    """The law wants a detail on every invoice that is not there yet."""

    code = "missing_details"


class DueBeforeIssue(InvoiceError):
    """The due date has passed before the invoice is issued."""

    code = "due_before_issue"


class Deleted(InvoiceError):
    """It was there when the request began, and somebody else deleted it."""

    code = "deleted"


class InUse(InvoiceError):
    """Invoices name it, and what they name is not deleted."""

    code = "in_use"


class MoneyReceived(InvoiceError):
    """Money has arrived: correct by a credit note or refund instead."""

    code = "money_received"


class AmountNotAvailable(InvoiceError):
    """More than there is to credit, to apply or to pay back."""

    code = "amount_not_available"


class CreditNotSplit(InvoiceError):
    """It is not said what happens to the part of a credit note beyond the due."""

    code = "credit_not_split"


class NumberNotAvailable(InvoiceError):
    """Numbers go up only, and no number is given twice."""

    code = "number_not_available"


class SeriesChanged(InvoiceError):
    """Somebody changed the series while a number was being taken from it."""

    code = "series_changed"
    passes = True


class UnknownCurrency(InvalidInput):
    """Not a currency of ISO 4217 in use."""

    code = "unknown_currency"


class AmountOutOfRange(InvalidInput):
    """Larger than the books can hold, or smaller than nothing."""

    code = "amount_out_of_range"


class NothingDue(InvoiceError):
    """There is nothing to remind a customer of."""

    code = "nothing_due"


class Disputed(InvoiceError):
    """A payer's bank decides what becomes of what was paid."""

    code = "disputed"


class TooMuchMail(InvoiceError):
    """The business sent as many mails today as one may."""

    code = "too_much_mail"
    passes = True


class TooManyRows(InvalidInput):
    """More than anyone reads, and than can be worked out while somebody waits."""

    code = "too_many_rows"


class InvalidAttachment(InvalidInput):
    """A file that is empty, too large, of a kind that is not taken, or one too many."""

    code = "invalid_attachment"
