from django.urls import path

from billing import views, webhooks

app_name = "billing"
urlpatterns = [
    path("i/<str:token>/", views.invoice, name="invoice"),
    path("i/<str:token>/pay/", views.pay, name="pay"),
    path("i/<str:token>/return/", views.return_, name="return"),
    path("i/<str:token>/invoice.pdf", views.document, name="document"),
    path("i/<str:token>/receipts/<uuid:payment_id>/", views.receipt, name="receipt"),
    path(
        "i/<str:token>/credit-notes/<uuid:note_id>.pdf",
        views.credit_note,
        name="credit_note",
    ),
    path("i/<str:token>/files/<uuid:file_id>/", views.file, name="file"),
    path("stripe/webhook/", webhooks.stripe_webhook, name="stripe_webhook"),
]
