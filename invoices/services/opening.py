"""How long a customer may look at an invoice, and when one did."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from accounts.services.events import record_event
from invoices.models import Invoice, link_lifetime

# Often enough to know, and rare enough not to write with every look.
AT_MOST_EVERY: Final = timedelta(hours=1)


@transaction.atomic
def note_opened(*, invoice: Invoice, now: datetime) -> None:
    """
    Write down that the customer's page was opened: the first time on record, then at
    most once an hour. Twice or at once is once.
    """
    latest = invoice.last_opened_at
    if latest and now < latest + AT_MOST_EVERY:
        return
    rows = Invoice.objects.filter(pk=invoice.pk)
    first = rows.filter(first_opened_at__isnull=True)
    if first.update(first_opened_at=now, last_opened_at=now):
        record_event(
            type="invoice.opened",
            subject=invoice,
            business=invoice.business,
            actor=None,
            now=now,
        )
    else:
        rows.filter(last_opened_at__lte=now - AT_MOST_EVERY).update(last_opened_at=now)


def renew_link(invoice: Invoice, now: datetime) -> None:
    """
    Have the link open as long as if the invoice was sent now, and never for less than it
    would. Call it with the invoice locked, and save `link_expires_at`.
    """
    today = invoice.business.today(now)
    opens_until = now + link_lifetime(invoice.due_date or today, today)
    invoice.link_expires_at = max(invoice.link_expires_at or opens_until, opens_until)
