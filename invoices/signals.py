"""What happens here and concerns apps above."""

from django.dispatch import Signal

# Sent by `crediting.issue_credit_note` in its transaction, with the invoice locked:
# `invoice`, `amount` (minor units), `reason`, `cause` (unique), `actor`, `now`.
# A receiver that cannot have the money sent back raises a `Refusal`.
refund_wanted = Signal()

# Sent with the `invoice` locked, to learn what the ledger cannot say yet: a receiver
# answers how much of what was paid, in minor units, it was told to send back and has not.
refunds_asked = Signal()

# Sent in the transaction in which less of an invoice became due, or nothing, by what
# happened here: `invoice`, locked. A receiver that cannot let it be raises a `Refusal`.
due_fell = Signal()

# Sent with the `invoice` locked, to learn whether a payer's bank disputes what was paid: a
# receiver answers so. Nobody is reminded meanwhile.
disputes_asked = Signal()
