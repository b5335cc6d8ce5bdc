"""What happens here and concerns apps above."""

from django.dispatch import Signal

# Sent by `crediting.issue_credit_note` in its transaction, with the invoice locked:
# `invoice`, `amount` (minor units), `reason`, `cause` (unique), `actor`, `now`.
# A receiver that cannot have the money sent back raises a `Refusal`.
refund_wanted = Signal()
