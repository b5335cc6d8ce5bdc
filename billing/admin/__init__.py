"""The back office's pages about money at Stripe: to look at, and to give back."""

# Django looks for this package only; each of these registers its pages.
from billing.admin import checkouts, disputes, events, payments, reconciling, refunds

__all__ = ["checkouts", "disputes", "events", "payments", "reconciling", "refunds"]
