"""Django looks for an app's models here; each kind has a module of its own."""

from billing.models.balance import BalanceTransaction as BalanceTransaction
from billing.models.checkouts import Checkout as Checkout
from billing.models.disputes import Dispute as Dispute
from billing.models.disputes import DisputeMovement as DisputeMovement
from billing.models.events import StripeEvent as StripeEvent
from billing.models.held import HeldPayment as HeldPayment
from billing.models.ids import ID_LENGTH as ID_LENGTH
from billing.models.payments import REASON_LENGTH as REASON_LENGTH
from billing.models.payments import Payment as Payment
from billing.models.payments import Refund as Refund
from billing.models.reconciling import NOTE_LENGTH as NOTE_LENGTH
from billing.models.reconciling import ReconciliationFinding as ReconciliationFinding
from billing.models.reconciling import ReconciliationRun as ReconciliationRun
