from rest_framework.routers import SimpleRouter

from invoices.api import (
    credit_notes,
    mailing,
    manual_payments,
    people,
    series,
    statements,
)
from invoices.api.views.customers import CustomerViewSet
from invoices.api.views.invoices import InvoiceViewSet
from invoices.api.views.tax_rates import TaxRateViewSet

app_name = "invoices-api"

router = SimpleRouter()
router.register("customers", CustomerViewSet, basename="customer")
router.register("tax-rates", TaxRateViewSet, basename="tax-rate")
router.register("invoices", InvoiceViewSet, basename="invoice")
router.register("credit-notes", credit_notes.CreditNoteViewSet, basename="credit-note")
router.register("reminder-steps", mailing.ReminderStepViewSet, basename="reminder-step")
router.register(
    "manual-payments", manual_payments.ManualPaymentViewSet, basename="manual-payment"
)
router.register("series", series.SeriesViewSet, basename="series")
# More about rows that are registered above.
router.register("invoices", mailing.InvoiceMailViewSet, basename="invoice-mail")
router.register(
    "credit-notes", mailing.CreditNoteMailViewSet, basename="credit-note-mail"
)
router.register("customers", statements.StatementViewSet, basename="statement")
router.register(
    "customers/(?P<customer_id>[^/.]+)/contacts",
    people.ContactViewSet,
    basename="contact",
)
router.register(
    "invoices/(?P<invoice_id>[^/.]+)/attachments",
    people.AttachmentViewSet,
    basename="attachment",
)

urlpatterns = router.urls
