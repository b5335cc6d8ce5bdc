"""The API's addresses. Nothing outside of it reverses them."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from accounts.api.views import (
    BusinessViewSet,
    EventViewSet,
    InvitationViewSet,
    MembershipViewSet,
    TokenViewSet,
    UserViewSet,
)
from billing.api.views import PaymentViewSet, RefundViewSet
from blog.api import reads
from blog.api.views import CommentViewSet, PostViewSet, TagViewSet
from invoices.api.credit_notes import CreditNoteViewSet
from invoices.api.mailing import (
    CreditNoteMailViewSet,
    InvoiceMailViewSet,
    ReminderStepViewSet,
)
from invoices.api.manual_payments import ManualPaymentViewSet
from invoices.api.statements import StatementViewSet
from invoices.api.views import CustomerViewSet, InvoiceViewSet, TaxRateViewSet

router = SimpleRouter()
router.register("users", UserViewSet, basename="user")
router.register("businesses", BusinessViewSet, basename="business")
router.register("members", MembershipViewSet, basename="member")
router.register("invitations", InvitationViewSet, basename="invitation")
router.register("tokens", TokenViewSet, basename="token")
router.register("events", EventViewSet, basename="event")
router.register("posts", PostViewSet, basename="post")
router.register("comments", CommentViewSet, basename="comment")
router.register("tags", TagViewSet, basename="tag")
router.register("customers", CustomerViewSet, basename="customer")
router.register("tax-rates", TaxRateViewSet, basename="tax-rate")
router.register("invoices", InvoiceViewSet, basename="invoice")
router.register("credit-notes", CreditNoteViewSet, basename="credit-note")
router.register("reminder-steps", ReminderStepViewSet, basename="reminder-step")
router.register("manual-payments", ManualPaymentViewSet, basename="manual-payment")
router.register("payments", PaymentViewSet, basename="payment")
router.register("refunds", RefundViewSet, basename="refund")
# More about rows that are registered above.
router.register("invoices", InvoiceMailViewSet, basename="invoice-mail")
router.register("credit-notes", CreditNoteMailViewSet, basename="credit-note-mail")
router.register("customers", StatementViewSet, basename="statement")

urlpatterns = [
    # What most requests are for, before the router, which has these as well.
    path("posts/", reads.posts),
    path("posts/<slug:slug>/", reads.post),
    *router.urls,
]
