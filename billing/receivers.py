"""
What billing does when apps below say that something happened.

Each service is imported when it is called: most cold starts move no money.
"""

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from accounts.models import User
from invoices.models import Invoice
from invoices.signals import (
    disputes_asked,
    due_fell,
    refund_wanted,
    refunds_asked,
)


@receiver(refund_wanted)
def send_back(
    invoice: Invoice,
    amount: int,
    reason: str,
    cause: str,
    actor: User | None,
    now: datetime,
    **kwargs: Any,
) -> None:
    from billing.services import refunding

    refunding.refund_invoice(
        invoice=invoice, amount=amount, reason=reason, cause=cause, actor=actor, now=now
    )


@receiver(refunds_asked)
def asked(invoice: Invoice, **kwargs: Any) -> int:
    from billing.services import refunding

    return refunding.requested(invoice)


@receiver(due_fell)
def close(invoice: Invoice, **kwargs: Any) -> None:
    from billing.services import closing

    closing.close_later(invoice=invoice)


@receiver(disputes_asked)
def disputed(invoice: Invoice, **kwargs: Any) -> bool:
    from billing.services import disputing

    return disputing.is_disputed(invoice)
